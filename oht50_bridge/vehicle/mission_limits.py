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
"""Limits of one mission: those of all missions, of its type, of its payload and of the rail.

Velocities are in m/s, accelerations in m/s^2, payloads in kg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import replace

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.profile import MotionLimits

FULL_LOAD = 50.0  # kg, the greatest payload that the vehicle is made for


@dataclass(frozen=True)
class MissionLimitSettings:
    """What type and payload of a mission make of the limits of all missions."""

    inspection_speed: float = setting(
        0.2,
        'Greatest velocity of an inspection mission, not above max_velocity',
        unit='m/s',
        minimum=0.01,
        maximum=0.5,
    )
    maintenance_speed: float = setting(
        0.1,
        'Greatest velocity of a maintenance mission, not above max_velocity',
        unit='m/s',
        minimum=0.01,
        maximum=0.5,
    )
    loaded_acceleration: float = setting(
        0.5,
        'Ratio of max_acceleration that is used with a payload of 50 kg; linear in the payload',
        minimum=0.1,
        maximum=1.0,
    )

    def check(self, limits: MotionLimits) -> None:
        """Refuse a velocity of a type that would never be in force.

        Only at the start: while the vehicle runs, max_velocity may be lowered below it.

        Raises:
            ValueError: it names the parameter and the remedy.

        """
        for name in ('inspection_speed', 'maintenance_speed'):
            speed = getattr(self, name)
            if speed > limits.max_velocity:
                raise ValueError(
                    f'{name}: {speed:g} m/s is above max_velocity, {limits.max_velocity:g} m/s; '
                    'lower it'
                )

    def limits(
        self, limits: MotionLimits, mission_type: str, payload: float, ceiling: float
    ) -> MotionLimits:
        """Return the limits of a mission.

        Args:
            limits: of all missions.
            mission_type: one of MISSION_TYPES.
            payload: 0 to FULL_LOAD; a greater or unknown one counts as FULL_LOAD.
            ceiling: no motion of the vehicle is faster; the safety rules set it.

        """
        speeds = {'inspection': self.inspection_speed, 'maintenance': self.maintenance_speed}
        load = payload / FULL_LOAD if 0.0 <= payload <= FULL_LOAD else 1.0
        return replace(
            limits,
            max_velocity=min(limits.max_velocity, speeds.get(mission_type, math.inf), ceiling),
            max_acceleration=limits.max_acceleration
            * (1.0 - (1.0 - self.loaded_acceleration) * load),
        )
