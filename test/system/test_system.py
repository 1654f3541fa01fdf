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
"""What a vehicle reports of itself, of its boards and of its parameters."""

import json
import math
import os
import re
import signal
import subprocess
from datetime import datetime
from itertools import pairwise

import pytest
import yaml
from support import wait_for

from oht50_bridge.bringup.parameter_check import SET_AT_START
from oht50_bridge.nodes import NODES
from oht50_bridge.paths import config_dir

TOPICS = (
    'DIAGNOSTICS',
    'MARKERS',
    'ODOMETRY',
    'TF',
    'TF_STATIC',
    'BATTERY_STATE',
    'SAFETY_HEARTBEAT',
)
OK, ERROR = 0, 2
STARTING, MAINTENANCE = 0, 2  # modes of the heartbeat


@pytest.fixture(scope='module')
def recorded(shared_vehicle, tmp_path_factory):
    """Give a function that returns what was published on a topic since the module began."""
    output = tmp_path_factory.mktemp('recorder') / 'messages.jsonl'
    process = shared_vehicle.spawn('recorder', str(output), *TOPICS)

    def messages(topic):
        if not output.exists():
            return []
        lines = output.read_text().split('\n')[:-1]
        entries = [json.loads(line) for line in lines]
        return [entry['message'] for entry in entries if entry['topic'] == topic]

    yield messages
    process.kill()
    process.wait()


def of_the_line(event):
    return event['data']['error_code'] == 'NET-002'


def diagnoses(recorded):
    """Return the newest /diagnostics by name."""
    arrays = recorded('DIAGNOSTICS')
    return {status['name']: status for status in arrays[-1]['status']} if arrays else {}


def test_odometry_and_tf_are_where_the_simulator_knows_the_carrier_to_be(simulator, recorded):
    def at_20():
        messages = recorded('ODOMETRY')
        return messages and abs(messages[-1]['pose']['pose']['position']['x'] - 20.0) < 0.002

    wait_for(at_20, what='the odometry is at 20 m')
    odometry = recorded('ODOMETRY')[-1]
    assert odometry['header']['frame_id'] == 'odom'
    assert odometry['child_frame_id'] == 'base_link'

    def transforms(topic, frame, child):
        # robot_state_publisher, where it is, tells of others.
        return [
            transform['transform']
            for message in recorded(topic)
            for transform in message['transforms']
            if (transform['header']['frame_id'], transform['child_frame_id']) == (frame, child)
        ]

    wait_for(
        lambda: [
            each
            for each in transforms('TF', 'odom', 'base_link')[-1:]
            if abs(each['translation']['x'] - 20.0) < 0.002
        ],
        what='tf is at 20 m',
    )
    last = transforms('TF', 'odom', 'base_link')[-1]
    assert math.hypot(*last['rotation'].values()) == pytest.approx(1.0)
    wait_for(lambda: transforms('TF_STATIC', 'map', 'odom'), what='the static transform')


def test_diagnostics_have_every_board_and_the_host(simulator, recorded):
    names = {
        f'oht50: {name}'
        for name in ('host', 'safety_node', 'travel_motor', 'power', 'dock', 'safety', 'battery')
    }
    wait_for(lambda: names <= set(diagnoses(recorded)), what='all diagnoses')
    wait_for(lambda: diagnoses(recorded)['oht50: dock']['level'] == OK, what='the dock is well')
    values = {item['key']: item['value'] for item in diagnoses(recorded)['oht50: dock']['values']}
    assert values['address'] == 'sense/5'
    assert int(values['replies']) > 0


