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
"""A scripted day: every type of event, and every field of each, against what the simulator knows.

The vehicle is configured otherwise and back, finds its boards, goes through a warning zone to its
dock and charges, waits for an obstacle to go away, is stopped amid its mission and cleared, loses
a board and finds it again. A client that is subscribed to everything keeps what it receives; at
the end each event is held against the truth of its moment.
"""

import bisect
import itertools
import operator
import re
import threading
import time
from datetime import datetime
from datetime import timezone

import psutil
import pytest
from support import place
from support import running
from support import wait_for

from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.vehicle.errors import CATALOGUE
from oht50_bridge.version import VERSION

TRACK = 8.0  # m
DOCK, STATION = 1.0, 7.0  # m
ZONE = (2.6, 3.0)  # m
ZONE_SPEED = 0.2  # m/s
OBSTACLE = 4.2  # m
START = 3.8  # m
DOCKING_FROM = 0.2  # m, from the dock
STOP_DISTANCE, SLOW_DISTANCE = 0.5, 0.8  # m, from an obstacle
RATE, OTHER_RATE = 10.0, 5.0  # Hz, of telemetry
PARAMETERS = f"""
/**:
  ros__parameters:
    track_length: {TRACK}
    stations: [charger, station]
    station_positions: [{DOCK}, {STATION}]
    distance_directions: [forward, "", backward, ""]
/**/mission_node:
  ros__parameters:
    station_docks: [true, false]
    inspection_speed: 0.5  # the day is long enough
    dock: {{approach_distance: {DOCKING_FROM}, final_distance: 0.05}}
/**/hardware_node:
  ros__parameters:
    module:
      # The machine of the tests may be late by more than the boards are waited for.
      travel_motor: {{timeout: 0.2}}
      safety:
        timeout: 0.2
        profile: oht_v2_safety
        distance_inputs: [true, true, true, true]
        zone_thresholds: [0.01, 0.02, 0.03, 0.04]
/**/safety_node:
  ros__parameters:
    zone_names: [narrow]
    zone_types: [warning]
    zone_actions: [slow_down]
    zone_starts: [{ZONE[0]}]
    zone_ends: [{ZONE[1]}]
    zone_limits: [{ZONE_SPEED}]
    obstacle_stop_distance: {STOP_DISTANCE}
    obstacle_slow_distance: {SLOW_DISTANCE}
"""
BOARDS = {  # id: type and address as clients receive it
    'travel_motor': ('motor', 'drive/3'),
    'power': ('actuator', 'sense/2'),
    'dock': ('sensor', 'sense/5'),
    'safety': ('sensor', 'safety/5'),
}
LATENESS = 0.4  # s, that the machine of the tests may be late
ESTIMATE = 30.0  # mm, of a mission's own estimate of the position between two measurements
HOST_ERRORS = {'SYS-002', 'SYS-003', 'SYS-006', 'SYS-007'}  # of the machine of the tests


TIME = operator.itemgetter('time_monotonic')


class Truth(threading.Thread):
    """What is true of the carrier, sampled all day."""

    PERIOD = 0.02  # s

    def __init__(self, simulator):
        super().__init__(daemon=True)
        self._simulator = simulator
        self._end = threading.Event()
        self.samples = []
        self.start()

    def run(self):
        while not self._end.wait(self.PERIOD):
            self.samples.append(self._simulator.truth())

    def end(self):
        self._end.set()
        self.join()

    @property
    def now(self):
        return self.samples[-1]

    def between(self, start, end):
        """Return the samples from the last before a span of time to the first after it."""
        first = bisect.bisect_right(self.samples, start, key=TIME) - 1
        return self.samples[max(first, 0) : bisect.bisect_left(self.samples, end, key=TIME) + 1]

    def around(self, at, before=LATENESS, after=0.05):
        """Return the samples of the moment of an event, which may arrive late."""
        return self.between(at - before, at + after)

    def grew(self, key, start, end):
        """Return by how much a count grew in a span of time."""
        span = self.between(start, end)
        return span[-1][key] - span[0][key]

    def moved(self, start, end):
        """Return for how long the carrier moved in a span of time, s."""
        return sum(
            TIME(b) - TIME(a)
            for a, b in itertools.pairwise(self.between(start, end))
            if a['velocity']
        )


