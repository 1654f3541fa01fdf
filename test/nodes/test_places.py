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
"""Places on the rail."""

import math

import pytest
from geometry_msgs.msg import Point

from oht50_bridge.msg import HoistState
from oht50_bridge.nodes.places import Rope
from oht50_bridge.nodes.places import place_on_rail


@pytest.mark.parametrize(
    ('measured', 'y', 'z'),
    [
        ((0.1, -0.2), 0.1, -0.2),
        ((math.nan, -0.2), 0.0, -0.2),
        ((0.1, math.nan), 0.1, 0.0),
        ((math.inf, math.nan), 0.0, 0.0),
    ],
)
def test_what_is_not_measured_across_the_rail_is_0(measured, y, z):
    place = place_on_rail(5.0, Point(x=4.0, y=measured[0], z=measured[1]))
    assert (place.x, place.y, place.z) == (5.0, y, z)


def test_without_a_hoist_a_place_stays():
    assert Rope().hang(Point(x=5.0, y=0.1, z=-0.2)) == Point(x=5.0, y=0.1, z=-0.2)


@pytest.mark.parametrize(
    ('report', 'z'),
    [
        (HoistState(referenced=True, rope_length=1.25), -1.25),
        (HoistState(referenced=True, rope_length=0.0), 0.0),
        (HoistState(referenced=False, rope_length=1.25), math.nan),
        (HoistState(referenced=True, rope_length=math.nan), math.nan),
        (HoistState(referenced=True, rope_length=1.25, age=60.0), math.nan),
        (HoistState(referenced=True, rope_length=1.25, age=math.nan), math.nan),
    ],
)
def test_z_is_minus_the_rope_and_unknown_where_that_is(report, z):
    rope = Rope()
    rope.put(report)
    place = rope.hang(Point(x=5.0, y=0.1, z=-0.2))
    assert (place.x, place.y, str(place.z)) == (5.0, 0.1, str(z))  # nan equals nan


def test_nothing_is_said_of_an_unknown_place():
    rope = Rope()
    rope.put(HoistState(referenced=True, rope_length=1.25))
    assert math.isnan(rope.hang(Point(x=math.nan, y=math.nan, z=math.nan)).z)
