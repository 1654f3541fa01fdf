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
"""Which board's position is used."""

import math

import pytest

from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.position_source import measure


def test_the_location_board_is_preferred_while_its_measurement_is_recent():
    source = PositionSource(0.5)
    assert source.newest(10.0) is None
    assert math.isnan(source.position(10.0))
    source.update_drive(measure(7.0, 0.01, 0.1, 10.0))
    assert source.position(10.0) == 7.0
    source.update_location(measure(5.0, 0.001, 0.1, 10.0))
    assert source.position(10.5) == 5.0
    source.update_drive(measure(7.1, 0.01, 0.1, 10.4))
    assert source.position(10.6) == 7.1
    assert source.located(10.6) is None
    assert math.isnan(source.position(10.91))


def test_a_location_board_without_a_position_leaves_the_motor_board():
    source = PositionSource()
    source.update_location(measure(5.0, 0.001, 0.1, 10.0))
    source.update_drive(measure(7.0, 0.01, 0.1, 10.0))
    source.update_location(measure(math.nan, 0.001, 0.1, 10.1))
    assert source.position(10.1) == 7.0


@pytest.mark.parametrize(('position', 'resolution'), [(math.nan, 0.001), (1.0, math.nan)])
def test_what_is_not_measured_is_no_measurement(position, resolution):
    assert measure(position, resolution, 0.0, 0.0) is None