def test_lost_board_is_one_error_and_a_fault_until_it_is_found(vehicle, simulator, recorded):
    with vehicle.client('viewer', ['system.*']) as client:
        try:
            simulator.misbehave('power', absent=True)
            # A busy host has errors of its own.
            error = client.wait('system.error', where=of_the_line)['data']
            assert error['severity'] == 'P1'
            assert error['error_name'] == 'RS485 Communication Error'
            assert error['affected_services'] == ['power']
            assert 'MOD-001' in error['description']
            wait_for(
                lambda: diagnoses(recorded)['oht50: power']['level'] == ERROR,
                what='the diagnosis of the loss',
            )
            fault = [
                event
                for event in client.received
                if event['type'] == 'system.status' and event['data']['status'] == 'fault'
            ]
            if not fault:
                client.wait('system.status', where=lambda e: e['data']['status'] == 'fault')
            before = len(client.received)
            for _ in range(3):
                client.wait('system.status')
            assert not [
                event
                for event in client.received[before:]
                if event['type'] == 'system.error' and of_the_line(event)
            ]
        finally:
            simulator.misbehave('power', absent=False)
        client.wait('system.status', where=lambda event: event['data']['state'] == 'ready')


def test_silent_node_is_reported(vehicle, simulator):
    pid = vehicle.node_pid('safety_node')
    with vehicle.client('viewer', ['system.*']) as client:
        os.kill(pid, signal.SIGSTOP)
        try:
            error = client.wait(
                'system.error', where=lambda event: event['data']['error_code'] == 'SYS-004'
            )['data']
            client.wait('system.status', where=lambda event: event['data']['status'] == 'fault')
        finally:
            os.kill(pid, signal.SIGCONT)
    assert (error['severity'], error['affected_services']) == ('P0', ['safety_node'])


# Boards that are lost, found and listed

BOARDS = ('travel_motor', 'power', 'dock', 'safety')
# Between two readings: the period of the location board and the time-out of its neighbour, twice.
LONGEST_GAP = 2 * (0.05 + 0.06)  # s


@pytest.mark.slow
def test_pulled_board_is_reported_and_the_others_are_polled_on_time(vehicle, simulator):
    with vehicle.client('operator', ['module.*', 'telemetry.realtime']) as client:
        client.wait('telemetry.realtime')
        simulator.misbehave('power', absent=True)
        lost = client.wait('module.status_change', 2.0)
        assert lost['data'].pop('error_description').startswith('Communication timeout')
        assert lost['data'] == {
            'module_id': 'power',
            'old_status': 'online',
            'new_status': 'offline',
            'error_code': 'MOD-001',
        }
        # The location board shares the line with the lost one.
        readings = []

        def on_time():
            # What else the host does may delay one now and then; the lost board, asked several
            # times in these readings, would leave no 20 of them in a row on time.
            readings.append(client.wait('telemetry.realtime'))
            assert readings[-1]['data']['position']['x'] is not None
            stamps = sorted(
                {datetime.fromisoformat(event['timestamp']) for event in readings[-20:]}
            )
            gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(stamps)]
            return len(readings) >= 20 and max(gaps) <= LONGEST_GAP

        wait_for(on_time, what='20 readings on time')
        client.wait(
            'telemetry.realtime', where=lambda event: event['data']['sensors']['battery'] is None
        )
        simulator.misbehave('power', absent=False)
        found = client.wait('module.status_change', 5.0)
        assert found['data']['new_status'] == 'online'
        assert found['data']['error_code'] == ''


@pytest.mark.slow
def test_a_silent_battery_management_leaves_the_charge_unknown(vehicle, simulator):
    """The power board stays online, and keeps its last state of charge."""
    events = ['telemetry.realtime', 'system.*', 'module.*']
    with vehicle.client('operator', events) as client:
        known = client.wait(
            'telemetry.realtime', where=lambda e: e['data']['sensors']['battery'] is not None
        )
        assert 0.0 < known['data']['sensors']['battery'] <= 100.0
        simulator.misbehave('power', bms_silent=True)
        unknown = client.wait(
            'telemetry.realtime', 8.0, where=lambda e: e['data']['sensors']['battery'] is None
        )
        assert unknown['data']['sensors']['temperature'] is None
        error = client.wait(
            'system.error', 8.0, where=lambda e: e['data']['error_code'] == 'SYS-009'
        )
        assert 'does not answer' in error['data']['description']
        refused = client.call(
            'start_mission',
            mission_type='transport',
            target_position={'x': 9000.0, 'y': 0.0, 'z': 0.0},
        )
        assert not refused['accepted'] and 'charge of its battery' in refused['message']
        simulator.misbehave('power', bms_silent=False)
        client.wait(
            'telemetry.realtime', 5.0, where=lambda e: e['data']['sensors']['battery'] is not None
        )
        assert 'module.status_change' not in {event['type'] for event in client.received}


