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
"""The parameter files, read without a node."""

import os

import pytest
from support import filesystem
from support import fill

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.bringup.parameter_reader import read_parameter_file
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.parameters import check_lines
from oht50_bridge.bringup.parameters import serial_ports
from oht50_bridge.bringup.parameters import simulated_lines
from oht50_bridge.bringup.parameters import simulated_vehicle
from oht50_bridge.bringup.parameters import write_parameters


def test_lines_of_the_standard_vehicle():
    lines = simulated_lines(read_parameters(None))
    assert {name: [board['id'] for board in line['boards']] for name, line in lines.items()} == {
        'drive': ['travel_motor'],
        'sense': ['power', 'dock'],
        'safety': ['safety'],
    }


@pytest.mark.parametrize('node', ['/**', '/**/hardware_node', '/oht50/hardware_node'])
def test_later_file_wins_value_by_value(params, node):
    path = params(
        f'{node}:\n  ros__parameters:\n    module: {{power: {{line: drive, address: 9}}}}\n'
    )
    module = read_parameters(path, simulated=True).of('hardware_node')['module']['power']
    assert (module['line'], module['address'], module['profile']) == ('drive', 9, 'stm32_power')
    assert (
        simulated_lines(read_parameters(path, simulated=True))['drive']['boards'][-1]['address']
        == 9
    )


@pytest.mark.parametrize('text', ['{', '[]', 'a: 1', '/**:\n  wrong: {}'])
def test_what_is_no_parameter_file_is_refused_by_its_name(params, text):
    with pytest.raises(BringUpError, match=r'params\.yaml'):
        read_parameters(params(text))


def test_a_board_without_a_line_is_refused(params):
    path = params('/**:\n  ros__parameters:\n    module: {power: {line: nowhere}}\n')
    with pytest.raises(BringUpError, match=r'params.yaml:3: hardware_node: module\.power\.line'):
        read_parameters(path)
    values = read_parameters(None).given('hardware_node') | {'module.power.line': 'nowhere'}
    with pytest.raises(BringUpError, match=r"module\.power: 'nowhere' is missing"):
        simulated_lines(VehicleParameters({'hardware_node': values}))


def safety(values):
    return f'/**/hardware_node: {{ros__parameters: {{module: {{safety: {{{values}}}}}}}}}'


def test_the_lines_of_the_standard_vehicle_are_accepted():
    check_lines(read_parameters(None), '')


def test_one_serial_port_is_refused_where_a_board_goes_deaf_on_it(params):
    with pytest.raises(BringUpError) as error:
        read_parameters(None, serial_port='/dev/ttyS0')
    said = str(error.value)
    assert said.startswith('serial_port /dev/ttyS0: board safety (profile safety_module_fw)')
    assert 'module.safety.line' in said and '\n' not in said
    read_parameters(params(safety('profile: oht_v2_safety, address: 7')), serial_port='/dev/ttyS0')
    path = params('/**/hardware_node: {ros__parameters: {serial_port: /dev/ttyS1}}')
    with pytest.raises(BringUpError, match='serial_port /dev/ttyS1'):
        read_parameters(path)


def test_a_line_is_refused_where_a_board_goes_deaf_on_it(params):
    path = params(safety('line: sense'))
    with pytest.raises(
        BringUpError, match=r'yaml:1: parameter module\.safety\.line: .*power, dock would'
    ):
        read_parameters(path)


def test_a_profile_that_does_not_exist_is_refused(params):
    with pytest.raises(BringUpError, match=r"module\.safety\.profile: .*'nonesuch'"):
        read_parameters(params(safety('profile: nonesuch')), serial_port='/dev/ttyS0')


def test_what_is_written_is_read(tmp_path):
    """A text stays one, whatever YAML would take it for without quotes."""
    values = {'max_connections': 199, 'query_token': True, 'keys': '1e3', 'max_deliveries': 1e-05}
    values |= {'token_issuer': 'off', 'token_audience': '~ "\\', 'origins': ['https://caf\xe9']}
    path = write_parameters(tmp_path, '/oht50', 'bridge_node', values)
    assert read_parameters(path).given('bridge_node').items() >= values.items()
    given = {each.name: each.value for each in read_parameter_file(path)}
    # For ROS 2, which does not know the types of the parameters.
    assert (given['token_issuer'].value, given['keys'].value) == ('off', '1e3')


def test_a_file_that_is_there_is_written_only_to_make_it_private(tmp_path):
    path = write_parameters(tmp_path, '/oht50', 'bridge_node', {'port': 1})
    before = path.stat()
    assert before.st_mode & 0o777 == 0o600
    # Not its time of access: comparing the text reads the file.
    after = write_parameters(tmp_path, '/oht50', 'bridge_node', {'port': 1}).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    path.chmod(0o666)
    assert write_parameters(tmp_path, '/oht50', 'bridge_node', {'port': 1}) == path
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_is_replaced_and_not_waited_for(tmp_path):
    path = write_parameters(tmp_path, '/oht50', 'bridge_node', {'port': 1})
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    write_parameters(tmp_path, '/oht50', 'bridge_node', {'port': 1})
    assert path.read_bytes() == content


@pytest.mark.processes
def test_a_file_that_cannot_be_written_is_named_with_the_remedy(tmp_path):
    with filesystem(tmp_path / 'disk', '64k') as disk:
        path = write_parameters(disk, '/oht50', 'bridge_node', {'port': 1})
        fill(disk)
        assert write_parameters(disk, '/oht50', 'bridge_node', {'port': 1}) == path
        with pytest.raises(BringUpError, match=r'bridge_node\.yaml: No space left .*; make room'):
            write_parameters(disk, '/oht50', 'bridge_node', {'port': 2})
        assert b'port: 1' in path.read_bytes().replace(b'"', b'')


@pytest.mark.parametrize(
    ('text', 'first'),
    [
        ('module: {travel_motor: {line: safety}, safety: {line: drive}}', '/dev/ttyOHT485_2'),
        (
            'serial_port: /dev/ttyX, module.safety: {profile: oht_v2_safety, address: 7}',
            '/dev/ttyX',
        ),
    ],
)
def test_the_port_of_the_travel_motor_comes_first(params, text, first):
    assert serial_ports(read_parameters(None))[0] == '/dev/ttyOHT485'
    path = params(f'/**/hardware_node: {{ros__parameters: {{{text}}}}}\n')
    assert serial_ports(read_parameters(path))[0] == first


@pytest.mark.parametrize(
    'values', [{'modules': ['power']}, {'module.travel_motor.line': 'nowhere'}]
)
def test_a_travel_motor_without_a_port_is_refused(values):
    given = read_parameters(None).given('hardware_node') | values
    with pytest.raises(BringUpError, match='the travel motor and the device of its line'):
        serial_ports(VehicleParameters({'hardware_node': given}))


def test_the_simulated_vehicle_has_the_motors_of_the_parameters(params):
    none = read_parameters(None)
    assert simulated_vehicle(none) == {'travel_channel': 1, 'hoist_channel': 0}
    path = params('/**:\n  ros__parameters: {travel_channel: 2, hoist_channel: 1}\n')
    assert simulated_vehicle(read_parameters(path)) == {'travel_channel': 2, 'hoist_channel': 1}
