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
"""The power board: battery and charger."""

from __future__ import annotations

from oht50_bridge.simulator.boards.board import Board

_CHARGER_SUPPLY = 36.0  # V, at the contacts of the dock


class PowerBoard(Board):
    """Battery and charger."""

    def model(self) -> None:
        """Measure the pack."""
        world, put = self.world, self.put
        cell = world.voltage / world.parameters.cells
        world.charge_requested = bool(self.get('charge_request'))
        put('pack_voltage', world.voltage)
        put('pack_current', world.sensed_current)
        put('soc', world.soc)
        put('cell_count', world.parameters.cells)
        put('sensor_count', 2)
        put('bms_connected', True)
        put('charge_mos', True)
        put('discharge_mos', True)
        put('load_present', True)
        put('cell_voltage', [cell] * world.parameters.cells)
        put('max_cell_voltage', cell)
        put('min_cell_voltage', cell)
        put('temperature', world.battery_temperature)
        put('pack_temperature', [world.battery_temperature] * 2)
        put('pack_state', 'charging' if world.current > 0.0 else 'discharging')
        put('residual_capacity', world.soc * world.parameters.capacity)
        put('charger_present', world.charger_present)
        put(
            'charge_state',
            'charging' if world.charging else 'waiting' if world.charge_requested else 'idle',
        )
        put('charger_voltage', world.voltage if world.charging else 0.0)
        put('charger_current', world.parameters.charge_current if world.charging else 0.0)
        put('charger_input_voltage', _CHARGER_SUPPLY if world.charger_present else 0.0)
        put('charger_temperature', world.charger_temperature)
        put('relay_charge', world.charging)