def test_lost_motor_board_is_an_emergency_stop(vehicle, simulator):
    with vehicle.client('admin', ['safety.*', 'module.*']) as admin:
        simulator.misbehave('travel_motor', absent=True)
        assert admin.wait('safety.estop')['data']['trigger_type'] == 'software'
        simulator.misbehave('travel_motor', absent=False)
        admin.wait('module.status_change', where=lambda e: e['data']['new_status'] == 'online')
        admin.clear_estop()


# Parameters: what the nodes declare is described, and is what config/vehicle.yaml names

INTEGER, DOUBLE, DOUBLE_ARRAY = 2, 3, 8  # of rcl_interfaces/msg/ParameterType
UNIT = re.compile(r'\b(m|m/s(\^[23])?|s|Hz|1/s|kg|ratio 0\.\.1)\b')
OF_ROS = {'use_sim_time', 'start_type_description_service'}  # rclpy's own
# One set of these for each line, module and item; most of a set is optional.
SETS = re.compile(r'(line|module|item)\.\w+\.\w+')


@pytest.fixture(scope='module')
def declared(shared_vehicle):
    """Give the parameters of each node by name: (type, description, read_only, ranges)."""
    describer = shared_vehicle.spawn('describer', *NODES, stdout=subprocess.PIPE, text=True)
    answer, _ = describer.communicate(timeout=60)
    assert describer.returncode == 0
    return {
        node: {name: rest for name, *rest in parameters if name not in OF_ROS}
        for node, parameters in json.loads(answer).items()
    }


def flat(values, prefix=''):
    """Return the names of a section's parameters."""
    return {
        full
        for name, value in values.items()
        for full in (
            flat(value, f'{prefix}{name}.') if isinstance(value, dict) else [f'{prefix}{name}']
        )
    }


@pytest.fixture(scope='module')
def named():
    """Give the names of each section of config/vehicle.yaml."""
    content = yaml.safe_load((config_dir() / 'vehicle.yaml').read_text())
    return {
        node.split('/')[-1]: flat(section['ros__parameters']) for node, section in content.items()
    }


def test_every_parameter_says_what_it_is(declared):
    for node, parameters in declared.items():
        assert parameters
        for name, (kind, description, _, ranges) in parameters.items():
            assert description, f'{node} {name}'
            if kind in (DOUBLE, DOUBLE_ARRAY) and not name.startswith('item.'):
                assert UNIT.search(description), f'{node} {name}: {description}'
            if kind in (INTEGER, DOUBLE) and not name.startswith('item.'):
                assert len(ranges) == 1, f'{node} {name}'


def test_the_file_names_what_is_declared_and_nothing_else(declared, named):
    everyone = named.pop('**')
    assert set(named) == set(NODES)
    assert everyone <= {name for parameters in declared.values() for name in parameters}
    for node, parameters in declared.items():
        assert named[node] <= set(parameters), node
        missing = {name for name in parameters if not SETS.fullmatch(name)}
        assert missing - named[node] - everyone - {*SET_AT_START, 'config_version'} == set(), node


def test_what_is_not_for_running_nodes_is_read_only(declared):
    settable = {
        (node, name)
        for node, parameters in declared.items()
        for name, (_, _, read_only, _) in parameters.items()
        if not read_only
    }
    assert settable == {
        *((node, 'config_version') for node in ('safety_node', 'telemetry_node', 'mission_node')),
        ('telemetry_node', 'rate'),
        ('safety_node', 'speed_limit'),
        *(('mission_node', f'max_{name}') for name in ('velocity', 'acceleration', 'jerk')),
        *(
            ('safety_node', f'zone_{name}')
            for name in ('names', 'types', 'actions', 'starts', 'ends', 'limits')
        ),
    }
