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
"""The motor board does what its firmware does."""

import struct

import pytest
from board_requests import read
from board_requests import write


@pytest.fixture
def motor(make):
    board = make('driver_2_motor')
    board.world.drive = board.drive
    board.update(0.0)
    return board


def run(board, now, **registers):
    for name, value in registers.items():
        write(board, name, value, now=now)
    board.update(now + 0.05)


@pytest.mark.parametrize(
    ('command', 'duty'), [(0.01, 0.0), (0.02, 0.01), (0.05, 0.04), (0.5, 0.49), (1.0, 0.98)]
)
def test_the_duty_is_cut_off_to_whole_percent_without_a_ramp(motor, command, duty):
    run(motor, 0.0, direction='forward', command_speed=command, enable=True)
    assert motor.pwm == (duty, 0.0)
    assert read(motor, 'actual_speed', 0.05) == duty


def test_the_output_follows_at_the_end_of_the_cycle(motor, changes):
    run(motor, 0.0, direction='forward', command_speed=0.5)
    changes.clear()
    write(motor, 'enable', True, now=0.061)
    motor.update(0.085)
    assert motor.pwm[0] == 0.0
    motor.update(0.095)
    assert motor.pwm[0] == 0.49
    assert [each for each in changes if each[1] == 'pwm1'] == [('board', 'pwm1', [49])]


@pytest.mark.parametrize(('register', 'word'), [('enable', 2), ('mode', 4)])
def test_with_an_unknown_enable_or_mode_the_output_stays(motor, register, word):
    run(motor, 0.0, direction='forward', command_speed=0.5, enable=True)
    motor.set_words(register, [word])
    run(motor, 0.1, command_speed=0)
    assert motor.pwm[0] == 0.49
    run(motor, 0.2, enable=False)
    assert motor.pwm[0] == 0.0


def test_the_idle_direction_stops(motor):
    run(motor, 0.0, direction='forward', command_speed=0.5, enable=True)
    run(motor, 0.1, direction='idle')
    assert motor.pwm[0] == 0.0
    assert read(motor, 'status_word', 0.2) == 0


def test_motor_2_is_a_whole_motor(motor):
    run(motor, 0.0, motor2_direction='forward', motor2_speed=0.6, motor2_enable=True)
    assert motor.pwm == (0.0, 0.58)


def test_a_command_to_clear_errors_resets_everything(motor):
    run(motor, 0.0, direction='forward', command_speed=0.5, enable=True, max_accel=0.01)
    write(motor, 'clear_errors', 1, now=0.1)
    assert motor.pwm == (0.0, 0.0)
    assert read(motor, 'max_accel', 0.1) == 0.05


def test_the_rope_is_not_the_position(motor):
    motor.world.position = 12.5
    motor.update(1.0)
    assert read(motor, 'rope_length', 1.0) == 0.0


@pytest.mark.parametrize('function', [1, 2, 5, 0x2B])
def test_a_function_that_it_does_not_know_is_not_answered(motor, function):
    assert motor.handle(struct.pack('>BHH', function, 0, 1), 0.0) == b''


def test_a_read_of_nothing_gets_nothing_and_one_of_too_much_no_reply(motor):
    assert motor.handle(struct.pack('>BHH', 3, 0, 0), 0.0) == b'\x03\x00'
    assert motor.handle(struct.pack('>BHH', 3, 0, 126), 0.0) == b''


def test_function_4_has_five_registers(motor):
    assert motor.handle(struct.pack('>BHH', 4, 0, 6), 0.0) == b'\x84\x02'
    assert motor.handle(struct.pack('>BHH', 4, 0, 5), 0.0)[:2] == b'\x04\x0a'


def test_below_the_smallest_duty_the_wheel_does_not_turn(make):
    board = make('driver_2_motor')
    board.world.parameters.min_duty = 0.08
    board.world.drive = board.drive
    board.update(0.0)
    run(board, 0.0, direction='forward', command_speed=0.08, enable=True)  # drives 0.07
    board.update(1.0)
    assert board.world.velocity == 0.0
    run(board, 1.0, command_speed=0.09)
    board.update(2.0)
    assert board.world.velocity == pytest.approx(0.08)
