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
"""The command to stand is approached by the ramp; a cause that forbids motion stops at once."""

import pytest
from heartbeats import Heartbeats
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.hardware.drivers.motion_demand import MotionDemand
from oht50_bridge.hardware.drivers.velocity_ramp import RampLimits
from oht50_bridge.hardware.drivers.velocity_ramp import VelocityRamp
from oht50_bridge.hardware.motion_guard import MotionGuard
from oht50_bridge.stop_reason import StopReason


@pytest.fixture
def rig():
    class Rig:
        now = 0.0

        def __init__(self):
            self.guard = MotionGuard(1.0, clock=lambda: self.now)
            self.beats = Heartbeats()
            ramp = VelocityRamp(RampLimits(1.0, 2.0, 0.3))
            self.demand = MotionDemand(self.guard, ramp, lambda: self.now)

        def next(self, velocity, permitted=True, limit=1.0, backward=None):
            self.now += 0.03
            self.guard.heartbeat(self.beats.next(permitted, limit, backward))
            self.guard.drive(velocity)
            return self.demand.next()

    rig = Rig()
    for _ in range(20):
        verdict = rig.next(0.3)
    assert verdict.velocity == pytest.approx(0.3)
    return rig


def test_the_command_to_stand_is_no_stop_before_the_ramp_is_down(rig):
    verdicts = [rig.next(0.0) for _ in range(6)]
    assert [each.stop for each in verdicts] == [False] * 4 + [True] * 2
    assert all(each.reason == StopReason.NONE for each in verdicts)


def test_a_cause_stops_at_once_and_the_ramp_begins_anew(rig):
    verdict = rig.next(0.3, permitted=False)
    assert (verdict.stop, verdict.reason) == (True, StopReason.NOT_PERMITTED)
    assert rig.demand.stops()
    assert rig.next(0.3).velocity == pytest.approx(0.03)


def test_after_a_stop_was_written_the_command_to_stand_has_nothing_to_slow_down(rig):
    rig.demand.stopped()
    verdict = rig.next(0.0)
    assert (verdict.stop, verdict.velocity) == (True, 0.0)


def test_a_lower_limit_holds_at_once(rig):
    assert rig.next(0.3, limit=0.1).velocity == pytest.approx(0.1)


def test_while_it_slows_down_frames_of_motion_may_be_sent(rig):
    rig.next(0.0)
    assert not rig.demand.stops()
    rig.guard.inhibit(StopReason.ESTOP)
    assert rig.demand.stops()


def test_on_its_way_to_the_other_direction_the_limit_is_that_of_the_present_one(rig):
    assert rig.next(-0.3, limit=0.1, backward=1.0).velocity == pytest.approx(0.1)
    verdict = rig.next(-0.3, limit=0.0, backward=1.0)
    assert (verdict.stop, verdict.velocity) == (False, 0.0)


def test_a_frame_that_has_come_to_exceed_the_limit_may_not_be_sent(rig):
    assert rig.demand.permits()
    rig.guard.heartbeat(rig.beats.next(True, 0.1))
    assert not rig.demand.permits()
    rig.next(0.3, limit=0.1)
    assert rig.demand.permits()
    rig.guard.inhibit(StopReason.ESTOP)
    assert not rig.demand.permits()


speeds = st.sampled_from([0.0, 0.1, 0.3, 1.0])
rounds = st.tuples(
    st.sampled_from([0.01, 0.03, 0.05, 0.25]),  # s
    st.sampled_from([-0.5, -0.1, 0.0, 0.1, 0.5]),  # m/s
    st.booleans(),
    speeds,
    speeds,
)


@given(st.lists(rounds, max_size=60))
def test_what_is_asked_of_the_drive_is_never_above_the_limit_of_its_direction(sequence):
    now = 0.0
    guard = MotionGuard(1.0, clock=lambda: now)
    demand = MotionDemand(guard, VelocityRamp(RampLimits(2.0, 1.0, 0.1)), lambda: now)
    beats = Heartbeats(1)
    for _ in range(12):
        now += 0.03
        guard.heartbeat(beats.next())
    for wait, velocity, permitted, forward, backward in sequence:
        now += wait
        guard.heartbeat(beats.next(permitted, forward, backward))
        guard.drive(velocity)
        verdict = demand.next()
        limit = forward if verdict.velocity > 0.0 else backward
        assert abs(verdict.velocity) <= (limit if permitted else 0.0)
        assert not (verdict.stop and verdict.velocity)
        assert verdict.velocity == 0.0 or demand.permits()
