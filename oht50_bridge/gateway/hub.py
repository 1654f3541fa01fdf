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
"""Who subscribed to which events, and the last values of the state class."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Protocol

from oht50_bridge.first_and_newest import first_and_newest
from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.gateway.journal import Origin
from oht50_bridge.gateway.state_fanout import StateFanout
from oht50_bridge.gateway.state_fanout import StateSubscriber
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.events import SafetyEstop

#: Last values kept per type for new subscribers, such as the progress of each mission.
KEPT_PER_TYPE = 16

_log = logging.getLogger(__name__)


class Subscriber(StateSubscriber, Protocol):
    """Somebody who receives events."""

    def offer(self, event: OutgoingEvent) -> None:
        """Send an event-class event, at once or later."""


class Hub:
    """Publishes events to subscribers.

    Args:
        encode: returns the payload of a message.
        history: keeps event-class events for clients that resume.
        states: sends state-class events.

    """

    def __init__(
        self, encode: Callable[[Message], bytes], history: EventHistory, states: StateFanout
    ) -> None:
        self._encode = encode
        self._history = history
        self._states = states
        self._subscribers: dict[str, dict[Subscriber, None]] = {
            name: {} for name, kind in EVENTS.items() if not kind.is_state
        }
        self._last: dict[str, dict[str, OutgoingEvent]] = {}
        # Every stop that is latched, or the clear.
        self._latched: list[OutgoingEvent] = []
        for event in history:
            if event.kind.latched:
                self._latch(event)

    def subscribe(self, subscriber: Subscriber, rates: Mapping[str, float]) -> None:
        """Send these types to a subscriber from now on; those of the state class at a rate, Hz."""
        for kind, rate in rates.items():
            if EVENTS[kind].is_state:
                self._states.subscribe(subscriber, kind, rate)
            else:
                self._subscribers[kind][subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, kinds: Iterable[str]) -> None:
        """Send these types to a subscriber no more."""
        for kind in kinds:
            if EVENTS[kind].is_state:
                self._states.unsubscribe(subscriber, kind)
            else:
                self._subscribers[kind].pop(subscriber, None)

    def forget(self, subscriber: Subscriber) -> None:
        """Send nothing to a subscriber any more."""
        for subscribers in self._subscribers.values():
            subscribers.pop(subscriber, None)
        self._states.forget(subscriber)

    def send_last_values(self, subscriber: Subscriber, kinds: Iterable[str]) -> None:
        """Send the last values and the latched stops of some types to a new subscriber."""
        for event in self.last_values(kinds):
            if event.kind.is_state:
                self._states.send_last(subscriber, event)
            else:
                subscriber.offer(event)

    def last_values(self, kinds: Iterable[str]) -> list[OutgoingEvent]:
        """Return, of some types, the stops that are latched or the clear, and the last values."""
        wanted = set(kinds)
        # Not numbered: they are the present state, not events that were missed.
        latched = [
            OutgoingEvent(kept.event, self._encode)
            for kept in self._latched
            if kept.kind.name in wanted
        ]
        return latched + [value for kind in wanted for value in self._last.get(kind, {}).values()]

    def publish(self, message: Message, origin: Origin | None = None) -> OutgoingEvent:
        """Send an event to every subscriber that may read it; return it."""
        event = self._keep(message, origin)
        kind = event.kind.name
        if event.kind.is_state:
            self._states.publish(event)
            return event
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

    def _keep(self, message: Message, origin: Origin | None) -> OutgoingEvent:
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
        self._history.append(event, origin)
        if kind.latched:
            self._latch(event)
        if kind.ends is not None:
            self._last.get(kind.ends, {}).pop(event.key[1], None)
            self._states.end(kind.ends, event.key[1])
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
