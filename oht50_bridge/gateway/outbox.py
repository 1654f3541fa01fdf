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
"""The events and replies of one client: their order and their rates. No I/O, no clock.

Every event-class event is sent, first in first out. The queue is bounded: a client for which it
overflows or becomes too old is a slow consumer. `safety.estop` and `safety.clear` overtake
everything, in their own order. Events of the state class are sent by `state_fanout`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence

from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.rates import TokenBucket

EVENT_BURST = 5


class _Waiting:
    """An event, or a frame that is no event (a reply)."""

    __slots__ = ('counted', 'item', 'since')

    def __init__(self, item: OutgoingEvent | bytes, since: float, counted: bool) -> None:
        self.item = item
        self.since = since
        self.counted = counted


class Outbox:
    """The queues of one client.

    The caller offers events, then takes frames with `pop` while the connection accepts them, and
    calls `pop` again at `due`. All times in seconds of one monotonic clock.

    Args:
        capacity: entries that may wait, replayed ones not counted.
        max_age: s that an entry which could be sent may wait for the connection.
        rate_of: returns the rate of a type, Hz.
        charge: called for each event that is sent.

    """

    def __init__(
        self,
        *,
        capacity: int = 1000,
        max_age: float = 10.0,
        numbered: bool = False,
        rate_of: Callable[[str], float] = lambda kind: EVENTS[kind].rate,
        charge: Callable[[], None] = lambda: None,
    ) -> None:
        self.capacity = capacity
        self.max_age = max_age
        self.numbered = numbered
        self._rate_of = rate_of
        self._charge = charge
        self._urgent: deque[_Waiting] = deque()
        self._ready: deque[_Waiting] = deque()
        self._held: dict[str, deque[_Waiting]] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._last_immediate: dict[str, OutgoingEvent] = {}
        self._counted = 0
        self._replay_end: _Waiting | None = None  # while a replay is queued
        self._replayed_at = -math.inf  # when the last entry of one left

    def offer(self, delivery: OutgoingEvent, now: float) -> None:
        """Queue an event."""
        kind = delivery.kind
        entry = _Waiting(delivery, now, True)
        self._counted += 1
        if delivery.seq is None:
            self._enqueue(entry, now)  # a last value, sent to a new subscriber
            return
        free = self._bucket(kind.name).take(now)
        if kind.immediate:
            repeat = delivery.repeats(self._last_immediate.get(kind.family))
            self._last_immediate[kind.family] = delivery
            if not repeat:
                # What it would overtake is older and must be read before it.
                for name in list(self._held):
                    if EVENTS[name].immediate and EVENTS[name].family == kind.family:
                        self._release(name, now)
                free = True
        if kind.name in self._held or not free:
            self._held.setdefault(kind.name, deque()).append(entry)
        else:
            self._enqueue(entry, now)

    def reply(self, frame: bytes, now: float) -> None:
        """Queue a frame that is no event behind the events that may be sent."""
        self._counted += 1
        self._ready.append(_Waiting(frame, now, True))

    def replay(self, deliveries: Sequence[OutgoingEvent], end: bytes, now: float) -> None:
        """Queue missed events, in order and without rate limit, then the frame `end`.

        Those that are queued already are not sent twice.
        """
        again = {delivery.seq for delivery in deliveries}
        self._filter(
            lambda entry: (
                isinstance(entry.item, bytes)
                or entry.item.seq is None
                or entry.item.seq not in again
            )
        )
        self._ready.extend(_Waiting(delivery, now, False) for delivery in deliveries)
        self._replay_end = _Waiting(end, now, False)
        self._ready.append(self._replay_end)

    @property
    def is_replaying(self) -> bool:
        """Whether a part of a replay is queued."""
        return self._replay_end is not None

    def retain(self, allowed: Callable[[str], bool]) -> None:
        """Drop queued events of types that are no longer allowed."""
        self._filter(lambda entry: isinstance(entry.item, bytes) or allowed(entry.item.kind.name))

    def pop(self, now: float) -> OutgoingEvent | bytes | None:
        """Return and remove the next item that may be sent now; None: none may."""
        for name in list(self._held) if self._held else ():
            queue = self._held[name]
            while queue and self._bucket(name).take(now):
                self._enqueue(queue.popleft(), now)
            if not queue:
                del self._held[name]
        queue = self._urgent or self._ready
        if queue:
            entry = queue.popleft()
            self._counted -= entry.counted
            if not entry.counted:
                self._replayed_at = now
                if entry is self._replay_end:
                    self._replay_end = None
            if isinstance(entry.item, OutgoingEvent):
                self._charge()
            return entry.item
        return None

    def bytes_of(self, delivery: OutgoingEvent) -> bytes:
        """Return the frame of an event just popped.

        It carries its `seq` only if no event with a lower one is still queued: a client resumes
        after the highest `seq` it received, which must not skip an event it did not receive.
        """
        if not self.numbered or delivery.seq is None:
            return delivery.frame
        # Each queue is in ascending order: its first number is enough.
        for queue in (self._urgent, self._ready, *self._held.values()):
            for entry in queue:
                if isinstance(entry.item, OutgoingEvent) and entry.item.seq is not None:
                    if entry.item.seq < delivery.seq:
                        return delivery.frame
                    break
        return delivery.numbered_frame

    def due(self, now: float) -> float | None:
        """Return when `pop` may return an item, if it returns none now; None: never."""
        return min((self._bucket(name).ready_at(now) for name in self._held), default=None)

    def stale_at(self) -> float | None:
        """Return when the oldest entry that may be sent will be too old; None: none is queued.

        A replay may take longer than that: its entries, and what follows it, grow older only
        while nothing of it leaves.
        """
        since = [queue[0].since for queue in (self._urgent, self._ready) if queue]
        return max(min(since), self._replayed_at) + self.max_age if since else None

    def overflow(self, now: float) -> str | None:
        """Return why the client is a slow consumer, None if it is not."""
        if self._counted > self.capacity:
            return f'{self._counted} messages are queued, at most {self.capacity} may be'
        stale = self.stale_at()
        if stale is not None and now >= stale:
            return f'a message waited {self.max_age:g} s for the connection'
        return None

    def __len__(self) -> int:
        return (
            len(self._urgent)
            + len(self._ready)
            + sum(len(queue) for queue in tuple(self._held.values()))
        )

    def _filter(self, keep: Callable[[_Waiting], bool]) -> None:
        for queue in (self._urgent, self._ready, *self._held.values()):
            self._counted -= sum(entry.counted for entry in queue if not keep(entry))
            kept = [entry for entry in queue if keep(entry)]
            queue.clear()
            queue.extend(kept)
        self._held = {name: queue for name, queue in self._held.items() if queue}

    def _enqueue(self, entry: _Waiting, now: float) -> None:
        entry.since = now
        assert isinstance(entry.item, OutgoingEvent)
        if not entry.item.kind.urgent:
            self._ready.append(entry)
            return

        # A replay may contain older urgent events, which must be read before it.
        def is_urgent(other: _Waiting) -> bool:
            return isinstance(other.item, OutgoingEvent) and other.item.kind.urgent

        if any(is_urgent(other) for other in self._ready):
            self._urgent.extend(other for other in self._ready if is_urgent(other))
            self._ready = deque(other for other in self._ready if not is_urgent(other))
        self._urgent.append(entry)

    def _release(self, name: str, now: float) -> None:
        for entry in self._held.pop(name):
            self._enqueue(entry, now)

    def _bucket(self, kind: str) -> TokenBucket:
        bucket = self._buckets.get(kind)
        if bucket is None:
            bucket = self._buckets[kind] = TokenBucket(self._rate_of(kind), EVENT_BURST)
        return bucket
