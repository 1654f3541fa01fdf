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
"""The recent event-class events, for clients that resume."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator

from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.journal import EventJournal
from oht50_bridge.gateway.journal import Origin

#: Of so many events the frames are kept too: who reads slowly, or resumes soon, needs them again.
KEPT_READY = 100


class EventHistory:
    """The newest `capacity` event-class events of one epoch, numbered from 1 without a gap.

    Args:
        epoch: name of this life of the server; numbers of another one mean nothing here.
        capacity: events kept.
        journal: keeps them on disk too; None: they end with the process.

    """

    def __init__(self, epoch: str, capacity: int, journal: EventJournal | None = None) -> None:
        self.epoch = epoch
        self.seq = 0
        self._journal = journal
        self._events: deque[OutgoingEvent] = deque(maxlen=capacity)

    def __iter__(self) -> Iterator[OutgoingEvent]:
        return iter(self._events)

    def restore(self, epoch: str, events: Iterable[OutgoingEvent]) -> None:
        """Continue another life of the server, whose journal goes on."""
        self.epoch = epoch
        for event in events:
            assert event.seq is not None
            self.seq = event.seq
            self._events.append(event)

    def next_seq(self) -> int:
        """Return the number of the next event."""
        return self.seq + 1

    def append(self, event: OutgoingEvent, origin: Origin | None = None) -> None:
        """Keep an event whose number is `next_seq`."""
        assert event.seq == self.seq + 1
        if self._journal is not None:
            self._journal.append(event.seq, event.payload, origin)
        self.seq += 1
        self._events.append(event)
        if len(self._events) > KEPT_READY:
            self._events[-1 - KEPT_READY].shrink()

    def after(self, epoch: str, seq: int) -> list[OutgoingEvent] | None:
        """Return every event after number `seq`; None when some of them are not kept."""
        if epoch != self.epoch or seq > self.seq or seq < self.seq - len(self._events):
            return None
        missed = self.seq - seq
        return list(self._events)[len(self._events) - missed :]
