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


def test_odometry_has_the_velocity(simulator, recorded, moving):
    wait_for(
        lambda: (
            recorded('ODOMETRY')[-1]['twist']['twist']['linear']['x']
            == pytest.approx(0.3, abs=0.02)
        ),
        what='the velocity',
    )


def test_battery_state_is_that_of_the_board(simulator, recorded):
    wait_for(lambda: recorded('BATTERY_STATE'), what='the battery')
    battery = recorded('BATTERY_STATE')[-1]
    truth = simulator.truth()
    assert battery['percentage'] == pytest.approx(truth['soc'], abs=0.002)
    assert len(battery['cell_voltage']) == 6
    assert sum(battery['cell_voltage']) == pytest.approx(battery['voltage'], abs=0.2)


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


def test_markers_show_rail_zone_and_station(vehicle, recorded):
    wait_for(
        lambda: (
            {marker['ns'] for marker in recorded('MARKERS')[-1]['markers']}
            >= {'rail', 'zones', 'stations'}
            if recorded('MARKERS')
            else False
        ),
        what='the markers',
    )
    texts = {marker['text'] for marker in recorded('MARKERS')[-1]['markers']}
    assert {'zone-buffer: slow_down', 'charger'} <= texts


def test_markers_tell_beside_the_vehicle_how_it_is(vehicle, simulator, recorded):
    def told(status):
        labels = (
            [
                marker['text']
                for marker in recorded('MARKERS')[-1]['markers']
                if marker['ns'] == 'vehicle'
            ]
            if recorded('MARKERS')
            else []
        )
        return labels == [f'{status}\nbattery {simulator.truth()["soc"]:.0%}']

    wait_for(lambda: told('idle, ready'), what='the vehicle at rest')
    with vehicle.client('admin', ['safety.*']) as client:
        client.call('emergency_stop', reason='drill')
        wait_for(lambda: told('estop, error'), what='the emergency stop')
        client.clear_estop()
    wait_for(lambda: told('idle, ready'), what='its end')


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


def test_power_lost_for_longer_than_allowed_forbids_motion_until_it_is_back(
    vehicle, simulator, recorded
):
    try:
        simulator.misbehave('power', absent=True)
        wait_for(
            lambda: recorded('SAFETY_HEARTBEAT')[-1]['reason'] == 'the power board is lost',
            what='motion is forbidden',
        )
        assert recorded('SAFETY_HEARTBEAT')[-1]['motion_permitted'] is False
        assert recorded('SAFETY_HEARTBEAT')[-1]['speed_limit'] == 0.0
    finally:
        simulator.misbehave('power', absent=False)
    wait_for(lambda: recorded('SAFETY_HEARTBEAT')[-1]['motion_permitted'], what='it is permitted')
    assert recorded('SAFETY_HEARTBEAT')[-1]['speed_limit'] == 0.5


def test_emergency_stop_is_in_the_diagnostics(vehicle, simulator, recorded):
    with vehicle.client('admin') as admin:
        admin.call('emergency_stop', reason='drill')
        wait_for(
            lambda: diagnoses(recorded)['oht50: safety_node']['level'] == ERROR,
            what='the diagnosis of the stop',
        )
        values = {
            item['key']: item['value']
            for item in diagnoses(recorded)['oht50: safety_node']['values']
        }
        assert values['emergency stop'] == 'drill'

        admin.clear_estop()


def test_maintenance_forbids_motion_until_it_is_over(vehicle, simulator, recorded, moving):
    with vehicle.client('admin', ['system.status']) as admin:

        def set_maintenance(value):
            result = admin.call('update_config', changes={'maintenance': value})
            assert result['accepted'], result

        set_maintenance(True)
        try:
            wait_for(lambda: simulator.truth()['velocity'] == 0.0, what='the vehicle stands')
            admin.wait(
                'system.status',
                where=lambda e: (
                    (e['data']['status'], e['data']['state']) == ('idle', 'maintenance')
                ),
            )
            assert recorded('SAFETY_HEARTBEAT')[-1]['reason'] == 'maintenance'
            before = len(recorded('SAFETY_HEARTBEAT'))
            pid = vehicle.node_pid('safety_node')
            os.kill(pid, signal.SIGKILL)
            vehicle.wait_for_new('safety_node', pid)
            # Not even for a moment does it go by the parameters of the files.
            wait_for(
                lambda: [
                    beat['reason']
                    for beat in recorded('SAFETY_HEARTBEAT')[before + 10 :]
                    if beat['mode'] == MAINTENANCE
                ][10:],
                what='it knows of the maintenance again',
            )
            assert not any(
                beat['motion_permitted'] for beat in recorded('SAFETY_HEARTBEAT')[before:]
            )
            assert {beat['mode'] for beat in recorded('SAFETY_HEARTBEAT')[before:]} <= {
                STARTING,
                MAINTENANCE,
            }
        finally:
            set_maintenance(False)
        admin.wait('system.status', where=lambda e: e['data']['status'] == 'moving')
        wait_for(lambda: simulator.truth()['velocity'] > 0.28, what='it moves again')


def test_battery_that_runs_low_is_told_at_each_grade(vehicle, simulator):
    with vehicle.client('viewer', ['system.error']) as client:
        try:
            told = []
            for soc in (0.28, 0.18):
                simulator.set(soc=soc)
                told.append(
                    client.wait(
                        'system.error',
                        20.0,
                        lambda event: event['data']['error_code'] == 'SYS-008',
                    )['data']
                )
        finally:
            simulator.set(soc=0.85)
    assert [error['severity'] for error in told] == ['P2', 'P1']
    assert told[1]['description'].startswith('18 %') or '18%' in told[1]['description']
    assert told[1]['affected_services'] == ['power']


def test_silent_node_is_told(vehicle, simulator):
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


def test_nodes_without_which_less_can_be_done_are_told(vehicle, simulator):
    expected = {
        'telemetry_node': ('APP-004', 'P2'),
        'config_node': ('SYS-005', 'P1'),
        'mission_node': ('SYS-004', 'P0'),
    }
    pids = {name: vehicle.node_pid(name) for name in expected}
    told = {}
    with vehicle.client('viewer', ['system.error']) as client:
        try:
            for pid in pids.values():
                os.kill(pid, signal.SIGSTOP)
            while told.keys() != expected.keys():
                error = client.wait(
                    'system.error',
                    40.0,
                    lambda event: event['data']['affected_services'][0] in expected,
                )['data']
                told[error['affected_services'][0]] = error['error_code'], error['severity']
        finally:
            for pid in pids.values():
                os.kill(pid, signal.SIGCONT)
    assert told == expected
