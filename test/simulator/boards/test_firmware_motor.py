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

import math
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


def test_a_command_to_reset_the_board_resets_everything(motor):
    run(motor, 0.0, direction='forward', command_speed=0.5, enable=True, max_accel=0.01)
    write(motor, 'reset_board', 1, now=0.1)
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


# The rope: figures as seen on the firmware.


@pytest.fixture
def hoist(make):
    """Return a board whose rope is just off the reference, and how to let pulses come."""
    board = make('driver_2_motor')
    world = board.world
    world.drive, world.hoist = board.drive, board.hoist
    world.rope = 1.0
    world.parameters.rope = math.inf
    board.update(0.0)
    now = [0.0]

    def pulses(count, rate=200.0):
        for _ in range(count):
            now[0] += 1.0 / rate
            world.wind(world.rope + world.parameters.pulse_length)
            board.update(now[0])
        now[0] += 0.1
        board.update(now[0])

    board.pulses, board.time = pulses, now
    return board


def rope(board):
    """Return count of pulses and length, m."""
    now = board.time[0]
    return read(board, 'encoder_count', now), read(board, 'unrolled_length', now)


def test_the_length_stays_behind_the_pulses(hoist):
    hoist.pulses(20)
    count, length = rope(hoist)
    assert count == 20  # 0.55 m
    assert length == pytest.approx(0.29, abs=0.02)


@pytest.mark.parametrize('motor2', ['idle', 'forward', 'reverse'])
def test_the_length_has_the_sign_of_the_direction_of_motor_1_whatever_motor_2_does(hoist, motor2):
    write(hoist, 'motor2_direction', motor2)
    hoist.pulses(20)
    _, idle = rope(hoist)
    write(hoist, 'direction', 'reverse', now=hoist.time[0])
    hoist.pulses(20)
    count, back = rope(hoist)
    assert count == 40, 'pulses know no sign'
    assert back < idle
    write(hoist, 'direction', 'forward', now=hoist.time[0])
    hoist.pulses(20)
    assert rope(hoist)[1] > back


def test_rope_that_comes_out_in_reverse_leaves_the_length_at_0(hoist):
    write(hoist, 'direction', 'reverse')
    hoist.pulses(40)
    assert rope(hoist) == (40, 0.0)


def test_the_length_is_cut_off_at_the_length_of_the_wire(hoist):
    hoist.pulses(200, rate=400.0)
    count, length = rope(hoist)
    assert count in (199, 200)  # a single pulse waits for the next
    assert 2.98 <= length <= 3.0
    hoist.pulses(200, rate=400.0)
    assert rope(hoist)[1] == 2.99, 'the filter never quite reaches it'


def test_a_single_pulse_waits_for_the_next(hoist):
    hoist.pulses(1)
    assert rope(hoist)[0] == 0
    hoist.pulses(1)
    assert rope(hoist)[0] == 2


def test_the_count_begins_again_from_0_at_32000(hoist):
    hoist._encoder.count = 31998
    hoist.pulses(2)
    assert rope(hoist)[0] == 0


def test_while_the_reference_is_active_pulses_and_length_are_0(hoist):
    hoist.pulses(20)
    hoist.world.wind(0.0)
    hoist.time[0] += 0.1
    assert rope(hoist) == (0, 0.0)
    assert read(hoist, 'reference_input', hoist.time[0]) is True
    hoist.world.wind(0.5)
    hoist.time[0] += 0.1
    assert rope(hoist)[0] == 18
    assert read(hoist, 'reference_input', hoist.time[0]) is False


def test_after_a_power_up_the_rope_counts_from_0_wherever_it_is(hoist):
    hoist.pulses(20)
    hoist.reboot(hoist.time[0])
    hoist.time[0] += 0.1
    assert rope(hoist) == (0, 0.0)
    assert hoist.world.rope > 1.5


def test_a_command_to_reset_the_board_leaves_the_rope(hoist):
    hoist.pulses(20)
    before = rope(hoist)
    write(hoist, 'reset_board', 1, now=hoist.time[0])
    assert rope(hoist) == before
    assert before[0] == 20


def test_the_position_registers_of_both_motors_are_copies_of_the_length(hoist):
    hoist.pulses(20)
    now = hoist.time[0]
    assert read(hoist, 'rope_length', now) == read(hoist, 'motor2_rope_length', now) > 0.2
    assert read(hoist, 'rope_length', now) == rope(hoist)[1]


@pytest.mark.parametrize(('travel', 'hoisting'), [(1, 2), (2, 1)])
def test_either_motor_moves_the_vehicle_and_the_other_one_the_rope(make, travel, hoisting):
    board = make('driver_2_motor')
    world = board.world
    world.drive, world.hoist = board.drive, board.hoist
    world.parameters.travel_channel, world.parameters.hoist_channel = travel, hoisting
    board.update(0.0)
    names = {
        1: ('direction', 'command_speed', 'enable'),
        2: ('motor2_direction', 'motor2_speed', 'motor2_enable'),
    }

    def turn(motor, now):
        for name, value in zip(names[motor], ('forward', 0.5, True), strict=True):
            write(board, name, value, now=now)

    turn(travel, 0.0)
    board.update(1.0)
    assert (world.velocity > 0.4, world.rope) == (True, 0.0)
    position = world.position
    write(board, names[travel][2], False, now=1.0)
    board.update(2.0)
    position = world.position
    turn(hoisting, 2.0)
    board.update(3.0)
    assert world.position == position
    assert world.rope == pytest.approx(0.098, abs=0.01)
