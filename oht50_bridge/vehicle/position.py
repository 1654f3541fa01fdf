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
from collections.abc import Sequence
from dataclasses import dataclass

# m/s, the vehicle stands when its measured speed is not above this: two steps of the boards that
# measure a speed, and a fifth of the slowest speed that a drive follows.
STANDSTILL = 0.002
LONGEST_STEP = 0.1  # s, a measurement is not extrapolated further
# s, over which a velocity that is not measured is differentiated: a shorter time would make a
# speed of each step of the position.
SLOPE_TIME = 0.25


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


def slope(measurements: Sequence[Measurement]) -> float:
    """Return the velocity by the newest positions, m/s; NaN with fewer than two.

    Args:
        measurements: from old to new; those of the last SLOPE_TIME count, and one before.

    """
    if len(measurements) < 2:
        return math.nan
    newest = measurements[-1]
    oldest = measurements[-2]
    for measurement in reversed(measurements):
        oldest = measurement
        if newest.stamp - measurement.stamp >= SLOPE_TIME:
            break
    time = newest.stamp - oldest.stamp
    return (newest.position - oldest.position) / time if time > 0.0 else math.nan


class PositionEstimate:
    """Position between and below the steps of a board's measurements.

    It is extrapolated by the measured velocity, and limited to the last measurement plus or minus
    half of its resolution. So a board that measures in cm gives a position in mm while it moves.
    A velocity that is not measured is differentiated.
    """

    def __init__(self, measurement: Measurement):
        self._position = measurement.position
        self._measurement = measurement
        self._history = [measurement]

    @property
    def resolution(self) -> float:
        """Smallest step of the source, m."""
        return self._measurement.resolution

    @property
    def velocity(self) -> float:
        """Measured or differentiated velocity; NaN while neither is known: no standstill."""
        velocity = self._measurement.velocity
        return slope(self._history) if math.isnan(velocity) else velocity

    @property
    def drift(self) -> float:
        """Velocity to extrapolate with: 0 while it is not known."""
        velocity = self.velocity
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
        before = self.drift
        self._measurement = measurement
        self._history.append(measurement)
        while measurement.stamp - self._history[1].stamp > SLOPE_TIME:
            del self._history[0]
        predicted = self._position + (before + self.drift) / 2.0 * dt
        half = measurement.resolution / 2.0
        self._position = _clamp(
            predicted, measurement.position - half, measurement.position + half
        )

    def at(self, now: float) -> float:
        """Return the position now."""
        return self._position + self.drift * _clamp(now - self.stamp, 0.0, LONGEST_STEP)


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
