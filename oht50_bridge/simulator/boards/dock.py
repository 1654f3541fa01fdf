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
"""The location and dock board."""

from __future__ import annotations

from oht50_bridge.simulator.boards.board import Board


class DockBoard(Board):
    """Location and dock."""

    def model(self) -> None:
        """Report where the vehicle is."""
        if self.misbehaviour.stale:
            return
        world, put = self.world, self.put
        docked = world.docked
        put('position_x', world.position)
        put('velocity', (world.velocity, 0, 0))
        put('acceleration', (world.acceleration, 0, 0))
        put('imu_acceleration', (world.acceleration, 0, 9.80665))
        put('docking_distance', abs(world.position - world.parameters.dock_position))
        put('docking_speed', abs(world.velocity))
        put('docking_aligned', docked)
        put('docking_status', 'docked' if docked else 'idle')
