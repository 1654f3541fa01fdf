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
from typing import TYPE_CHECKING
from typing import Any

from rclpy._outside import Subset

if TYPE_CHECKING:
    from rclpy.callback_groups import CallbackGroup
    from rclpy.clock import Clock


class Timer(Subset):
    """Calls back at a period, counted on the steady clock: setting the time changes nothing."""

    def __init__(
        self,
        callback: Callable[[], Any] | None,
        callback_group: CallbackGroup,
        timer_period_ns: int,
        clock: Clock,
        *,
        autostart: bool = True,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        if timer_period_ns < 0:
            raise ValueError('timer period must be non-negative')
        self.callback = callback
        self.callback_group = callback_group
        self.clock = clock
        self.timer_period_ns = timer_period_ns
        self._wake = wake
        self._canceled = not autostart
        self._next = time.monotonic_ns() + timer_period_ns

    def is_canceled(self) -> bool:
        """Return whether the timer is stopped."""
        return self._canceled

    def cancel(self) -> None:
        """Stop until `reset`."""
        self._canceled = True

    destroy = cancel

    def reset(self) -> None:
        """Start, with a full period until the next call."""
        self._next = time.monotonic_ns() + self.timer_period_ns
        self._canceled = False
        self._wake()

    def is_ready(self) -> bool:
        """Return whether the callback is due."""
        return not self._canceled and time.monotonic_ns() >= self._next

    def time_until_next_call(self) -> int | None:
        """Return nanoseconds, negative when late; None if cancelled."""
        return None if self._canceled else self._next - time.monotonic_ns()

    def _take(self) -> Callable[[], Any] | None:
        """Count one call; calls that are late by a period or more are skipped, as in rcl."""
        if not self.is_ready():
            return None
        late = time.monotonic_ns() - self._next
        # A period of zero is always due.
        self._next += (
            (late // self.timer_period_ns + 1) * self.timer_period_ns
            if self.timer_period_ns
            else late
        )
        return self.callback
