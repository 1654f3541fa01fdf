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
"""What forbids motion in any direction."""

from oht50_bridge.vehicle.interlocks import Conditions
from oht50_bridge.vehicle.interlocks import interlock


def test_interlocks_each_forbid_and_the_gravest_is_told():
    assert interlock(Conditions()) == ''
    single = {
        'estop': 'drill',
        'inputs_fresh': False,
        'configured': False,
        'board_latched': True,
        'alarm': True,
        'confirmed': False,
        'maintenance': True,
        'guard_open': True,
        'power_lost': True,
    }
    reasons = [interlock(Conditions(**{name: value})) for name, value in single.items()]
    assert all(reasons) and len(set(reasons)) == len(single)
    assert interlock(Conditions(**single)) == 'emergency stop: drill'
