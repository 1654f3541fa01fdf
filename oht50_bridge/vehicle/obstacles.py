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
"""Limits of speed at obstacles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Limit


@dataclass(frozen=True)
class ObstacleRule:
    """Distances and speeds at obstacles.

    Attributes:
        stop_distance: m, no motion towards what is nearer.
        slow_distance: m, not faster than `speed` towards what is nearer.
        speed: m/s.
        dock_speed: m/s, towards what is nearer than stop_distance while docking: the dock itself.

    """

    stop_distance: float
    slow_distance: float
    speed: float
    dock_speed: float

    def limits(
        self,
        distances: Sequence[float],
        directions: Sequence[int],
        direction: int,
        docking: bool,
        braking: Braking,
    ) -> list[Limit]:
        """Return the limits in one direction.

        Args:
            distances: m, to the nearest obstacle by each input; NaN: none in range.
            directions: where each input looks; 0: not in use.
            direction: FORWARD or BACKWARD.
            docking: the vehicle docks.
            braking: how it slows down.

        """
        limits = []
        for channel, looks in enumerate(directions):
            if looks != direction:
                continue
            if channel >= len(distances):
                limits.append(Limit(0.0, f'distance input {channel + 1} does not report'))
                continue
            distance = distances[channel]
            if math.isnan(distance):
                continue
            floor = self.dock_speed if docking else 0.0
            speed = min(
                braking.approach_speed(distance - self.stop_distance, floor),
                braking.approach_speed(distance - self.slow_distance, max(self.speed, floor)),
            )
            limits.append(Limit(speed, f'obstacle at {distance:.2f} m', hold=True))
        return limits
