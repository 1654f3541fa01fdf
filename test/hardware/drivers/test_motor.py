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
"""The motor obeys, and above all it stops: against a board without a watchdog."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import random
import statistics
import time
from types import SimpleNamespace

import pytest
from board_rounds import Clock
from board_rounds import run
from heartbeats import Heartbeats

from oht50_bridge.hardware.bus import SerialLine
from oht50_bridge.hardware.drivers.motor import MotorModule
from oht50_bridge.hardware.drivers.tick_phase import LEAD
from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import ExceptionReplyError
from oht50_bridge.hardware.module import ModuleSpec
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.hardware.statistics import Statistics
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.simulator.boards.firmware_motor import FirmwareMotorBoard
from oht50_bridge.simulator.physics import World
from oht50_bridge.stop_reason import StopReason

BOARD = ('driver_2_motor', 'drive', 3)
PROFILES = ['driver_2_motor', 'oht_v2_final_motor', 'oht_v2_handler_motor']


@pytest.fixture
def motor(make_rig):
    rig = make_rig('travel_motor')
    rig.start()
    rig.online()
    return rig


def watch(rig):
    rig.sim.watch('travel_motor', 'enable', 'command_speed', 'direction')


def assert_at_rest(rig):
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='standing')
    for register in ('enable', 'command_speed'):
        assert not rig.sim.read('travel_motor', register)
    assert rig.sim.read('travel_motor', 'direction') == 'idle'
    rig.wait_for(lambda: rig.sim.truth()['velocity'] == 0, what='rest')


@pytest.mark.parametrize('profile', PROFILES)
def test_every_layout_drives_both_ways_and_stops(make_rig, profile):
    options = {'accel': 5.0, 'decel': 5.0}
    speed = 0.15 if profile == 'oht_v2_final_motor' else 0.3  # that board is slow
    rig = make_rig(
        'travel_motor', boards={'travel_motor': (profile, 'drive', 4)},
        modules={'travel_motor': (profile, 'drive', 4, options)},
    )  # fmt: skip
    rig.start()
    rig.online()
    rig.moving(speed)
    rig.wait_for(lambda: rig.samples['travel_motor'].velocity == pytest.approx(speed, abs=0.03))
    assert rig.samples['travel_motor'].stop_reason == 'none'
    rig.moving(-speed)
    rig.wait_for(lambda: rig.samples['travel_motor'].velocity == pytest.approx(-speed, abs=0.03))
    rig.stop_pump()
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='standing')
    rig.wait_for(lambda: rig.sim.truth()['velocity'] == 0, what='rest')


def test_change_of_direction_passes_through_zero(motor):
    motor.moving(0.6)
    motor.sim.watch('travel_motor', 'enable', 'command_speed', 'actual_speed', 'direction')
    motor.moving(-0.6)
    changes = [(name, words[0]) for _, _, name, words in motor.sim.log()]
    turn = changes.index(('direction', 2))
    assert ('command_speed', 0) in changes[:turn]
    assert [value for name, value in changes[:turn] if name == 'actual_speed'][-1] == 0, changes
    assert ('enable', 0) not in changes


def test_stop_when_commands_cease(motor):
    motor.moving()
    watch(motor)
    motor.pump(0.5)
    motor.stop_pump()
    last = time.monotonic()
    beat = motor.hw.motor.heartbeat
    motor.wait_for(lambda: beat(motor.beats.next()) and motor.hw.motor.state().stop_verified)
    assert motor.hw.motor.state().stop_reason == 'command_timeout'
    assert 0.1 < motor.stopped_at() - last < 0.4
    assert_at_rest(motor)


def test_stop_when_the_heartbeat_ceases(motor):
    motor.moving()
    watch(motor)
    motor.pump(0.5)
    last = time.monotonic()
    motor.pump(0.5, heartbeat=False)
    assert 0.2 < motor.stopped_at() - last < 0.5
    assert motor.hw.motor.state().stop_reason == 'heartbeat_timeout'
    assert_at_rest(motor)


def test_stop_when_not_permitted(motor):
    motor.moving()
    watch(motor)
    motor.stop_pump()
    motor.hw.motor.heartbeat(motor.beats.next(False))
    asked = time.monotonic()
    assert motor.hw.motor.state().stop_reason == 'not_permitted'  # soon it is the heartbeat too
    assert motor.stopped_at() - asked < 0.2


def test_estop_stops_and_only_a_new_command_moves_again(motor):
    motor.moving()
    watch(motor)
    asked = time.monotonic()
    motor.hw.motor.estop(True)  # commands and heartbeats go on
    assert motor.stopped_at() - asked < 0.2
    assert motor.hw.motor.state().stop_reason == 'estop'
    motor.stop_pump()
    assert_at_rest(motor)
    motor.hw.motor.estop(False)
    motor.hw.motor.heartbeat(motor.beats.next())
    assert motor.hw.motor.state().stop_reason == 'no_command'
    before = motor.sim.truth()['position']
    motor.moving(0.5)
    assert motor.sim.truth()['position'] > before


@pytest.mark.parametrize('velocity', [math.nan, math.inf])
def test_stop_on_a_command_that_is_no_number(motor, velocity):
    motor.moving()
    watch(motor)
    motor.stop_pump()
    asked = time.monotonic()
    assert motor.hw.motor.drive(velocity) == 'error'
    assert motor.hw.motor.state().stop_reason == 'error'  # soon it is the heartbeat
    assert motor.stopped_at() - asked < 0.2


def test_stop_on_an_exception_in_the_loop(motor, monkeypatch, caplog):
    motor.moving()
    watch(motor)
    failed = time.monotonic()

    def explode(*_):
        raise ZeroDivisionError('a defect')

    with monkeypatch.context() as patch:
        patch.setattr(MotorModule, '_publish', explode)
        motor.wait_for(lambda: not motor.sim.read('travel_motor', 'enable'), what='stop')
        assert motor.hw.motor.state().stop_reason == 'error'  # whatever is commanded meanwhile
        assert motor.sim.log()[0][0] - failed < 0.5
        assert 'a defect' in caplog.text
    motor.wait_for(lambda: motor.sim.read('travel_motor', 'enable'), what='motion again')


def test_close_stops_verified(motor):
    motor.moving()
    assert motor.hw.close() is True
    motor.stop_pump()
    for register in ('enable', 'command_speed'):
        assert not motor.sim.read('travel_motor', register)
    assert motor.hw.motor.drive(0.5) == 'shutdown'


def test_a_board_found_moving_is_stopped(make_rig):
    rig = make_rig('travel_motor')
    rig.sim.write('travel_motor', 'max_accel', 1.0)
    for register, value in (('direction', 'forward'), ('command_speed', 0.8), ('enable', 1)):
        rig.sim.write('travel_motor', register, value)
    rig.wait_for(lambda: rig.sim.truth()['velocity'] > 0.1, what='motion')
    rig.start()
    rig.online()
    assert_at_rest(rig)


def test_overwritten_writes_are_written_again(make_rig):
    motor = make_rig(
        'travel_motor', boards={'travel_motor': ('oht_v2_final_motor', 'drive', 4)},
        modules={'travel_motor': ('oht_v2_final_motor', 'drive', 4, {})},
    )  # fmt: skip
    motor.start()
    motor.online()
    motor.sim.misbehave('travel_motor', overwrite=0.5)
    motor.pump(0.2)

    def moves():
        # An `enable` that was read before the board undid it, and once more only after that, is
        # taken for one that fell by itself: the safe reading of it.
        if motor.hw.motor.state().stop_reason == 'drive_fault':
            motor.pump(0.0)
            motor.wait_for(
                lambda: motor.hw.motor.state().stop_reason != 'drive_fault', what='no drive fault'
            )
            motor.pump(0.2)
        return motor.sim.truth()['velocity'] > 0.15

    motor.wait_for(moves, what='motion')
    motor.hw.motor.estop(True)
    motor.sim.write('travel_motor', 'enable', 1)
    motor.sim.write('travel_motor', 'speed_set', 0.2)
    motor.wait_for(lambda: not motor.sim.read('travel_motor', 'enable'), what='stop again')
    motor.sim.misbehave('travel_motor', overwrite=0.0)
    motor.wait_for(lambda: motor.hw.motor.state().standing, what='standing')
    motor.wait_for(lambda: motor.sim.truth()['velocity'] == 0, what='rest')


@pytest.fixture
def on_time():
    """Let the threads that are started have the priority of hardware_node, where it is granted."""
    with contextlib.suppress(PermissionError):
        # Of this thread; those that it starts inherit it.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(RealtimePriority.HARDWARE_NODE))
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def test_polls_end_just_before_the_tick_of_the_board(on_time, motor, monkeypatch):
    motor.moving(0.5)
    taken = []
    real = Statistics.reply

    def reply(of_module, response_time):
        taken.append(response_time)
        real(of_module, response_time)

    monkeypatch.setattr(Statistics, 'reply', reply)
    soon = wire_time(8 + 5 + 2 * 7, 115200) + LEAD + 0.0045
    for _ in range(5):
        # Wherever in the tick the polls were before; those that kept their places would wait
        # for at least 8 ms in one of these.
        motor.hw.motor._module._due += 0.002
        taken.clear()
        motor.wait_for(
            lambda: len(taken) > 10 and statistics.median(taken[-9:]) < soon,
            what='the polls are replied to soon',
        )
        assert len(taken) < 60, taken  # 11 where nothing else runs


def test_the_driver_makes_the_ramps_that_the_board_has_not(make_rig):
    rig = make_rig(
        'travel_motor', modules={'travel_motor': (*BOARD, {'accel': 1.0, 'decel': 2.0})}
    )  # fmt: skip
    rig.start()
    rig.online()
    rig.sim.watch('travel_motor', 'pwm1')
    rig.moving(0.5)
    rig.wait_for(lambda: rig.sim.truth()['velocity'] > 0.495)
    rig.pump(0.0)  # the command to stand, not a stop
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='standing')
    log = [(at, words[0]) for at, *_, words in rig.sim.log()]
    peak = max(value for _, value in log)
    assert peak == 50
    rise = [each for each in log if each[0] <= next(at for at, value in log if value == peak)]
    fall = [each for each in log if each[0] > rise[-1][0]]
    assert len(rise) > 5 and len(fall) > 3, log
    assert 0.3 < rise[-1][0] - rise[0][0] < 0.8  # 0.4 s from the first step, at 1 m/s^2
    assert max(b - a for (_, a), (_, b) in itertools.pairwise(rise)) <= 15
    assert max(a - b for (_, a), (_, b) in itertools.pairwise(fall)) <= 25


def test_the_motor_pauses_before_it_turns(make_rig):
    options = {'accel': 8.0, 'decel': 8.0, 'reversal_pause': 0.4}
    rig = make_rig('travel_motor', modules={'travel_motor': (*BOARD, options)})
    rig.start()
    rig.online()
    rig.moving(0.5)
    rig.sim.watch('travel_motor', 'pwm1', 'direction')
    rig.moving(-0.5)
    log = rig.sim.log()
    rest = next(at for at, _, name, words in log if (name, words) == ('pwm1', [0]))
    assert next(at for at, *_, words in log if at > rest and words[0] > 2) - rest >= 0.37


@pytest.mark.parametrize(
    ('happens', 'report'),
    [
        (lambda sim: sim.reboot('travel_motor'), 'the board has restarted'),
        (lambda sim: sim.write('travel_motor', 'enable', 0), 'enable is False'),
    ],
    ids=['restart', 'disabled'],
)
def test_a_drive_fault_stops_is_reported_and_needs_a_new_command(motor, happens, report):
    motor.moving()
    motor.sim.watch('travel_motor', 'pwm1')
    happens(motor.sim)
    change = motor.wait_for(lambda: [c for c in motor.statuses if c[1][3] == 'MOD-007'])[0][1]
    assert change[:3] == ('travel_motor', 'online', 'error')
    assert report in change[4]
    motor.wait_for(lambda: motor.hw.motor.state().standing, what='a verified stop')
    motor.wait_for(lambda: motor.module('travel_motor').status == 'online', what='identified')
    seen = len(motor.sim.log())
    until = time.monotonic() + 0.6
    motor.wait_for(lambda: time.monotonic() > until)  # the commands go on
    assert motor.hw.motor.state().stop_reason == 'drive_fault'
    assert len(motor.sim.log()) == seen
    motor.stop_pump()
    motor.wait_for(lambda: motor.hw.motor.state().stop_reason == 'heartbeat_timeout')
    motor.moving()


@pytest.mark.parametrize(
    ('profile', 'register', 'value', 'report'),
    [
        ('driver_2_motor', 'error_code', 7, 'error code 7'),
        ('driver_2_motor', 'error_code', 65535, 'error code 65535'),
        ('oht_v2_final_motor', 'error_code', 1, 'error code 1'),
        ('oht_v2_handler_motor', 'fault', 1, 'reports a fault'),
    ],
)
def test_while_the_board_reports_a_fault_it_is_faulty_and_is_read_on(
    make_rig, profile, register, value, report
):
    place = (profile, 'drive', 3 if profile == 'driver_2_motor' else 4)
    motor = make_rig(
        'travel_motor',
        boards={'travel_motor': place},
        modules={'travel_motor': (*place, {'accel': 5.0, 'decel': 5.0})},
    )
    motor.start()
    motor.online()
    motor.moving(0.15)
    motor.sim.write('travel_motor', register, value)
    motor.wait_for(lambda: motor.module('travel_motor').status == 'error', what='fault')
    motor.wait_for(lambda: motor.hw.motor.state().standing, what='a verified stop')
    before = motor.samples['travel_motor'].read_at
    seen = set()

    def read_on():
        seen.add((motor.module('travel_motor').status, motor.module('travel_motor').error_code))
        seen.add(motor.hw.motor.state().stop_reason)
        return motor.samples['travel_motor'].read_at > before + 1.0  # the commands go on

    motor.wait_for(read_on)
    assert seen == {('error', 'MOD-007'), 'drive_fault'}
    assert report in motor.module('travel_motor').error_description
    assert motor.hw.motor.state().standing
    assert motor.sim.truth()['velocity'] == 0.0
    motor.sim.write('travel_motor', register, 0)
    motor.online('travel_motor')
    assert motor.module('travel_motor').error_code == ''
    motor.wait_for(lambda: len(motor.statuses) > 2, what='the report that it is online')
    changes = [change[1:3] for _, change in motor.statuses][1:]
    assert changes == [('online', 'error'), ('error', 'online')]
    motor.stop_pump()
    motor.wait_for(lambda: motor.hw.motor.state().stop_reason == 'heartbeat_timeout')
    motor.moving(0.15)


def test_a_board_that_has_a_fault_at_the_start_is_faulty_until_it_has_none(make_rig):
    rig = make_rig('travel_motor')
    rig.sim.write('travel_motor', 'error_code', 3)
    rig.start()
    rig.wait_for(lambda: rig.module('travel_motor').error_code == 'MOD-007', what='fault')
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='a verified stop')
    assert rig.module('travel_motor').status == 'error'
    rig.sim.misbehave('travel_motor', absent=True)
    rig.wait_for(lambda: rig.module('travel_motor').status == 'offline', what='loss')
    rig.sim.misbehave('travel_motor', absent=False)
    rig.wait_for(lambda: rig.module('travel_motor').error_code == 'MOD-007', what='fault')
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='a verified stop')
    assert [change[2] for _, change in rig.statuses][-2:] == ['offline', 'error']
    rig.sim.write('travel_motor', 'error_code', 0)
    rig.online()
    rig.moving()


def test_a_lost_board_that_is_back_needs_a_new_command(motor):
    motor.moving()
    motor.sim.misbehave('travel_motor', absent=True)
    motor.wait_for(lambda: motor.module('travel_motor').status == 'offline', what='loss')
    motor.sim.misbehave('travel_motor', absent=False)
    motor.wait_for(lambda: motor.module('travel_motor').status == 'online', what='return')
    motor.wait_for(lambda: motor.hw.motor.state().standing, what='standing')
    motor.sim.watch('travel_motor', 'pwm1')
    until = time.monotonic() + 0.6
    motor.wait_for(lambda: time.monotonic() > until)  # the commands go on
    assert motor.sim.log() == []
    motor.stop_pump()
    motor.wait_for(lambda: motor.hw.motor.state().stop_reason != 'module_lost')
    motor.moving()


def motor_on(make_rig, travel):
    """Return a rig whose motor `travel` moves the vehicle, not started."""
    return make_rig(
        'travel_motor',
        modules={'travel_motor': (*BOARD, {'travel_channel': travel})},
        vehicle={'travel_channel': travel},
    )


def turn(rig, number):
    """Let a motor of the board turn as nobody commanded it."""
    prefix, speed = ('motor2_', 'speed') if number == 2 else ('', 'command_speed')
    for name, value in (('direction', 'forward'), (speed, 0.6), ('enable', 1)):
        rig.sim.write('travel_motor', prefix + name, value)


def stands(rig, number):
    words = rig.sim.registers('travel_motor')
    block = 0x10 * (number - 1)
    return all(words[f'0x{block + offset:04X}'] == 0 for offset in (1, 2, 3))


@pytest.mark.parametrize('travel', [1, 2])
def test_both_motors_are_stopped(make_rig, travel):
    rig, other = motor_on(make_rig, travel), 3 - travel
    actual = {1: 'actual_speed', 2: 'motor2_actual_speed'}[other]
    turn(rig, other)
    rig.wait_for(lambda: rig.sim.read('travel_motor', actual), what='the other motor')
    rig.start()
    rig.online()
    rig.wait_for(lambda: stands(rig, other), what='a stop at the set-up')
    turn(rig, other)
    rig.wait_for(lambda: stands(rig, other), what='a stop while the travel motor stands')
    rig.moving()
    rig.hw.motor.estop(True)
    turn(rig, other)
    rig.wait_for(
        lambda: stands(rig, other) and stands(rig, travel), what='a stop by the emergency stop'
    )


@pytest.mark.parametrize('travel', [1, 2])
def test_a_stop_is_not_verified_while_the_other_motor_is_on(make_rig, travel):
    rig = motor_on(make_rig, travel)
    rig.start()
    rig.online()
    rig.hw.motor.estop(True)
    rig.wait_for(lambda: rig.hw.motor.state().stop_verified, what='verified stop')
    # A stop is undone at the end of each cycle, before the next request reads it.
    rig.sim.misbehave('travel_motor', overwrite=1.0, cycle=0.001)
    turn(rig, 3 - travel)
    rig.wait_for(lambda: not rig.hw.motor.state().stop_verified, what='doubt')
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert not rig.hw.motor.state().stop_verified
        time.sleep(0.005)
    rig.sim.misbehave('travel_motor', overwrite=0.0)
    rig.wait_for(lambda: rig.hw.motor.state().stop_verified, what='verified stop')
    assert stands(rig, 3 - travel)


def test_motor_2_travels_both_ways_and_stops_by_every_cause(make_rig):
    rig = motor_on(make_rig, 2)
    rig.start()
    rig.online()
    rig.moving(0.3)
    sample = rig.samples['travel_motor']
    assert (sample.enabled, sample.direction) == (True, 'forward')
    rig.moving(-0.3)
    rig.stop_pump()
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='a stop when commands cease')
    assert stands(rig, 1)
    assert stands(rig, 2)
    rig.moving(0.3)
    rig.hw.motor.estop(True)
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='a stop by the emergency stop')
    rig.wait_for(lambda: rig.sim.truth()['velocity'] == 0, what='rest')
    rig.hw.motor.estop(False)
    rig.stop_pump()
    time.sleep(0.3)
    rig.moving(0.3)
    assert rig.hw.close()
    assert stands(rig, 2)


def test_a_restart_is_a_drive_fault_where_motor_2_travels(make_rig):
    rig = motor_on(make_rig, 2)
    rig.start()
    rig.online()
    rig.moving()
    rig.sim.reboot('travel_motor')
    rig.wait_for(lambda: [c for c in rig.statuses if c[1][3] == 'MOD-007'], what='fault')
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='a verified stop')


def test_a_word_that_is_neither_on_nor_off_is_no_stop(motor):
    motor.hw.motor.estop(True)
    motor.wait_for(lambda: motor.hw.motor.state().stop_verified)
    motor.sim.call('write_words', board='travel_motor', register='enable', words=[2])
    motor.wait_for(lambda: motor.sim.registers('travel_motor')['0x0001'] == 0, what='a stop')


def test_loss_is_reported_within_half_a_second_and_stops(motor):
    motor.moving()
    motor.sim.misbehave('travel_motor', absent=True)
    gone = time.monotonic()
    change = motor.wait_for(lambda: [c for c in motor.statuses if c[1][2] == 'offline'])[0]
    assert change[0] - gone < 0.5
    assert change[1][:4] == ('travel_motor', 'online', 'offline', 'MOD-001')
    state = motor.hw.motor.state()
    assert (state.stop_reason, state.stop_verified) == ('module_lost', False)
    motor.stop_pump()
    motor.sim.misbehave('travel_motor', absent=False)
    motor.online()
    assert_at_rest(motor)


def test_unplugged_line_stops_when_it_is_back(motor):
    motor.moving()
    motor.sim.unplug('drive')
    change = motor.wait_for(lambda: [c for c in motor.statuses if c[1][2] == 'offline'])[0]
    assert change[1][3] == 'MOD-005'
    assert motor.hw.motor.state().stop_reason == 'module_lost'
    assert motor.sim.truth()['velocity'] > 0  # no watchdog: nothing reaches the board
    motor.sim.plug('drive')
    motor.online()
    motor.stop_pump()
    assert_at_rest(motor)


def test_a_board_swapped_while_silent_is_not_written_to(motor):
    motor.moving()
    motor.stop_pump()
    motor.sim.misbehave('travel_motor', absent=True)
    gone = time.monotonic()
    motor.wait_for(lambda: time.monotonic() - gone > 1.1, what='the end of trust')
    motor.sim.swap('travel_motor', 'oht_v2_final_motor')
    motor.sim.write('travel_motor', 'module_type', 3)  # the layout alone tells
    before = motor.sim.registers('travel_motor')
    motor.sim.misbehave('travel_motor', absent=False)
    motor.wait_for(lambda: motor.module('travel_motor').error_code == 'MOD-004', what='refusal')
    assert motor.hw.close() is False  # nothing is known of the board that was driven
    assert motor.sim.registers('travel_motor') == before


def test_a_board_swapped_with_the_port_is_not_written_to(motor):
    motor.moving()
    motor.stop_pump()
    motor.sim.unplug('drive')
    motor.sim.swap('travel_motor', 'oht_v2_final_motor')
    motor.sim.write('travel_motor', 'module_type', 3)
    before = motor.sim.registers('travel_motor')
    motor.wait_for(lambda: motor.module('travel_motor').status == 'offline', what='loss')
    motor.sim.plug('drive')
    motor.wait_for(lambda: motor.module('travel_motor').error_code == 'MOD-004', what='refusal')
    assert motor.sim.registers('travel_motor') == before


def test_a_stop_is_verified_only_when_the_board_can_no_longer_take_it_back(motor):
    cycle = load('driver_2_motor').quirks['cycle']
    for _ in range(3):
        motor.moving()
        watch(motor)
        seen = []
        motor.hw._callbacks['sample'] = lambda name, sample, seen=seen: seen.append(sample)
        motor.hw.motor.estop(True)
        motor.wait_for(lambda seen=seen: [s for s in seen if s.stop_verified], what='stop')
        verified = next(sample for sample in seen if sample.stop_verified)
        assert verified.read_at - motor.sim.log()[-1][0] >= cycle
        motor.stop_pump()
        assert_at_rest(motor)
        motor.hw.motor.estop(False)


def test_an_exception_in_the_line_stops_and_the_line_goes_on(motor, monkeypatch, caplog):
    motor.moving()
    watch(motor)
    real, failed = SerialLine._transact, []

    def fail_once(line, request):
        if not failed:
            failed.append(time.monotonic())
            raise RuntimeError('a defect')
        return real(line, request)

    monkeypatch.setattr(SerialLine, '_transact', fail_once)
    motor.wait_for(lambda: any(words == [0] for *_, words in motor.sim.log()), what='stop')
    assert next(t for t, *_, words in motor.sim.log() if words == [0]) - failed[0] < 0.4
    motor.wait_for(lambda: motor.sim.read('travel_motor', 'enable'), what='motion again')
    assert 'a defect' in caplog.text


@pytest.mark.parametrize(('board', 'profile'), list(itertools.permutations(PROFILES, 2)))
@pytest.mark.parametrize('moving', [False, True])
def test_wrong_layout_is_refused_and_no_register_is_touched(make_rig, board, profile, moving):
    rig = make_rig(
        'travel_motor', boards={'travel_motor': (board, 'drive', 4)},
        modules={'travel_motor': (profile, 'drive', 4, {})},
    )  # fmt: skip
    rig.sim.write(
        'travel_motor', 'module_type', load(profile).type_codes[0]
    )  # the signature alone must tell them apart
    if moving:
        rig.sim.write('travel_motor', 'direction', 'forward')
    before = rig.sim.registers('travel_motor')
    rig.start()
    rig.wait_for(lambda: rig.module('travel_motor').status == 'error', what='refusal')
    rig.pump(0.5)
    info = rig.module('travel_motor')
    assert info.error_code == 'MOD-004' and profile in info.error_description
    assert rig.hw.motor.drive(0.5) in ('layout', 'error')
    requests = info.statistics.requests
    rig.hw.motor.estop(True)
    rig.wait_for(lambda: rig.module('travel_motor').statistics.requests > requests + 1)
    rig.stop_pump()
    assert rig.hw.close()
    assert rig.sim.registers('travel_motor') == before
    assert not rig.hw.motor.state().stop_verified


class Rounds:
    """The driver and its board, in time that the test lets pass."""

    def __init__(self, clock):
        self.clock, self.changes, self.beats = clock, [], Heartbeats()
        profile = load('driver_2_motor')
        self.module = MotorModule(
            ModuleSpec(
                'travel_motor', 'travel_motor', profile, 'x', 3, profile.timing,
                options={'watchdog': False},
            ),
            SimpleNamespace(name='x', baudrate=115200, wake=lambda worker: None),
            self,
        )  # fmt: skip
        self.module.guard._clock = clock
        self.board = FirmwareMotorBoard(
            'travel_motor', 3, profile, World(), {'loss': 0.0}, random.Random(1), lambda *_: None
        )

    def sample(self, module_id, sample):
        pass

    def discovered(self, info):
        pass

    def status_change(self, module_id, old, new, code, text):
        self.changes.append((old, new, code))

    def command(self, velocity, seconds, **failure):
        """Command for some seconds."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.module.guard.heartbeat(self.beats.next())
            self.module.guard.drive(velocity)
            run(self.module, self.board, self.clock, 0.05, **failure)
            self.board.drive(0.05)
            self.board.model()


