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
"""Ramps made by the driver, for boards that have none. No I/O, no clock of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

_LONGEST_STEP = 0.1  # s that one step counts at most: nothing was driven in a pause


@dataclass(frozen=True)
class RampLimits:
    """How fast the velocity may change.

    Attributes:
        accel: m/s^2, away from 0; infinity: no limit.
        decel: m/s^2, towards 0; infinity: no limit.
        pause: s at 0 before the other direction.

    """

    accel: float = math.inf
    decel: float = math.inf
    pause: float = 0.0


class VelocityRamp:
    """The velocity that is asked of the drive, on its way to the one that is wanted.

    Args:
        limits: of its changes.
        slowest: m/s, the smallest speed that the drive has; between 0 and it there is nothing.

    Attributes:
        velocity: m/s, signed, last asked of the drive.

    """

    def __init__(self, limits: RampLimits, slowest: float = 0.0) -> None:
        self.velocity = 0.0
        self._limits = limits
        self._slowest = slowest
        self._at = -math.inf  # s, of the last step
        self._stood_at = -math.inf  # s, since when the velocity is 0
        self._sign = 0.0  # of the last motion

    def stop(self, now: float) -> None:
        """Note that the drive was stopped at once, at `now` s."""
        if self.velocity != 0.0:
            self.velocity = 0.0
            self._stood_at = now
        self._at = now

    def step(self, wanted: float, limit: float, now: float) -> float:
        """Return the velocity to ask for now.

        Args:
            wanted: m/s, signed.
            limit: m/s that must not be exceeded; it holds at once.
            now: s, of a clock that only rises.

        """
        duration = min(max(now - self._at, 0.0), _LONGEST_STEP)
        self._at = now
        speed, sign = abs(self.velocity), math.copysign(1.0, self.velocity)
        turning = wanted * self.velocity < 0.0
        target = 0.0 if turning else abs(wanted)
        if speed == 0.0 and target > 0.0:
            sign = math.copysign(1.0, wanted)
            if sign == -self._sign and now - self._stood_at < self._limits.pause:
                target = 0.0
        if target > speed:
            speed = min(target, max(speed + self._limits.accel * duration, self._slowest))
        elif target < speed:
            speed = max(target, speed - self._limits.decel * duration)
        speed = min(speed, limit)
        if speed < self._slowest:
            speed = 0.0
        if speed == 0.0:
            if self.velocity != 0.0:
                self._stood_at = now
            self.velocity = 0.0
        else:
            self._sign = sign
            self.velocity = sign * speed
        return self.velocity
