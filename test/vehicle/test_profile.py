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
"""The velocity profile: its limits, and changes of target and limit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.profile import ProfileState
from oht50_bridge.vehicle.profile import VelocityProfile
from oht50_bridge.vehicle.profile import peak_velocity

LIMITS = MotionLimits(max_velocity=0.5, max_acceleration=0.3, max_jerk=0.2)
PERIOD = 0.02  # s
EPSILON = 1e-6
OVERSHOOT = 0.001  # m, half of the finest tolerance

positions = st.floats(0.0, 50.0)
changes = st.lists(
    st.tuples(
        st.one_of(positions, st.none()),  # target; None pauses
        st.floats(0.01, 0.5),  # limit of the velocity
        st.floats(0.02, 8.0),  # s until the next change
    ),
    min_size=1,
    max_size=8,
)


def braking(profile):
    """Return the positions, least and greatest, that braking at once comes to."""
    brake = VelocityProfile(profile.state(), LIMITS)
    steps = math.ceil(brake.remaining / PERIOD) + 1
    way = [brake.state(ahead=step * PERIOD).position for step in range(steps)]
    return min(way), max(way)


@given(positions, changes)
def test_no_profile_exceeds_its_limits_or_overshoots(start, sequence):
    profile = VelocityProfile(ProfileState(start), LIMITS)
    before = profile.state()
    for target, velocity, duration in sequence:
        allowed = max(velocity, abs(peak_velocity(before, LIMITS.max_jerk)))
        least, greatest = braking(profile)
        profile.move(target, MotionLimits(velocity, LIMITS.max_acceleration, LIMITS.max_jerk))
        settled = False
        for _ in range(round(duration / PERIOD) or 1):
            profile.advance(PERIOD)
            now = profile.state()
            assert abs(now.velocity) <= allowed + EPSILON
            settled = settled or abs(peak_velocity(now, LIMITS.max_jerk)) <= velocity
            assert not settled or abs(now.velocity) <= velocity + EPSILON, 'below it stays below'
            assert abs(now.acceleration) <= LIMITS.max_acceleration + EPSILON
            assert (
                abs(now.acceleration - before.acceleration) <= LIMITS.max_jerk * PERIOD + EPSILON
            )
            assert (
                abs(now.velocity - before.velocity) <= LIMITS.max_acceleration * PERIOD + EPSILON
            )
            assert abs(now.position - before.position) <= allowed * PERIOD + EPSILON, 'no jump'
            if target is not None:  # past it only as far as braking at once would have gone
                low, high = sorted((before.position, target))
                assert min(low, least) - OVERSHOOT <= now.position
                assert now.position <= max(high, greatest) + OVERSHOOT
            before = now
    profile.move(25.0, LIMITS)
    profile.advance(profile.remaining)
    assert profile.state().position == pytest.approx(25.0, abs=1e-6)
    assert profile.state().velocity == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize('limit', [0.02, 0.1, 0.3])
def test_limit_lowered_while_braking_does_not_turn_the_vehicle_back(limit):
    whole = VelocityProfile(ProfileState(0.0), LIMITS)
    whole.move(2.0, LIMITS)
    for tenth in range(round(whole.remaining * 10)):
        profile = VelocityProfile(whole.state(tenth / 10), LIMITS)
        profile.move(2.0, MotionLimits(limit, LIMITS.max_acceleration, LIMITS.max_jerk))
        while profile.remaining > 0.0:
            profile.advance(0.1)
            assert profile.state().velocity > -0.005
        assert profile.state().position == pytest.approx(2.0, abs=OVERSHOOT)


def test_a_rounding_error_of_the_acceleration_does_not_lengthen_the_profile():
    limits = MotionLimits(max_velocity=0.25, max_acceleration=0.125, max_jerk=0.2)
    durations = []
    for acceleration in (0.0, -8e-20, 8e-20):
        profile = VelocityProfile(ProfileState(1.09, -0.25, acceleration), limits)
        profile.move(0.0, limits)
        durations.append(profile.remaining)
    assert durations == pytest.approx([durations[0]] * 3)