@pytest.fixture
def rounds(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, 'monotonic', clock)
    return Rounds(clock)


def drive_blocks(module):
    """Return the blocks in which a motor is read back."""
    return [module._block, module._drive_block]


@pytest.mark.parametrize('velocity', [0.1, 0.0], ids=['slower', 'stand'])
def test_a_board_that_answers_reads_and_refuses_writes_is_faulty(rounds, velocity):
    rounds.command(0.3, 2.0)
    state = rounds.module.state()
    assert (state.stop_reason, state.commanded_velocity) == ('none', pytest.approx(0.3, abs=0.02))
    rounds.command(velocity, 0.5, refuses=ExceptionReplyError('exception 4 at 0x0001'))
    assert rounds.changes[-1] == ('online', 'error', 'MOD-003')
    state = rounds.module.state()
    assert (state.stop_reason, state.stop_verified) == ('module_lost', False)
    rounds.command(velocity, 0.5)  # as soon as it takes writes, it is stopped
    assert rounds.module.state().stop_verified
    assert rounds.board.get('enable') == 0


def test_refused_writes_that_succeed_the_next_time_are_no_fault(rounds):
    for velocity in (0.3, 0.1) * 3:
        rounds.command(velocity, 1.0)
        refused = ExceptionReplyError('exception 6 at 0x0001')
        rounds.command(0.4 - velocity, 0.04, refuses=refused)
    assert rounds.changes == [('offline', 'online', '')]


