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
"""One connected client: its socket, its session, its outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Callable
from typing import TYPE_CHECKING

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import broadcast
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State as WireState

from oht50_bridge.gateway import session as steps
from oht50_bridge.gateway.handler import Caller
from oht50_bridge.gateway.outbox import Delivery
from oht50_bridge.gateway.outbox import Outbox
from oht50_bridge.gateway.outbox import payload_of
from oht50_bridge.gateway.session import Session
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.errors import ErrorCode

if TYPE_CHECKING:
    from oht50_bridge.gateway.server import Gateway

#: Commands to the vehicle that one client may have under way. Above it the client's next
#: emergency stop waits unread, any other command is refused.
MAX_RUNNING = 32
SAVE_TIMEOUT = 1.0  # s


class Connection(ServerConnection):
    """A connection that tells when its write buffer fills and empties."""

    choked = False
    on_writable: Callable[[], None] | None = None

    def pause_writing(self) -> None:
        """Note that the transport holds more than its high-water mark."""
        super().pause_writing()
        self.choked = True

    def resume_writing(self) -> None:
        """Note that the transport has sent most of what it held."""
        super().resume_writing()
        self.choked = False
        if self.on_writable is not None:
            self.on_writable()

    def send_data(self) -> None:
        """Send what the library has to send, in one piece.

        Were each pong of a batch written by itself to a connection that was lost, asyncio would
        log a warning for each.
        """
        pieces = self.protocol.data_to_send()
        if self.transport.is_closing():
            return
        if data := b''.join(pieces):
            self.transport.write(data)
        if b'' in pieces:  # the library's sign for the end
            self.protocol.writes.append(b'')
            super().send_data()


class Client:
    """One connected client.

    Frames go straight to the transport, ready-made and shared by all clients, and only while the
    transport holds less than its high-water mark: whoever does not read has its own outbox fill,
    not the process's memory, and nobody waits for it. That skips the library's state machine, as
    a complete text frame between two of its own frames may: it never sends fragments here, and
    with compression on, which frames depend on, its own `broadcast` is used.
    """

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self._gateway = gateway
        self._loop = gateway.loop
        self.connection = connection
        self.session = Session(
            gateway.config, gateway.authority, gateway.roles, gateway.ring.epoch, gateway.clock)
        self.outbox = Outbox(
            capacity=gateway.config.outbox_capacity, max_age=gateway.config.outbox_age,
            rate_of=gateway.config.rate_of,
            take_state=lambda: gateway.take_delivery(self), charge=gateway.charge_delivery)
        self._running: set[asyncio.Task[None]] = set()
        self._tick_timer: asyncio.TimerHandle | None = None
        self._pump_timer: asyncio.TimerHandle | None = None
        self._pump_at = float('inf')
        self._closing = False
        connection.on_writable = self.pump

    async def serve(self) -> None:
        """Read until the connection ends."""
        self.session.open()
        try:
            early = self._gateway.early_auth(self.connection)
            if early is not None:
                await self._act(self.session.authenticate(early))
            self._tick()
            while not self._closing:
                message = await self.connection.recv()
                if self._closing:
                    break
                await self._act(self.session.receive(message))
                self._schedule_tick()
        except ConnectionClosed:
            pass
        finally:
            self.session.close()
            self._closing = True
            self.connection.on_writable = None
            for timer in (self._tick_timer, self._pump_timer):
                if timer is not None:
                    timer.cancel()

    async def drain(self) -> None:
        """Read and drop what still comes, so that the closing handshake gets through."""
        try:
            while True:
                await self.connection.recv(decode=False)
        except ConnectionClosed:
            pass

    # Sending

    def offer(self, delivery: Delivery) -> None:
        """Send an event, at once or when its turn comes."""
        if self.outbox.offer(delivery, self._loop.time()):
            self._gateway.count_replaced()
        self.pump()

    def send(self, message: Message) -> None:
        """Send a message that is no event."""
        self.outbox.reply(self._gateway.frame_of(message), self._loop.time())
        self.pump()

    async def _send_when_saved(self, message: Message) -> None:
        saved = asyncio.wrap_future(self._gateway.authority.saved())
        # A disk that hangs keeps nobody from the vehicle.
        await asyncio.wait([saved], timeout=SAVE_TIMEOUT)
        self.send(message)

    def pump(self) -> None:
        """Send what may go now, and come back for the rest."""
        connection = self.connection
        if self._closing or not self._open:
            return
        now = self._loop.time()
        outbox = self.outbox
        while not connection.choked and self._open:
            item = outbox.pop(now)
            if item is None:
                break
            if isinstance(item, Delivery):
                self._gateway.count_delivery(item)
                self._write(outbox.bytes_of(item))
            else:
                self._write(item)
        if len(outbox):
            self._look_again(now)

    @property
    def _open(self) -> bool:
        # The library learns of a lost connection later than the transport does.
        return (self.connection.state is WireState.OPEN
                and not self.connection.transport.is_closing())

    def _write(self, frame: bytes) -> None:
        if self._gateway.config.compression:
            broadcast([self.connection], payload_of(frame), text=True)
        else:
            self.connection.transport.write(frame)

    def _look_again(self, now: float) -> None:
        reason = self.outbox.overflow(now)
        if reason is not None:
            self.fail(ErrorCode.SLOW_CONSUMER, f'{reason}; read faster or subscribe to less')
            return
        due = self.outbox.stale_at() if self.connection.choked else self.outbox.due(now)
        if due is None or (self._pump_timer is not None and now < self._pump_at <= due):
            return
        if due <= now:
            return  # only the server's own limit holds it back, and that will call
        if self._pump_timer is not None:
            self._pump_timer.cancel()
        self._pump_at = due
        self._pump_timer = self._loop.call_at(due, self._pump_again)

    def _pump_again(self) -> None:
        self._pump_timer = None
        self.pump()

    # Ending

    def fail(
        self, error: ErrorCode, description: str, request_id: str | None = None,
        close: int | None = None,
    ) -> None:
        """Tell of an error; close if it is one of those that close, or `close` is given."""
        close = error.close if close is None else close
        message = self._gateway.error(error, description, request_id)
        if self._closing:
            return
        if close is not None or error is ErrorCode.PERMISSION_DENIED:
            self._gateway.record(
                'failure', self, error=error.code, description=description, close=close)
        if close is None:
            self.send(message)
            return
        # Past all that waits: after this nothing goes.
        if self._open:
            self._write(self._gateway.frame_of(message))
        self.close(close, description)

    def close(self, code: int, reason: str) -> None:
        """Start to close the connection; nothing is sent after this."""
        if self._closing:
            return
        self._closing = True
        self.session.close()
        self._gateway.forget(self)
        self._gateway.spawn(self._finish(code, reason))

    async def _finish(self, code: int, reason: str) -> None:
        try:
            # A close frame's reason holds 123 bytes.
            await asyncio.wait_for(
                self.connection.close(code, reason.encode()[:120].decode(errors='ignore')),
                self._gateway.config.close_timeout)
        except asyncio.TimeoutError:
            self.connection.transport.abort()

    # Time

    def _tick(self) -> None:
        if not self._closing:
            self._gateway.spawn(self._act(self.session.tick()))
            self._schedule_tick()

    def _schedule_tick(self) -> None:
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        if not self._closing:
            self._tick_timer = self._loop.call_later(self.session.next_tick(), self._tick)

    async def _ping(self) -> None:
        if self.connection.transport.get_write_buffer_size() > 0:
            return  # data on its way asks the same question
        try:
            self._gateway.spawn(self._wait_for(await self.connection.ping()))
        except ConnectionClosed:
            pass  # reading finds that out, too

    async def _wait_for(self, pong: Awaitable[float]) -> None:
        try:
            await pong
        except ConnectionClosed:
            return
        self.session.heard()

    # Actions

    async def _act(self, actions: list[steps.Action]) -> None:
        for action in actions:
            if isinstance(action, steps.Reply) and action.when_saved:
                self._gateway.spawn(self._send_when_saved(action.message))
            elif isinstance(action, steps.Reply):
                self.send(action.message)
            elif isinstance(action, steps.Failure):
                self.fail(action.error, action.description, action.request_id, action.close)
            elif isinstance(action, steps.Close):
                self.close(action.code, action.reason)
            elif isinstance(action, steps.SendPing):
                await self._ping()
            elif isinstance(action, steps.Authenticated):
                self.outbox.numbered = self.session.resumable
                self.outbox.retain(self.session.may_read)
                self._gateway.record(
                    'auth.extended' if action.again else 'auth', self,
                    token=action.claims.token_id, family=action.claims.family)
            elif isinstance(action, steps.Subscribed):
                self._subscribed(action)
            elif isinstance(action, steps.Unsubscribed):
                self._gateway.unsubscribe(self, action.removed)
                self.outbox.retain(self.session.may_read)
                self._gateway.record('unsubscribe', self, types=action.removed)
            elif isinstance(action, steps.Replay):
                self._replay(action)
            elif isinstance(action, steps.Run):
                await self._run(action)
            self.outbox.numbered = self.session.resumable

    def _subscribed(self, action: steps.Subscribed) -> None:
        for kind in (kind for kind in action.granted if EVENTS[kind].is_state):
            self.outbox.set_rate(kind, self.session.rate_of(kind))
        self._gateway.subscribe(self, action.granted)
        self._gateway.record('subscribe', self, types=action.granted)
        for delivery in self._gateway.last_values(action.added):
            self.outbox.offer(delivery, self._loop.time())
        self.pump()

    def _replay(self, action: steps.Replay) -> None:
        ring, command = self._gateway.ring, action.command
        events = ring.after(command.epoch, command.after)
        wanted = [] if events is None else [
            delivery for delivery in events if self.session.may_read(delivery.kind.name)]
        self.outbox.numbered = True
        result = replies.ResumeResult(
            timestamp=self._gateway.stamp(), request_id=command.request_id,
            data=replies.ResumeResultData(
                recovered=events is not None, replayed=len(wanted), epoch=ring.epoch,
                seq=ring.seq))
        self.outbox.replay(wanted, self._gateway.frame_of(result), self._loop.time())
        self._gateway.record(
            'resume', self, after=command.after, recovered=events is not None)
        self.pump()

    async def _run(self, action: steps.Run) -> None:
        name = action.command.type  # type: ignore[attr-defined]
        if len(self._running) >= MAX_RUNNING:
            if name != 'emergency_stop':
                self._gateway.refuse(
                    self, action.command,
                    f'{MAX_RUNNING} commands are under way, wait for their results')
                return
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        session = self.session
        caller = Caller(session.client_id, session.session_id, session.subject, session.role)
        task = self._gateway.spawn(self._gateway.run(self, action.command, caller))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
