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
"""The velocity follows what is wanted by ramps, and pauses before it turns."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.hardware.drivers.velocity_ramp import RampLimits
from oht50_bridge.hardware.drivers.velocity_ramp import VelocityRamp

LIMITS = RampLimits(accel=1.0, decel=2.0, pause=0.3)
PERIOD = 0.03  # s


def run(ramp, wanted, seconds, start=0.0, limit=math.inf):
    """Return (time, velocity) of the steps."""
    steps = round(seconds / PERIOD)
    times = [start + (i + 1) * PERIOD for i in range(steps)]
    return [(now, ramp.step(wanted, limit, now)) for now in times]


def ramp_at(velocity):
    """Return a ramp that has been at a velocity since 0 s."""
    ramp = VelocityRamp(RampLimits())
    ramp.step(velocity, math.inf, 0.0)
    ramp._limits = LIMITS
    return ramp


def test_it_rises_by_the_acceleration_and_stays():
    ramp = VelocityRamp(LIMITS)
    ramp.stop(0.0)
    seen = run(ramp, 0.5, 1.0)
    assert seen[9][1] == pytest.approx(0.3)
    assert seen[-1][1] == 0.5


def test_it_falls_by_the_deceleration_to_nothing():
    ramp = ramp_at(0.6)
    seen = run(ramp, 0.0, 0.6)
    assert seen[4][1] == pytest.approx(0.3)
    assert seen[-1][1] == 0.0


def test_it_pauses_at_nothing_before_it_turns():
    ramp = ramp_at(0.3)
    seen = run(ramp, -0.3, 1.5)
    stands = [now for now, velocity in seen if velocity == 0.0]
    assert LIMITS.pause - PERIOD <= stands[-1] - stands[0] <= LIMITS.pause + PERIOD
    assert seen[-1][1] == -0.3


def test_a_stop_at_once_begins_the_pause_too():
    ramp = ramp_at(0.3)
    ramp.stop(0.0)
    assert ramp.step(-0.3, math.inf, 0.2) == 0.0
    assert ramp.step(0.3, math.inf, 0.21) > 0.0  # the same direction needs none


def test_a_limit_holds_at_once():
    ramp = ramp_at(0.6)
    assert ramp.step(0.6, 0.1, PERIOD) == 0.1


def test_it_leaves_out_what_the_drive_cannot():
    ramp = VelocityRamp(LIMITS, slowest=0.08)
    ramp.stop(0.0)
    assert ramp.step(0.5, math.inf, 0.001) == 0.08
    assert ramp.step(0.05, math.inf, 5.0) == 0.0


def test_a_long_pause_counts_as_a_short_one():
    ramp = VelocityRamp(LIMITS)
    ramp.stop(0.0)
    assert ramp.step(5.0, math.inf, 60.0) == pytest.approx(0.1)


@given(
    st.lists(
        st.tuples(st.floats(-2, 2), st.floats(0, 2), st.floats(0, 0.5)), min_size=1, max_size=60
    ),
    st.floats(0.0, 0.2),
)
def test_whatever_is_wanted_it_changes_no_faster_and_turns_only_after_the_pause(steps, slowest):
    ramp = VelocityRamp(LIMITS, slowest)
    ramp.stop(0.0)
    now, moved_at, sign = 0.0, -math.inf, 0.0
    for wanted, limit, duration in steps:
        now += duration
        before = ramp.velocity
        velocity = ramp.step(wanted, limit, now)
        assert abs(velocity) <= limit
        assert velocity == 0.0 or abs(velocity) >= slowest
        rise = abs(velocity) - abs(before)
        assert rise <= max(LIMITS.accel * min(duration, 0.1), slowest) + 1e-9
        assert before * velocity >= 0.0
        if velocity * sign < 0.0:
            assert now - moved_at >= LIMITS.pause
        if velocity != 0.0:
            sign = math.copysign(1.0, velocity)
        if velocity != 0.0 or before != 0.0:
            moved_at = now
