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
"""The rail and its stations."""

import math

import pytest

from oht50_bridge.vehicle.rail import Station
from oht50_bridge.vehicle.rail import StationSettings
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.rail import make_stations


def test_stations_by_name():
    settings = StationSettings(('charger', 'a'), (1.0, 12.0))
    assert settings.positions() == {'charger': 1.0, 'a': 12.0}
    assert make_stations(settings, (True, False), TrackSettings(50.0)) == {
        'charger': Station('charger', 1.0, dock=True),
        'a': Station('a', 12.0, dock=False),
    }


@pytest.mark.parametrize(
    ('stations', 'positions', 'docks', 'reason'),
    [
        (('a', 'b'), (1.0,), (True,), 'station_positions has 1 entries, stations has 2'),
        (('a', 'a'), (1.0, 2.0), (True, True), 'a name occurs twice'),
        (('a',), (1.0,), (), 'station_docks has 0 entries, stations has 1'),
        (('a',), (50.1,), (True,), 'a at 50.1 m cannot be reached'),
        (('a',), (-0.1,), (True,), 'a at -0.1 m cannot be reached'),
    ],
)
def test_a_contradiction_names_parameter_and_remedy(stations, positions, docks, reason):
    with pytest.raises(ValueError, match=reason):
        make_stations(StationSettings(stations, positions), docks, TrackSettings(50.0))


@pytest.mark.parametrize('length', [0.0, 0.8, 10.0])
def test_a_station_that_the_vehicle_cannot_reach_is_refused(length):
    track = TrackSettings(50.0, vehicle_length=length)
    for reached in (length / 2.0 + 0.051, 25.0, 50.0 - length / 2.0 - 0.051):
        make_stations(StationSettings(('a',), (reached,)), (True,), track)
    for beyond in (length / 2.0 + 0.049, 0.0, 50.0 - length / 2.0 - 0.049, 50.0, math.nan):
        with pytest.raises(ValueError, match=r'station_positions: a at .* move it, or ') as error:
            make_stations(StationSettings(('a',), (beyond,)), (True,), track)
        assert 'track_length' in str(error.value) and 'vehicle_length' in str(error.value)
