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

"""Timers, which executors run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class Timer:
    """Calls back at a period, counted on the steady clock: setting the time changes nothing."""

    def __init__(self, callback: Callable[[], Any] | None, callback_group: Any,
                 timer_period_ns: int, clock: Any, *, context: Any = None,
                 autostart: bool = True) -> None:
        self.callback = callback
        self.callback_group = callback_group
        self.clock = clock
        self._context = context
        self._wake: Callable[[], None] = lambda: None
        self._canceled = not autostart
        self._destroyed = False
        self._last = time.monotonic_ns()
        self.timer_period_ns = timer_period_ns
        self._next = self._last + self._period

    @property
    def timer_period_ns(self) -> int:
        """Return the period in nanoseconds."""
        return self._period

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        """Return the period in nanoseconds."""
        if int(value) < 0:
            raise ValueError('timer period must be non-negative')
        self._period = int(value)

    def is_ready(self) -> bool:
        """Return whether the callback is due."""
        return not self._canceled and time.monotonic_ns() >= self._next

    def is_canceled(self) -> bool:
        """Return whether the timer is stopped."""
        return self._canceled

    def cancel(self) -> None:
        """Stop until `reset`."""
        self._canceled = True

    def reset(self) -> None:
        """Start, with a full period until the next call."""
        self._next = time.monotonic_ns() + self._period
        self._canceled = False
        self._wake()

    def time_since_last_call(self) -> int:
        """Return nanoseconds."""
        return time.monotonic_ns() - self._last

    def time_until_next_call(self) -> int | None:
        """Return nanoseconds, negative when late; None if cancelled."""
        return None if self._canceled else self._next - time.monotonic_ns()

    def destroy(self) -> None:
        """Stop for good; use Node.destroy_timer."""
        self._canceled = self._destroyed = True

    def _take(self) -> Callable[[], Any] | None:
        """Count one call; calls that came too late for their period are left out, as in rcl."""
        now = time.monotonic_ns()
        if self._canceled or now < self._next:
            return None
        self._last = now
        self._next += self._period
        if self._next < now:
            self._next += ((now - self._next - 1) // self._period + 1) * self._period \
                if self._period else now - self._next
        return self.callback
