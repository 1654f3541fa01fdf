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
"""The fan-out of state-class events: one pass over all clients per type and period.

Of a state-class event only the newest value counts, at most at a rate. Nearly all clients have
the rate of the table, so one slot per type decides for all of them, in the phase of the source: a
value that finds the slot free is written to each of them at once.

What a client could not be given in the pass it is owed: the newest value per key, because its
connection is full, because it asked for a lower rate, or because the budget of the server was used
up. Who was passed over for want of budget is the first in the next pass. One timer of the server
serves those for whom no pass comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.rates import Slot
from oht50_bridge.protocol.rates import TokenBucket

#: s after which a client that was passed over is served, if no newer value was published.
LATE = 0.15
#: s, least pause between two rounds of the timer.
PAUSE = 0.005
_NEVER = float('inf')

_log = logging.getLogger(__name__)


class StateSubscriber(Protocol):
    """Somebody who receives state-class events."""

    def may_read(self, kind: str) -> bool:
        """Return whether it may receive an event type now."""

    def write_state(self, event: OutgoingEvent) -> bool:
        """Write an event now; return False if the connection is full.

        It then calls `StateFanout.serve` when it is not full any more.
        """

    def drop(self) -> None:
        """End it at once: it failed."""


class _Type:
    """The subscribers of one type, and the values that wait for its slot.

    Attributes:
        slot: that of all clients with the rate of the table.
        regular: these clients, in the order of the next pass.
        own: clients with a lower rate, and the slot of each.
        waiting: newest values by key that no pass has taken yet.
        due: when the timer has to begin a pass.

    """

    __slots__ = ('due', 'name', 'own', 'regular', 'slot', 'waiting')

    def __init__(self, name: str, rate: float) -> None:
        self.name = name
        self.slot = Slot(rate)
        self.regular: dict[StateSubscriber, None] = {}
        self.own: dict[StateSubscriber, Slot] = {}
        self.waiting: dict[str, OutgoingEvent] = {}
        self.due = _NEVER


class StateFanout:
    """Sends state-class events to their subscribers.

    A client gets one value per slot, some later than others: in any window of w seconds at most
    w * rate + 2.3 values of a type, beside those that it is sent on subscribing.

    Args:
        loop: its clock counts.
        budget: frames per second of the whole server.
        rate_of: returns the rate of a type in the table, Hz; 0: no limit.
        counts: where frames and replaced values are counted.

    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        budget: TokenBucket,
        rate_of: Callable[[str], float],
        counts: Counts,
    ) -> None:
        self._loop = loop
        self._budget = budget
        self._counts = counts
        self._types = {
            kind.name: _Type(kind.name, rate_of(kind.name))
            for kind in EVENTS.values()
            if kind.is_state
        }
        self._owed: dict[StateSubscriber, dict[tuple[str, str], OutgoingEvent]] = {}
        self._due: dict[StateSubscriber, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = _NEVER

    def __len__(self) -> int:
        """Return how many values are owed to clients; callable from any thread."""
        return sum(map(len, list(self._owed.values())))

    def subscribe(self, subscriber: StateSubscriber, kind: str, rate: float) -> None:
        """Send a type to a subscriber from now on, at most at a rate, Hz; 0: no limit.

        A change of the rate does not open a slot early.
        """
        per_type = self._types[kind]
        if per_type.slot.has_rate(rate):
            per_type.own.pop(subscriber, None)
            per_type.regular.setdefault(subscriber)
            return
        slot = per_type.own.get(subscriber)
        if slot is not None:
            slot.change(rate)
            return
        slot = per_type.own[subscriber] = Slot(rate)
        if subscriber in per_type.regular:
            del per_type.regular[subscriber]
            slot.take(self._loop.time())
            for event in per_type.waiting.values():  # the pass will not reach it any more
                self._owe(subscriber, event)
                self._wake(subscriber, slot.late_at())

    def unsubscribe(self, subscriber: StateSubscriber, kind: str) -> None:
        """Send a type to a subscriber no more."""
        self._types[kind].regular.pop(subscriber, None)
        self._types[kind].own.pop(subscriber, None)
        owed = self._owed.pop(subscriber, {})
        others = {key: event for key, event in owed.items() if key[0] != kind}
        if others:
            self._owed[subscriber] = others

    def forget(self, subscriber: StateSubscriber) -> None:
        """Send nothing to a subscriber any more."""
        for per_type in self._types.values():
            per_type.regular.pop(subscriber, None)
            per_type.own.pop(subscriber, None)
        self._owed.pop(subscriber, None)
        self._due.pop(subscriber, None)

    def close(self) -> None:
        """Send nothing to anybody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def publish(self, event: OutgoingEvent) -> None:
        """Send a value to every subscriber of its type, at once or when its turn comes."""
        per_type = self._types[event.kind.name]
        if per_type.regular or per_type.own:
            _ = event.frame  # an event that cannot be encoded fails here, not once per client
        now = self._loop.time()
        if per_type.regular:
            if event.key[1] in per_type.waiting:
                self._counts.replaced += len(per_type.regular)
            per_type.waiting[event.key[1]] = event
            self._pass(per_type, now)
        for subscriber in list(per_type.own):
            self._owe(subscriber, event)
            self._serve(subscriber, now)

    def send_last(self, subscriber: StateSubscriber, event: OutgoingEvent) -> None:
        """Send a last value to a new subscriber; it uses budget, but no slot."""
        now = self._loop.time()
        if self._budget.available(now) > 0 and self._write(subscriber, event):
            self._count(event, 1, now)
        else:
            self._owe(subscriber, event)
            self._wake(subscriber, now)

    def end(self, kind: str, key: str) -> None:
        """Send a value no more, because what it was about has ended."""
        self._types[kind].waiting.pop(key, None)
        for owed in self._owed.values():
            owed.pop((kind, key), None)

    def serve(self, subscriber: StateSubscriber) -> None:
        """Send what a subscriber is owed: its connection is not full any more."""
        self._serve(subscriber, self._loop.time())

    # The pass

    def _pass(self, per_type: _Type, now: float) -> None:
        """Send the value that waited longest to all with the table's rate, if the slot is free."""
        if not per_type.waiting:
            return
        if not per_type.slot.take(now):
            self._wake_type(per_type)
            return
        event = per_type.waiting.pop(next(iter(per_type.waiting)))
        if per_type.waiting:
            self._wake_type(per_type)
        order = list(per_type.regular)
        sent, reached = self._write_to_all(order, event, self._budget.available(now))
        self._count(event, sent, now)
        if reached < len(order):
            passed_over = order[reached:]
            per_type.regular = {
                subscriber: None
                for subscriber in (*passed_over, *order[:reached])
                if subscriber in per_type.regular
            }
            for subscriber in passed_over:
                self._owe(subscriber, event)
                self._wake(subscriber, now + LATE)

    def _write_to_all(
        self, order: list[StateSubscriber], event: OutgoingEvent, budget: int
    ) -> tuple[int, int]:
        """Return how many frames were written, and how many subscribers had their turn."""
        kind, sent, owed = event.kind.name, 0, self._owed
        for index, subscriber in enumerate(order):
            if sent >= budget:
                return sent, index
            if not subscriber.may_read(kind):
                continue
            if not self._write(subscriber, event):
                self._owe(subscriber, event)
                continue
            sent += 1
            if owed and subscriber in owed:
                owed[subscriber].pop(event.key, None)
                if not owed[subscriber]:
                    del owed[subscriber]
                    self._due.pop(subscriber, None)  # else it would keep its turn for the next
        return sent, len(order)

    def _write(self, subscriber: StateSubscriber, event: OutgoingEvent) -> bool:
        """Write a frame; return False if the connection is full."""
        try:
            return subscriber.write_state(event)
        except Exception:
            # One broken connection must not prevent the delivery to the others.
            _log.exception('client dropped: %s could not be sent', event.kind.name)
            subscriber.drop()
            return False

    def _count(self, event: OutgoingEvent, sent: int, now: float) -> None:
        self._budget.charge(now, sent)
        self._counts.delivered[event.kind.name] += sent

    # Those for whom no pass comes

    def _owe(self, subscriber: StateSubscriber, event: OutgoingEvent) -> None:
        # A newer value keeps the place of the one it replaces.
        owed = self._owed.setdefault(subscriber, {})
        self._counts.replaced += event.key in owed
        owed[event.key] = event

    def _serve(self, subscriber: StateSubscriber, now: float) -> None:
        owed = self._owed.get(subscriber, {})
        for key, event in list(owed.items()):
            per_type = self._types[key[0]]
            slot = per_type.own.get(subscriber)
            if not subscriber.may_read(key[0]):
                del owed[key]
            elif slot is not None and now < slot.ready_at():
                self._wake(subscriber, slot.late_at())
            elif self._budget.available(now) < 1:
                self._wake(subscriber, now + PAUSE)
                break
            elif self._write(subscriber, event):
                self._count(event, 1, now)
                if slot is not None:
                    slot.take(now)
                elif subscriber in per_type.regular:
                    del per_type.regular[subscriber]
                    per_type.regular[subscriber] = None  # it was the first of the next pass
                owed.pop(key, None)
            else:
                break
        if not owed:
            self._owed.pop(subscriber, None)

    # The timer

    def _wake(self, subscriber: StateSubscriber, due: float) -> None:
        if due < self._due.get(subscriber, _NEVER):
            self._due[subscriber] = due
            self._set_timer(due)

    def _wake_type(self, per_type: _Type) -> None:
        per_type.due = per_type.slot.late_at()
        self._set_timer(per_type.due)

    def _set_timer(self, due: float) -> None:
        if due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = due
            self._timer = self._loop.call_at(due, self._on_time)

    def _on_time(self) -> None:
        self._timer, self._timer_at = None, _NEVER
        now = self._loop.time()
        for per_type in self._types.values():
            if per_type.due <= now:
                per_type.due = _NEVER
                self._pass(per_type, now)
        for subscriber in [subscriber for subscriber, due in self._due.items() if due <= now]:
            if self._budget.available(now) < 1:
                break
            del self._due[subscriber]
            self._serve(subscriber, now)
        due = min((*self._due.values(), *(per_type.due for per_type in self._types.values())))
        if due < _NEVER:
            self._set_timer(max(due, now + PAUSE))
