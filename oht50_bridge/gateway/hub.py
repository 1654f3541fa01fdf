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
"""The fan-out: who subscribed to which events, and their last values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterable
from typing import Protocol

from oht50_bridge.first_and_newest import first_and_newest
from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.events import SafetyEstop

#: Last values kept per type for new subscribers, such as the progress of each mission.
KEPT_PER_TYPE = 16

_log = logging.getLogger(__name__)


class Subscriber(Protocol):
    """Somebody who receives events."""

    def may_read(self, kind: str) -> bool:
        """Return whether it may receive an event type now."""

    def offer(self, event: OutgoingEvent) -> None:
        """Send an event, at once or later."""

    def drop(self) -> None:
        """End it at once: it failed."""


class Hub:
    """Publishes events to subscribers.

    Args:
        encode: returns the payload of a message.
        history: keeps event-class events for clients that resume.

    """

    def __init__(self, encode: Callable[[Message], bytes], history: EventHistory) -> None:
        self._encode = encode
        self._history = history
        self._subscribers: dict[str, dict[Subscriber, None]] = {kind: {} for kind in EVENTS}
        self._last: dict[str, dict[str, OutgoingEvent]] = {}
        # Every stop that is latched, or the clear.
        self._latched: list[OutgoingEvent] = []

    def subscribe(self, subscriber: Subscriber, kinds: Iterable[str]) -> None:
        """Send these types to a subscriber from now on."""
        for kind in kinds:
            self._subscribers[kind][subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, kinds: Iterable[str]) -> None:
        """Send these types to a subscriber no more."""
        for kind in kinds:
            self._subscribers[kind].pop(subscriber, None)

    def forget(self, subscriber: Subscriber) -> None:
        """Send nothing to a subscriber any more."""
        for subscribers in self._subscribers.values():
            subscribers.pop(subscriber, None)

    def last_values(self, kinds: Iterable[str]) -> list[OutgoingEvent]:
        """Return the last values of some types, for a new subscriber."""
        wanted = set(kinds)
        values = [value for kind in wanted for value in self._last.get(kind, {}).values()]
        # Not numbered: they are the present state, not events that were missed.
        values += [
            OutgoingEvent(latched.event, self._encode)
            for latched in self._latched
            if latched.kind.name in wanted
        ]
        return values

    def publish(self, message: Message) -> OutgoingEvent:
        """Send an event to every subscriber that may read it; return it."""
        event = self._keep(message)
        kind = event.kind.name
        subscribers = list(self._subscribers[kind])
        if subscribers:
            _ = event.frame  # an event that cannot be encoded fails here, not once per client
        for subscriber in subscribers:
            if not subscriber.may_read(kind):
                continue
            try:
                subscriber.offer(event)
            except Exception:
                # One broken connection must not prevent the delivery to the others.
                _log.exception('client dropped: %s could not be sent', kind)
                subscriber.drop()
        return event

    def _keep(self, message: Message) -> OutgoingEvent:
        """Keep an event as a last value or in the history."""
        kind = EVENTS[message.type]
        if kind.is_state:
            event = OutgoingEvent(message, self._encode)
            values = self._last.setdefault(kind.name, {})
            values[event.key[1]] = event
            if len(values) > KEPT_PER_TYPE:
                del values[next(iter(values))]
            return event
        event = OutgoingEvent(message, self._encode, self._history.next_seq())
        self._history.append(event)
        if kind.latched:
            self._latch(event)
        if kind.ends is not None:
            self._last.get(kind.ends, {}).pop(event.key[1], None)
        return event

    def _latch(self, event: OutgoingEvent) -> None:
        """Keep a stop beside those that are latched already, or a clear instead of them."""
        message = event.event
        if not isinstance(message, SafetyEstop):
            self._latched = [event]
            return
        others = [
            latched
            for latched in self._latched
            if isinstance(latched.event, SafetyEstop)
            and latched.event.data.estop_id != message.data.estop_id
        ]
        self._latched = first_and_newest([*others, event], KEPT_PER_TYPE)
