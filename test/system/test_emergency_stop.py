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
"""The emergency stop: who may, how fast, what stays."""

import os
import signal
import time

import pytest
from support import AT_ONCE
from support import wait_for

BOARD = 'travel_motor'
SPEED = 'command_speed'


@pytest.fixture(autouse=True)
def cleared(vehicle):
    """Leave no stop latched behind."""
    yield
    with vehicle.client('admin') as admin:
        admin.clear_estop()


def test_operator_stops_the_vehicle_and_every_subscriber_receives_it_at_once(
    vehicle, simulator, moving
):
    with (
        vehicle.client('viewer', ['safety.*']) as viewer,
        vehicle.client('viewer', ['*']) as second,
        vehicle.client('operator') as operator,
    ):
        simulator.watch(BOARD, SPEED)
        sent = time.monotonic()
        operator.send('emergency_stop', reason='manual_trigger', request_id='req-124')
        events = [client.wait('safety.estop') for client in (viewer, second)]
        result = operator.wait('command.result')
        wait_for(lambda: simulator.read(BOARD, SPEED) == 0, what='the speed register is 0')
        stopped = simulator.log()[0][0]
    assert result['request_id'] == 'req-124'
    assert result['data']['accepted'] is True
    assert stopped - sent < AT_ONCE
    for event in events:
        assert event['at'] - sent < AT_ONCE
        assert event['data']['trigger_type'] == 'remote'
        assert event['data']['emergency_level'] == 'critical'
        assert event['data']['position']['x'] == pytest.approx(
            simulator.truth()['position'] * 1000, abs=500
        )


def test_latch_and_its_event_survive_the_death_of_safety_node_and_bridge(vehicle):
    with vehicle.client('operator') as operator:
        stop = operator.call('emergency_stop')['estop_id']
    latch = vehicle.vehicle_dir / 'estop.json'
    wait_for(lambda: latch.exists() and stop in latch.read_text(), what='the latch is on disk')
    for node in ('safety_node', 'bridge_node'):
        before = vehicle.node_pid(node)
        os.kill(before, signal.SIGKILL)
        vehicle.wait_for_new(node, before)

    def latched():
        try:
            with vehicle.client('viewer', ['safety.*', 'system.*']) as viewer:
                return viewer.wait('safety.estop', 2.0)['data']['estop_id']
        except (OSError, AssertionError):
            return None

    assert wait_for(latched, what='the stop is reported again') == stop


def test_a_clear_of_one_stop_does_not_open_another_that_came_after_it(vehicle):
    with vehicle.client('admin', ['safety.*']) as admin, vehicle.client('operator') as operator:
        first = operator.call('emergency_stop', reason='drill')
        second = operator.call('emergency_stop', reason='person on the rail')
        assert first['estop_id'] in second['message']
        reported = [admin.wait('safety.estop')['data']['estop_id'] for _ in range(2)]
        assert reported == [first['estop_id'], second['estop_id']]
        for _ in range(15):  # longer than a clear needs
            refused = admin.call('clear_estop', estop_id=first['estop_id'])
            assert refused['accepted'] is False
            assert 'person on the rail' in refused['message']
            assert refused['estop_id'] == second['estop_id']
            time.sleep(0.2)
        admin.clear_estop(estop_id=second['estop_id'])
        admin.call('list_modules')  # what was sent before its reply has been received
        kinds = [message['type'] for message in admin.received]
        assert kinds.index('safety.clear', kinds.index('safety.estop')) > 0


def state(client, kind, where):
    """Return the newest value of a state once it fulfils `where`."""
    newest = [message for message in client.received if message['type'] == kind][-1:]
    if newest and where(newest[0]['data']):
        return newest[0]['data']
    return client.wait(kind, where=lambda message: where(message['data']))['data']


def test_a_late_client_knows_how_things_stand_and_acknowledges_the_alarm(vehicle):
    with vehicle.client('operator') as operator:
        mission = operator.call(
            'start_mission', mission_type='transport', target_position={'x': 45e3, 'y': 0, 'z': 0}
        )
        assert mission['accepted'], mission
        stop = operator.call('emergency_stop', reason='late drill')['estop_id']

    def alarms(data):
        return [
            alarm
            for alarm in data['alarms']
            if alarm['code'] == 'ESTOP' and 'late drill' in alarm['description']
        ]

    kinds = ['mission.state', 'safety.state', 'system.alarms']
    with vehicle.client('viewer', kinds) as late, vehicle.client('admin') as admin:
        safety = state(late, 'safety.state', lambda data: data['latched'])
        assert [(each['estop_id'], each['reason']) for each in safety['stops']] == [
            (stop, 'late drill')
        ]
        assert 'late drill' in safety['forward_hindrance']
        ended = state(late, 'mission.state', lambda data: not data['mission_id'])['ended']
        assert (ended['mission_id'], ended['status']) == (mission['mission_id'], 'failed')
        assert 'late drill' in ended['reason']
        (alarm,) = alarms(state(late, 'system.alarms', alarms))
        assert (alarm['severity'], alarm['acknowledged_by']) == ('P0', None)
        assert admin.call('acknowledge_alarm', alarm_id=alarm['alarm_id'])['accepted']
        state(
            late,
            'system.alarms',
            lambda data: any(each['acknowledged_by'] for each in alarms(data)),
        )
        state(late, 'safety.state', lambda data: not data['reset_hindrances'])
        admin.clear_estop(estop_id=stop)
        state(late, 'safety.state', lambda data: not data['latched'])
        state(late, 'system.alarms', lambda data: not alarms(data))


def test_maintenance_is_a_lock_of_its_owner_and_in_the_status(vehicle):
    with vehicle.client('admin', ['system.status']) as admin:

        def status():
            return admin.wait('system.status')['data']['state'] == 'maintenance'

        result = admin.call('set_maintenance', active=True)
        assert result['accepted'] is True
        assert len(result['owners']) == 1
        wait_for(status, what='the status is maintenance')
        version = admin.call('get_config')['version']
        assert admin.call('update_config', changes={'max_jerk': 0.1})['accepted']
        rolled_back = admin.call('rollback_config', to_version=version, reason='performance_issue')
        assert rolled_back['accepted'], rolled_back
        refused = admin.call(
            'start_mission', mission_type='transport', target_position={'x': 9e3, 'y': 0, 'z': 0}
        )
        assert refused['accepted'] is False
        assert 'maintenance' in refused['message']
        assert admin.call('set_maintenance', active=False)['owners'] == []
        wait_for(lambda: not status(), what='the status is not maintenance any more')


def test_pressed_button_stops_and_cannot_be_cleared_until_released(vehicle, simulator, moving):
    with vehicle.client('admin', ['safety.*']) as admin:
        simulator.watch(BOARD, SPEED)
        pressed = time.monotonic()
        simulator.set(estop_pressed=True)
        try:
            event = admin.wait('safety.estop')
            assert event['data']['trigger_type'] == 'hardware'
            wait_for(lambda: simulator.read(BOARD, SPEED) == 0, what='the speed register is 0')
            assert simulator.log()[0][0] - pressed < AT_ONCE
            moving.kill()
            moving.wait()

            def refusal():
                reply = admin.call('clear_estop')
                assert reply['accepted'] is False
                return 'pressed' in reply['message']

            wait_for(refusal, what='the refusal names the cause', pause=0.1)
        finally:
            simulator.set(estop_pressed=False)
