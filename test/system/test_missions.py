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
"""Missions: what clients hear of them is what the vehicle did."""

import os
import signal
import time

import pytest
from support import place
from support import wait_for

BOARD = 'travel_motor'
SPEED = 'command_speed'


@pytest.fixture
def operator(vehicle):
    with vehicle.client('operator', ['mission.*', 'system.error']) as client:
        yield client


def start(client, x=None, **fields):
    """Start a mission to x, m; return the reply's data."""
    if x is not None:
        fields['target_position'] = {'x': x * 1000.0, 'y': 0.0, 'z': 0.0}
    fields.setdefault('mission_type', 'transport')
    return client.call('start_mission', **fields)


def heard(client, kind):
    """Return the last event of a type, which may have come before the reply to a command."""
    return next(e for e in reversed(client.received) if e['type'] == kind)


def assert_in_time(vehicle, started, duration, slack):
    """Assert that a mission took as long as was estimated, s, give or take 10 % and a slack.

    A host that starves the vehicle may interrupt it once, which costs time; it is logged.
    """
    name, estimate = started['data']['mission_id'], started['data']['estimated_duration']
    interruptions = vehicle.log.read_text().count(f'mission {name} interrupted:')
    assert interruptions <= 1
    assert duration == pytest.approx(estimate, rel=0.1, abs=slack + 4.0 * interruptions)


def drive(client, simulator, x):
    """Start a mission to x, m, and wait until the vehicle moves; return its name."""
    reply = start(client, x)
    assert reply['accepted'], reply['message']
    wait_for(lambda: abs(simulator.truth()['velocity']) > 0.2, what='the vehicle moves')
    return reply['mission_id']


def stays(simulator):
    """Assert that the vehicle stands and is not commanded for longer than any timeout of it."""
    wait_for(lambda: simulator.truth()['velocity'] == 0.0, what='the vehicle stands')
    simulator.watch(BOARD, SPEED)
    position, until = simulator.truth()['position'], time.monotonic() + 1.0
    wait_for(lambda: time.monotonic() > until)
    assert simulator.log() == []
    assert simulator.truth()['position'] == position


@pytest.mark.parametrize('distance', [3.1234])
def test_mission_goes_to_its_target_and_tells_the_truth(vehicle, simulator, operator, distance):
    target, name = 20.0 + distance, f'there{distance:g}'
    place(vehicle, simulator, 20.0)
    before = simulator.truth()
    reply = start(operator, target, mission_id=name, payload_kg=10)
    assert reply['accepted'], reply['message']
    started = heard(operator, 'mission.started')
    completed = operator.wait('mission.completed', 60.0)
    truth = simulator.truth()
    assert started['data']['mission_id'] == completed['data']['mission_id'] == name
    assert started['data']['start_position']['x'] == pytest.approx(20000, abs=1)
    assert started['data']['target_position']['x'] == pytest.approx(target * 1000)
    data = completed['data']
    assert data['status'] == 'success'
    assert truth['position'] == pytest.approx(target, abs=0.002)
    assert truth['velocity'] == 0.0
    assert data['final_position']['x'] == pytest.approx(truth['position'] * 1000, abs=1)
    duration = completed['at'] - started['at']
    assert data['completion_time'] == pytest.approx(duration, rel=0.05)
    assert_in_time(vehicle, started, duration, 1.0)
    summary = data['summary']
    travelled = (truth['travelled'] - before['travelled']) * 1000
    assert summary['distance_traveled'] == pytest.approx(travelled, abs=2 * 1.0)
    errors = [
        e
        for e in operator.received
        if e['type'] == 'system.error'
        and e['data']['affected_services'] != ['host']  # of the machine of the tests
        and started['timestamp'] <= e['timestamp'] <= completed['timestamp']
    ]
    assert summary['errors_encountered'] == len(errors)
    drawn = (truth['drawn'] - before['drawn']) / 3600
    # The board tells its current in steps of 0.1 A, at 25 V, and 5 times a second; what the motor
    # draws changes by up to 40 W in between.
    unread = (0.05 * 25.0 * duration + 0.1 * 40.0) / 3600
    assert summary['energy_consumed'] == pytest.approx(drawn, abs=0.05 * drawn + unread)
    progress = [e['data'] for e in operator.received if e['type'] == 'mission.progress']
    assert [p['progress'] for p in progress] == pytest.approx(
        sorted(p['progress'] for p in progress), abs=0.1
    )
    assert progress[0]['progress'] < 20
    assert progress[-1]['progress'] == 100
    assert progress[-1]['remaining_distance'] == pytest.approx(0, abs=2)
    stays(simulator)


