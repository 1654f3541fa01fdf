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

from oht50_bridge.vehicle.interlocks import INTERLOCKS
from oht50_bridge.vehicle.interlocks import Conditions
from oht50_bridge.vehicle.interlocks import interlock_limit

SINGLE = {
    'estop': 'drill',
    'neighbour': 'another vehicle',
    'inputs_fresh': False,
    'configured': False,
    'board_latched': True,
    'alarm': True,
    'confirmed': False,
    'maintenance': 'alice',
    'guard_open': True,
    'power_lost': True,
}


def test_without_a_condition_motion_is_permitted():
    assert interlock_limit(Conditions()) is None


def test_each_condition_forbids_motion_with_a_reason_of_its_own():
    limits = [interlock_limit(Conditions(**{name: value})) for name, value in SINGLE.items()]
    assert len({limit.reason for limit in limits}) == len(INTERLOCKS) == len(SINGLE)
    assert all(limit.speed == 0.0 for limit in limits)


def test_of_several_conditions_the_gravest_gives_the_reason():
    conditions = dict(SINGLE)
    for name in SINGLE:
        limit = interlock_limit(Conditions(**conditions))
        assert limit == interlock_limit(Conditions(**{name: conditions.pop(name)}))


def test_emergency_stop_gives_its_reason():
    assert interlock_limit(Conditions(estop='drill')).reason == 'emergency stop: drill'


def test_only_a_late_report_of_the_safety_board_clears_by_itself():
    holds = [
        name for name, value in SINGLE.items() if interlock_limit(Conditions(**{name: value})).hold
    ]
    assert holds == ['inputs_fresh']
