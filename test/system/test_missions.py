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
from support import Vehicle
from support import own_domain
from support import place
from support import wait_for

BOARD = 'travel_motor'
SPEED = 'command_speed'


@pytest.fixture
def operator(vehicle):
    with vehicle.client('operator', ['mission.*', 'system.error']) as client:
        yield client


@pytest.fixture(autouse=True)
def without_mission(vehicle, simulator):
    """Leave neither a mission nor a latched stop behind."""
    yield
    with vehicle.client('admin', ['mission.*', 'safety.*']) as admin:
        admin.clear_estop()
        if admin.call('cancel_mission')['accepted'] and not any(
            e['type'] == 'mission.completed' for e in admin.received
        ):
            admin.wait('mission.completed')
    wait_for(lambda: simulator.truth()['velocity'] == 0.0, what='the vehicle stands')


def give_battery(vehicle, simulator, soc, **fields):
    """Give the battery a state of charge, a ratio, and wait until the nodes have seen it."""
    with vehicle.client('viewer', ['telemetry.realtime']) as viewer:
        simulator.set(soc=soc, **fields)
        viewer.wait(
            'telemetry.realtime',
            where=lambda e: e['data']['sensors']['battery'] == pytest.approx(soc * 100.0, abs=0.5),
        )


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


@pytest.mark.parametrize('distance', [0.4, 3.1234, -7.5])
def test_mission_goes_to_its_target_and_tells_the_truth(vehicle, simulator, operator, distance):
    target, name = 20.0 + distance, f'there{distance:g}'
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


def test_profile_keeps_its_limits_on_the_wire(vehicle, simulator, operator):
    simulator.watch(BOARD, SPEED)
    assert start(operator, 22.0)['accepted']
    operator.wait('mission.completed', 40.0, lambda e: e['data']['status'] == 'success')
    speeds = [(at, words[0] / 100) for at, _, name, words in simulator.log() if name == SPEED]
    assert max(speed for _, speed in speeds) <= 0.5
    for (earlier, slow), (later, fast) in zip(speeds, speeds[10:], strict=False):
        assert abs(fast - slow) <= 0.3 * (later - earlier) + 0.06


def test_pause_resume_and_cancel(vehicle, simulator, operator):
    mission = drive(operator, simulator, 26.0)
    assert operator.call('pause_mission', mission_id=mission)['accepted']
    assert operator.call('pause_mission')['accepted'] is False
    stays(simulator)
    paused = simulator.truth()['position']
    assert 20.0 < paused < 26.0
    assert operator.call('resume_mission')['accepted']
    wait_for(lambda: simulator.truth()['velocity'] > 0.2, what='the vehicle goes on')
    assert 'active mission is' in operator.call('cancel_mission', mission_id='other')['message']
    assert operator.call('cancel_mission')['accepted']
    data = operator.wait('mission.completed')['data']
    assert data['status'] == 'cancelled'
    stays(simulator)
    assert simulator.truth()['position'] == pytest.approx(
        data['final_position']['x'] / 1000, abs=0.005
    )
    assert operator.call('resume_mission')['message'] == 'no mission is active'


@pytest.mark.parametrize('paused', [False, True])
def test_after_a_stall_the_vehicle_stands_before_it_goes_on(vehicle, simulator, operator, paused):
    drive(operator, simulator, 22.0)
    wait_for(lambda: simulator.truth()['velocity'] > 0.4, what='the vehicle is fast')
    if paused:
        assert operator.call('pause_mission')['accepted']
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
    if paused:
        stays(simulator)
        assert operator.call('resume_mission')['accepted']
    assert operator.wait('mission.completed', 30.0)['data']['status'] == 'success'
    assert simulator.truth()['position'] == pytest.approx(22.0, abs=0.002)


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        ({'x': 51.0}, 'must be on the rail'),
        ({'target_position': {'x': 1000.0, 'y': 500.0, 'z': 0.0}}, 'give 0'),
        ({'x': 10.0, 'payload_kg': 51.0}, 'payload 51 kg'),
        ({'station': 'nowhere'}, 'the stations are'),
    ],
)
def test_refusal_names_its_reason(vehicle, simulator, operator, fields, reason):
    reply = start(operator, **fields)
    assert reply['accepted'] is False
    assert reason in reply['message']
    stays(simulator)


