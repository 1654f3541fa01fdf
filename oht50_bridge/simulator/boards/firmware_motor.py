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
"""The travel motor board with its own firmware, KhaLin0401/Driver_2_Motor at 96cb659.

File and line of each habit are in docs/hardware.md.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from oht50_bridge.simulator.boards.board import ILLEGAL_ADDRESS
from oht50_bridge.simulator.boards.board import MOST_REGISTERS
from oht50_bridge.simulator.boards.motor import MotorBoard

CYCLE = 0.030  # s, of the task that turns registers into PWM
_INPUT_REGISTERS = 5  # that function 4 serves
ENCODER_TASK = 0.010  # s, its period
FILTER = 0.15  # share of the new length in the filtered one
LEAST_PULSES = 2  # fewer in one period wait
COUNT_END = 32000  # pulses at which the count begins again
_SIGNS = {'forward': 1.0, 'reverse': -1.0}


class RopeEncoder:
    """Counts pulses and makes a length of them, once each period of its task.

    Args:
        pulses: of the spool until now.

    Attributes:
        count: pulses since it began anew, in both directions.
        filtered: m, the length that is reported.
    """

    def __init__(self, pulses: int) -> None:
        self.begin(pulses)

    def begin(self, pulses: int) -> None:
        """Begin anew at so many pulses of the spool."""
        self.count = 0
        self.filtered = 0.0
        self._length = 0.0  # m
        self._seen = pulses

    def run(self, pulses: int, backward: bool, pulse: float, longest: float) -> None:
        """Count.

        Args:
            pulses: of the spool until now.
            backward: motor 1 has the direction reverse.
            pulse: m of a pulse.
            longest: m at which the length is cut off.

        """
        new = pulses - self._seen
        if new < LEAST_PULSES:
            return
        self._seen = pulses
        self.count = (self.count + new) % COUNT_END
        way = -new * pulse if backward else new * pulse
        self._length = max(0.0, min(longest, self._length + way))
        self.filtered += FILTER * (self._length - self.filtered)


class FirmwareMotorBoard(MotorBoard):
    """Two motors; each cycle drives int(0.98 n) percent for a command of n, without a ramp.

    Changes of the output are reported as `pwm1` and `pwm2`, in percent.
    """

    outputs = ('pwm1', 'pwm2')

    def power_up(self) -> None:
        """Stand, with every register at its power-up value."""
        super().power_up()
        self._left = CYCLE  # s to the next cycle
        self._encoder = RopeEncoder(self._pulses)
        self._encoder_left = ENCODER_TASK  # s to its next run
        self._count_rope()
        self._pwm = {1: 0, 2: 0}  # percent
        for motor in self._pwm:
            self._on_change(self.name, f'pwm{motor}', [0])

    def command(self, name: str, word: int) -> None:
        """Reset everything but the rope."""
        if name == 'reset_board' and word == 1:
            encoder = self._encoder
            self.power_up()
            self._encoder = encoder
            self._count_rope()

    def handle(self, pdu: bytes, now: float) -> bytes:
        """Answer a protocol data unit as the firmware does."""
        function = pdu[0]
        if function not in (3, 4, 6, 16):
            self.update(now)
            return b''
        address, count = struct.unpack('>HH', pdu[1:5])
        if function == 4 and address + count > _INPUT_REGISTERS:
            return bytes([0x84, ILLEGAL_ADDRESS])
        if function == 3 and count == 0:
            return bytes([3, 0])
        if function == 3 and count > MOST_REGISTERS:
            return b''  # a single byte, which is no reply
        return super().handle(pdu, now)

    def drive(self, dt: float) -> tuple[float, bool]:
        """Advance the cycle by `dt` s; velocity in m/s and whether the output drives."""
        self._encoder_left -= dt
        if self._encoder_left <= 1e-9:
            self._encoder_left += ENCODER_TASK
            self._count_rope()
        self._left -= dt
        if self._left <= 1e-9:
            self._left += CYCLE
            self._cycle(1, '')
            self._cycle(2, 'motor2_')
            length = self.get('unrolled_length')
            self.put('rope_length', length)
            self.put('motor2_rope_length', length)
        parameters = self.world.parameters
        duty = self._pwm[parameters.travel_channel] / 100.0
        turns = duty > 0.0 and duty >= parameters.min_duty
        sign = self._sign(parameters.travel_channel)
        return (sign * duty * parameters.full_speed if turns else 0.0), duty > 0.0

    def hoist(self, dt: float) -> tuple[float, bool]:
        """Return the wanted velocity of the rope, m/s, and whether the output drives."""
        parameters = self.world.parameters
        duty = self._pwm.get(parameters.hoist_channel, 0) / 100.0
        return self._sign(parameters.hoist_channel) * duty * parameters.hoist_speed, duty > 0.0

    def _sign(self, motor: int) -> float:
        return _SIGNS.get(self.get('motor2_direction' if motor == 2 else 'direction'), 0.0)

    @property
    def _pulses(self) -> int:
        return int(self.world.rope_turned / self.world.parameters.pulse_length + 1e-9)

    def _count_rope(self) -> None:
        reference = self.world.wound_up
        if reference:
            self._encoder.begin(self._pulses)
        pulse = 2 * math.pi * self.get('spool_radius_max') / max(1, self.get('revolutions'))
        backward = self.get('direction') == 'reverse'
        self._encoder.run(self._pulses, backward, pulse, self.get('wire_length'))
        self.put('reference_input', reference)
        self.put('encoder_count', self._encoder.count)
        self.put('unrolled_length', math.floor(self._encoder.filtered * 100.0) / 100.0)

    def _cycle(self, motor: int, prefix: str) -> None:
        enable = self.word(f'{prefix}enable')
        mode: Any = self.get(f'{prefix}mode')
        idle = self.get(f'{prefix}direction') == 'idle'
        names = {'speed': 'command_speed', 'actual': 'actual_speed'}
        if prefix:
            names = {'speed': 'motor2_speed', 'actual': 'motor2_actual_speed'}
        percent = self._pwm[motor]
        if enable == 0 or idle:
            percent = 0
        elif enable == 1 and mode in ('on_off', 1):
            percent = (self.word(names['speed']) & 0xFF) * 98 // 100
        # Otherwise the output stays as it is.
        if enable in (0, 1):
            self.put(names['actual'], percent / 100.0)
        if motor == 1:
            self.put('status_word', int(enable == 1 and not idle))
        if percent != self._pwm[motor]:
            self._pwm[motor] = percent
            self._on_change(self.name, f'pwm{motor}', [percent])

    def model(self) -> None:
        """Registers change in the cycle."""

    @property
    def pwm(self) -> tuple[float, float]:
        """Duties of both motors, ratio."""
        return self._pwm[1] / 100.0, self._pwm[2] / 100.0