class Listener(threading.Thread):
    """Receives all day."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self._began = f'{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}'
        self._connection = connection
        self._end = threading.Event()
        self.start()

    def run(self):
        while not self._end.is_set():
            try:
                self._connection.receive(0.2)
            except TimeoutError:
                continue

    def end(self):
        self._end.set()
        self.join()

    def events(self):
        """Return the events so far, without the last values from before the day."""
        return [
            event
            for event in self._connection.received
            if event['type'] in EVENTS and event['timestamp'] >= self._began
        ]

    def all(self, kind):
        """Return the messages of a type so far."""
        return [message for message in self._connection.received if message['type'] == kind]

    def wait(self, kind, timeout=20.0, where=lambda event: True, since=0.0):
        """Return the first event of a type, received since a moment, that fulfils `where`."""
        return wait_for(
            lambda: next(
                (event for event in self.all(kind) if event['at'] >= since and where(event)), None
            ),
            timeout,
            f'{kind} of this kind',
        )

    def call(self, command, **fields):
        """Send a command; return the data of its reply."""
        request = f'request-{time.monotonic_ns()}'
        self._connection.send(command, request_id=request, **fields)
        return self.wait('command.result', where=lambda r: r.get('request_id') == request)['data']


class Span:
    """A span of time, monotonic s."""

    def __init__(self):
        self.start, self.end = time.monotonic(), float('inf')

    def over(self):
        self.end = time.monotonic()

    def touches(self, start, end):
        return self.start <= end and start <= self.end

    def holds(self, start, end):
        return self.start <= start and end <= self.end


class Drive:
    """A mission of the day, as it was asked for and as it went."""

    def __init__(self, client, truth, mission_id, mission_type, station, target):
        self.mission_id, self.mission_type, self.target = mission_id, mission_type, target
        self.start = truth.now['position']
        self.span = Span()
        reply = client.call(
            'start_mission', mission_type=mission_type, station=station, mission_id=mission_id
        )
        assert reply['accepted'], reply
        self.status = 'success'

    def ended(self, client):
        """Wait for its end."""
        event = client.wait(
            'mission.completed', 40.0, lambda e: e['data']['mission_id'] == self.mission_id
        )
        self.span.over()
        return event


class Day:
    """The script."""

    def __init__(self, vehicle, simulator, truth, client):
        self.vehicle, self.simulator, self.truth, self.client = vehicle, simulator, truth, client
        self.connected = time.monotonic()
        self.clock = time.time() - time.monotonic()  # s, from the monotonic one to the date
        self.memory, self.disk = psutil.virtual_memory().percent, psutil.disk_usage('/').percent
        self.drives = []
        self.rates = [(RATE, Span())]  # Hz, and when it was in force
        self.rates[0][1].start = 0.0
        self.client.call('scan_modules')
        self.configure()
        self.find_boards()
        self.dock_and_charge()
        self.meet_an_obstacle()
        self.stop_and_clear()
        self.lose_a_board()
        client.wait(
            'system.status', where=lambda e: e['data']['state'] == 'ready', since=self.lost.end
        )

    def moment(self, timestamp):
        """Return the monotonic moment of a timestamp, s."""
        return datetime.fromisoformat(timestamp).timestamp() - self.clock

    def find_boards(self):
        wait_for(
            lambda: (
                {event['data']['module_id'] for event in self.client.all('module.discovered')}
                == set(BOARDS)
            ),
            40.0,
            'every board is found',
        )

    def configure(self):
        self.first = self.client.call('get_config')['version']
        self.set_rate(OTHER_RATE, 'update_config', changes={'telemetry_rate': OTHER_RATE})
        self.second = self.client.call('get_config')['version']
        self.set_rate(RATE, 'rollback_config', to_version=self.first, reason='performance_issue')

    def set_rate(self, rate, command, **fields):
        span = Span()
        # After a start the nodes have to tell their values first.
        wait_for(lambda: self.client.call(command, **fields)['accepted'], pause=0.1)
        self.rates[-1][1].over()
        self.rates.append((rate, span))
        self.client.wait(
            'telemetry.status', where=lambda e: e['data']['rate'] == rate, since=span.start
        )

    def go(self, *arguments):
        self.drives.append(Drive(self.client, self.truth, *arguments))
        return self.drives[-1]

    def dock_and_charge(self):
        self.go('to-the-dock', 'transport', 'charger', DOCK).ended(self.client)
        wait_for(lambda: self.truth.now['charging'], what='the battery is charged')
        wait_for(lambda: self.truth.now['current'] > 0.0, what='current flows into it')

    def meet_an_obstacle(self):
        self.go('to-the-station', 'inspection', 'station', STATION).status = 'failed'
        self.simulator.set(obstacles=[OBSTACLE])
        wait_for(
            lambda: self.truth.now['position'] > OBSTACLE - SLOW_DISTANCE,
            what='the obstacle is near',
        )
        wait_for(lambda: self.truth.now['velocity'] == 0.0, what='the vehicle waits')
        self.waited_at = self.truth.now['position']
        self.simulator.set(obstacles=[])
        wait_for(lambda: self.truth.now['velocity'] > 0.2, what='the vehicle goes on')

    def stop_and_clear(self):
        self.estop = Span()
        self.reply = self.client.call('emergency_stop', reason='drill')
        assert self.reply['accepted']
        self.drives[-1].ended(self.client)
        wait_for(lambda: self.truth.now['velocity'] == 0.0, what='the vehicle stands')
        # Of the status a client gets the newest once a second.
        self.client.wait('system.status', where=lambda e: e['data']['status'] == 'estop')
        wait_for(
            lambda: self.client.call('clear_estop', next_action='return_home')['accepted'],
            what='cleared',
            pause=0.1,
        )
        self.estop.over()

    def lose_a_board(self):
        self.lost = Span()
        self.simulator.misbehave('power', absent=True)
        self.client.wait('system.status', where=lambda e: e['data']['status'] == 'fault')
        self.simulator.misbehave('power', absent=False)
        self.lost.over()
        self.client.wait(
            'module.status_change',
            where=lambda e: (
                (e['data']['module_id'], e['data']['new_status']) == ('power', 'online')
            ),
        )

    def drive_of(self, event):
        return next(d for d in self.drives if d.mission_id == event['data']['mission_id'])


class Moment:
    """An event, with what was true when it happened."""

    def __init__(self, day, event):
        self.day, self.event = day, event
        self.at = day.moment(event['timestamp'])
        self.samples = day.truth.around(self.at)

    def was(self, key, value, scale=1.0, tolerance=0.0):
        """Assert that a quantity had a value in the moment, within a tolerance of the value."""
        values = [sample[key] * scale for sample in self.samples]
        assert value is not None, (key, self.event)
        assert min(values) - tolerance <= value <= max(values) + tolerance, (key, self.event)

    def position(self, value, tolerance=3.0):
        self.was('position', value, 1000.0, tolerance)

    @property
    def drive(self):
        return self.day.drive_of(self.event)


def equals(expected):
    """Return a check that a field is what it should be, which may depend on the moment."""

    def check(value, moment):
        wanted = expected(moment) if callable(expected) else expected
        assert value == wanted, (wanted, moment.event)

    return check


def zero(value, moment):
    assert value == pytest.approx(0.0, abs=1e-6), moment.event


def pairs(moment):
    """Return what system.status may say of the moment: status and state."""
    day, start, end = moment.day, moment.at - LATENESS, moment.at + 0.05
    stopped, lost = ('estop', 'error'), ('fault', 'error')
    # The day learns of the end of a span when its reply is read, which may be late as well.
    later = moment.at + LATENESS
    if day.estop.holds(start, later):
        return {stopped}
    if day.lost.holds(start - 1.5, later):
        return {lost}
    allowed = {stopped} if day.estop.touches(start, end) else set()
    # A board counts as lost after a while, and is found at its next turn.
    if day.lost.touches(start - 1.5, end):
        allowed |= {lost}
    if allowed:  # at its end nothing is permitted yet for a moment
        allowed |= {('idle', 'busy')}
    drives = [drive for drive in day.drives if drive.span.touches(start, end)]
    if not any(drive.span.holds(start, later) for drive in drives):
        allowed |= {('idle', 'ready')}
    if drives:
        docking = [sample['position'] < DOCK + DOCKING_FROM for sample in moment.samples]
        docks = drives[-1].target == DOCK
        if docks and any(docking):
            allowed |= {('docking', 'busy')}
        if not (docks and all(docking)):
            allowed |= {('moving', 'busy')}
        if not all(sample['velocity'] for sample in moment.samples):
            allowed |= {('idle', 'busy')}
    elif any(sample['velocity'] for sample in moment.samples):
        allowed |= {('moving', 'busy')}
    return allowed


def status(value, moment):
    data = moment.event['data']
    assert (data['status'], data['state']) in pairs(moment), (pairs(moment), moment.event)


def uptime(value, moment):
    first = moment.day.client.all('system.status')[0]
    assert 0.0 < first['data']['uptime'] < first['at'] - moment.day.vehicle.started
    since = moment.at - moment.day.moment(first['timestamp'])
    assert value - first['data']['uptime'] == pytest.approx(since, abs=0.1)


def host(name):
    def check(value, moment):
        assert value == pytest.approx(getattr(moment.day, name), abs=20.0)

    return check


def load(value, moment):
    assert 0.0 <= value <= 100.0


def host_temperature(value, moment):
    assert (value is None) or 0.0 < value < 120.0
    assert value is None or psutil.sensors_temperatures()


def error(value, moment):
    data = moment.event['data']
    if data['error_code'] in HOST_ERRORS:
        assert data['affected_services'] == ['host']
        assert data['error_name'] == CATALOGUE[data['error_code']].name
        return
    assert moment.day.lost.touches(moment.at - 2.0, moment.at), data
    assert (data['error_code'], data['error_name'], data['severity']) == (
        'NET-002',
        'RS485 Communication Error',
        'P1',
    )
    assert data['description'].startswith('power on sense/2: MOD-001')
    assert data['affected_services'] == ['power']


def acceleration(value, moment):
    """Assert what is sure of it: between two samples it changes with each step of the drive."""
    if all(sample['velocity'] == 0.0 for sample in moment.samples):
        assert value == 0.0, moment.event
    assert abs(value) <= 2.0 + 1e-6, moment.event


def angular_acceleration(value, moment):
    assert value in (None, 0.0), moment.event  # it takes two samples


def rate(value, moment):
    start = moment.at - LATENESS
    rates = [rate for rate, span in moment.day.rates if span.touches(start, moment.at)]
    assert value in rates, (rates, moment.event)


def clients(value, moment):
    # The bridge counts once a second, and so does the status.
    sure = moment.at > moment.day.connected + 2.0 + LATENESS
    assert value == 1 or (value == 0 and not sure), moment.event


def last_update(value, moment):
    age = moment.at - moment.day.moment(value)
    assert -0.05 <= age <= 1.0 / OTHER_RATE + LATENESS, moment.event


def estimated_duration(value, moment):
    drive = moment.drive
    moved = moment.day.truth.moved(drive.span.start, drive.span.end)
    if drive.status == 'success':
        assert value == pytest.approx(moved, rel=0.4), (moved, moment.event)
    assert moved < value < 60.0 or drive.status == 'success', moment.event


def progress(value, moment):
    drive = moment.drive
    shares = [
        100.0 * (sample['position'] - drive.start) / (drive.target - drive.start)
        for sample in moment.samples
    ]
    assert min(shares) - 2.0 <= value <= max(shares) + 2.0, (shares, moment.event)


def remaining(value, moment):
    ways = [1000.0 * abs(moment.drive.target - sample['position']) for sample in moment.samples]
    assert min(ways) - ESTIMATE <= value <= max(ways) + ESTIMATE, (ways, moment.event)


def estimated_completion(value, moment):
    drive = moment.drive
    if value is None:  # it is held, or has failed
        assert not all(sample['velocity'] for sample in moment.samples) or (
            moment.at > drive.span.end - LATENESS
        ), moment.event
        return
    left = moment.day.moment(value) - moment.at
    assert left >= -0.001, moment.event
    if drive.status == 'success':
        assert left == pytest.approx(drive.span.end - moment.at, rel=0.3, abs=5.0), moment.event


def completion_time(value, moment):
    span = moment.drive.span
    assert value == pytest.approx(span.end - span.start, rel=0.05, abs=0.1), moment.event
    started = next(
        e
        for e in moment.day.client.all('mission.started')
        if e['data']['mission_id'] == moment.drive.mission_id
    )
    assert value == pytest.approx(moment.at - moment.day.moment(started['timestamp']), rel=0.05), (
        moment.event
    )


def final_position(value, moment):
    moment.position(value)
    if moment.drive.status == 'success':
        assert value == pytest.approx(1000.0 * moment.drive.target, abs=5.0)


def distance(value, moment):
    way = moment.day.truth.grew('travelled', moment.drive.span.start, moment.at)
    assert value == pytest.approx(1000.0 * way, rel=0.02), (way, moment.event)


def energy(value, moment):
    drawn = moment.day.truth.grew('drawn', moment.drive.span.start, moment.at) / 3600.0
    # Half a step of the board's current, at 25 V.
    step = 0.05 * 25.0 * (moment.at - moment.drive.span.start) / 3600.0
    assert value == pytest.approx(drawn, abs=0.05 * drawn + step), (drawn, moment.event)


def errors(value, moment):
    """Assert that the errors received meanwhile were counted, and the failure of the mission."""
    drive = moment.drive
    reported = [
        moment.day.moment(e['timestamp'])
        for e in moment.day.client.all('system.error')
        if e['data']['error_code'] not in HOST_ERRORS  # which are none of the mission
    ]
    failures = int(drive.status == 'failed')
    least = sum(drive.span.start < at < drive.span.end - LATENESS for at in reported)
    most = sum(drive.span.start - LATENESS < at < drive.span.end for at in reported)
    assert least <= value - failures <= most, (reported, moment.event)


DRILL = 'emergency stop: drill'


def mission_state(value, moment):
    data, day = moment.event['data'], moment.day
    there, back = day.drives
    if data['ended'] is None:
        assert moment.at < there.span.end, moment.event
    elif data['ended']['mission_id'] == there.mission_id:
        assert data['ended'] == {'mission_id': there.mission_id, 'status': 'success', 'reason': ''}
    else:
        failed = {'mission_id': back.mission_id, 'status': 'failed', 'reason': DRILL}
        assert data['ended'] == failed, moment.event
        assert day.estop.touches(moment.at, moment.at + LATENESS), moment.event
    if data['mission_id'] is None:
        assert data['mission_type'] is data['target_position']['x'] is None, moment.event
        assert (data['phase'], data['reason']) == ('none', '')
        return
    drive = day.drive_of(moment.event)
    assert drive.span.touches(moment.at - LATENESS, moment.at), moment.event
    assert data['mission_type'] == drive.mission_type
    assert data['target_position'] == {'x': 1000.0 * drive.target, 'y': 0.0, 'z': 0.0}
    assert data['phase'] != 'paused' and (data['phase'] != 'docking' or drive is there)
    if data['phase'] == 'held':  # by the end of the scan, or of charging, as well
        assert data['reason'], moment.event
    assert 'obstacle' not in data['reason'] or drive is back, moment.event


def safety_state(value, moment):
    data, day = moment.event['data'], moment.day
    assert data['more_stops'] == 0
    start, end = moment.at - LATENESS, moment.at + LATENESS
    if not data['latched']:
        assert not day.estop.holds(start, end), moment.event
        assert data['stops'] == data['reset_hindrances'] == []
        return
    assert day.estop.touches(start, end), moment.event
    (stop,) = data['stops']
    assert day.moment(stop['time']) <= moment.at + 0.001, moment.event
    assert {**stop, 'time': None} == {
        'time': None,
        'estop_id': day.reply['estop_id'],
        'trigger_type': 'remote',
        'reason': 'drill',
        'source': 'local',
    }
    assert data['forward_hindrance'] == data['backward_hindrance'] == DRILL
    assert data['motor_hindrance'] in ('', 'the travel motor is stopped: estop'), moment.event


def alarms(value, moment):
    data, day = moment.event['data'], moment.day
    assert data['more_alarms'] == 0
    expected = {
        'ESTOP': ('P0', 'drill', 'safety_node', day.estop),
        'MISSION_FAILED': (
            'P2',
            f'mission {day.drives[1].mission_id}: {DRILL}',
            'mission_node',
            day.drives[1].span,
        ),
        'NET-002': ('P1', 'power on sense/2: MOD-001', 'power', day.lost),
    }
    for alarm in data['alarms']:
        if alarm['code'] in HOST_ERRORS:
            continue
        severity, description, source, span = expected[alarm['code']]
        assert (alarm['severity'], alarm['source']) == (severity, source), moment.event
        assert alarm['description'].startswith(description), moment.event
        since = day.moment(alarm['since'])
        assert span.touches(since - 2.0, since), moment.event
        if alarm['gone'] is not None:
            assert day.moment(alarm['gone']) >= since
        assert (alarm['count'], alarm['acknowledged_by'], alarm['acknowledged_at']) == (
            1,
            None,
            None,
        )


def zone_border(value, moment):
    moment.position(value)
    drive = next(d for d in moment.day.drives if d.span.holds(moment.at, moment.at))
    border = ZONE[1] if drive.target < drive.start else ZONE[0]
    assert value == pytest.approx(1000.0 * border, abs=100.0), moment.event


def firmware(value, moment):
    board = moment.event['data']['module_id']
    word = moment.day.simulator.registers(board)['0x0105']
    assert value == f'{word >> 8}.{word & 0xFF}', moment.event


def board(index):
    return equals(lambda moment: BOARDS[moment.event['data']['module_id']][index])


def change(value, moment):
    data = moment.event['data']
    assert data['module_id'] == 'power'
    to = data['old_status'], data['new_status'], data['error_code']
    assert data['error_description'].startswith('Communication timeout' * bool(to[2]))
    since = moment.day.lost
    if moment.at < since.end:
        assert since.start <= moment.at
        assert to == ('online', 'offline', 'MOD-001'), data
    else:
        assert to == ('offline', 'online', ''), data
        assert data['error_description'] == ''


def version(value, moment):
    assert re.fullmatch(r'\d+\.\d+\.\d+', value)
    assert value == moment.day.second


AT_ZERO = {
    f'{name}.{axis}': zero
    for name in (
        'position',
        'start_position',
        'target_position',
        'current_position',
        'final_position',
    )
    for axis in ('y', 'z')
}
POSITION = {'position.x': lambda value, moment: moment.position(value)}
CHECKS = {
    'system.status': {
        'status': status,
        'state': status,
        'uptime': uptime,
        'version': equals(VERSION),
        'health.cpu': load,
        'health.memory': host('memory'),
        'health.disk': host('disk'),
        'health.temperature': host_temperature,
    },
    'system.error': dict.fromkeys(
        ('error_code', 'error_name', 'severity', 'description', 'affected_services'), error
    ),
    'telemetry.realtime': POSITION
    | AT_ZERO
    | {
        'velocity.linear': lambda value, moment: moment.was('velocity', value, tolerance=0.02),
        'velocity.angular': zero,
        'acceleration.linear': acceleration,
        'acceleration.angular': angular_acceleration,
        'orientation.roll': zero,
        'orientation.pitch': zero,
        'orientation.yaw': zero,
        'sensors.battery': lambda value, moment: moment.was('soc', value, 100.0, 0.2),
        'sensors.temperature': lambda value, moment: moment.was(
            'battery_temperature', value, tolerance=1.0
        ),
        'sensors.humidity': equals(None),
    },
    'telemetry.status': {
        'streaming': equals(True),
        'rate': rate,
        'connected_clients': clients,
        'last_update': last_update,
    },
    'mission.started': AT_ZERO
    | {
        'mission_id': equals(lambda moment: moment.drive.mission_id),
        'mission_type': equals(lambda moment: moment.drive.mission_type),
        'start_position.x': lambda value, moment: moment.position(value),
        'target_position.x': equals(lambda moment: 1000.0 * moment.drive.target),
        'estimated_duration': estimated_duration,
    },
    'mission.progress': AT_ZERO
    | {
        'mission_id': equals(lambda moment: moment.drive.mission_id),
        'progress': progress,
        'current_position.x': lambda value, moment: moment.position(value, ESTIMATE),
        'remaining_distance': remaining,
        'estimated_completion': estimated_completion,
    },
    'mission.completed': AT_ZERO
    | {
        'mission_id': equals(lambda moment: moment.drive.mission_id),
        'status': equals(lambda moment: moment.drive.status),
        'completion_time': completion_time,
        'final_position.x': final_position,
        'summary.distance_traveled': distance,
        'summary.energy_consumed': energy,
        'summary.errors_encountered': errors,
    },
    'mission.state': dict.fromkeys(
        (
            'phase',
            'mission_id',
            'mission_type',
            'target_position.x',
            'target_position.y',
            'target_position.z',
            'reason',
            'ended',
            'ended.mission_id',
            'ended.status',
            'ended.reason',
        ),
        mission_state,
    ),
    'safety.state': dict.fromkeys(
        (
            'latched',
            'stops',
            'more_stops',
            'reset_hindrances',
            'forward_hindrance',
            'backward_hindrance',
            'motor_hindrance',
        ),
        lambda value, moment: None,
    )
    | {'latched': safety_state},
    'system.alarms': {'alarms': alarms, 'more_alarms': equals(0)},
    'safety.zone_entered': AT_ZERO
    | {
        'zone_id': equals('narrow'),
        'zone_type': equals('warning'),
        'position.x': zone_border,
        'action': equals('slow_down'),
    },
    'safety.estop': AT_ZERO
    | POSITION
    | {
        'estop_id': equals(lambda moment: moment.day.reply['estop_id']),
        'trigger_type': equals('remote'),
        'emergency_level': equals('critical'),
        'auto_recovery': equals(False),
    },
    'safety.clear': AT_ZERO
    | POSITION
    | {'cleared_by': equals('operator'), 'next_action': equals('return_home')},
    'config.updated': {
        'config_id': lambda value, moment: value.startswith('config-') or pytest.fail(value),
        'version': version,
        'updated_by': equals('local'),
        'changes.telemetry_rate': equals(f'{RATE} -> {OTHER_RATE}'),
        'status': equals('applied'),
    },
    'config.rollback': {
        'from_version': version,
        'to_version': equals(lambda moment: moment.day.first),
        'reason': equals('performance_issue'),
        'rolled_back_by': equals('operator'),
        'status': equals('completed'),
    },
    'module.discovered': {
        'module_id': lambda value, moment: value in BOARDS or pytest.fail(value),
        'module_type': board(0),
        'address': board(1),
        'firmware_version': firmware,
        'status': equals('online'),
    },
    'module.status_change': dict.fromkeys(
        ('module_id', 'old_status', 'new_status', 'error_code', 'error_description'), change
    ),
}


def fields(data, prefix=''):
    """Return every field of an event's data, path to value."""
    found = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= fields(value, f'{prefix}{name}.')
        else:
            found[prefix + name] = value
    return found


