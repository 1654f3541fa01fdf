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
"""Which speed of the vehicle a value of the speed register gives. No I/O."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

from oht50_bridge.hardware.registers import Register

_ROUNDING = 1e-9


@dataclass(frozen=True)
class SpeedScale:
    """What of the drive decides how fast the vehicle is; measured on the vehicle.

    Attributes:
        max_speed: m/s at full duty.
        min_duty: ratio, the smallest duty that turns the wheel.
        dead_band: ratio of full duty that friction takes: the speed is proportional to the duty
            above it.

    """

    max_speed: float
    min_duty: float = 0.0
    dead_band: float = 0.0

    def speed(self, duty: float) -> float:
        """Return the speed in m/s at a duty (ratio)."""
        if duty <= 0.0 or duty < self.min_duty - _ROUNDING or duty <= self.dead_band:
            return 0.0
        return self.max_speed * (duty - self.dead_band) / (1.0 - self.dead_band)


class SpeedTable:
    """The speeds that the steps of a board's speed register give.

    Args:
        register: of the speed; its unit is `m/s`, or `ratio` of full duty.
        scale: of the vehicle.
        duty_factor: duty for a command of 1 where the board multiplies by it and cuts the result
            off to whole percent; 0 where it drives what it is commanded.

    """

    def __init__(self, register: Register, scale: SpeedScale, duty_factor: float = 0.0) -> None:
        self._register = register
        self._scale = scale
        self._in_speed = register.unit == 'm/s'
        full = scale.max_speed if self._in_speed else 1.0
        highest = min(full, register.range[1] if register.range else full)
        steps: list[tuple[float, int]] = [(0.0, 0)]
        for raw in range(1, math.floor(highest / register.scale + _ROUNDING) + 1):
            duty = self.duty(raw, duty_factor)
            speed = duty if self._in_speed else scale.speed(duty)
            if speed > steps[-1][0]:
                steps.append((speed, raw))
        self._speeds = [speed for speed, _ in steps]
        self._raws = [raw for _, raw in steps]

    def duty(self, raw: int, duty_factor: float) -> float:
        """Return what the board drives for a word of its speed register, in the unit of that."""
        value = raw * self._register.scale
        if not duty_factor:
            return value
        return math.floor(100.0 * value * duty_factor + _ROUNDING) / 100.0

    @property
    def slowest(self) -> float:
        """The smallest speed above 0, m/s; infinity when there is none."""
        return self._speeds[1] if len(self._speeds) > 1 else math.inf

    @property
    def fastest(self) -> float:
        """The highest speed, m/s."""
        return self._speeds[-1]

    def raw(self, speed: float) -> int:
        """Return the word for the highest speed that is not above `speed` (m/s, at least 0)."""
        return self._raws[bisect.bisect_right(self._speeds, speed + _ROUNDING) - 1]

    def commanded(self, value: float) -> float:
        """Return the speed in m/s that a value of the speed register asks for."""
        raw = round(value / self._register.scale)
        return self._speeds[max(bisect.bisect_right(self._raws, raw) - 1, 0)]

    def actual(self, value: float) -> float:
        """Return the speed in m/s for a value of the register of the actual speed or duty."""
        return value if self._in_speed else self._scale.speed(value)
