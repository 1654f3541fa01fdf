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
"""Places on the rail as messages."""

from __future__ import annotations

import math

from geometry_msgs.msg import Point


def place_on_rail(x: float, measured: Point) -> Point:
    """Return a place of the vehicle, m.

    Args:
        x: along the rail.
        measured: y and z as the position source reports them; where it measures none they are 0,
            as the vehicle hangs on the rail.

    """
    return Point(
        x=x,
        y=measured.y if math.isfinite(measured.y) else 0.0,
        z=measured.z if math.isfinite(measured.z) else 0.0,
    )
