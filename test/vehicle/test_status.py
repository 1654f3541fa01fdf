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
"""Status and state of the event system.status."""

import math

import pytest

from oht50_bridge.vehicle.status import vehicle_status

WELL = {'estop': False, 'fault': False, 'docking': False, 'speed': 0.0, 'known': True}


@pytest.mark.parametrize(('changes', 'expected'), [
    ({}, ('idle', 'ready')),
    ({'known': False}, ('idle', 'busy')),
    ({'speed': 0.3}, ('moving', 'busy')),
    ({'speed': math.nan}, ('idle', 'ready')),
    ({'docking': True, 'speed': 0.1}, ('docking', 'busy')),
    ({'fault': True, 'docking': True, 'speed': 0.3}, ('fault', 'error')),
    ({'estop': True, 'fault': True, 'docking': True, 'speed': 0.3}, ('estop', 'error')),
])
def test_status_of_the_vehicle(changes, expected):
    assert vehicle_status(**{**WELL, **changes}) == expected
