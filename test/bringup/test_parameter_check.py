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
"""Parameter files against what all nodes declare: one line for each fault, before any start."""

import json
import os
import subprocess
import sys

import pytest

from oht50_bridge.bringup.errors import ParameterError
from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.nodes import NODES

pytestmark = pytest.mark.cover_processes


def section(node, values):
    return f'/**/{node}:\n  ros__parameters:\n    {values}\n'


def faults(path, **options):
    with pytest.raises(ParameterError) as error:
        read_parameters(path, **options)
    lines = [line.removeprefix(f'{path}:') for line in error.value.faults]
    assert all(line.isprintable() for line in lines)
    return lines


def test_the_shipped_file_is_right():
    vehicle = read_parameters(None)
    assert all(vehicle.given(node) for node in NODES)


def test_an_integer_is_a_double_and_a_letter_a_text(params):
    path = params(
        section('safety_node', 'speed_limit: 1')
        + section('hardware_node', 'line: {drive: {parity: N}}')
    )
    vehicle = read_parameters(path)
    limit = vehicle.given('safety_node')['speed_limit']
    assert (limit, type(limit)) == (1.0, float)
    assert vehicle.of('hardware_node')['line']['drive']['parity'] == 'N'


@pytest.mark.parametrize(
    ('text', 'fault'),
    [
        (
            section('safety_node', 'speed_limit: "1"'),
            "3: safety_node: speed_limit: found '1'; write a number from 0 to 2 m/s, such as 0.5, "
            'without quotes',
        ),
        (
            section('safety_node', 'speed_limit: null'),
            '3: safety_node: speed_limit: found nothing; write a number from 0 to 2 m/s, such as '
            '0.5',
        ),
        (
            section('*', 'track_length: .nan'),
            '3: /**/*: track_length: found .nan; write a number from 1 to 1500 m, such as 50.0',
        ),
        (
            section('bridge_node', 'insecure: 1'),
            '3: bridge_node: insecure: found 1; write true or false',
        ),
        (
            section('safety_node', 'speed_limt: 0.2'),
            '3: safety_node: speed_limt: there is no such parameter; write speed_limit, or remove '
            'it',
        ),
        (
            section('mission_node', 'config_version: "1.0.7"'),
            '3: mission_node: config_version: there is no such parameter; remove it',
        ),
        (
            section('hardware_node', 'module: {gripper: {address: 9}}'),
            '3: hardware_node: module.gripper.address: modules does not list gripper; write the '
            'name there, or remove this',
        ),
        (
            section('hardware_node', 'module: {power: {max_speed: 9.0}}'),
            '3: hardware_node: module.power.max_speed: there is no such parameter; remove it',
        ),
        (
            'safety_node: {ros__parameters: {speed_limit: 0.4}}',
            '1: safety_node: the vehicle /oht50 has no such node; write /**/safety_node, or put '
            'what is for others into a file of its own',
        ),
        (
            section('talker', 'a: 1'),
            '3: /**/talker: the vehicle /oht50 has no such node; write /**/NODE, where NODE is '
            f'one of {", ".join(NODES)}',
        ),
        (
            section('safety_node', 'speed_limit: 0.5') + section('safety_node', 'speed_limit: .4'),
            '6: safety_node: speed_limit: is given in line 3 already; remove one of the two',
        ),
        (
            section('safety_node', 'zone_ends: [0.1, 0.2]'),
            '3: safety_node: zone_ends has 2 entries, zone_names has 1: give each zone',
        ),
        (
            section('mission_node', 'stations: [a, b]'),
            '3: mission_node: station_positions has 3 entries, stations has 2',
        ),
        (
            section('bridge_node', 'trusted_proxies: [10.0.0.0/99]'),
            '3: bridge_node: trusted_proxies: ',
        ),
        (
            section('bridge_node', 'page: /nowhere/page'),
            '3: bridge_node: page: /nowhere/page: there is no such directory; name the directory ',
        ),
        (
            section('hardware_node', 'line: {drive: {parity: X}}'),
            "3: hardware_node: line.drive.parity: 'X' must be N, E or O",
        ),
        (
            section('hardware_node', 'guard_input: 3'),
            '3: hardware_node: guard_input 3 is not in use',
        ),
        (
            section('config_node', 'items: [max_jerk]\n    item: {max_jerk: {type: money}}'),
            ' config_node: max_jerk: type ',
        ),
        (
            section('safety_node', 'use_sim_time: true'),
            '3: safety_node: use_sim_time: found true; write false: a publisher of /clock would ',
        ),
        (
            section('bridge_node', 'port: 9000'),
            '3: bridge_node: port: has no effect in a file; remove it: give --port, or port:= to ',
        ),
    ],
)
def test_a_fault_has_file_line_node_parameter_value_and_remedy(params, text, fault):
    (line,) = faults(params(text))
    assert line.startswith(fault)


