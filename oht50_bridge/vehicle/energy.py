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
"""Energy drawn from the battery."""

from __future__ import annotations

import math


class EnergyMeter:
    """Energy drawn from the battery, integrated from samples of its power.

    Args:
        power: W, drawn now; NaN while unknown.
        now: s.

    """

    def __init__(self, power: float, now: float) -> None:
        self._power = power
        self._at = now
        self.energy = 0.0  # J

    def add(self, power: float, now: float) -> None:
        """Add a sample of the power drawn from the battery, W; NaN where it is not known."""
        mean = (self._power + power) / 2.0
        if math.isnan(mean):
            mean = 0.0 if math.isnan(power) else power
        self.energy += mean * max(0.0, now - self._at)
        self._power = power
        self._at = max(now, self._at)
