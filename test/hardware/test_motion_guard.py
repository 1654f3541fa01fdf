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
from dataclasses import replace

import pytest
from heartbeats import Heartbeats

from oht50_bridge.hardware import motion_guard as guard_module
from oht50_bridge.hardware.motion_guard import MotionGuard
from oht50_bridge.stop_reason import StopReason


class Bench:
    def __init__(self):
        self.now = 100.0
        self.stops = 0
        self.guard = MotionGuard(1.0, self._count, lambda: self.now)
        self.beats = Heartbeats(1)

    def _count(self):
        self.stops += 1

    def beat(self, permitted=True, forward=1.0, backward=None, *, age=0.0):
        """Give the next heartbeat."""
        assert self.guard.heartbeat(self.beats.next(permitted, forward, backward), age)

    def settle(self):
        """Give heartbeats until they permit motion."""
        for _ in range(6):
            self.beat()
            self.now += 0.05

    def move(self, velocity=0.5, limit=1.0):
        self.beat(True, limit)
        assert self.guard.drive(velocity) == 'none'
        return self.guard.evaluate()

    def reason(self):
        verdict = self.guard.evaluate()
        assert verdict.stop and verdict.velocity == 0.0
        return verdict.reason


@pytest.fixture
def bench():
    bench = Bench()
    bench.settle()
    return bench


def test_nothing_moves_before_the_first_heartbeats_and_command():
    bench = Bench()
    assert bench.reason() == 'heartbeat_timeout'
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'
    bench.beat()
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'  # both may have waited
    bench.settle()
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
    bench.settle()
    assert bench.reason() == 'no_command'


def test_not_permitted(bench):
    bench.move()
    bench.beat(False)
    assert bench.stops == 1
    assert bench.reason() == 'not_permitted'
    assert bench.guard.drive(0.5) == 'not_permitted'
    bench.beat()
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


@pytest.mark.parametrize('limits', [(-1.0, 1.0), (1.0, math.nan), (math.inf, 1.0), (None, 1.0)])
def test_a_speed_limit_that_is_no_number_forbids_motion_both_ways(bench, limits):
    for velocity in (0.5, -0.5):
        bench.move(velocity)
        bench.beat(True, *limits)
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
    bench.now += 0.15
    bench.guard.drive(0.5)
    assert bench.guard.expires_in() == pytest.approx(0.15)


def test_a_command_is_as_old_as_its_giver_says(bench):
    bench.beat()
    assert bench.guard.drive(0.5, age=0.15) == 'none'
    assert bench.guard.expires_in() == pytest.approx(0.05)
    bench.now += 0.06
    assert bench.reason() == 'command_timeout'
    for age in (0.21, math.inf, math.nan):
        assert bench.guard.drive(0.5, age=age) == 'command_timeout'
    assert bench.reason() == 'command_timeout'
    bench.move()
    assert bench.guard.drive(0.0, age=5.0) == 'none'  # to stand is never too old an order
    assert bench.guard.evaluate().stop


@pytest.mark.parametrize('age', [0.31, math.inf, math.nan])
def test_an_old_heartbeat_prolongs_nothing_and_lowers_limits(bench, age):
    bench.move()
    bench.now += 0.1
    bench.beat(True, 0.2, age=age)
    assert bench.guard.evaluate().velocity == 0.2
    bench.beat(True, 0.9, age=age)
    assert bench.guard.evaluate().velocity == 0.2
    bench.now += 0.201
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'


def test_a_date_that_jumps_ahead_does_not_end_the_permission(bench):
    bench.move()
    bench.beat(age=0.29)
    bench.now += 0.1
    assert bench.guard.drive(0.5) == 'none'
    assert not bench.guard.evaluate().stop


def test_after_a_stall_commands_that_waited_are_refused(bench):
    bench.guard.attend()
    bench.now += 0.24
    bench.beat()
    bench.now += 0.15
    assert bench.guard.attend() == 0.0
    bench.move()
    bench.now += 5.0
    # What was queued is taken before the line's thread is at work again ...
    bench.beat()
    bench.guard.drive(0.5)
    assert bench.guard.attend() == pytest.approx(5.0)
    assert bench.reason() == 'error'
    # ... or after it.
    assert bench.guard.drive(0.5) == 'error'
    bench.now += 0.201
    bench.guard.attend()
    bench.beat()
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
    guard, beats = MotionGuard(1.0), Heartbeats()
    guard.heartbeat(beats.next())
    slept = 0.25
    assert guard.drive(0.5) == 'heartbeat_timeout'
    guard.heartbeat(beats.next())
    assert guard.drive(0.5) == 'none'
    slept = 3600.0
    assert guard.evaluate().stop


