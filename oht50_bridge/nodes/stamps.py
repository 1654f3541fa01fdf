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
"""Time stamps of ROS messages: the one place where they are converted."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time
from rclpy.node import Node
from std_msgs.msg import Header

NS = 1_000_000_000
# ns since 1970-01-01 UTC; the seconds of a stamp have 32 bits, signed.
EARLIEST, LATEST = -(2**31) * NS, 2**31 * NS - 1


def now_of(node: Node) -> int:
    """Return the time of a node's clock, ns since 1970-01-01 UTC; negative before that."""
    try:
        return int(node.get_clock().now().nanoseconds)
    except ValueError:  # rclpy has no time before 1970, which a host without a clock may have
        return time.time_ns()


def header(node: Node, frame_id: str = '') -> Header:
    """Return a header stamped with the moment of the call, or with LATEST if it is later."""
    now = now_of(node)
    if now > LATEST:
        node.get_logger().error(
            'the clock is after 2038-01-19, which no ROS message can hold: nothing that depends '
            'on the age of a message works, and nothing moves; set the clock',
            once=True,
        )
    return Header(stamp=to_stamp(now), frame_id=frame_id)


def to_stamp(nanoseconds: int) -> Time:
    """Return a ROS time stamp of ns since 1970-01-01 UTC, from EARLIEST to LATEST."""
    nanoseconds = max(EARLIEST, min(nanoseconds, LATEST))
    return Time(sec=nanoseconds // NS, nanosec=nanoseconds % NS)


def from_stamp(stamp: Time) -> int:
    """Return ns since 1970-01-01 UTC of a ROS time stamp."""
    return stamp.sec * NS + stamp.nanosec