@pytest.mark.slow
def test_after_a_stall_the_vehicle_stands_before_it_moves_again(vehicle, simulator, operator):
    drive(operator, simulator, 22.0)
    wait_for(lambda: simulator.truth()['velocity'] > 0.4, what='the vehicle is fast')
    simulator.watch(BOARD, SPEED)

    def speeds():
        return [words[0] for _, _, name, words in simulator.log() if name == SPEED]

    pid = vehicle.node_pid('mission_node')
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: 0 in speeds(), what='the motor is stopped')
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: simulator.truth()['velocity'] == 0.0, what='the vehicle stands')
    commanded = speeds()
    assert not any(commanded[commanded.index(0) :]), 'nothing before it stands'
    assert operator.wait('mission.completed', 30.0)['data']['status'] == 'success'
    assert simulator.truth()['position'] == pytest.approx(22.0, abs=0.002)


def test_emergency_stop_fails_the_mission_and_nothing_moves_after_its_clearing(
    vehicle, simulator, operator
):
    drive(operator, simulator, 28.0)
    operator.send('emergency_stop', request_id='stop')
    data = operator.wait('mission.completed')['data']
    assert data['status'] == 'failed'
    assert data['summary']['errors_encountered'] >= 1
    wait_for(lambda: simulator.truth()['velocity'] == 0.0, what='the vehicle stands')
    refused = start(operator, 21.0)
    assert 'emergency stop' in refused['message']
    with vehicle.client('admin') as admin:
        admin.clear_estop()
    stays(simulator)
    wait_for(lambda: start(operator, 21.0)['accepted'], what='a new mission', pause=0.1)


def test_killed_mission_node_stops_the_vehicle_and_its_mission_is_reported_failed(
    vehicle, simulator, operator
):
    mission = drive(operator, simulator, 28.0)
    pid = vehicle.node_pid('mission_node')
    os.kill(pid, signal.SIGKILL)
    data = operator.wait('mission.completed', 15.0)['data']
    assert (data['mission_id'], data['status']) == (mission, 'failed')
    assert data['final_position']['x'] == pytest.approx(
        simulator.truth()['position'] * 1000, abs=20
    )
    vehicle.wait_for_new('mission_node', pid)
    stays(simulator)
    wait_for(
        lambda: not (vehicle.vehicle_dir / 'mission.json').exists(),
        what='the report of the lost mission',
    )


def test_killed_hardware_node_ends_the_mission(vehicle, simulator, operator):
    mission = drive(operator, simulator, 28.0)
    pid = vehicle.node_pid('hardware_node')
    os.kill(pid, signal.SIGKILL)
    data = operator.wait('mission.completed', 15.0)['data']
    assert (data['mission_id'], data['status']) == (mission, 'failed')
    vehicle.wait_for_new('hardware_node', pid)
    stays(simulator)


def charge_request(simulator):
    return simulator.read('power', 'charge_request')


def charge(vehicle, simulator, operator):
    """Drive to the charger and wait until the battery is charged there."""
    place(vehicle, simulator, 1.6)
    with vehicle.client('viewer', ['system.status']) as viewer:
        reply = start(operator, station='charger')
        assert reply['accepted'], reply['message']
        viewer.wait('system.status', where=lambda e: e['data']['status'] == 'docking')
        assert not charge_request(simulator)
        data = operator.wait('mission.completed', 60.0)['data']
        assert data['status'] == 'success'
        viewer.wait(
            'system.status',
            where=lambda e: (e['data']['status'], e['data']['state']) == ('idle', 'ready'),
        )
    wait_for(lambda: simulator.truth()['charging'], what='the battery is charged')
