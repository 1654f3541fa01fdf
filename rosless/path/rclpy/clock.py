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

"""Clocks. There is no simulated time: ROS time is system time."""

from __future__ import annotations

import time

from rclpy._outside import Subset
from rclpy.clock_type import ClockType
from rclpy.time import Time

__all__ = ['Clock', 'ClockType', 'ROSClock']


class Clock(Subset):
    """A clock of one type."""

    def __init__(self, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        self.clock_type = ClockType(clock_type)
        self._read = time.monotonic_ns if clock_type == ClockType.STEADY_TIME else time.time_ns

    def now(self) -> Time:
        """Return the current time."""
        return Time(nanoseconds=self._read(), clock_type=self.clock_type)


class ROSClock(Clock):
    """The clock of a node."""

    def __init__(self) -> None:
        super().__init__(clock_type=ClockType.ROS_TIME)
