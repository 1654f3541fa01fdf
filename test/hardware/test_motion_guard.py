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
"""The guard by a clock of its own: each cause stops, and only a new command moves again."""

from __future__ import annotations

import math

import pytest

from oht50_bridge.hardware import motion_guard as guard_module
from oht50_bridge.hardware.motion_guard import MotionGuard
from oht50_bridge.stop_reason import StopReason


class Bench:
    def __init__(self):
        self.now = 100.0
        self.stops = 0
        self.guard = MotionGuard(1.0, self._count, lambda: self.now)

    def _count(self):
        self.stops += 1

    def move(self, velocity=0.5, limit=1.0):
        self.guard.heartbeat(True, limit)
        assert self.guard.drive(velocity) == 'none'
        return self.guard.evaluate()

    def reason(self):
        verdict = self.guard.evaluate()
        assert verdict.stop and verdict.velocity == 0.0
        return verdict.reason


@pytest.fixture
def bench():
    return Bench()


def test_nothing_moves_before_the_first_heartbeat_and_command(bench):
    assert bench.reason() == 'heartbeat_timeout'
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'
    bench.guard.heartbeat(True, 1.0)
    assert bench.reason() == 'no_command'  # the command came before the permission
    assert bench.move().velocity == 0.5


def test_command_lives_200_ms(bench):
    bench.move()
    bench.now += 0.199
    assert not bench.guard.evaluate().stop
    bench.now += 0.002
    assert bench.reason() == 'command_timeout'
    assert bench.reason() == 'command_timeout'
    assert not bench.move().stop


def test_heartbeat_lives_300_ms_and_needs_a_new_command(bench):
    bench.move()
    for _ in range(3):
        bench.now += 0.1
        bench.guard.drive(0.5)
    assert not bench.guard.evaluate().stop
    bench.now += 0.001
    assert bench.reason() == 'heartbeat_timeout'
    bench.guard.heartbeat(True, 1.0)
    assert bench.reason() == 'no_command'


def test_not_permitted(bench):
    bench.move()
    bench.guard.heartbeat(False, 1.0)
    assert bench.stops == 1
    assert bench.reason() == 'not_permitted'
    assert bench.guard.drive(0.5) == 'not_permitted'
    bench.guard.heartbeat(True, 1.0)
    assert bench.reason() == 'no_command'


@pytest.mark.parametrize('reason', [StopReason.ESTOP, StopReason.LAYOUT, StopReason.SHUTDOWN])
def test_inhibition_stops_refuses_and_needs_a_new_command(bench, reason):
    bench.move()
    bench.guard.inhibit(reason, 'a')
    bench.guard.inhibit(reason, 'b')
    assert bench.stops == 2
    assert bench.reason() == reason
    assert bench.guard.drive(0.5) == reason
    bench.guard.release(reason, 'a')
    assert bench.reason() == reason
    bench.guard.release(reason, 'b')
    assert bench.reason() == 'no_command'
    assert not bench.move().stop


def test_estop_set_and_cleared_between_two_judgements_still_voids_the_command(bench):
    bench.move()
    bench.guard.inhibit(StopReason.ESTOP)
    bench.guard.release(StopReason.ESTOP)
    assert bench.reason() == 'no_command'


@pytest.mark.parametrize('velocity', [math.nan, math.inf, -math.inf, None, 'fast', True])
def test_a_command_that_is_no_number_stops(bench, velocity):
    bench.move()
    assert bench.guard.drive(velocity) == 'error'
    assert bench.stops == 1
    assert bench.reason() == 'error'
    assert not bench.move().stop


@pytest.mark.parametrize('limit', [math.nan, math.inf, -1.0])
def test_a_speed_limit_that_is_no_number_forbids_motion(bench, limit):
    bench.move()
    bench.guard.heartbeat(True, limit)
    assert bench.reason() == 'not_permitted'


@pytest.mark.parametrize(
    ('velocity', 'limit', 'expected'),
    [(0.5, 1.0, 0.5), (5.0, 2.0, 1.0), (-5.0, 2.0, -1.0), (0.5, 0.2, 0.2), (-0.5, 0.2, -0.2)],
)
def test_velocity_is_limited_by_permission_and_vehicle(bench, velocity, limit, expected):
    assert bench.move(velocity, limit).velocity == expected


def test_zero_is_a_stop_without_a_cause(bench):
    verdict = bench.move(0.0)
    assert verdict.stop and verdict.reason == 'none'


def test_expiry_is_the_earlier_of_the_two(bench):
    assert bench.guard.expires_in() == math.inf
    bench.move()
    assert bench.guard.expires_in() == pytest.approx(0.2)
    bench.now = 100.15
    bench.guard.drive(0.5)
    assert bench.guard.expires_in() == pytest.approx(0.15)


def test_a_command_is_as_old_as_its_giver_says(bench):
    bench.guard.heartbeat(True, 1.0)
    assert bench.guard.drive(0.5, age=0.15) == 'none'
    assert bench.guard.expires_in() == pytest.approx(0.05)
    bench.now += 0.06
    assert bench.reason() == 'command_timeout'
    for age in (0.21, math.inf, math.nan):
        assert bench.guard.drive(0.5, age=age) == 'command_timeout'
    assert bench.reason() == 'command_timeout'


@pytest.mark.parametrize('age', [0.31, math.inf, math.nan])
def test_an_old_heartbeat_permits_nothing(bench, age):
    bench.guard.heartbeat(True, 1.0, age=age)
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'


def test_after_a_stall_commands_that_waited_are_refused(bench):
    bench.guard.attend()
    bench.now += 0.39
    assert bench.guard.attend() == 0.0
    bench.move()
    bench.now += 5.0
    # What was queued is taken before the line's thread is at work again ...
    bench.guard.heartbeat(True, 1.0)
    bench.guard.drive(0.5)
    assert bench.guard.attend() == pytest.approx(5.0)
    assert bench.reason() == 'error'
    # ... or after it.
    assert bench.guard.drive(0.5) == 'error'
    bench.now += 0.201
    bench.guard.attend()
    bench.guard.heartbeat(True, 1.0)
    assert bench.reason() == 'no_command'
    assert not bench.move().stop


def test_time_goes_on_while_the_machine_sleeps(monkeypatch):
    slept = 0.0
    real = guard_module.time.clock_gettime
    monkeypatch.setattr(
        guard_module.time,
        'clock_gettime',
        lambda clock: real(clock) + (slept if clock == guard_module.time.CLOCK_BOOTTIME else 0),
    )
    guard = MotionGuard(1.0)
    guard.heartbeat(True, 1.0)
    assert guard.drive(0.5) == 'none'
    slept = 3600.0
    assert guard.evaluate().stop
