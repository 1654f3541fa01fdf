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
"""The motion guard under arbitrary sequences of commands, heartbeats, hangs and jumps of the date.

A model that remembers everything that was ever given judges each verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.hardware.motion_guard import Heartbeat
from oht50_bridge.hardware.motion_guard import MotionGuard
from oht50_bridge.stop_reason import StopReason
from oht50_bridge.timing import DRIVE_COMMAND_TIMEOUT
from oht50_bridge.timing import HEARTBEAT_TIMEOUT

# It runs the same lines thousands of times, and others count them.
pytestmark = pytest.mark.no_cover

MAX_SPEED = 1.0  # m/s
EPSILON = 1e-9

odd = st.sampled_from([math.nan, math.inf, -math.inf])
speeds = st.one_of(st.sampled_from([0.0, 0.3, 2.0]), st.floats(0.0, 2.0), odd)
velocities = st.one_of(st.sampled_from([0.0, 0.5, -0.5]), st.floats(-2.0, 2.0), odd)
ages = st.one_of(st.just(0.0), st.floats(0.0, 0.5), st.sampled_from([-1.0, math.nan, math.inf]))
steps = st.one_of(
    st.tuples(st.just('wait'), st.sampled_from([0.01, 0.05, 0.1, 0.19, 0.25, 0.31, 1.0])),
    st.tuples(st.just('drive'), velocities, ages),
    # Mostly beats that permit: otherwise hardly any sequence moves.
    st.tuples(st.just('beat'), st.just(True), speeds, speeds, st.just(0.0)),
    st.tuples(st.just('beat'), st.booleans(), speeds, speeds, ages),
    st.tuples(st.just('again'), st.integers(0, 30), ages),  # repeats an earlier beat
    st.tuples(st.just('hold back'), st.booleans(), speeds, speeds),  # numbered now, sent later
    st.tuples(st.just('restart')),
    st.tuples(st.just('cruise'), st.integers(1, 12), st.sampled_from([0.5, -0.5, 0.1])),
    # What waited in a node that hung: one beat, and commands that go on.
    st.tuples(
        st.just('backlog'), st.sampled_from([0.1, 0.21, 0.29]), st.sampled_from([0.5, -0.5])
    ),
    st.tuples(st.just('estop'), st.booleans()),
)


@dataclass
class Model:
    """What was given, and what may follow from it."""

    now: float = 100.0
    started_at: int = 1
    counter: int = 0
    made: list[Heartbeat] = field(default_factory=list)
    newest: tuple[int, int] = (0, 0)
    permits: list[tuple[float, float, float]] = field(default_factory=list)  # time, limits
    command: tuple[float, float] | None = None  # time, velocity of the last one that was taken
    estop: bool = False
    moved: int = 0

    def beat(self, permitted: bool, forward: float, backward: float) -> Heartbeat:
        self.counter += 1
        beat = Heartbeat(permitted, forward, backward, self.started_at, self.counter)
        self.made.append(beat)
        return beat


class Bench:
    """A guard beside its model."""

    def __init__(self) -> None:
        self.model = Model()
        self.guard = MotionGuard(MAX_SPEED, clock=lambda: self.model.now)

    def give(self, beat: Heartbeat, age: float) -> None:
        model = self.model
        taken = self.guard.heartbeat(beat, age)
        number = (beat.started_at, beat.counter)
        assert taken == (number > model.newest)
        if not taken:
            return
        pause = model.now - model.permits[-1][0] if model.permits else math.inf
        if number[0] != model.newest[0] or pause > HEARTBEAT_TIMEOUT:
            model.command = None
            model.permits.clear()
        model.newest = number
        numbers = (beat.forward, beat.backward)
        good = beat.permitted and all(math.isfinite(x) and x >= 0.0 for x in numbers)
        limits = numbers if good else (0.0, 0.0)
        model.permits.append((model.now, *limits))
        if model.command is not None and limits[model.command[1] < 0.0] == 0.0:
            model.command = None

    def drive(self, velocity: float, age: float) -> None:
        if self.guard.drive(velocity, age) == StopReason.NONE:
            self.model.command = (self.model.now, velocity)

    def do(self, step: tuple) -> None:
        model = self.model
        match step:
            case ('wait', duration):
                model.now += duration
            case ('drive', velocity, age):
                self.drive(velocity, age)
            case ('beat', permitted, forward, backward, age):
                self.give(model.beat(permitted, forward, backward), age)
            case ('again', index, age):
                if model.made:
                    self.give(model.made[-1 - index % len(model.made)], age)
            case ('hold back', permitted, forward, backward):
                model.beat(permitted, forward, backward)
            case ('restart',):
                model.started_at += 1
                model.counter = 0
            case ('cruise', rounds, velocity):
                for _ in range(rounds):
                    self.give(model.beat(True, 0.6, 0.4), 0.0)
                    self.drive(velocity, 0.0)
                    self.check()
                    model.now += 0.05
            case ('backlog', duration, velocity):
                model.now += 5.0
                self.give(model.beat(True, 0.6, 0.4), 0.0)
                self.check()
                model.now += duration
                self.drive(velocity, 0.0)
            case ('estop', latched):
                model.estop = latched
                if latched:
                    model.command = None
                    self.guard.inhibit(StopReason.ESTOP)
                else:
                    self.guard.release(StopReason.ESTOP)

    def check(self) -> None:
        verdict, model = self.guard.evaluate(), self.model
        if verdict.velocity == 0.0:
            assert verdict.stop
            return
        model.moved += 1
        assert verdict.reason == StopReason.NONE
        assert not model.estop
        # A fresh command, that nothing has voided since, in the same direction.
        assert model.command is not None
        given, velocity = model.command
        assert model.now - given <= DRIVE_COMMAND_TIMEOUT
        assert 0.0 < verdict.velocity / velocity <= 1.0
        # A fresh beat of the sender that started last, none newer, and its limit.
        given, forward, backward = model.permits[-1]
        assert model.now - given <= HEARTBEAT_TIMEOUT
        limit = forward if velocity > 0.0 else backward
        assert abs(verdict.velocity) <= min(limit, MAX_SPEED) + EPSILON
        # And it has been heard without a pause for long enough for this to be no backlog.
        assert given - model.permits[0][0] >= DRIVE_COMMAND_TIMEOUT - EPSILON


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=40))
def test_nothing_moves_but_by_a_fresh_command_and_a_fresh_permission(sequence):
    bench = Bench()
    for step in sequence:
        bench.do(step)
        bench.check()


def test_the_model_sees_motion():
    bench = Bench()
    for step in [('cruise', 12, 0.5), ('restart',), ('cruise', 12, -0.5)]:
        bench.do(step)
    assert bench.model.moved == 14


@given(st.permutations(range(1, 8)), st.floats(0.0, 1.0))
def test_reordered_and_repeated_beats_leave_the_limits_of_the_newest(order, limit):
    bench = Bench()
    bench.do(('cruise', 6, 0.5))
    beats = [bench.model.beat(True, limit * n / 7.0, 1.0) for n in order]
    for number in order:
        bench.give(beats[number - 1], 0.0)
        newest = max(beats[n - 1].counter for n in order[: order.index(number) + 1])
        expected = next(beat.forward for beat in beats if beat.counter == newest)
        bench.guard.drive(1.0)
        assert bench.guard.evaluate().velocity == min(expected, 1.0)
