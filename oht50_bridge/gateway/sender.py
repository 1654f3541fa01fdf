# Copyright 2026 The oht50_bridge Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Sends the outgoing messages of one client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from oht50_bridge.gateway.connection import Connection
from oht50_bridge.gateway.context import GatewayContext
from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.outbox import Outbox
from oht50_bridge.gateway.reported_stops import ReportedStops
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.events import SafetyEstop


class Sender:
    """Writes frames while the connection accepts them; events and replies wait in the outbox.

    Frames are made once for all clients and written directly to the transport, but only while it
    holds less than its high-water mark. So a client that does not read fills its own bounded
    outbox, not the memory of the process, and delays nobody.

    It is the subscriber that the hub knows.

    Args:
        context: the collaborators of the gateway.
        connection: the WebSocket.
        may_read: returns whether the client may receive an event type now.
        on_slow_consumer: called with the reason when the client does not read fast enough.

    """

    def __init__(
        self,
        context: GatewayContext,
        connection: Connection,
        may_read: Callable[[str], bool],
        on_slow_consumer: Callable[[str], None],
    ) -> None:
        self.may_read = may_read
        self.outbox = Outbox(
            capacity=context.config.outbox_capacity,
            max_age=context.config.outbox_age,
            rate_of=context.config.rate_of,
            charge=lambda: context.budget.charge(context.loop.time()),
        )
        self.reported_stops = ReportedStops()
        self._context = context
        self._loop = context.loop
        self._connection = connection
        self._on_slow_consumer = on_slow_consumer
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float('inf')
        self._closed = False
        self._compression = context.config.compression
        connection.on_writable = self._on_writable

    def offer(self, event: OutgoingEvent) -> None:
        """Send an event-class event, at once or when its turn comes."""
        self.outbox.offer(event, self._loop.time())
        self.pump()

    def write_state(self, event: OutgoingEvent) -> bool:
        """Write a state-class event now; return False if the connection is full or closed."""
        connection = self._connection
        if connection.write_paused or self._closed or not connection.is_open:
            return False
        connection.send_frame(event.frame, compression=self._compression)
        return True

    def drop(self) -> None:
        """End the connection at once."""
        self._connection.abort()

    def send(self, message: Message) -> None:
        """Send a message that is no event."""
        self.outbox.reply(self._context.responses.frame(message), self._loop.time())
        self.pump()

    def send_last(self, message: Message) -> None:
        """Send a message ahead of all that is queued; nothing is sent after it."""
        if not self._closed and self._connection.is_open:
            self._connection.send_frame(
                self._context.responses.frame(message), compression=self._compression
            )
        self.close()

    def close(self) -> None:
        """Send nothing more. Repeating it has no effect."""
        self._closed = True
        self._connection.on_writable = None
        if self._timer is not None:
            self._timer.cancel()
        self._context.hub.forget(self)

    def pump(self) -> None:
        """Send what may be sent now, and schedule the rest."""
        connection = self._connection
        if self._closed or not connection.is_open:
            return
        now = self._loop.time()
        outbox = self.outbox
        while not connection.write_paused and connection.is_open:
            item = outbox.pop(now)
            if item is None:
                break
            if isinstance(item, OutgoingEvent):
                self._context.counts.delivered[item.kind.name] += 1
                if item.kind.model is SafetyEstop and isinstance(event := item.event, SafetyEstop):
                    self.reported_stops.add(event.data.estop_id, now)
                item = outbox.bytes_of(item)
            connection.send_frame(item, compression=self._compression)
        if len(outbox):
            self._schedule(now)

    def _schedule(self, now: float) -> None:
        reason = self.outbox.overflow(now)
        if reason is not None:
            self._on_slow_consumer(f'{reason}; read faster or subscribe to less')
            return
        due = self.outbox.stale_at() if self._connection.write_paused else self.outbox.due(now)
        if due is None or (self._timer is not None and now < self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_at(due, self._on_time)

    def _on_writable(self) -> None:
        self.pump()
        self._context.states.serve(self)

    def _on_time(self) -> None:
        self._timer = None
        self.pump()
