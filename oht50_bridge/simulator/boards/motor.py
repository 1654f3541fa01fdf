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
"""The travel motor board."""

from __future__ import annotations

from oht50_bridge.simulator.boards.board import Board

_DEFAULT_RAMP = 0.5  # share of full speed per second, of motor boards without ramp registers


class MotorBoard(Board):
    """Ramp from the command to the drive. No watchdog: the last command stays in force."""

    def power_up(self) -> None:
        """Stand."""
        self._duty = 0.0  # m/s the drive asks of the carrier, signed
        super().power_up()

    def command(self, name: str, word: int) -> None:
        """Stop hard where the layout can."""
        drive = self.profile.drive
        if drive is not None and name == drive.hard_stop and word:
            self.put(drive.enable, False)
            self.put(drive.speed, 0)

    def drive(self, dt: float) -> tuple[float, bool]:
        """Advance the ramp by `dt` s; velocity in m/s and whether the output is enabled."""
        drive = self.profile.drive
        assert drive is not None
        in_speed = self.profile.registers[drive.speed].unit == 'm/s'
        full = self.world.parameters.full_speed
        scale = 1.0 if in_speed else full
        sign = {'forward': 1.0, 'reverse': -1.0}.get(self.get(drive.direction), 0.0)
        enabled = bool(self.get(drive.enable))
        target = sign * self.get(drive.speed) * scale if enabled else 0.0
        accel = self.get(drive.accel) * scale if drive.accel else _DEFAULT_RAMP * full
        decel = self.get(drive.decel) * scale if drive.decel else 2 * _DEFAULT_RAMP * full
        if not enabled:
            self._duty = 0.0
        rate = accel if abs(target) > abs(self._duty) else decel
        self._duty += max(-rate * dt, min(rate * dt, target - self._duty))
        return self._duty, enabled

    def hoist(self, dt: float) -> tuple[float, bool]:
        """Return the wanted velocity of the rope, m/s, and whether the output drives."""
        return 0.0, False

    def model(self) -> None:
        """Report the speed."""
        drive = self.profile.drive
        assert drive is not None
        in_speed = self.profile.registers[drive.speed].unit == 'm/s'
        scale = 1.0 if in_speed else self.world.parameters.full_speed
        self.put(drive.actual_speed, abs(self._duty) / scale)
        self.put('status_word', int(self._duty != 0))
        self.put('running', self._duty != 0)
