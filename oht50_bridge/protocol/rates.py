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
"""Rate limits. All take the time as an argument, in seconds of any steady clock."""

from __future__ import annotations

#: What rounding may take from a token: a bucket is asked again at the very time it named.
_ROUNDING = 1e-6
#: Hz, the lowest rate but 0: the period of a lower one is soon too long to reckon with.
SLOWEST = 1e-3


class TokenBucket:
    """`burst` tokens at first, refilled at `rate` per second up to `burst`.

    A rate of 0 lifts the limit. Within any window of w seconds at most burst + rate * w
    tokens are taken.
    """

    __slots__ = ('_at', '_tokens', 'burst', 'rate')

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at: float | None = None

    def _refill(self, now: float) -> None:
        if self._at is not None and now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        if self._at is None or now > self._at:
            self._at = now

    def take(self, now: float) -> bool:
        """Take a token; return whether there was one."""
        if self.rate <= 0:
            return True
        self._refill(now)
        if self._tokens < 1 - _ROUNDING:
            return False
        self._tokens -= 1
        return True

    def charge(self, now: float) -> None:
        """Take a token that cannot be refused; the debt goes down to one burst at most."""
        if self.rate > 0:
            self._refill(now)
            self._tokens = max(-self.burst, self._tokens - 1)

    def ready_at(self, now: float) -> float:
        """Return the time at which a token will be there; `now` if there is one."""
        if self.rate <= 0:
            return now
        self._refill(now)
        return now if self._tokens >= 1 - _ROUNDING else now + (1 - self._tokens) / self.rate


class Slot:
    """One value per period of `rate` Hz; a rate of 0 lifts the limit.

    A value may come up to a tenth of a period early, as a source at the very limit does when
    its clock jitters; the following slot moves back by as much, so the long-run rate holds:
    within any window of w seconds at most (w * rate + 0.1) + 1 values.
    """

    __slots__ = ('_next', 'period')

    TOLERANCE = 0.1

    def __init__(self, rate: float) -> None:
        self.period = 1 / rate if rate > 0 else 0.0
        self._next = float('-inf')

    def take(self, now: float) -> bool:
        """Take the slot; return whether it was free."""
        if now < self.ready_at():
            return False
        self._next = max(self._next, now) + self.period
        return True

    def ready_at(self) -> float:
        """Return the time from which the slot is free."""
        return self._next - self.period * self.TOLERANCE

    def change(self, rate: float) -> None:
        """Change the rate; what was taken counts on."""
        period = 1 / rate if rate > 0 else 0.0
        self._next += period - self.period
        self.period = period
