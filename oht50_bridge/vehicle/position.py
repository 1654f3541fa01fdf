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
"""The position along the rail: as a board measured it, and estimated between measurements."""

from __future__ import annotations

import math
from dataclasses import dataclass

# m/s, the vehicle stands when its measured speed is not above this: two steps of the boards that
# measure a speed, and a fifth of the slowest speed that a drive follows.
STANDSTILL = 0.002
LONGEST_STEP = 0.1  # s, a measurement is not extrapolated further


@dataclass(frozen=True)
class Measurement:
    """A position as a board measured it.

    Attributes:
        position: m.
        resolution: m, smallest step of position.
        velocity: m/s, NaN where the board gives none.
        stamp: s, when the board was read, on the clock of the loop.

    """

    position: float
    resolution: float
    velocity: float
    stamp: float


class PositionEstimate:
    """Position between and below the steps of a board's measurements.

    It is extrapolated by the measured velocity, and limited to the last measurement plus or minus
    half of its resolution. So a board that measures in cm gives a position in mm while it moves.
    """

    def __init__(self, measurement: Measurement):
        self._position = measurement.position
        self._measurement = measurement

    @property
    def resolution(self) -> float:
        """Smallest step of the source, m."""
        return self._measurement.resolution

    @property
    def velocity(self) -> float:
        """Measured velocity; 0 where the source gives none."""
        velocity = self._measurement.velocity
        return 0.0 if math.isnan(velocity) else velocity

    @property
    def stamp(self) -> float:
        """When the board was read last."""
        return self._measurement.stamp

    def update(self, measurement: Measurement) -> None:
        """Use a measurement; one that is not newer than the last changes nothing."""
        dt = measurement.stamp - self._measurement.stamp
        if dt <= 0.0:
            return
        before = self.velocity
        self._measurement = measurement
        predicted = self._position + (before + self.velocity) / 2.0 * dt
        half = measurement.resolution / 2.0
        self._position = _clamp(
            predicted, measurement.position - half, measurement.position + half
        )

    def at(self, now: float) -> float:
        """Return the position now."""
        return self._position + self.velocity * _clamp(now - self.stamp, 0.0, LONGEST_STEP)


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