@pytest.mark.parametrize(
    ('error', 'statuses'),
    [
        (ExceptionReplyError('exception 4 at 0x0000'), ['online', 'error']),
        # It looks lost until it is looked for.
        (CommunicationTimeoutError('no reply'), ['online', 'offline', 'error']),
    ],
    ids=['refused', 'silent'],
)
def test_a_board_that_is_identified_but_whose_drive_block_fails_is_reported_once(
    rounds, error, statuses
):
    rounds.command(0.3, 2.0)
    # The board is identified by the registers that are read while it drives, so not those.
    rounds.command(0.3, 10.0, dead=[rounds.module._block], error=error)
    assert [status for _, status, _ in rounds.changes] == statuses
    assert rounds.module.state().stop_reason == 'module_lost'
    assert rounds.board.get('enable') == 0, 'what cannot be read back is stopped all the same'
    rounds.command(0.0, 1.0)
    assert rounds.changes[-1][1] == 'online'


@pytest.mark.parametrize('late', [0.0, 0.045, 0.1])
def test_a_stop_that_is_verified_holds_however_late_the_reply_is(rounds, late):
    rounds.command(0.3, 2.0)
    board, cycle = rounds.board, rounds.board.misbehaviour.cycle
    board.misbehaviour.overwrite = 1.0  # what a write found is restored at the end of the cycle
    rounds.clock.now += cycle - rounds.clock.now % cycle + 0.001
    rounds.module.guard.inhibit(StopReason.ESTOP, 'a test')
    for _ in range(10):
        run(rounds.module, board, rounds.clock, 0.001, exchange=0.002, late=late)
        if rounds.module.state().stop_verified:
            board.update(rounds.clock.now + cycle)
            assert board.get('enable') == 0


