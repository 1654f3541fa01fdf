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
"""Limits of different nodes that contradict one another."""

import re

import pytest

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.limits import check_limits
from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.supervisor import Supervisor
from oht50_bridge.nodes import NODES

MOTOR = 'hardware_node module.travel_motor.'
WIDE = {  # speeds that no smallest speed of these tests is above
    'creep_speed': 0.2,
    'dock.approach_speed': 0.2,
    'dock.final_speed': 0.2,
    'inspection_speed': 0.2,
    'maintenance_speed': 0.2,
}


def vehicle(motor=None, **nodes):
    """Return the parameters of the shipped vehicle with other values for some nodes."""
    shipped = read_parameters(None)
    if motor is not None:
        nodes['hardware_node'] = {f'module.travel_motor.{name}': motor[name] for name in motor}
    return VehicleParameters({node: shipped.given(node) | nodes.get(node, {}) for node in NODES})


def test_the_shipped_parameters_do_not_contradict_one_another():
    check_limits(read_parameters(None))


@pytest.mark.parametrize(
    ('given', 'lesser', 'greater'),
    [
        ({'motor': {'min_duty': 0.04}}, MOTOR + 'min_duty', 'mission_node creep_speed'),
        (
            {'motor': {'min_duty': 0.04}, 'mission_node': {'creep_speed': 0.03}},
            MOTOR + 'min_duty',
            'mission_node creep_speed',
        ),
        (
            {
                'motor': {'min_duty': 0.04},
                'mission_node': {'creep_speed': 0.04, 'dock.final_speed': 0.02},
            },
            MOTOR + 'min_duty',
            'mission_node dock.final_speed',
        ),
        (
            {'mission_node': {'dock.approach_speed': 0.005}},
            MOTOR + 'min_duty',
            'mission_node dock.approach_speed',
        ),
        (
            {'safety_node': {'zone_limits': [0.005]}},
            MOTOR + 'min_duty',
            'safety_node zone_limits of zone-buffer',
        ),
        (
            {'motor': {'min_duty': 0.15}, 'mission_node': WIDE | {'maintenance_speed': 0.1}},
            MOTOR + 'min_duty',
            'mission_node maintenance_speed',
        ),
        (
            {'motor': {'min_duty': 0.15}, 'mission_node': WIDE | {'inspection_speed': 0.14}},
            MOTOR + 'min_duty',
            'mission_node inspection_speed',
        ),
        (
            # 0.2 m/s at the smallest duty.
            {
                'motor': {'dead_band': 0.5, 'min_duty': 0.6},
                'mission_node': WIDE | {'inspection_speed': 0.19, 'maintenance_speed': 0.3},
                'safety_node': {'zone_limits': [0.3]},
            },
            MOTOR + 'min_duty',
            'mission_node inspection_speed',
        ),
        (
            {'safety_node': {'speed_limit': 0.3}},
            'mission_node max_velocity',
            'safety_node speed_limit',
        ),
        (
            {'safety_node': {'speed_limit': 0.005}, 'mission_node': {'max_velocity': 0.005}},
            MOTOR + 'min_duty',
            'mission_node max_velocity',
        ),
        ({'motor': {'max_speed': 0.4}}, 'mission_node max_velocity', MOTOR + 'max_speed'),
        ({'motor': {'accel': 0.2}}, 'mission_node max_acceleration', MOTOR + 'accel'),
        ({'motor': {'decel': 0.2}}, 'mission_node max_acceleration', MOTOR + 'decel'),
        (
            {'motor': {'decel': 0.5}, 'safety_node': {'deceleration': 0.6}},
            'safety_node deceleration',
            MOTOR + 'decel',
        ),
        (
            {'motor': {'decel': 0.5}, 'safety_node': {'supervision_deceleration': 0.6}},
            'safety_node supervision_deceleration',
            MOTOR + 'decel',
        ),
        (
            {'safety_node': {'position_speed': 0.4}},
            'safety_node speed_limit',
            'safety_node position_speed',
        ),
    ],
)
def test_a_contradiction_is_refused_with_both_parameters_and_the_remedy(given, lesser, greater):
    text = f'{re.escape(lesser)}\\) is above .*{re.escape(greater)}\\): lower .* or raise'
    with pytest.raises(BringUpError, match=text):
        check_limits(vehicle(**given))


@pytest.mark.parametrize('name', ['speed', 'dock_speed'])
def test_speeds_at_obstacles_count_where_distance_inputs_are_in_use(name):
    slow = {f'obstacle_{name}': 0.005}
    check_limits(vehicle(safety_node=slow))
    slow['distance_directions'] = ['forward']
    with pytest.raises(BringUpError, match=f'safety_node obstacle_{name}'):
        check_limits(vehicle(safety_node=slow))


@pytest.mark.parametrize('capture', [0.11, 0.3, 0.5])
def test_the_dock_is_searched_no_further_than_it_is_no_obstacle(capture):
    searched = {'dock.capture': capture}
    check_limits(vehicle(mission_node=searched))
    looks = {'distance_directions': ['forward']}
    for near in (0.0, 0.1):
        check_limits(vehicle(mission_node={'dock.capture': near}, safety_node=looks))
    with pytest.raises(
        BringUpError, match=r'mission_node dock.capture\) is above .* 0.1 m'
    ) as error:
        check_limits(vehicle(mission_node=searched, safety_node=looks))
    assert str(error.value).endswith(': lower mission_node dock.capture')


def test_a_dead_band_gives_slow_speeds_above_the_smallest_duty():
    check_limits(vehicle(motor={'min_duty': 0.09, 'dead_band': 0.08}, mission_node={
        'creep_speed': 0.011}, safety_node={'zone_limits': [0.2]}))  # fmt: skip


@pytest.mark.parametrize(
    'given',
    [
        {'safety_node': {'speed_limit': 0.0}},  # nothing is to move
        {'safety_node': {'speed_limit': -1.0}},
        {'safety_node': {'speed_limit': 'fast', 'zone_limits': ['slow']}},
        {'motor': {'min_duty': 2.0}},
        {'motor': {'profile': 'nonesuch'}},
        {'hardware_node': {'modules': ['power']}},
    ],
)
def test_what_one_node_refuses_by_itself_is_left_to_it(given):
    check_limits(vehicle(**given))


def test_a_start_is_refused(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('/**/hardware_node: {ros__parameters: {module.travel_motor.max_speed: 0.4}}')
    plan = Plan(tmp_path / 'state', 0, params=path, simulated=True)
    with pytest.raises(BringUpError, match='mission_node max_velocity'):
        Supervisor(plan, {}, 'warn', lambda: None)._check()  # what run() begins with
