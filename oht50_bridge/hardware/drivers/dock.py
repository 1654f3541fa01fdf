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
"""Dock and location module: where the vehicle is, how it moves, how it stands to the dock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.drivers.rate_of_change import RateOfChange
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.registers import Block

_NAN3 = (math.nan,) * 3
_GYRO = 'imu_gyro'
_LONGEST_GAP = 0.5  # s, between two readings of the angular velocity


@dataclass(frozen=True)
class DockSample:
    """Where the vehicle is, in m, m/s, m/s^2 and rad; NaN where the layout measures none.

    Attributes:
        position_resolution: m, smallest step of position along the rail.
        position_reach: m, greatest position along the rail that the layout can express.
        angular_acceleration: rad/s^2, about the vertical axis, by the last two readings of the
            angular velocity.
        docking_status: as the layout names it, unknown where it has none.
        dock_distance: m.
    """

    stamp: int
    read_at: float
    position: tuple[float, float, float]
    position_resolution: float
    position_reach: float
    velocity: tuple[float, float, float]
    acceleration: tuple[float, float, float]
    angular_velocity: tuple[float, float, float]
    angular_acceleration: float
    roll: float
    pitch: float
    yaw: float
    docking_status: str
    dock_distance: float
    aligned: bool


class DockModule(Module):
    """Driver of the dock and location board."""

    kind = 'dock'

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._turning = RateOfChange(_LONGEST_GAP)

    def on_block(self, block: Block) -> None:
        """Publish after the block named location."""
        if _GYRO in (register.name for register in block.registers):
            # In some layouts it is read less often than the location.
            self._turning.update(self.value(_GYRO, _NAN3)[2], self.read_at)
        if block.name != 'location':
            return
        angular_velocity = self.value(_GYRO, _NAN3)
        position_x = self.profile.registers.get('position_x')
        imu = self.value('imu_acceleration', _NAN3)
        self.observer.sample(
            self.spec.id,
            DockSample(
                stamp=self.stamp,
                read_at=self.read_at,
                position=(
                    self.value('position_x'),
                    self.value('position_y'),
                    self.value('position_z'),
                ),
                position_resolution=position_x.scale if position_x else math.nan,
                position_reach=position_x.greatest if position_x else math.nan,
                velocity=self.value('velocity', _NAN3),
                acceleration=self.value('acceleration', imu),
                angular_velocity=angular_velocity,
                angular_acceleration=math.nan
                if math.isnan(angular_velocity[2])
                else self._turning.rate,
                roll=self.value('roll'),
                pitch=self.value('pitch'),
                yaw=self.value('yaw'),
                docking_status=self.value('docking_status', 'unknown'),
                dock_distance=self.value('docking_distance'),
                aligned=self.value('docking_aligned', False),
            ),
        )
