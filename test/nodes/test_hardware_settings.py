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
"""The parameters of hardware_node as the configuration of the hardware."""

import pytest
import rclpy

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.hardware import Hardware
from oht50_bridge.nodes.hardware_settings import check_inputs
from oht50_bridge.nodes.hardware_settings import check_position_source
from oht50_bridge.nodes.hardware_settings import hardware_config
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.process import StartError

MODULES = (
    "modules:=['motor', 'safety']",
    'module.motor.kind:=travel_motor',
    'module.motor.profile:=driver_2_motor',
    'module.motor.address:=3',
    'module.safety.profile:=safety_module_fw',
    'module.safety.address:=5',
)


def arguments(*values):
    """Return the command line of parameters."""
    return [text for value in (*MODULES, *values) for text in ('-p', value)]


def given(*values):
    """Give parameters on the command line."""
    return pytest.mark.parametrize('ros', [arguments(*values)], indirect=True)


@pytest.fixture
def node(ros):
    node = rclpy.create_node('hardware_node')
    yield NodeDeclarer(node)
    node.destroy_node()


@given('serial_port:=/dev/none', 'module.safety.profile:=oht_v2_safety')
def test_one_serial_port_carries_every_module(node):
    config = hardware_config(node)
    assert config['lines'] == {'serial': {'device': '/dev/none'}}
    assert [module['line'] for module in config['modules']] == ['serial'] * 2
    Hardware(config)


@given('serial_port:=/dev/none')
def test_one_serial_port_is_refused_where_the_safety_board_would_be_deaf(node):
    with pytest.raises(HardwareConfigError, match='give it a serial line of its own'):
        Hardware(hardware_config(node))


@given(
    "lines:=['a', 'b']",
    'line.a.device:=/dev/none-a',
    'line.b.device:=/dev/none-b',
    'line.b.baudrate:=19200',
    'module.motor.line:=a',
    'module.safety.line:=b',
    'module.motor.max_speed:=0.5',
    'module.motor.reverse:=true',
)
def test_each_module_is_on_its_line_with_its_options(node):
    config = hardware_config(node)
    assert {name: line['baudrate'] for name, line in config['lines'].items()} == {
        'a': 115200,
        'b': 19200,
    }
    motor, safety = config['modules']
    assert (motor['line'], safety['line']) == ('a', 'b')
    assert (motor['kind'], safety['kind']) == ('travel_motor', 'safety')  # by default its name
    assert motor['options'] == {
        'max_speed': 0.5, 'min_duty': 0.0, 'dead_band': 0.0, 'accel': 1.0, 'decel': 2.0,
        'reversal_pause': 0.3, 'reverse': True, 'travel_channel': 1, 'hoist_channel': 0,
    }  # fmt: skip
    Hardware(config)


@given('serial_port:=/dev/none')
def test_the_timing_is_that_of_the_profile_where_none_is_given(node):
    for module in hardware_config(node)['modules']:
        assert not {'timeout', 'retries', 'gap'} & set(module)


@given('serial_port:=/dev/none', 'module.motor.timeout:=0.2', 'module.motor.retries:=0')
def test_a_timing_that_is_given_counts(node):
    motor = hardware_config(node)['modules'][0]
    assert (motor['timeout'], motor['retries']) == (0.2, 0)
    assert 'gap' not in motor


@given(
    'serial_port:=/dev/none',
    'module.safety.zone_thresholds:=[0.5, 0.4, 0.3, 0.2]',
    "module.safety.digital_inputs:=['low', '', 'high', '']",
    'module.safety.distance_inputs:=[false, true, false, true]',
)
def test_zones_and_inputs_reach_the_driver_of_the_safety_board(node):
    safety = hardware_config(node)['modules'][1]
    assert safety['options'] == {
        'digital_inputs': {1: 'low', 3: 'high'},
        'estop_input': 1,
        'distance_inputs': [2, 4],
        'zones': [0.5, 0.4, 0.3, 0.2],
    }


@given('serial_port:=/dev/none')
def test_zones_that_are_not_given_are_left_to_the_board(node):
    assert 'zones' not in hardware_config(node)['modules'][1]['options']


@given('serial_port:=/dev/none', 'module.motor.address:=248')
def test_a_wrong_value_names_the_parameter(node):
    with pytest.raises(StartError, match=r'module\.motor\.address'):
        hardware_config(node)


@given(
    'serial_port:=/dev/none',
    "distance_directions:=['', 'forward', '', '']",
    'module.safety.distance_inputs:=[true, false, false, false]',
)
def test_an_input_with_a_direction_that_is_not_in_use_is_refused(node):
    with pytest.raises(StartError, match=r'input 2 looks forward, .*module\.safety\.distance_in'):
        check_inputs(node, hardware_config(node))


@given('serial_port:=/dev/none', 'guard_input:=3')
def test_a_guard_input_that_is_not_in_use_is_refused(node):
    with pytest.raises(StartError, match=r'guard_input 3 .*module\.safety\.digital_inputs'):
        check_inputs(node, hardware_config(node))


@given(
    'serial_port:=/dev/none',
    'guard_input:=3',
    "distance_directions:=['', 'forward', '', '']",
    'module.safety.distance_inputs:=[true, true, false, false]',
    "module.safety.digital_inputs:=['low', '', 'high', '']",
)
def test_inputs_in_use_are_accepted(node):
    check_inputs(node, hardware_config(node))


DOCK = ("modules:=['dock']", 'serial_port:=/dev/none', 'module.dock.profile:=oht_v2_dock')


@given(*DOCK)
def test_a_location_board_that_measures_the_whole_rail_is_a_source(node):
    check_position_source(node, hardware_config(node))


@pytest.mark.parametrize(
    ('ros', 'fault'),
    [
        (
            arguments(*DOCK, 'module.dock.profile:=dock_location_fw'),
            'profile dock_location_fw: it measures no position',
        ),
        (
            arguments(*DOCK, 'track_length:=66.0'),
            r'it measures up to 65\.535 m, the rail is 66 m long',
        ),
        (arguments(*DOCK, "modules:=['safety']"), 'no module of kind dock is configured'),
    ],
    indirect=['ros'],
)
def test_a_location_board_that_cannot_be_the_source_is_refused(node, fault):
    with pytest.raises(StartError, match=fault):
        check_position_source(node, hardware_config(node))


@given('serial_port:=/dev/none', 'travel_channel:=2', 'hoist_channel:=1')
def test_the_motor_board_gets_its_channels(node):
    options = hardware_config(node)['modules'][0]['options']
    assert (options['travel_channel'], options['hoist_channel']) == (2, 1)


@given('serial_port:=/dev/none', 'travel_channel:=2', 'hoist_channel:=2')
def test_one_motor_for_travel_and_hoist_is_refused(node):
    with pytest.raises(StartError, match='hoist_channel 2: that motor is travel_channel'):
        hardware_config(node)


@pytest.mark.parametrize(
    ('ros', 'name'),
    [
        (arguments('serial_port:=/dev/none', 'travel_channel:=0'), 'travel_channel'),
        (arguments('serial_port:=/dev/none', 'travel_channel:=3'), 'travel_channel'),
        (arguments('serial_port:=/dev/none', 'hoist_channel:=3'), 'hoist_channel'),
    ],
    indirect=['ros'],
)
def test_a_channel_that_the_board_has_not_is_refused(node, name):
    with pytest.raises(StartError, match=f'parameter {name}'):
        hardware_config(node)
