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
"""Where the vehicle is, by two boards."""

import math

import pytest

from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.position_source import measure


def located(position, stamp):
    return Measurement(position, 0.001, 0.0, stamp)


@pytest.fixture
def source():
    return PositionSource(lifetime=0.5)


def test_position_is_unknown_before_the_first_report(source):
    assert source.newest(0.0) is None
    assert math.isnan(source.position(0.0))


def test_location_board_is_preferred_to_the_motor_board(source):
    source.update_drive(located(7.1, 10.0))
    assert source.position(10.0) == 7.1
    source.update_location(located(7.0, 9.8))
    assert source.position(10.0) == 7.0


def test_motor_board_counts_while_the_location_board_reports_nothing_recent(source):
    source.update_location(located(7.0, 10.0))
    source.update_drive(located(7.1, 10.4))
    assert source.position(10.5) == 7.0
    assert source.position(10.51) == 7.1
    assert source.located(10.51) is None
    assert source.newest(10.91) is None


def test_motor_board_counts_while_the_location_board_measures_no_position(source):
    source.update_location(located(7.0, 10.0))
    source.update_location(measure(math.nan, 0.001, 0.0, 10.1))
    source.update_drive(located(7.1, 10.1))
    assert source.position(10.1) == 7.1


@pytest.mark.parametrize(
    ('position', 'resolution'), [(math.nan, 0.01), (1.0, math.nan), (math.inf, 0.01)]
)
def test_report_without_a_position_is_no_measurement(position, resolution):
    assert measure(position, resolution, 0.0, 1.0) is None
    assert measure(1.0, 0.01, math.nan, 1.0).position == 1.0
