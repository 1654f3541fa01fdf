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
"""Rate limits, to which the caller passes the time, in seconds of any monotonic clock."""

from __future__ import annotations

import sys

#: Tolerance for rounding, since callers ask again at exactly the time that `ready_at` returned.
_ROUNDING = 1e-6
#: The lowest rate other than 0, Hz: it keeps periods within 1000 s.
SLOWEST = 1e-3


class TokenBucket:
    """A token bucket: `burst` tokens at first, refilled at `rate` per second up to `burst`.

    Within any window of w seconds it grants at most burst + rate * w tokens.

    Args:
        rate: tokens per second; 0: no limit.
        burst: most tokens that it holds.

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

    def available(self, now: float) -> int:
        """Return how many tokens can be taken now."""
        if self.rate <= 0:
            return sys.maxsize
        self._refill(now)
        return max(0, int(self._tokens + _ROUNDING))

    def charge(self, now: float, tokens: int = 1) -> None:
        """Take tokens even if there are none; the debt is limited to `burst` tokens."""
        if self.rate > 0:
            self._refill(now)
            self._tokens = max(-self.burst, self._tokens - tokens)

    def ready_at(self, now: float) -> float:
        """Return the time from which a token is available; `now` if there is one already."""
        if self.rate <= 0:
            return now
        self._refill(now)
        return now if self._tokens >= 1 - _ROUNDING else now + (1 - self._tokens) / self.rate


class Slot:
    """A limit of one value per period of `rate` Hz; a rate of 0 is no limit.

    A value may come up to 0.3 periods early, as from a source whose clock jitters; the next slot
    does not move, so that the mean rate holds: within any window of w seconds at most
    (w * rate + 0.3) + 1 values.
    """

    __slots__ = ('_next', 'period')

    EARLY = 0.3  # periods
    LATE = 0.1  # periods

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
        return self._next - self.period * self.EARLY

    def late_at(self) -> float:
        """Return the time to which a value that found it taken waits for a newer one.

        From a source at a multiple of the rate a newer one comes when the slot is free. Until
        then, and as much longer as the source may jitter, an older one must not take it.
        """
        return self._next + self.period * self.LATE

    def has_rate(self, rate: float) -> bool:
        """Return whether its rate is this one, Hz."""
        return self.period == (1 / rate if rate > 0 else 0.0)

    def change(self, rate: float) -> None:
        """Change the rate; the slot that was taken last still counts."""
        period = 1 / rate if rate > 0 else 0.0
        self._next += period - self.period
        self.period = period