def test_a_stop_that_was_wanted_for_one_round_only_is_no_fault_of_the_board(rounds, monkeypatch):
    rounds.command(0.3, 2.0)
    guard, wanted = rounds.module.guard, rounds.module._demand.next

    def briefly():  # as when a heartbeat came just after it was missed
        guard.inhibit(StopReason.ERROR, 'a test')
        try:
            return wanted()
        finally:
            guard.release(StopReason.ERROR, 'a test')

    with monkeypatch.context() as patch:
        patch.setattr(rounds.module._demand, 'next', briefly)
        run(rounds.module, rounds.board, rounds.clock, 0.001)
    assert rounds.board.get('enable') == 0
    rounds.board.model()
    rounds.command(0.3, 2.0)
    assert rounds.changes == [('offline', 'online', '')]
    assert rounds.module.state().commanded_velocity == pytest.approx(0.3, abs=0.02)


def test_replies_that_were_lost_while_driving_make_no_stop_slower(rounds):
    rounds.command(0.3, 2.0)
    lost = {'dead': drive_blocks(rounds.module), 'error': CommunicationTimeoutError('no reply')}
    for _ in range(12):
        rounds.command(0.3, 0.02, **lost)
        rounds.command(0.3, 0.1)
    assert rounds.changes == [('offline', 'online', '')]
    rounds.module.guard.inhibit(StopReason.ESTOP, 'a test')
    began = rounds.clock.now
    run(rounds.module, rounds.board, rounds.clock, 0.001)
    assert rounds.clock.now - began < 0.08, 'until the next round'


