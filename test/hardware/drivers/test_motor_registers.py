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
"""The registers of the travel motor: what stops it, what moves it, in which order."""

from __future__ import annotations

import math

import pytest

from oht50_bridge.hardware.drivers.motor_registers import MotorRegisters
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.motion_guard import Verdict
from oht50_bridge.hardware.profile_reader import available
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.stop_reason import StopReason

STAND = Verdict(True, StopReason.ESTOP, 0.0)
IDLE = {'enable': False, 'command_speed': 0.0, 'actual_speed': 0.0, 'direction': 'idle'}
MOTORS = [name for name in available() if name.endswith('motor')]


def fault(field, message):
    return HardwareConfigError(f'{field}: {message}')


def registers(profile='driver_2_motor', **options):
    return MotorRegisters(load(profile), options, fault)


def move(velocity):
    return Verdict(False, StopReason.NONE, velocity)


@pytest.mark.parametrize('profile', MOTORS)
def test_a_stop_disables_and_zeroes_whatever_the_registers_have(profile):
    motor = registers(profile)
    drive = motor.drive
    moving = dict.fromkeys(motor.profile.registers, 0) | {
        drive.enable: True,
        drive.speed: 0.5,
        drive.actual_speed: 0.5,
        drive.direction: 'forward',
    }
    wanted = motor.wanted(STAND, moving)
    assert wanted.items() >= {drive.enable: False, drive.speed: 0, drive.direction: 'idle'}.items()


@pytest.mark.parametrize('profile', MOTORS)
def test_a_stop_is_written_with_enable_or_speed_first_and_motion_with_them_last(profile):
    motor = registers(profile)
    urgent = {
        motor.profile.registers[name].address for name in (motor.drive.enable, motor.drive.speed)
    }
    values = motor.setup | motor.stop_values()
    stop = motor.frames(values, first=True)
    motion = motor.frames(values, first=False)
    assert sorted(stop) == sorted(motion)
    first, last = (
        {address + offset for offset in range(len(words))}
        for address, words in (stop[0], motion[-1])
    )
    assert first & urgent
    assert last & urgent


@pytest.mark.parametrize('travel', [1, 2])
def test_a_stop_of_a_board_with_two_motors_writes_both_first_that_of_travel(travel):
    motor = registers(travel_channel=travel)
    frames = motor.frames(motor.stop_values(), first=True)
    written = {
        address + offset: word for address, words in frames for offset, word in enumerate(words)
    }
    assert all(written[address] == 0 for address in (0x01, 0x02, 0x11, 0x12))
    assert frames[0] == (0x01 if travel == 1 else 0x11, (0, 0))


def test_motion_of_motor_2_drives_nothing_but_motor_2():
    motor = registers(travel_channel=2)
    idle = {'motor2_actual_speed': 0.0, 'motor2_direction': 'forward', 'direction': 'idle'}
    wanted = motor.wanted(move(0.5), idle)
    assert (wanted['motor2_enable'], wanted['motor2_speed']) == (True, 0.52)
    assert (wanted['enable'], wanted['command_speed'], wanted['direction']) == (0, 0, 'idle')
    assert wanted['motor2_mode'] == 'on_off'


def test_motion_sets_the_direction_before_the_speed():
    motor = registers()
    wanted = motor.wanted(move(0.5), IDLE)
    assert (wanted['command_speed'], wanted['direction']) == (0, 'forward')
    wanted = motor.wanted(move(0.5), IDLE | {'direction': 'forward'})
    assert (wanted['enable'], wanted['command_speed']) == (True, 0.52)  # int(0.98 * 52) = 50


def test_the_direction_turns_only_when_the_motor_stands():
    motor = registers()
    turning = IDLE | {'direction': 'forward', 'actual_speed': 0.2}
    assert motor.wanted(move(-0.5), turning)['direction'] == 'forward'
    assert motor.wanted(move(-0.5), turning)['command_speed'] == 0
    assert motor.wanted(move(-0.5), turning | {'actual_speed': 0})['direction'] == 'reverse'


def test_reverse_swaps_the_directions_of_board_and_vehicle():
    motor = registers(reverse=True)
    assert motor.wanted(move(0.5), IDLE)['direction'] == 'reverse'
    sample = motor.sample(
        IDLE | {'direction': 'reverse', 'actual_speed': 0.25, 'error_code': 0},
        None,
        stamp=1,
        read_at=2.0,
        verdict=STAND,
        stop_verified=False,
    )
    assert sample.velocity == 0.25