@pytest.fixture(scope='module')
def day(tmp_path_factory):
    with (
        running(tmp_path_factory.mktemp('day'), PARAMETERS) as vehicle,
        vehicle.simulator() as watched,
        vehicle.simulator() as simulator,
    ):
        place(vehicle, simulator, START)
        truth = Truth(watched)
        wait_for(lambda: truth.samples, what='the truth')
        with vehicle.client('admin', ['*']) as early:
            early.wait('system.status', where=lambda e: e['data']['state'] == 'ready')
            early.wait(
                'telemetry.realtime', where=lambda e: e['data']['sensors']['battery'] is not None
            )

            def alarms():
                early.wait('telemetry.realtime')
                lists = [event for event in early.received if event['type'] == 'system.alarms']
                return lists and lists[-1]['data']['alarms']

            # To be placed somewhere else was a stop.
            for alarm in wait_for(alarms, what='the alarm of that stop'):
                assert early.call('acknowledge_alarm', alarm_id=alarm['alarm_id'])['accepted']
        with vehicle.client('admin', ['*']) as connection:
            client = Listener(connection)
            try:
                yield Day(vehicle, simulator, truth, client)
            finally:
                client.end()
                truth.end()


def last_alarms(day):
    return day.client.all('system.alarms')[-1]['data']['alarms']


