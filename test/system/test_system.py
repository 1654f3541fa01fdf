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

import json
import math
import os
import signal

import pytest
from support import wait_for

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