def test_refused_while_another_is_active_and_with_a_low_battery(vehicle, simulator, operator):
    mission = drive(operator, simulator, 26.0)
    assert mission in start(operator, 30.0)['message']
    operator.call('cancel_mission')
    operator.wait('mission.completed')
    give_battery(vehicle, simulator, 0.29)
    try:
        assert 'battery at 29%' in start(operator, 26.0)['message']
    finally:
        give_battery(vehicle, simulator, 0.85)


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


def test_frozen_sensor_ends_the_mission(vehicle, simulator, operator):
    """A board whose position stands still while the vehicle moves is found out."""
    drive(operator, simulator, 28.0)
    simulator.misbehave('dock', stale=True)
    try:
        assert operator.wait('mission.completed')['data']['status'] == 'failed'
        stays(simulator)
    finally:
        simulator.misbehave('dock', stale=False)


def test_lost_location_stops_the_vehicle_and_ends_the_mission(vehicle, simulator, operator):
    drive(operator, simulator, 28.0)
    simulator.watch(BOARD, SPEED)
    simulator.misbehave('dock', absent=True)
    lost = time.monotonic()
    try:
        assert operator.wait('mission.completed')['data']['status'] == 'failed'
        stopped = wait_for(
            lambda: next((at for at, _, _, words in simulator.log() if words == [0]), None),
            what='stop',
        )
        assert stopped - lost < 0.6
        stays(simulator)
    finally:
        simulator.misbehave('dock', absent=False)


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
    wait_for(lambda: not (vehicle.vehicle_dir / 'mission.json').exists(), what='told once')


def test_docks_at_the_charger(vehicle, simulator, operator):
    place(vehicle, simulator, 2.2)
    simulator.watch(BOARD, SPEED)
    assert start(operator, station='charger')['accepted']
    data = operator.wait('mission.completed', 60.0)['data']
    assert data['status'] == 'success'
    truth = simulator.truth()
    assert truth['position'] == pytest.approx(1.0, abs=0.002)
    assert simulator.read('dock', 'docking_aligned')
    assert simulator.read('power', 'charger_present')


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


def test_charges_in_the_dock_and_lets_go_of_the_charger_before_it_drives(
    vehicle, simulator, operator
):
    simulator.set(soc=0.2, charge_rate=100.0)  # too low for any mission but this one
    try:
        charge(vehicle, simulator, operator)
        with vehicle.client('viewer', ['telemetry.realtime']) as viewer:
            low = viewer.wait('telemetry.realtime')['data']['sensors']['battery']
            viewer.wait(
                'telemetry.realtime', 20.0, lambda e: e['data']['sensors']['battery'] > low + 1.0
            )
        give_battery(vehicle, simulator, 0.85, charge_rate=1.0)
        simulator.watch('power', 'charge_request')
        simulator.watch(BOARD, SPEED)
        reply = start(operator, 1.5)
        assert reply['accepted'], reply['message']
        completed = operator.wait('mission.completed', 30.0)
        assert completed['data']['status'] == 'success'
        assert_in_time(
            vehicle, heard(operator, 'mission.started'), completed['data']['completion_time'], 1.5
        )
        log = simulator.log()
        (released,) = [at for at, _, name, words in log if name == 'charge_request']
        moved = min(at for at, _, name, words in log if name == SPEED and words != [0])
        assert released < moved
        assert not charge_request(simulator)
    finally:
        give_battery(vehicle, simulator, 0.85, charge_rate=1.0)


