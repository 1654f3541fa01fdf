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
