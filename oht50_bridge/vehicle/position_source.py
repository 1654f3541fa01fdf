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
"""Where the vehicle is: the location board is preferred to the motor board."""

from __future__ import annotations

import math

from oht50_bridge.vehicle.position import Measurement

#: s, age beyond which a position is not known; the default of each node's setting.
POSITION_LIFETIME = 0.5


class PositionSource:
    """The newest position that a board measured.

    The location board measures the position; the motor board derives it from its duty cycle. So
    the motor board counts only while the location board reports none.

    Args:
        lifetime: s, age beyond which a measurement is not used.

    """

    def __init__(self, lifetime: float = POSITION_LIFETIME) -> None:
        self._lifetime = lifetime
        self.location: Measurement | None = None  # newest of the location board, of any age
        self.drive: Measurement | None = None  # newest of the motor board, of any age

    def update_location(self, measurement: Measurement | None) -> None:
        """Keep what the location board reports, None where it measures no position."""
        self.location = measurement

    def update_drive(self, measurement: Measurement | None) -> None:
        """Keep what the motor board reports, None where it measures no position."""
        self.drive = measurement

    def located(self, now: float) -> Measurement | None:
        """Return the location board's measurement, None when it is too old."""
        return self._recent(self.location, now)

    def newest(self, now: float) -> Measurement | None:
        """Return the measurement to use, None when the position is not known."""
        return self.located(now) or self._recent(self.drive, now)

    def position(self, now: float) -> float:
        """Return the position along the rail, m; NaN when it is not known."""
        measurement = self.newest(now)
        return math.nan if measurement is None else measurement.position

    def _recent(self, measurement: Measurement | None, now: float) -> Measurement | None:
        if measurement is None or now - measurement.stamp > self._lifetime:
            return None
        return measurement


def measure(
    position: float, resolution: float, velocity: float, stamp: float
) -> Measurement | None:
    """Return a measurement, None where the board measures no position.

    Args:
        position: m, NaN where it is not measured.
        resolution: m, smallest step of the position, NaN where it is not measured.
        velocity: m/s, NaN where it is not measured.
        stamp: s, moment of the reading on the monotonic clock of the caller.

    """
    if not (math.isfinite(position) and math.isfinite(resolution)):
        return None
    return Measurement(position, resolution, velocity, stamp)
