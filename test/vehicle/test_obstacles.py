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
"""Limits of speed at obstacles."""

import math

import pytest

from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import DockApproach
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.obstacles import dock_floor
from oht50_bridge.vehicle.obstacles import obstacle_limits
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import Limit
from oht50_bridge.vehicle.speed_limits import limit_without_direction
from oht50_bridge.vehicle.speed_limits import lowest

BRAKING = Braking(deceleration=0.3, reaction_time=0.25)


SETTINGS = ObstacleSettings(0.5, 2.0, 0.1, dock_distance=0.6, dock_speed=0.05)


LOOKS = DistanceSettings(('forward', 'backward', '', '')).directions


@pytest.mark.parametrize(
    ('distance', 'direction', 'floor', 'low', 'high'),
    [
        (math.inf, Direction.FORWARD, 0.0, math.inf, math.inf),
        (math.nan, Direction.FORWARD, 0.0, 0.0, 0.0),
        (4.0, Direction.FORWARD, 0.0, 0.5, 2.0),
        (2.2, Direction.FORWARD, 0.0, 0.1, 0.4),
        (1.5, Direction.FORWARD, 0.0, 0.1, 0.1),
        (0.52, Direction.FORWARD, 0.0, 0.01, 0.08),
        (0.5, Direction.FORWARD, 0.0, 0.0, 0.0),
        (0.1, Direction.FORWARD, 0.0, 0.0, 0.0),
        (0.1, Direction.BACKWARD, 0.0, math.inf, math.inf),
        (0.1, Direction.FORWARD, 0.05, 0.05, 0.05),
    ],
)
def test_obstacle_ahead_slows_and_stops(distance, direction, floor, low, high):
    limits = obstacle_limits(
        SETTINGS, [distance, math.inf, 0.1, 0.1], LOOKS, direction, floor, BRAKING
    )
    speed = lowest(limits).speed if limits else math.inf
    assert low <= speed <= high


def test_distance_input_that_does_not_report_stops():
    (limit,) = obstacle_limits(SETTINGS, [], LOOKS, Direction.FORWARD, 0.0, BRAKING)
    assert (limit.speed, limit.reason) == (0.0, 'distance input 1 does not report')
    assert not limit.hold


def test_only_an_obstacle_is_a_limit_that_clears_by_itself():
    obstacle = obstacle_limits(
        SETTINGS, [0.3], (Direction.FORWARD,), Direction.FORWARD, 0.0, BRAKING
    )
    zone = Limit(0.004, 'zone a in 0.00 m')  # slower than standstill
    assert lowest(obstacle).hold
    assert lowest([Limit(0.5, ''), *obstacle]).hold
    assert lowest([*obstacle, zone]) == lowest([zone, *obstacle]) == Limit(0.0, zone.reason)
    assert not limit_without_direction(lowest(obstacle), lowest([zone])).hold


def test_unknown_direction_of_a_distance_input_is_refused_by_name():
    with pytest.raises(ValueError, match="distance_directions: 'up' is not forward"):
        DistanceSettings(('forward', 'up', '', ''))


def test_an_input_without_a_reading_holds_and_a_clear_path_does_not():
    limits = obstacle_limits(
        SETTINGS, [math.nan], (Direction.FORWARD,), Direction.FORWARD, 0.05, BRAKING
    )
    assert limits == [Limit(0.0, 'no reading of distance input 1', hold=True)]
    clear = obstacle_limits(
        SETTINGS, [math.inf], (Direction.FORWARD,), Direction.FORWARD, 0.0, BRAKING
    )
    assert clear == []


@pytest.mark.parametrize(
    ('dock', 'position', 'direction', 'floor'),
    [
        (1.0, 1.5, Direction.BACKWARD, 0.05),
        (1.0, 1.0, Direction.BACKWARD, 0.05),
        (1.0, 0.95, Direction.BACKWARD, 0.05),
        (1.0, 1.5, Direction.FORWARD, 0.0),
        (1.0, 1.0, Direction.FORWARD, 0.0),
        (1.0, 1.05, Direction.FORWARD, 0.0),
        (1.0, 1.09, Direction.FORWARD, 0.0),
        (1.0, 0.95, Direction.FORWARD, 0.0),
        (1.0, 1.7, Direction.BACKWARD, 0.0),
        (1.0, 0.8, Direction.BACKWARD, 0.0),
        (math.nan, 1.5, Direction.BACKWARD, 0.0),
        (1.0, math.nan, Direction.BACKWARD, 0.0),
    ],
)
def test_only_the_way_into_the_dock_has_a_floor(dock, position, direction, floor):
    into = DockApproach(dock, Direction.BACKWARD)
    assert dock_floor(SETTINGS, into, position, direction) == floor
    mirrored = DockApproach(-dock, Direction.FORWARD)
    assert dock_floor(SETTINGS, mirrored, -position, Direction(-direction)) == floor


@pytest.mark.parametrize('direction', [Direction.FORWARD, Direction.BACKWARD])
@pytest.mark.parametrize('position', [0.95, 1.0, 1.05, 1.5])
def test_a_vehicle_that_does_not_drive_into_the_dock_has_no_floor(position, direction):
    backing_off = DockApproach(1.0, Direction.NONE)
    assert dock_floor(SETTINGS, backing_off, position, direction) == 0.0
    assert dock_floor(SETTINGS, DockApproach(), position, direction) == 0.0
