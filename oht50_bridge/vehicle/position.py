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
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

# m/s, the vehicle stands when its measured speed is not above this: two steps of the boards that
# measure a speed, and a fifth of the slowest speed that a drive follows.
STANDSTILL = 0.002
LONGEST_STEP = 0.1  # s, a measurement is not extrapolated further
# s, over which a velocity that is not measured is differentiated: a shorter time would make a
# speed of each step of the position.
SLOPE_TIME = 0.25
_ROUNDING = 1e-6


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


def standstill_time(resolution: float) -> float:
    """Return how long a position must not change before that is a standstill, s.

    A vehicle that is slower shows no step of the position in the time.

    Args:
        resolution: m, smallest step of the position.

    """
    return max(SLOPE_TIME, resolution / STANDSTILL)


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


class StandstillWatch:
    """Whether the vehicle stands, by positions alone.

    A velocity over SLOPE_TIME cannot tell: between two steps of a coarse position it is 0. The
    vehicle stands when its position has not changed for `standstill_time`, or, where the position
    trembles, not by more than one step for twice that time.
    """

    def __init__(self) -> None:
        # Position and moment of its first measurement: one entry for each change.
        self._changes: deque[tuple[float, float]] = deque()
        self._newest: Measurement | None = None

    def update(self, measurement: Measurement) -> None:
        """Use a measurement that is newer than the last."""
        self._newest = measurement
        changes = self._changes
        if not changes or measurement.position != changes[-1][0]:
            changes.append((measurement.position, measurement.stamp))
        oldest = measurement.stamp - 2.0 * standstill_time(measurement.resolution)
        while len(changes) > 1 and changes[1][1] <= oldest:
            changes.popleft()

    def clear(self) -> None:
        """Forget what was measured."""
        self._changes.clear()
        self._newest = None

    @property
    def stands(self) -> bool:
        """Whether the vehicle certainly stands."""
        newest = self._newest
        if newest is None:
            return False
        time = standstill_time(newest.resolution)
        step = newest.resolution * (1.0 + _ROUNDING)
        low = high = newest.position
        for position, since in reversed(self._changes):
            low, high = min(low, position), max(high, position)
            if high - low > step:
                return False
            if newest.stamp - since >= (time if low == high else 2.0 * time) - _ROUNDING:
                return True
        return False

    def velocity(self, measurements: Sequence[Measurement]) -> float:
        """Return the velocity by the newest positions, m/s: 0 only where the vehicle stands.

        NaN with fewer than two, and while the vehicle is slow or stands.
        """
        if self.stands:
            return 0.0
        velocity = slope(measurements)
        return velocity if abs(velocity) > STANDSTILL else math.nan


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
        self._standstill = StandstillWatch()
        self._standstill.update(measurement)

    @property
    def resolution(self) -> float:
        """Smallest step of the source, m."""
        return self._measurement.resolution

    @property
    def velocity(self) -> float:
        """Measured or differentiated velocity; NaN while neither is known: no standstill."""
        velocity = self._measurement.velocity
        return self._standstill.velocity(self._history) if math.isnan(velocity) else velocity

    @property
    def drift(self) -> float:
        """Velocity to extrapolate with: 0 while it is not known."""
        velocity = self._measurement.velocity
        if math.isnan(velocity):
            velocity = slope(self._history)
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
        self._standstill.update(measurement)
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