def test_a_sample_stands_only_when_the_stop_was_read_back_and_nothing_turns():
    motor = registers()

    def sample(verified, speed):
        return motor.sample(
            IDLE | {'actual_speed': speed, 'error_code': 3},
            None,
            stamp=1,
            read_at=2.0,
            verdict=STAND,
            stop_verified=verified,
        )

    assert sample(True, 0.0).standing
    assert not sample(True, 0.1).standing
    assert not sample(False, 0.0).standing
    assert sample(True, 0.0).stop_reason is StopReason.ESTOP
    assert sample(True, 0.0).error_code == 3


def test_speed_is_never_beyond_the_range_of_the_register():
    motor = registers(max_speed=0.5)
    wanted = motor.wanted(move(5.0), IDLE | {'direction': 'forward'})
    assert wanted['command_speed'] == 1.0


def test_ramps_are_in_the_unit_of_the_register():
    motor = registers('oht_v2_handler_motor', max_speed=0.5, accel=1.0)
    assert motor.setup['acceleration'] == 1.0
    assert math.isinf(motor.ramp.accel)  # the board makes it


def test_the_driver_makes_the_ramps_of_a_board_that_has_none():
    motor = registers(accel=0.7, decel=1.5, reversal_pause=0.4)
    assert (motor.ramp.accel, motor.ramp.decel, motor.ramp.pause) == (0.7, 1.5, 0.4)


@pytest.mark.parametrize('profile', MOTORS)
@pytest.mark.parametrize(('accel', 'decel'), [(0.1, 0.1), (1.0, 2.0), (5.0, 0.5)])
def test_every_layout_takes_ramps_which_the_board_or_the_driver_makes(profile, accel, decel):
    motor = registers(profile, accel=accel, decel=decel)
    if motor.drive.accel is None:
        assert (motor.ramp.accel, motor.ramp.decel) == (accel, decel)
    else:
        made = [motor.setup[name] for name in (motor.drive.accel, motor.drive.decel)]
        assert made == pytest.approx([accel, decel])


@pytest.mark.parametrize(
    ('profile', 'options', 'message'),
    [
        ('stm32_power', {}, 'profile: stm32_power declares no drive'),
        ('driver_2_motor', {'max_speed': 0}, 'options.max_speed: 0 must be a number greater'),
        ('driver_2_motor', {'accel': math.inf}, 'options.accel: inf must be a number'),
        ('oht_v2_handler_motor', {'accel': 1e6}, 'options.accel: acceleration=.*: stay within'),
        ('driver_2_motor', {'min_duty': 1.0}, 'options.min_duty: 1.0 must be a number from 0'),
        ('driver_2_motor', {'min_duty': 0.99}, 'options.min_duty: no speed is left'),
        ('oht_v2_handler_motor', {'min_duty': 0.08}, 'options.min_duty: .*speed_target is in m/s'),
        ('oht_v2_handler_motor', {'dead_band': 0.05}, 'options.dead_band: .*leave it at 0'),
        ('oht_v2_handler_motor', {'min_duty': 1.0}, 'options.min_duty: 1.0 must be a number'),
    ],
)
def test_a_wrong_option_names_field_and_remedy(profile, options, message):
    with pytest.raises(HardwareConfigError, match=message):
        registers(profile, **options)


def test_duties_of_0_are_none_for_a_board_that_is_commanded_a_speed():
    motor = registers('oht_v2_handler_motor', min_duty=0.0, dead_band=0.0)
    assert motor.table.slowest == pytest.approx(0.001)


def test_another_process_identifies_the_board_by_versions_and_layout():
    motor = registers()
    profile = motor.profile
    values = {
        name: register.decode(register.default) for name, register in profile.registers.items()
    }
    checks = dict(motor.checks(values))
    for check in profile.signature:
        register = profile.registers[check.register]
        assert checks[register.address] == check.words(register)


@pytest.mark.parametrize('profile', MOTORS)
def test_what_is_read_while_it_drives_shows_a_restart_and_a_fault_of_the_board(profile):
    motor, drive = registers(profile), registers(profile).drive
    whole = motor.profile.polls[0]
    read = {register.name for register in motor.drive_block(whole).registers}
    assert read >= {drive.enable, drive.speed, drive.direction, drive.actual_speed, *drive.mark}
    faults = {'error_code', 'fault', 'emergency_stopped'} & {each.name for each in whole.registers}
    # Its firmware never sets it.
    assert read >= faults - ({'error_code'} if profile == 'driver_2_motor' else set())
