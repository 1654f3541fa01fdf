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
"""Safety heartbeats, numbered as safety_node numbers its own."""

import itertools
import time

from oht50_bridge.hardware.motion_guard import Heartbeat


class Heartbeats:
    """The heartbeats of one start of a safety node.

    Args:
        started_at: ns of a clock that only rises; None: now.

    """

    def __init__(self, started_at=None):
        self.started_at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if started_at is not None:
            self.started_at = started_at
        self._counter = itertools.count(1)

    def next(self, permitted=True, forward=1.0, backward=None):
        """Return the next beat; limits in m/s, backward as forward unless it is given."""
        return Heartbeat(
            permitted,
            forward,
            forward if backward is None else backward,
            self.started_at,
            next(self._counter),
        )

    def message(self, permitted=True, forward=1.0, backward=None):
        """Return the next beat as its message."""
        # Here, because the tests of the hardware have no ROS.
        from oht50_bridge.msg import SafetyHeartbeat

        beat = self.next(permitted, forward, backward)
        return SafetyHeartbeat(
            motion_permitted=beat.permitted,
            speed_limit_forward=beat.forward,
            speed_limit_backward=beat.backward,
            started_at=beat.started_at,
            counter=beat.counter,
        )
