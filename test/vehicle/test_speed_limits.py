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
"""Limits of speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.speed_limits import CREEP_SPEED
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import DirectedLimits
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import Limit
from oht50_bridge.vehicle.speed_limits import limit_without_direction
from oht50_bridge.vehicle.speed_limits import lowest

BRAKING = Braking(deceleration=0.3, reaction_time=0.25)


def test_approach_speed_leaves_the_distance_to_react_and_to_brake():
    a, t = BRAKING.deceleration, BRAKING.reaction_time
    for distance in (0.0, 0.1, 1.0, 10.0):
        for speed in (0.0, 0.2, 1.0):
            v = BRAKING.approach_speed(distance, speed)
            way = v * t + a * t * t / 2 + (v * v - speed * speed) / 2 / a
            assert v == speed or way == pytest.approx(distance)
    assert BRAKING.approach_speed(-1.0, 0.0) == 0.0


@given(st.lists(st.floats(0.0, 2.0), min_size=1))
def test_lowest_is_never_above_any_single_limit(speeds):
    limit = lowest(Limit(speed, '') for speed in speeds)
    assert all(limit.speed <= speed for speed in speeds)


@given(st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_limit_without_a_direction(forward, backward):
    limit = limit_without_direction(lowest([Limit(forward, 'f')]), lowest([Limit(backward, 'b')]))
    assert limit.speed <= max(forward, backward)
    assert limit.speed <= max(min(forward, backward), CREEP_SPEED)


def test_one_forbidden_direction_leaves_the_other_permitted_and_gives_the_reason():
    limit = limit_without_direction(Limit(0.0, 'zone a in 0.00 m'), Limit(0.5, ''))
    assert limit.speed == CREEP_SPEED
    assert limit.reason == 'zone a in 0.00 m; the opposite direction is permitted'
    assert limit_without_direction(Limit(0.0, 'a'), Limit(0.0, 'b')).speed == 0.0


def test_limits_towards_a_direction():
    forward, backward = Limit(0.0, 'zone a in 0.00 m'), Limit(0.5, '')
    limits = DirectedLimits(forward, backward)
    assert limits.towards(Direction.FORWARD) is forward
    assert limits.towards(Direction.BACKWARD) is backward
    assert limits.towards(Direction.NONE) == limit_without_direction(forward, backward)
