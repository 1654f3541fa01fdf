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
"""Travel times against the profile itself, and against one another."""

import math

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.motion import LoopSettings
from oht50_bridge.vehicle.motion import MotionLoop
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.profile import ProfileState
from oht50_bridge.vehicle.profile import SpeedZone
from oht50_bridge.vehicle.profile import VelocityProfile
from oht50_bridge.vehicle.travel_time import travel_time

LIMITS = MotionLimits(max_velocity=0.5, max_acceleration=0.3, max_jerk=0.2)
PERIOD = 0.02  # s

speeds = st.floats(0.05, 0.5)
zones = st.lists(
    st.builds(
        lambda start, length, speed: SpeedZone(start, start + length, speed),
        st.floats(0.0, 20.0),
        st.floats(0.1, 8.0),
        speeds,
    ),
    max_size=4,
)


def driven(start, target, limits, zones=()):
    """Return how long an ideal vehicle takes under the loop, s, until it has settled."""
    loop = LoopSettings(drive_delay=0.0)
    position, steps = start, 0
    motion = MotionLoop(Measurement(start, 1e-6, 0.0, 0.0), 0.0, limits, loop)
    motion.go(target, zones)
    velocity = 0.0
    while not motion.arrived:
        now = steps * PERIOD
        motion.update(Measurement(position, 1e-6, velocity, now))
        velocity = motion.step(now, 0.5)
        position += velocity * PERIOD
        steps += 1
        assert now < 1000.0, 'not arrived'
    return steps * PERIOD - loop.settle


@pytest.mark.parametrize('distance', [0.05, 0.5, 2.0, 30.0])
@pytest.mark.parametrize('acceleration', [0.05, 0.15, 0.3])
@pytest.mark.parametrize('velocity', [0.05, 0.2, 0.5])
def test_a_free_way_takes_as_long_as_its_profile(distance, acceleration, velocity):
    limits = MotionLimits(velocity, acceleration, 0.2)
    profile = VelocityProfile(ProfileState(1.0), limits)
    profile.move(1.0 + distance, limits)
    time = travel_time(ProfileState(1.0), 1.0 + distance, limits)
    assert time == pytest.approx(profile.remaining, abs=0.01)
    assert travel_time(ProfileState(1.0 + distance), 1.0, limits) == pytest.approx(time)


@settings(max_examples=10, deadline=None)
@given(st.floats(5.0, 15.0), zones, speeds, st.floats(0.1, 0.3))
@example(0.0, [SpeedZone(0.0, 1.0, 0.25)], 0.5, 0.125)
def test_a_way_through_zones_takes_as_long_as_driven(target, zones, velocity, acceleration):
    limits = MotionLimits(velocity, acceleration, 0.2)
    time = travel_time(ProfileState(10.0), target, limits, zones)
    assert driven(10.0, target, limits, zones) == pytest.approx(time, rel=0.05, abs=2.0)


@given(zones, speeds, speeds, st.floats(0.05, 0.3), st.floats(0.05, 0.3))
def test_a_lower_limit_never_makes_a_way_shorter_in_time(zones, v1, v2, a1, a2):
    def time(velocity, acceleration):
        return travel_time(
            ProfileState(0.0), 20.0, MotionLimits(velocity, acceleration, 0.2), zones
        )

    (low, high), (weak, strong) = sorted((v1, v2)), sorted((a1, a2))
    assert time(low, weak) >= time(high, strong) - 0.5
    assert time(low, weak) >= 20.0 / low


def test_zones_that_overlap_count_once():
    one = travel_time(ProfileState(0.0), 20.0, LIMITS, [SpeedZone(5.0, 15.0, 0.1)])
    two = travel_time(
        ProfileState(0.0), 20.0, LIMITS, [SpeedZone(5.0, 12.0, 0.1), SpeedZone(8.0, 15.0, 0.1)]
    )
    assert two == pytest.approx(one, abs=0.01)
    assert one == pytest.approx(20.0 / 0.5 + 10.0 / 0.1 - 10.0 / 0.5, rel=0.1)


def test_the_speed_at_hand_counts_and_the_wrong_direction_costs_time():
    standing = travel_time(ProfileState(0.0), 10.0, LIMITS)
    assert travel_time(ProfileState(0.0, 0.5), 10.0, LIMITS) < standing
    assert travel_time(ProfileState(0.0, -0.5), 10.0, LIMITS) > standing + 2.0


def test_at_the_target_and_where_nothing_may_move():
    assert travel_time(ProfileState(3.0), 3.0, LIMITS) == 0.0
    assert travel_time(ProfileState(0.0), 10.0, MotionLimits(max_velocity=0.0)) > 1e6
    assert math.isfinite(travel_time(ProfileState(0.0, 0.5), 0.01, LIMITS)), 'too fast to stop'


@pytest.mark.parametrize('velocity', [-0.5, -0.1, 0.1, 0.5])
def test_from_a_motion_it_takes_as_long_as_its_profile(velocity):
    state = ProfileState(1.0, velocity)
    profile = VelocityProfile(state, LIMITS)
    profile.move(9.0, LIMITS)
    assert travel_time(state, 9.0, LIMITS) == pytest.approx(profile.remaining, abs=0.05)


def test_zones_that_touch_are_one():
    one = travel_time(ProfileState(0.0), 20.0, LIMITS, [SpeedZone(-1.0, 21.0, 0.3)])
    two = [SpeedZone(-1.0, 0.1, 0.3), SpeedZone(0.1, 21.0, 0.3)]
    assert travel_time(ProfileState(0.0), 20.0, LIMITS, two) == pytest.approx(one)


def test_a_target_just_behind_a_zone_is_braked_for_in_the_zone():
    time = travel_time(ProfileState(0.0), 2.05, LIMITS, [SpeedZone(-1.0, 2.0, 0.3)])
    slow = travel_time(ProfileState(0.0), 2.05, MotionLimits(max_velocity=0.3))
    assert time == pytest.approx(slow, abs=0.8)


@pytest.mark.no_cover  # the same lines, again and again
def test_the_speed_of_a_zone_is_reached_before_its_border():
    zones = [SpeedZone(4.0, 5.0, 0.03)]
    time = travel_time(ProfileState(0.0), 9.0, LIMITS, zones)
    assert driven(0.0, 9.0, LIMITS, zones) == pytest.approx(time, abs=1.0)
