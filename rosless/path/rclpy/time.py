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

"""Points in time."""

from __future__ import annotations

from functools import total_ordering
from typing import overload

from builtin_interfaces.msg import Time as TimeMessage

from rclpy._outside import Subset
from rclpy.clock_type import ClockType
from rclpy.duration import S_TO_NS
from rclpy.duration import Duration

LAST_MESSAGE_NS = 2**31 * S_TO_NS - 1
"""The last time that a message can hold; its seconds have 32 bits, with a sign."""


def message_of(nanoseconds: int) -> TimeMessage:
    """Return a time as a message for what rosless itself publishes, at most LAST_MESSAGE_NS.

    `Time.to_msg` raises for a later one, as that of rclpy does; a log must not.
    """
    seconds, rest = divmod(min(nanoseconds, LAST_MESSAGE_NS), S_TO_NS)
    return TimeMessage(sec=seconds, nanosec=rest)


@total_ordering
class Time(Subset):
    """A point in time: the time since an epoch, and the type of its clock.

    Only times of one type of clock can be compared.
    """

    __slots__ = ('_clock_type', '_nanoseconds')

    def __init__(
        self,
        *,
        seconds: int | float = 0,
        nanoseconds: int = 0,
        clock_type: ClockType = ClockType.SYSTEM_TIME,
    ) -> None:
        self._nanoseconds = int(seconds * S_TO_NS) + int(nanoseconds)
        self._clock_type = ClockType(clock_type)
        if seconds < 0 or nanoseconds < 0:
            raise ValueError('Seconds and nanoseconds must not be negative')
        if self._nanoseconds >= 2**63:
            raise OverflowError('Total nanoseconds value is too large to store in C time point.')

    @property
    def nanoseconds(self) -> int:
        """Return the time since the epoch, in nanoseconds."""
        return self._nanoseconds

    @property
    def clock_type(self) -> ClockType:
        """Return the type of the clock."""
        return self._clock_type

    def __repr__(self) -> str:
        return f'Time(nanoseconds={self.nanoseconds}, clock_type={self.clock_type.name})'

    def __add__(self, other: Duration) -> Time:
        if not isinstance(other, Duration):
            return NotImplemented
        return Time(nanoseconds=self._nanoseconds + other.nanoseconds, clock_type=self._clock_type)

    __radd__ = __add__

    @overload
    def __sub__(self, other: Time) -> Duration: ...

    @overload
    def __sub__(self, other: Duration) -> Time: ...

    def __sub__(self, other: Time | Duration) -> Time | Duration:
        if isinstance(other, Duration):
            return self + Duration(nanoseconds=-other.nanoseconds)
        if isinstance(other, Time):
            return Duration(nanoseconds=self._nanoseconds - self._comparable(other))
        return NotImplemented

    def _comparable(self, other: Time) -> int:
        if self._clock_type != other._clock_type:
            raise TypeError("Can't compare or subtract times with different clock types")
        return other._nanoseconds

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        return self._nanoseconds == self._comparable(other)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        return self._nanoseconds < self._comparable(other)

    __hash__ = None  # type: ignore[assignment]

    def to_msg(self) -> TimeMessage:
        """Create a ROS message instance from a ``Time`` object."""
        seconds, nanoseconds = divmod(self._nanoseconds, S_TO_NS)
        return TimeMessage(sec=seconds, nanosec=nanoseconds)

    @classmethod
    def from_msg(cls, msg: TimeMessage, clock_type: ClockType = ClockType.ROS_TIME) -> Time:
        """Create a ``Time`` instance from a ROS message."""
        if not isinstance(msg, TimeMessage):
            raise TypeError('Must pass a builtin_interfaces.msg.Time object')
        return cls(seconds=msg.sec, nanoseconds=msg.nanosec, clock_type=clock_type)