def readings(requests, module):
    """Return times of the reads of the drive: of all of them, and of those of both motors."""
    reads = [(at, item) for at, item in requests if isinstance(item, Read) and item.address == 0]
    whole = [at for at, item in reads if item.count == module._block.count]
    return [at for at, _ in reads], whole


def test_while_it_drives_the_readings_that_a_stop_may_wait_for_are_short(rounds):
    rounds.command(0.3, 2.0)
    requests = []
    rounds.command(0.3, 2.0, requests=requests)
    every, whole = readings(requests, rounds.module)
    assert len(whole) < len(every) / 3
    assert max(after - before for before, after in itertools.pairwise(whole)) < 0.3


def test_the_motor_that_does_not_drive_is_stopped_while_the_other_one_drives(rounds):
    rounds.command(0.3, 2.0)
    for register in ('motor2_speed', 'motor2_enable'):
        rounds.board.set_words(register, [1])
    rounds.command(0.3, 0.3)
    assert rounds.board.get('motor2_enable') == 0
    assert rounds.module.state().commanded_velocity == pytest.approx(0.3, abs=0.02)


def test_a_stop_is_verified_by_a_reading_of_both_motors(rounds):
    rounds.command(0.3, 2.0)
    rounds.module.guard.inhibit(StopReason.ESTOP, 'a test')
    requests = []
    while not rounds.module.state().stop_verified:
        run(rounds.module, rounds.board, rounds.clock, 0.001, requests=requests)
    every, whole = readings(requests, rounds.module)
    assert every == whole


def test_a_stop_that_is_demanded_after_a_short_reading_is_not_verified_by_it(rounds, monkeypatch):
    rounds.command(0.3, 2.0)
    rounds.module.guard.inhibit(StopReason.ESTOP, 'a test')
    while not rounds.module.state().stop_verified:
        run(rounds.module, rounds.board, rounds.clock, 0.001)
    monkeypatch.setattr(rounds.module._demand, 'stops', lambda: False)
    requests = []
    run(rounds.module, rounds.board, rounds.clock, 0.001, requests=requests)
    every, whole = readings(requests, rounds.module)
    assert (len(every), len(whole)) == (1, 0)
    assert not rounds.module.state().stop_verified
