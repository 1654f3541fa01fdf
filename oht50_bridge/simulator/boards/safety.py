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
"""The safety board."""

from __future__ import annotations

import math
import struct
from typing import Any

from oht50_bridge.simulator.boards.board import ILLEGAL_ADDRESS
from oht50_bridge.simulator.boards.board import Board

_OK, _WARNING, _CRITICAL, _ERROR = range(4)  # of the register status
_NEAREST, _FARTHEST = 10, 95  # cm between which a distance input is not in error
_NOTHING_NEAR = 3.93  # m, to which the curve of a sensor rises at 0.1 V
_CHANGES_AT_ONCE = 2  # rounds of the board's 1 ms cycle after which its judgement has settled
_INPUT_REGISTERS = 5  # of function 4; they are 0
_ENABLES = ('analog_enable', 'di_enable')


class SafetyBoard(Board):
    """Emergency stop chain, distances, and a relay that is tripped while the board is latched.

    The layout with a latch is that of the board's own firmware, whose file and line each habit
    names (KhaLin0401/Safety_Module 202c605, Code/Core/Src).
    """

    outputs = ('relay',)

    def power_up(self) -> None:
        """Drop the relay; every input is disabled."""
        self.relay = False
        self._keeps_enables = True
        super().power_up()

    def handle(self, pdu: bytes, now: float) -> bytes:
        """Answer as the firmware does, where that differs from other boards."""
        if not self.profile.has('latch'):
            return super().handle(pdu, now)
        if pdu[0] == 3 and pdu[3:5] == b'\0\0':  # UartModbus.c:166-180
            return pdu[:1] + b'\0'
        if pdu[0] == 4:  # UartModbus.c:181-195
            address, count = struct.unpack('>HH', pdu[1:5])
            if address + count > _INPUT_REGISTERS:
                return bytes([0x84, ILLEGAL_ADDRESS])
            return bytes([4, 2 * count, *[0] * 2 * count])
        if pdu[0] == 16 and len(pdu) != 6 + 2 * struct.unpack('>H', pdu[3:5])[0]:
            return bytes([0x90, ILLEGAL_ADDRESS])
        losses = self.misbehaviour.write_loss
        loss = losses[sum(map(bool, self.get('analog_enable')))] if losses else 0.0
        self._keeps_enables = self.rng.random() >= loss
        return super().handle(pdu, now)

    def _write(self, address: int, word: int, now: float) -> int | None:
        register = self._by_address.get(address)
        if register is not None and self.profile.has('latch'):
            # Its cycle loads the enables and stores them after the evaluation: main.c:433-437.
            if register.name in _ENABLES and not self._keeps_enables:
                return None
            if register.name == 'baud_code' and word != self.words[address]:
                self.silent_until = math.inf  # the line keeps its speed: UartModbus.c:255-296
        return super()._write(address, word, now)

    def model(self) -> None:
        """Read the inputs, judge, latch."""
        if self.profile.has('latch'):
            self._read_inputs()
            for _ in range(_CHANGES_AT_ONCE):
                self._judge()
            return
        self.put('di_status', list(self.world.input_levels))
        if not self.misbehaviour.stale:
            self.put('distance', [min(d, 60.0) for d in self._terminals()])
        pressed = not self.world.input_levels[0]
        near = min(self.get('distance')) <= self.get('zone_threshold')[0]
        self.put('estop', pressed)
        self.put('proximity_alert', near)
        self.put('status', 'estop' if pressed else 'critical' if near else 'ok')

    def _terminals(self) -> list[float]:
        """Return what the sensors at the terminals 1 to 4 see, m: two ahead and two behind."""
        ahead, behind = self.world.distance(True), self.world.distance(False)
        return [ahead, ahead, behind, behind]

    def _read_inputs(self) -> None:
        """Measure what is enabled; the rest keeps its value: Safety_Monitor.c:271-277, 348."""
        terminals = self._terminals()
        distances = list(self.get('distance'))
        if not self.misbehaviour.stale:
            for index, terminal in enumerate(self.profile.distance_terminals):
                unplugged = terminal in self.world.unplugged_distances
                if self.get('analog_enable')[index] and not unplugged:
                    seen = min(terminals[terminal - 1], _NOTHING_NEAR)
                    distances[index] = math.floor(seen * 100 + 1e-6) / 100
        self.put('distance', distances)
        found = list(self.get('di_status'))
        inputs = zip(
            self.get('di_enable'), self.world.input_levels, self.get('di_active_level'),
            strict=True,
        )  # fmt: skip
        for index, (enabled, level, active) in enumerate(inputs):
            if enabled:
                found[index] = level == active
        self.put('di_status', found)

    def _judge(self) -> None:
        """Run one round of the evaluation (Safety_Monitor.c:76-178)."""
        if self.get('latch'):
            return  # it is frozen
        names = self.profile.registers['status'].values
        status = next(code for code, name in names.items() if name == self.get('status'))
        verdict = _OK
        for index, enabled in enumerate(self.get('analog_enable')):
            found = self._distance_verdict(index) if enabled else _OK
            if found == _CRITICAL:
                verdict = status = _CRITICAL
                break
            # A later warning replaces an error, and an error is seen in a good state only.
            if (found == _WARNING and status != _CRITICAL) or (
                found == _ERROR and status < _CRITICAL
            ):
                verdict = status = found
        active = zip(self.get('di_enable'), self.get('di_status'), strict=True)
        if any(enabled and found for enabled, found in active):
            verdict = status = _CRITICAL
        if verdict in (_CRITICAL, _ERROR):
            self._set_relay(True)
            self.put('latch', True)
        elif verdict == _OK:
            self._set_relay(False)
            status = _OK
        self.put('status', names[status])

    def _distance_verdict(self, index: int) -> int:
        unplugged = self.profile.distance_terminals[index] in self.world.unplugged_distances
        distance = 0 if unplugged else round(self.get('distance')[index] * 100)
        critical, *warning = (round(zone * 100) for zone in self.get('zone_threshold')[:3])
        if not _NEAREST <= distance <= _FARTHEST:
            return _ERROR
        if distance <= critical:
            return _CRITICAL
        return _WARNING if distance <= max(warning) else _OK

    def _set_relay(self, tripped: bool) -> None:
        if tripped != self.relay:
            self.relay = tripped
            self._on_change(self.name, 'relay', [int(tripped)])

    def get(self, name: str) -> Any:
        """Value of a register; `relay`, which has none, is whether the safety relay is tripped."""
        return self.relay if name == 'relay' else super().get(name)