def test_what_waited_unread_permits_nothing_whatever_the_date_says(bench):
    bench.move()
    bench.now += 5.0  # the executor hangs; the date was set back meanwhile, so all looks new
    bench.beat()
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'
    assert bench.reason() == 'heartbeat_timeout'
    bench.now += 0.25
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'  # nothing but the one that waited
    bench.beat()
    assert bench.reason() == 'no_command'
    assert not bench.move().stop


def test_each_direction_has_its_limit(bench):
    bench.beat(True, 0.4, 0.2)
    for velocity, expected in ((0.5, 0.4), (-0.5, -0.2), (0.3, 0.3), (-0.1, -0.1)):
        assert bench.guard.drive(velocity) == 'none'
        verdict = bench.guard.evaluate()
        assert (verdict.velocity, verdict.forward, verdict.backward) == (expected, 0.4, 0.2)
        assert verdict.limit(velocity) == (0.4 if velocity > 0.0 else 0.2)
    assert verdict.limit(0.0) == 0.4


@pytest.mark.parametrize('sign', [1.0, -1.0])
def test_a_direction_without_permission_refuses_its_commands_only(bench, sign):
    limits = (0.0, 1.0) if sign > 0.0 else (1.0, 0.0)
    bench.beat(True, *limits)
    assert bench.guard.drive(0.5 * sign) == 'not_permitted'
    assert bench.reason() == 'not_permitted'
    assert bench.guard.drive(-0.5 * sign) == 'none'
    assert bench.guard.evaluate().velocity == -0.5 * sign
    assert bench.guard.drive(0.5 * sign) == 'not_permitted'
    assert bench.stops == 1  # the motion the other way is not what was commanded last
    assert bench.reason() == 'not_permitted'
    bench.beat()
    assert bench.reason() == 'no_command'


def test_a_direction_that_becomes_forbidden_stops_and_needs_a_new_command(bench):
    bench.move(0.5)
    bench.beat(True, 1.0, 0.0)
    assert not bench.guard.evaluate().stop
    bench.beat(True, 0.0, 1.0)
    assert bench.stops == 1
    assert bench.reason() == 'not_permitted'
    bench.beat(True, 0.0, 1.0)
    assert bench.reason() == 'not_permitted'
    bench.beat()
    assert bench.reason() == 'no_command'
    assert bench.move(0.5).velocity == 0.5


def test_a_beat_that_does_not_rise_is_void(bench):
    first, second = bench.beats.next(True, 0.9), bench.beats.next(True, 0.2)
    assert bench.guard.heartbeat(second)
    assert bench.guard.drive(0.5) == 'none'
    assert not bench.guard.heartbeat(first)
    assert not bench.guard.heartbeat(second)
    assert bench.guard.evaluate().velocity == 0.2
    for _ in range(4):
        bench.now += 0.1
        bench.guard.heartbeat(second)
        bench.guard.drive(0.5)
    assert bench.reason() == 'heartbeat_timeout'


def test_a_beat_without_a_number_is_void():
    bench = Bench()
    for _ in range(5):
        assert not bench.guard.heartbeat(replace(bench.beats.next(), counter=0))
        bench.now += 0.05
    assert bench.guard.drive(0.5) == 'heartbeat_timeout'


def test_a_safety_node_that_starts_needs_a_new_command_and_the_one_before_is_void(bench):
    bench.move()
    before, bench.beats = bench.beats, Heartbeats(2)
    bench.beat(True, 0.3)
    assert bench.stops == 1
    assert bench.reason() == 'heartbeat_timeout'
    assert not bench.guard.heartbeat(before.next())
    for _ in range(4):
        bench.now += 0.051
        assert bench.reason() == 'heartbeat_timeout'
        bench.beat(True, 0.3)
    assert bench.reason() == 'no_command'
    assert not bench.guard.heartbeat(before.next())
    assert bench.guard.drive(0.5) == 'none'
    assert bench.guard.evaluate().velocity == 0.3