def test_emergency_stop_ends_charging_for_good(vehicle, simulator, operator):
    charge(vehicle, simulator, operator)
    operator.send('emergency_stop', request_id='stop')
    wait_for(lambda: not charge_request(simulator), 5.0, 'the charger is let go of')
    with vehicle.client('admin') as admin:
        admin.clear_estop()
    simulator.watch('power', 'charge_request')
    until = time.monotonic() + 2.5
    wait_for(lambda: time.monotonic() > until)
    assert simulator.log() == []
    wait_for(lambda: start(operator, station='charger')['accepted'], pause=0.1)
    assert operator.wait('mission.completed', 30.0)['data']['status'] == 'success'
    wait_for(lambda: simulator.truth()['charging'], what='by a new mission')


def test_charging_ends_with_the_mission_node(vehicle, simulator, operator):
    charge(vehicle, simulator, operator)
    pid = vehicle.node_pid('mission_node')
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not charge_request(simulator), 10.0, 'the request lapses')
    vehicle.wait_for_new('mission_node', pid)


OTHER = """
/**:
  ros__parameters:
    stations: [shifted, nothing]
    station_positions: [1.03, 10.0]
/**/mission_node:
  ros__parameters:
    station_docks: [true, true]
    dock: {retries: 1, contact_time: 1.0}
/**/hardware_node:
  ros__parameters:
    module:
      dock: {kind: dock, profile: dock_location_fw, line: sense, address: 5}
"""


@pytest.fixture
def other_vehicle(tmp_path):
    """Give a function that starts a vehicle with other parameters."""
    with own_domain() as domain:
        vehicles = []

        def start_other(parameters):
            (tmp_path / 'params.yaml').write_text(parameters)
            vehicle = Vehicle(tmp_path, domain, '--params', str(tmp_path / 'params.yaml'))
            vehicles.append(vehicle)
            return vehicle.wait_until_up()

        try:
            yield start_other
        finally:
            codes = [vehicle.stop() for vehicle in vehicles]
            print(*(vehicle.log.read_text() for vehicle in vehicles))
        assert codes == [0]
        assert 'Traceback' not in vehicles[0].log.read_text()


def ready(vehicle):
    with vehicle.client('viewer', ['system.status']) as client:
        client.wait('system.status', 15.0, lambda event: event['data']['state'] == 'ready')


def test_dock_beside_its_station_is_found_and_one_that_is_not_there_is_given_up(other_vehicle):
    vehicle = other_vehicle(OTHER.split('/**/hardware_node')[0])
    ready(vehicle)
    with (
        vehicle.simulator() as simulator,
        vehicle.client('operator', ['mission.*', 'system.status']) as operator,
    ):
        place(vehicle, simulator, 1.6)
        wait_for(lambda: start(operator, station='shifted')['accepted'], pause=0.2)
        data = operator.wait('mission.completed', 60.0)['data']
        assert data['status'] == 'success'
        assert data['summary']['errors_encountered'] >= 1
        assert simulator.truth()['position'] == pytest.approx(1.0, abs=0.002)
        operator.wait('system.status', where=lambda e: e['data']['status'] != 'docking')
        place(vehicle, simulator, 9.6)
        assert wait_for(lambda: start(operator, station='nothing'))['accepted']
        data = operator.wait('mission.completed', 60.0)['data']
        assert data['status'] == 'failed'
        assert data['summary']['errors_encountered'] >= 2


def test_position_of_the_motor_board_alone_is_good_for_1_cm(other_vehicle):
    vehicle = other_vehicle('/**/hardware_node' + OTHER.split('/**/hardware_node')[1])
    with vehicle.simulator() as simulator, vehicle.client('operator', ['mission.*']) as operator:
        place(vehicle, simulator, 20.0)
        wait_for(lambda: start(operator, 22.1278)['accepted'], 20.0, 'it starts', 0.2)
        assert operator.wait('mission.completed', 40.0)['data']['status'] == 'success'
        assert simulator.truth()['position'] == pytest.approx(22.1278, abs=0.01)
