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

"""Spans of time."""

from __future__ import annotations

from dataclasses import dataclass

from builtin_interfaces.msg import Duration as DurationMessage

from rclpy._outside import Subset

S_TO_NS = 1_000_000_000


@dataclass(frozen=True, order=True, init=False)
class Duration(Subset):
    """A period between two time points, with nanosecond precision."""

    nanoseconds: int

    def __init__(self, *, seconds: int | float = 0, nanoseconds: int = 0) -> None:
        total = int(seconds * S_TO_NS) + int(nanoseconds)
        if not -(2**63) <= total < 2**63:
            raise OverflowError('Total nanoseconds value is too large to store in C duration.')
        object.__setattr__(self, 'nanoseconds', total)

    def to_msg(self) -> DurationMessage:
        """Get duration as `builtin_interfaces.msg.Duration`."""
        seconds, nanoseconds = divmod(self.nanoseconds, S_TO_NS)
        return DurationMessage(sec=seconds, nanosec=nanoseconds)

    @classmethod
    def from_msg(cls, msg: DurationMessage) -> Duration:
        """Create an instance from a duration message."""
        if not isinstance(msg, DurationMessage):
            raise TypeError('Must pass a builtin_interfaces.msg.Duration object')
        return cls(seconds=msg.sec, nanoseconds=msg.nanosec)