def test_all_faults_are_reported_at_once_and_each_once(params):
    text = (
        section('mission_node', 'max_velocity: fast')
        + section('safety_node', 'speed_limit: []\n    zone_starts: [a]')
        + '/**: {ros__parameters: {track_length: "50"}}\n'  # of four nodes
    )
    lines = faults(params(text))
    assert [line.partition(':')[0] for line in lines] == ['3', '6', '7', '8']


def test_what_follows_from_another_fault_is_not_reported(params):
    lines = faults(params(section('mission_node', 'max_velocity: fast\n    stations: [a, b]')))
    assert len(lines) == 1


def test_a_board_that_is_not_in_use_may_stay_described(params):
    path = params(section('hardware_node', 'modules: [travel_motor, dock, safety]'))
    assert 'module.power.kind' not in read_parameters(path).given('hardware_node')


@pytest.mark.parametrize(
    ('kind', 'profile'),
    [('safety', 'oht_v2_safety'), ('dock', 'oht_v2_dock'), ('power', 'stm32_power')],
)
def test_a_second_board_of_a_kind_is_refused(params, kind, profile):
    board = f'{{kind: {kind}, profile: {profile}, line: drive, address: 9}}'
    text = 'modules: [travel_motor, power, dock, safety, second]'
    path = params(section('hardware_node', f'{text}\n    module: {{second: {board}}}'))
    (fault,) = faults(path, simulated=True)
    assert f'modules: {kind} and second are both of kind {kind}' in fault
    assert 'remove one' in fault


def test_a_later_file_wins_also_for_all_nodes(params):
    """ROS 2 would let a section for one node win over a later one for all: 0.5."""
    path = params('/**: {ros__parameters: {speed_limit: 0.4, max_velocity: 0.3}}\n')
    vehicle = read_parameters(path)
    assert vehicle.given('safety_node')['speed_limit'] == 0.4
    assert vehicle.given('mission_node')['max_velocity'] == 0.3


def test_a_section_may_name_the_namespace(params):
    path = params('/hall/oht1/safety_node: {ros__parameters: {reaction_time: 0.3}}\n')
    vehicle = read_parameters(path, namespace='/hall/oht1')
    assert vehicle.given('safety_node')['reaction_time'] == 0.3
    assert len(faults(path)) == 1


def test_simulated_boards_need_no_device_and_real_ones_do(params):
    path = params(section('hardware_node', 'line: {drive: {device: ""}}'))
    read_parameters(path, simulated=True)
    (line,) = faults(path)
    assert line.startswith('3: hardware_node: line.drive.device: give the path of a serial port')


def test_the_clock_may_be_simulated_where_the_start_says_so(params):
    path = params(section('safety_node', 'use_sim_time: true'))
    read_parameters(path, simulated=True, use_sim_time=True)


def test_the_vehicles_own_file_is_checked_likewise(tmp_path, monkeypatch):
    own = tmp_path / 'config'
    (own / 'modules').mkdir(parents=True)
    (own / 'vehicle.yaml').write_text(section('safety_node', 'speed_limit: fast'))
    monkeypatch.setenv('OHT50_CONFIG_DIR', str(own))
    line, *_ = faults(None)
    assert line.startswith(f'{own}/vehicle.yaml:3: safety_node: speed_limit: found')


@pytest.mark.processes
@pytest.mark.parametrize('right', [True, False])
def test_another_process_answers_in_json(params, right):
    path = params(section('safety_node', f'speed_limit: {1 if right else "x"}'))
    request = json.dumps([str(path), {'simulated': True}])
    done = subprocess.run(
        [sys.executable, '-m', 'oht50_bridge.bringup.parameter_check', request],
        capture_output=True,
        check=True,
        text=True,
        env=os.environ,
    )
    answer = json.loads(done.stdout)
    if right:
        assert answer['values']['safety_node']['speed_limit'] == 1.0
    else:
        assert len(answer['faults']) == 1