def test_every_type_of_event_was_seen_and_every_field_of_each_is_true(day):
    seen = {kind: set() for kind in CHECKS}
    for event in day.client.events():
        checks = CHECKS[event['type']]
        moment = Moment(day, event)
        assert event.keys() == {'type', 'timestamp', 'data', 'at'}, event
        assert -0.05 <= event['at'] - moment.at <= 1.5, event
        for path, value in fields(event['data']).items():
            assert path in checks, event
            checks[path](value, moment)
            seen[event['type']].add(path)
    assert {alarm['code'] for alarm in last_alarms(day)} >= {'ESTOP', 'MISSION_FAILED', 'NET-002'}
    assert seen.keys() == set(EVENTS)
    for kind, paths in seen.items():
        unseen = CHECKS[kind].keys() - paths
        assert not unseen - AT_ZERO.keys(), (kind, unseen)
        assert paths


def test_streams_went_on_all_day(day):
    for kind, gap in (
        ('telemetry.realtime', 1.0),
        ('telemetry.status', 2.0),
        ('system.status', 2.0),
    ):
        times = [event['at'] for event in day.client.all(kind)]
        gaps = [b - a for a, b in itertools.pairwise(times)]
        assert max(gaps) < gap + LATENESS, kind


def test_vehicle_did_what_the_script_says(day):
    statuses = {event['data']['status'] for event in day.client.all('system.status')}
    assert statuses == {'idle', 'moving', 'docking', 'estop', 'fault'}
    there, back = day.drives
    for drive in day.drives:
        inside = [
            s
            for s in day.truth.between(drive.span.start, drive.span.end)
            if ZONE[0] < s['position'] < ZONE[1]
        ]
        assert max(abs(s['velocity']) for s in inside) < ZONE_SPEED + 0.05
    entries = [day.moment(event['timestamp']) for event in day.client.all('safety.zone_entered')]
    for drive, at in zip((there, back), entries, strict=True):
        assert drive.span.holds(at, at)
    assert OBSTACLE - SLOW_DISTANCE < day.waited_at <= OBSTACLE - STOP_DISTANCE + 0.005
    after = day.truth.between(day.estop.end, day.lost.end)
    assert {sample['velocity'] for sample in after[1:]} == {0.0}, 'a clear moves nothing'
