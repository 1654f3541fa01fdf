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
"""The power board: battery, charger and supply rails.

After the board's firmware, hiimshyy/stm32-power-management 146a40b (`Core/Src`). Not simulated:
fields of the charger that are one byte off at times, and the toggling of the charge relay.
"""

from __future__ import annotations

import math
import struct

from oht50_bridge.simulator.boards.board import ILLEGAL_VALUE
from oht50_bridge.simulator.boards.board import Board

_ILLEGAL_FUNCTION = 1
_BMS_ROUND = 0.76  # s, in which the board asks the battery management everything once
_BMS_LOST = 3.2  # s, 11 requests without an answer (main.c:593-602)
_CHARGE_CONTROL = 0.1  # s, period of its steps (charge_control.c:118)
_INPUT_THRESHOLD = 24  # raw, 0.24 V: meant are 24 V (charge_control.c:61-71)
_CHARGER_SUPPLY = 36.0  # V, at the contacts of the dock
_CHARGER_VOLTAGE = 25.2  # V, which the charger is set to
_CHARGER_CURRENT = 1000  # raw, 0.01 A
_POWER_RELAYS = 0x0004  # of system_status


class PowerBoard(Board):
    """Battery and charger."""

    def power_up(self) -> None:
        """Know nothing of battery and charger."""
        self._now = -math.inf
        self._answered_at = math.nan  # by the battery management
        self._counted_at = -math.inf
        self._faults = 0  # as it last reported them
        self._state = 'idle'  # of the charge control
        self._next_control = -math.inf
        self._current_limit = _CHARGER_CURRENT
        super().power_up()

    # --- requests ---

    def handle(self, pdu: bytes, now: float) -> bytes:
        """Refuse what the board refuses: function 4, and writes of a wrong number of registers."""
        if pdu[0] == 4:
            return bytes([pdu[0] | 0x80, _ILLEGAL_FUNCTION])
        if pdu[0] == 16:
            count, size = struct.unpack('>HB', pdu[3:6])
            if not 1 <= count <= 123 or size != 2 * count:
                return bytes([pdu[0] | 0x80, ILLEGAL_VALUE])
        return super().handle(pdu, now)

    def _write(self, address: int, word: int, now: float) -> int | None:
        register = self._by_address.get(address)
        if register is None:
            return super()._write(address, word, now)
        match register.name:
            case 'charger_voltage_set' | 'charger_current_set':
                assert register.range is not None
                low, high = (round(limit / register.scale) for limit in register.range)
                if not low <= word <= high:
                    return ILLEGAL_VALUE
                # The low byte goes to the charger's register 1 or 2, one too high (sk60x.c:36-37).
                if register.name == 'charger_voltage_set' and self.world.charger_powered:
                    self._current_limit = word & 0xFF
                return None
            case 'charger_output' | 'charger_panel_lock' if word > 1:
                return ILLEGAL_VALUE
            case 'charger_output' | 'charger_panel_lock' | 'cell_limits' | 'pack_limits':
                return None  # accepted, without effect here
            case 'clear_errors':
                return None if word == 1 else ILLEGAL_VALUE
            case 'charge_request':
                word = int(word != 0)
        return super()._write(address, word, now)

    # --- model ---

    def update(self, now: float) -> None:
        """Bring the registers up to `now`."""
        self._now = now
        super().update(now)

    def model(self) -> None:
        """Ask battery management and charger."""
        if self._now == -math.inf:
            return
        self._ask_battery()
        self._control_charge()
        self._report()

    def _ask_battery(self) -> None:
        """Take over what the battery management says; without an answer everything stays."""
        world, put, habit = self.world, self.put, self.misbehaviour
        if habit.bms_silent:
            if self._now - self._answered_at >= _BMS_LOST:
                put('bms_connected', False)
            return
        self._answered_at = self._now
        if self._now - self._counted_at >= _BMS_ROUND:
            self._counted_at = self._now
            put('bms_life', (self.get('bms_life') + 1) % 256)
        cell = world.voltage / world.parameters.cells
        put('bms_connected', True)
        put('pack_voltage', world.voltage)
        put('pack_current', world.sensed_current)
        put('soc', world.soc)
        put('cell_count', world.parameters.cells)
        put('sensor_count', 2)
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
        self._faults = habit.bms_faults
        put('fault_flags', self._faults & 0xFFFF)

    def _control_charge(self) -> None:
        """Switch the charge relay by what was last read of the charger, however old."""
        self.world.charge_requested = bool(self.get('charge_request'))
        if not self.world.charge_requested:
            self._state = 'idle'
        elif self._now >= self._next_control:
            self._next_control = self._now + _CHARGE_CONTROL
            self._read_charger()
            if self._state == 'idle':
                self._state = 'waiting'
            else:
                supplied = self._raw('charger_input_voltage') >= _INPUT_THRESHOLD
                steady = self._raw('charger_voltage') == self._raw('charger_voltage_set')
                self._state = 'charging' if supplied and steady else 'waiting'
        self.world.charge_relay = self._state == 'charging'
        self.put('charge_state', self._state)
        self.put('relay_charge', self.world.charge_relay)

    def _read_charger(self) -> None:
        """Read the charger; one without supply does not answer (charge_control.c:161)."""
        world, put = self.world, self.put
        if not world.charger_powered:
            return
        current = world.parameters.charge_current if world.charging else 0.0
        put('charger_voltage_set', _CHARGER_VOLTAGE)
        put('charger_current_set', self._current_limit * 0.01)
        put('charger_voltage', _CHARGER_VOLTAGE)
        put('charger_current', current)
        put('charger_power', current * world.voltage)
        put('charger_input_voltage', _CHARGER_SUPPLY)
        put('charger_temperature', world.charger_temperature)
        put('charger_output', True)

    def _raw(self, name: str) -> int:
        return self.words[self.profile.registers[name].address]

    def _report(self) -> None:
        connected, output = self.get('bms_connected'), self.get('charger_output')
        relay = self.world.charge_relay
        self.put('system_status', connected | output << 1 | _POWER_RELAYS | relay << 3)
        self.put('system_error', (not connected) | bool(self._faults) << 1 | (not output) << 2)
