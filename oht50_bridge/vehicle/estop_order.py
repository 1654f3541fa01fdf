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
    """

    def __init__(self) -> None:
        self._waiting: list[LatchEvent] | None = []
        self._state: tuple[int, bool] | None = None
        self._newest_stop = 0  # counter of the stop that was reported last

    def add(self, event: LatchEvent) -> list[Any]:
        """Use a stop or clear; return the messages to report now."""
        if self._waiting is not None:
            self._waiting.append(event)
            return self._settle_if_complete()
        if event.stop:
            self._newest_stop = event.counter
        elif event.counter < self._newest_stop:
            return []
        return [event.message]

    def update(self, counter: int, *, latched: bool) -> list[Any]:
        """Use the state of the latch; return the messages to report now."""
        self._state = counter, latched
        return self._settle_if_complete()

    def settle(self) -> list[Any]:
        """Wait no longer for those from before the start; return the messages to report now."""
        if self._waiting is None:
            return []
        events = sorted(self._waiting, key=lambda event: event.counter)
        self._waiting = None
        clears = [event for event in events if not event.stop]
        cleared = clears[-1].counter if clears else 0
        if self._state is not None and not self._state[1]:
            cleared = max(cleared, self._state[0])
        reported = [event for event in events if event.stop and event.counter > cleared]
        if reported:
            self._newest_stop = reported[-1].counter
        return [event.message for event in reported or clears[-1:]]

    def _settle_if_complete(self) -> list[Any]:
        if self._waiting is None or self._state is None:
            return []
        last = self._state[0]
        if last > 0 and all(event.counter != last for event in self._waiting):
            return []
        return self.settle()
