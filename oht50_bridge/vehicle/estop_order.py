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
"""The order of emergency stops and clears, for who receives them on two topics and joins late."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Any


@dataclass(frozen=True)
class LatchEvent:
    """A stop or a clear.

    Attributes:
        counter: its number among all stops and clears.
        stop: whether it is a stop.
        message: the report of it.

    """

    counter: int
    stop: bool
    message: Any


class EstopOrder:
    """Decides which stops and clears are reported, and in which order.

    Their counter decides, never their stamps: the date may have been set back between them. Those
    from before the start of a reader arrive in any order; of these the stops that are still
    latched are reported, or else the last clear. They are complete when the last one, as the state
    of the latch counts it, has arrived. After that a stop is always reported, and a clear unless a
    newer stop overtook it: who reads it last would take the vehicle for cleared.

    What was reported last is as the latch is, by its own state. Where it is not, because one topic
    overtook the other, the stop or clear that holds is reported again.
    """

    def __init__(self) -> None:
        self._waiting: list[LatchEvent] | None = []
        self._state: tuple[int, bool] | None = None
        self._stop: LatchEvent | None = None  # the newest that arrived
        self._clear: LatchEvent | None = None
        self._reported: LatchEvent | None = None  # the last that was reported

    def add(self, event: LatchEvent) -> list[Any]:
        """Use a stop or clear; return the messages to report now."""
        if self._waiting is not None:
            self._waiting.append(event)
            return self._settle_if_complete()
        if event.stop:
            self._stop = event
            return [*self._report(event), *self._agree()]
        self._clear = event
        overtaken = self._stop is not None and event.counter < self._stop.counter
        last = self._reported
        repeated = last is not None and not last.stop and last.counter == event.counter
        return [] if overtaken or repeated else [*self._report(event), *self._agree()]

    def update(self, counter: int, *, latched: bool) -> list[Any]:
        """Use the state of the latch; return the messages to report now."""
        if self._state is not None and counter < self._state[0] and self._reported is not None:
            # Another latch, which counts anew: what was reported of the one before is older.
            self._reported = replace(self._reported, counter=0)
        self._state = counter, latched
        return self._settle_if_complete() if self._waiting is not None else self._agree()

    def settle(self) -> list[Any]:
        """Wait no longer for those from before the start; return the messages to report now."""
        if self._waiting is None:
            return []
        events = sorted(self._waiting, key=lambda event: event.counter)
        self._waiting = None
        stops = [event for event in events if event.stop]
        clears = [event for event in events if not event.stop]
        self._stop, self._clear = stops[-1] if stops else None, clears[-1] if clears else None
        cleared = self._clear.counter if self._clear else 0
        if self._state is not None and not self._state[1]:
            cleared = max(cleared, self._state[0])
        reported = [event for event in stops if event.counter > cleared] or clears[-1:]
        messages = [message for event in reported for message in self._report(event)]
        return [*messages, *self._agree()]

    def _report(self, event: LatchEvent) -> list[Any]:
        self._reported = event
        return [event.message]

    def _agree(self) -> list[Any]:
        """Report what holds by the state of the latch, if something else was reported last."""
        if self._state is None or self._reported is None:
            return []
        counter, latched = self._state
        holds = self._stop if latched else self._clear
        if holds is None or holds.counter != counter or self._reported.stop == latched:
            return []
        if self._reported.counter > counter:
            return []  # it is newer, and the state of it comes later
        return self._report(holds)

    def _settle_if_complete(self) -> list[Any]:
        if self._waiting is None or self._state is None:
            return []
        last = self._state[0]
        if last > 0 and all(event.counter != last for event in self._waiting):
            return []
        return self.settle()
