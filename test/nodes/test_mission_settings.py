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
"""The settings of missions, from the parameters."""

import pytest
from declarer import Declarer

from oht50_bridge.nodes.errors import StartError
from oht50_bridge.nodes.mission_settings import mission_settings


def test_stations_are_on_the_rail_with_their_docks():
    given = mission_settings(
        Declarer(
            'mission_node',
            stations=['a', 'b'],
            station_positions=[1.0, 2.0],
            station_docks=[True, False],
        )
    )
    assert list(given.manager.stations) == ['a', 'b']


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        ({'stations': ['a', 'b']}, 'station_positions has 1 entries'),
        ({'max_velocity': 0.08}, 'mission_node: .* is above max_velocity'),
    ],
)
def test_what_does_not_go_together_is_refused(values, said):
    with pytest.raises(StartError, match=said):
        mission_settings(Declarer('mission_node', **values))
