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
"""The registers of a travel motor board: which values move it, stop it, identify it. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.drivers.channels import for_channels
from oht50_bridge.hardware.drivers.speed_table import SpeedScale
from oht50_bridge.hardware.drivers.speed_table import SpeedTable
from oht50_bridge.hardware.drivers.velocity_ramp import RampLimits
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.module import IDENTITY
from oht50_bridge.hardware.motion_guard import Verdict
from oht50_bridge.hardware.registers import Block
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.hardware.registers import Value
from oht50_bridge.stop_reason import StopReason

ACCEL = 1.0  # m/s^2, where nothing else is configured and the board has no ramps
DECEL = 2.0  # m/s^2, likewise
REVERSAL_PAUSE = 0.3  # s at rest before the motor turns the other way

#: Makes an error of a field and its remedy.
ErrorMaker = Callable[[str, str], HardwareConfigError]


@dataclass(frozen=True)
class MotorSample:
    """The travel motor as its board reports it.

    Attributes:
        velocity: m/s, signed; from the drive duty, not measured.
        commanded_velocity: m/s in the register of the command, as read back.
        direction: idle, forward or reverse.
        stop_reason: why the motor is stopped.
        stop_verified: the stop was read back from the board.
        standing: the stop was read back and the board reports no speed.
    """

    stamp: int
    read_at: float
    velocity: float
    commanded_velocity: float
    enabled: bool
    direction: str
    error_code: int
    stop_reason: StopReason
    stop_verified: bool
    standing: bool


class MotorRegisters:
    """A register layout with the options of a motor.

    Args:
        profile: the layout.
        options: max_speed, min_duty, dead_band, accel, decel, reversal_pause, reverse,
            travel_channel, hoist_channel; see `MotorModule`.
        error: makes an error of a field and its remedy.

    Attributes:
        profile: the layout, with the motor that travels as its drive, and without a hoist where
            none is configured.

    Raises:
        HardwareConfigError: the layout drives no motor, or an option is wrong.

    """

    def __init__(
        self, profile: RegisterProfile, options: Mapping[str, Any], error: ErrorMaker
    ) -> None:
        if profile.drive is None:
            raise error('profile', f'{profile.name} declares no drive, choose another')
        profile = for_channels(profile, options, error)
        assert profile.drive is not None
        self.profile = profile
        self.drive = profile.drive
        self.max_speed = positive(error, 'max_speed', options.get('max_speed', 1.0))
        self.forward, self.reverse = 'forward', 'reverse'
        if options.get('reverse', False):
            self.forward, self.reverse = 'reverse', 'forward'
        register = profile.registers[self.drive.speed]
        scale = SpeedScale(
            self.max_speed,
            ratio(error, 'min_duty', options.get('min_duty', 0.0)),
            ratio(error, 'dead_band', options.get('dead_band', 0.0)),
        )
        for option in ('min_duty', 'dead_band') if register.unit == 'm/s' else ():
            if options.get(option, 0.0):
                raise error(
                    f'options.{option}',
                    f'{options[option]!r} has no effect on a board that is commanded a speed '
                    f'({self.drive.speed} is in m/s), leave it at 0',
                )
        self.table = SpeedTable(register, scale, self.drive.duty_factor)
        if not math.isfinite(self.table.slowest):
            raise error('options.min_duty', 'no speed is left above it, lower it')
        has_ramps = self.drive.accel is not None
        self.ramp = RampLimits(
            math.inf if has_ramps else positive(error, 'accel', options.get('accel', ACCEL)),
            math.inf if has_ramps else positive(error, 'decel', options.get('decel', DECEL)),
            positive(error, 'reversal_pause', options.get('reversal_pause', REVERSAL_PAUSE)),
        )
        ramps = self._ramps(options, error) if has_ramps else {}
        self.setup = ramps | dict(self.drive.setup) | dict(self.drive.stop) | dict(self.drive.mark)

    def _ramps(self, options: Mapping[str, Any], error: ErrorMaker) -> dict[str, Value]:
        """Return the values of the ramp registers that the options ask for."""
        ramps: dict[str, Value] = {}
        for option, name in (('accel', self.drive.accel), ('decel', self.drive.decel)):
            if option not in options:
                continue
            value = positive(error, option, options[option])
            assert name is not None
            register = self.profile.registers[name]
            in_unit = value if register.unit == 'm/s^2' else value / self.max_speed
            try:
                ramps[name] = register.decode(register.encode(in_unit))
            except ValueError as fault:
                raise error(f'options.{option}', str(fault)) from fault
        return ramps

    def drive_block(self, whole: Block) -> Block:
        """Return the part of the whole reading that is needed in each round in which it drives.

        A stop waits for the reading that is on the wire, so that is as short as can be. A restart
        and a fault of the board show in it; what the other motor does is in the whole alone.
        """
        drive = self.drive
        names = {drive.enable, drive.speed, drive.direction, drive.actual_speed}
        names |= self.setup.keys() - drive.stop.keys()
        names |= {register.name for register in whole.registers} & set(drive.faults)
        return self.profile.block(names, whole.name, whole.period)

    def stop_values(self) -> dict[str, Value]:
        """Return the values that stop the motor."""
        drive = self.drive
        return {
            drive.enable: False, drive.speed: 0, drive.direction: 'idle', **drive.stop
        }  # fmt: skip

    def wanted(self, verdict: Verdict, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values that the registers should have, in their units.

        Args:
            verdict: what the motor is to do.
            values: what the registers have now.

        """
        drive = self.drive
        if verdict.stop:
            return self.setup | self.stop_values()
        at = values[drive.direction]
        towards = self.forward if verdict.velocity > 0 else self.reverse
        if verdict.velocity == 0.0:  # the pause before it turns
            return self.setup | {drive.enable: True, drive.speed: 0, drive.direction: at}
        if at != towards:  # speed follows when the direction has been read back
            turn = towards if values[drive.actual_speed] == 0 else at
            return self.setup | {drive.enable: True, drive.speed: 0, drive.direction: turn}
        speed = self.profile.registers[drive.speed].decode([self.table.raw(abs(verdict.velocity))])
        return self.setup | {drive.direction: towards, drive.enable: True, drive.speed: speed}

    def frames(self, changes: dict[str, Value], first: bool) -> list[tuple[int, tuple[int, ...]]]:
        """Return the frames that write values: address and words, neighbours in one frame.

        Args:
            changes: values by register name.
            first: enable and speed are written first (a stop), else last (motion).

        """
        drive = self.drive
        words = {}
        for name, value in changes.items():
            register = self.profile.registers[name]
            words[register.address] = register.encode(value)[0]
        frames: list[tuple[int, tuple[int, ...]]] = []
        for address in sorted(words):
            if frames and address == frames[-1][0] + len(frames[-1][1]):
                frames[-1] = (frames[-1][0], (*frames[-1][1], words[address]))
            else:
                frames.append((address, (words[address],)))
        urgent = [
            self.profile.registers[name].address
            for name in (drive.enable, drive.speed, *drive.stop)
        ]

        def rank(frame: tuple[int, tuple[int, ...]]) -> int:
            inside = range(frame[0], frame[0] + len(frame[1]))
            return next((i for i, address in enumerate(urgent) if address in inside), len(urgent))

        return sorted(frames, key=rank, reverse=not first)

    def checks(self, values: Mapping[str, Value]) -> list[tuple[int, list[tuple[int, int]]]]:
        """Return the words by which another process identifies the board: versions and layout."""
        checks = []
        for name in IDENTITY:
            register = self.profile.registers[name]
            word = register.encode(values[name])[0]
            checks.append((register.address, [(word, word)]))
        for check in self.profile.signature:
            register = self.profile.registers[check.register]
            checks += [
                (address, check.words(register))
                for address in range(register.address, register.end)
            ]
        return checks

    def sample(
        self,
        values: Mapping[str, Value],
        before: MotorSample | None,
        *,
        stamp: int,
        read_at: float,
        verdict: Verdict,
        stop_verified: bool,
    ) -> MotorSample:
        """Return the state of the motor that the registers report.

        Args:
            values: of the registers.
            before: the previous state.
            stamp: ns since 1970-01-01 UTC, of the reading.
            read_at: s, monotonic, of the reading.
            verdict: what the motor is to do.
            stop_verified: the stop was read back.

        """
        drive = self.drive
        direction = str(values[drive.direction])
        sign = {self.forward: 1.0, self.reverse: -1.0}.get(direction, 0.0)
        actual = self.table.actual(number(values[drive.actual_speed]))
        if sign == 0.0 and actual != 0.0:  # the direction is idle while the ramp still runs down
            sign = math.copysign(1.0, before.velocity) if before else 1.0
        commanded = self.table.commanded(number(values[drive.speed]))
        enabled = values[drive.enable] is True
        return MotorSample(
            stamp=stamp,
            read_at=read_at,
            velocity=sign * actual,
            commanded_velocity=sign * commanded if enabled else 0.0,
            enabled=enabled,
            direction=direction,
            error_code=int(number(values.get('error_code', 0))),
            stop_reason=verdict.reason,
            stop_verified=stop_verified,
            standing=stop_verified and values[drive.actual_speed] == 0,
        )


def ratio(error: ErrorMaker, name: str, value: Any) -> float:
    """Return an option as a number from 0 to below 1.

    Raises:
        HardwareConfigError: it is none.

    """
    if not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise error(f'options.{name}', f'{value!r} must be a number from 0 to below 1')
    return float(value)


def positive(error: ErrorMaker, name: str, value: Any) -> float:
    """Return an option as a number above 0.

    Raises:
        HardwareConfigError: it is none.

    """
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise error(f'options.{name}', f'{value!r} must be a number greater than 0')
    return float(value)


def number(value: Value) -> float:
    """Return the value of a register that holds one number."""
    assert isinstance(value, (int, float))
    return float(value)
