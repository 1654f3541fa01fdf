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

from rclpy.clock_type import ClockType
from rclpy.time import Time

__all__ = ['Clock', 'ClockType', 'ROSClock']


class Clock:
    """A clock of one type."""

    def __init__(self, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        if not isinstance(clock_type, ClockType):
            raise TypeError('Clock type must be a ClockType enum')
        self._clock_type = clock_type
        self._read = (time.monotonic_ns if clock_type is ClockType.STEADY_TIME
                      else time.time_ns)

    @property
    def clock_type(self) -> ClockType:
        """Return the type of the clock."""
        return self._clock_type

    def __repr__(self) -> str:
        return f'Clock(clock_type={self.clock_type.name})'

    def now(self) -> Time:
        """Return the time now."""
        return Time(nanoseconds=self._read(), clock_type=self._clock_type)


class ROSClock(Clock):
    """The clock of a node."""

    def __init__(self) -> None:
        super().__init__(clock_type=ClockType.ROS_TIME)

    @property
    def ros_time_is_active(self) -> bool:
        """Return False: there is no simulated time."""
        return False
