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
"""When to read a board that looks at its receive buffer on a tick of its own. No I/O."""

from __future__ import annotations

LEAD = 0.002  # s from the end of a request to the tick: more than a thread is usually late
_SLOWLY = 0.25  # part of a difference that is taken over where the reply came later


class TickPhase:
    """Follows the tick of a board by its replies, and has requests end just before it.

    Two requests at once are lost on such a board, so a stop waits for the reply to a read that is
    on its way: half a tick in the mean where that read may be sent at any time, LEAD here.

    Args:
        tick: s, the period; 0 for a board that replies at once.
        request_time: s that a request takes on the wire.

    """

    def __init__(self, tick: float, request_time: float) -> None:
        self._tick = tick
        self._before = LEAD + request_time
        self._at: float | None = None  # s, monotonic, of one tick

    def replied(self, began_at: float) -> None:
        """Note when a reply began, monotonic s.

        It was seen late where it came late, and never early: so the earlier tick is believed.
        """
        if self._at is None:
            self._at = began_at
        elif self._tick > 0:
            difference = self._nearest(began_at - self._at)
            self._at = began_at - difference * (1.0 - (_SLOWLY if difference > 0 else 1.0))

    def align(self, due: float) -> float:
        """Return the moment nearest to `due`, monotonic s, at which to send a request."""
        if self._at is None or self._tick <= 0:
            return due
        return due + self._nearest(self._at - self._before - due)

    def next(self, now: float) -> float:
        """Return the first moment from `now` on, monotonic s, at which to send a request."""
        moment = self.align(now)
        return moment + self._tick if moment < now - LEAD / 2 else moment

    def _nearest(self, difference: float) -> float:
        """Return a difference to the nearest of all ticks, s, from minus half a tick to half."""
        return difference - self._tick * round(difference / self._tick)
