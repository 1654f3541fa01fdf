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
"""What safety_node publishes and answers, also when something under it fails."""

import math
import threading
import time

import pytest
import rclpy
from geometry_msgs.msg import Point
from rclpy.parameter import Parameter
from support import own_domain
from support import wait_for

from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import HoistState
from oht50_bridge.msg import Location
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import ModuleDiscovered
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.safety_node import SafetyNode
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.srv import SetMaintenance
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType


def well():
    """Return the states of the boards without which nothing is cleared."""
    return ModuleStates(
        modules=[
            ModuleState(module_id=kind, kind=kind, status=ModuleDiscovered.STATUS_ONLINE)
            for kind in ('safety', 'travel_motor')
        ]
    )


def report_inputs(node):
    """Report a place and inputs without a fault."""
    report_place(node, 20.0)
    node._on_inputs(SafetyInputs(configured=True))


def report_place(node, x, y=0.0, z=0.0, **more):
    node._motion.on_location(
        Location(
            position=Point(x=x, y=y, z=z),
            position_resolution=0.001,
            position_reach=50.0,
            position_referenced=True,
            **more,
        )
    )


def positions_of(node):
    """Return the list of the positions that a node publishes from now on."""
    published = []
    node._motion._publisher.publish = published.append
    return published


def beat_of(node):
    """Return what the next heartbeat is."""
    beats = []
    node._publisher._heartbeat.publish = beats.append
    node._beat()
    return beats[0]


def broken(*arguments):
    raise OSError(5, 'Input/output error')


@pytest.fixture
def ros(tmp_path, monkeypatch, request):
    """rclpy on a domain of its own; the parameter is added to the command line."""
    with own_domain() as domain:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        more = getattr(request, 'param', [])
        rclpy.init(args=['test', '--ros-args', '-p', f'state_dir:={tmp_path}', *more])
        yield
        rclpy.try_shutdown()


@pytest.fixture
def node(ros):
    node = SafetyNode()
    yield node
    node.destroy_node()


def request_stop(node, **request):
    return node._estop_services.emergency_stop(
        EmergencyStop.Request(**request), EmergencyStop.Response()
    )


def stop(node):
    return request_stop(node, reason='drill')


def latched_on_disk(tmp_path):
    return EstopLatch(tmp_path / 'estop.json', time.time_ns).estop


def test_no_motion_before_the_configuration_is_confirmed_nor_in_maintenance(node):
    report_inputs(node)
    beat = beat_of(node)
    assert (beat.motion_permitted, beat.mode) == (False, SafetyHeartbeat.MODE_STARTING)
    assert 'not confirmed' in beat.reason
    confirmed = Parameter(CONFIG_VERSION, value='1.0.0')
    node.set_parameters([confirmed])
    assert beat_of(node).motion_permitted
    assert beat_of(node).mode == SafetyHeartbeat.MODE_NORMAL
    assert set_maintenance(node, active=True, source='alice').accepted
    beat = beat_of(node)
    assert (beat.motion_permitted, beat.mode, beat.reason) == (
        False,
        SafetyHeartbeat.MODE_MAINTENANCE,
        'maintenance by alice',
    )


def set_maintenance(node, **request):
    return node._maintenance_service.set_maintenance(
        SetMaintenance.Request(**request), SetMaintenance.Response()
    )


def test_maintenance_outlives_the_node_and_a_rollback_and_ends_by_its_owner(node, tmp_path):
    set_maintenance(node, active=True, source='alice')
    node.destroy_node()
    later = SafetyNode()
    try:
        confirm(later)  # as config_node does with every version, also after a rollback
        report_inputs(later)
        assert beat_of(later).mode == SafetyHeartbeat.MODE_MAINTENANCE
        refused = set_maintenance(later, active=False, source='bob')
        assert (refused.accepted, refused.owners) == (False, ['alice'])
        assert not beat_of(later).motion_permitted
        assert set_maintenance(later, active=False, source='alice').accepted
        assert beat_of(later).motion_permitted
    finally:
        later.destroy_node()


@pytest.mark.parametrize('owners', [['alice'], ['bob', 'alice']])
@pytest.mark.parametrize(
    'versions', [['1.0.1', '1.0.0'], ['1.0.1', '1.0.2', '1.0.3', '1.0.1'], ['2.0.0', '1.0.0']]
)
def test_no_version_of_the_configuration_ends_maintenance(node, versions, owners):
    confirm(node)
    for owner in owners:
        assert set_maintenance(node, active=True, source=owner).accepted
    for number, version in enumerate(versions, 1):
        values = {CONFIG_VERSION: version, 'speed_limit': 0.1 * number}
        results = node.set_parameters_atomically(
            [Parameter(name, value=value) for name, value in values.items()]
        )
        assert results.successful
        report_inputs(node)
        beat = beat_of(node)
        assert (beat.mode, beat.motion_permitted) == (SafetyHeartbeat.MODE_MAINTENANCE, False)
        assert sorted(node._maintenance.owners) == sorted(owners)
    for owner in owners:
        assert not beat_of(node).motion_permitted
        assert set_maintenance(node, active=False, source=owner).accepted
    report_inputs(node)
    assert beat_of(node).motion_permitted


def test_maintenance_is_reported_before_the_configuration_is_confirmed(node):
    set_maintenance(node, active=True, source='alice')
    assert beat_of(node).mode == SafetyHeartbeat.MODE_MAINTENANCE


def test_maintenance_is_no_parameter(node):
    assert not node.has_parameter('maintenance')


@pytest.mark.parametrize(
    ('inputs', 'reason'),
    [
        ({'configured': False}, 'not enabled'),
        ({'status': SafetyInputs.STATUS_CRITICAL}, 'danger'),
        ({'status': SafetyInputs.STATUS_ERROR}, 'fault'),
        ({'latched': True}, 'emergency stop'),
        ({'estop_pressed': True}, 'emergency stop'),
    ],
)
def test_no_motion_with_a_report_of_a_fault(node, inputs, reason):
    node.set_parameters([Parameter(CONFIG_VERSION, value='1.0.0')])
    report_inputs(node)
    assert beat_of(node).motion_permitted
    node._on_inputs(SafetyInputs(**{'configured': True, **inputs}))
    beat = beat_of(node)
    assert not beat.motion_permitted
    assert reason in beat.reason


@pytest.mark.parametrize('publisher', ['_state', '_estop', '_heartbeat'])
def test_stop_that_cannot_be_published_is_there_at_the_next_start(node, tmp_path, publisher):
    getattr(node._publisher, publisher).publish = broken
    with pytest.raises(OSError):
        stop(node)
    assert latched_on_disk(tmp_path).reason == 'drill'


def test_stop_that_could_not_be_written_is_written_later(node, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr('oht50_bridge.vehicle.estop.replace_file', broken)
        assert stop(node).accepted
        assert latched_on_disk(tmp_path) is None
    node._beat()
    assert latched_on_disk(tmp_path).reason == 'drill'


def test_clear_that_fails_on_disk_leaves_the_stop_there(node, tmp_path, monkeypatch):
    stop(node)

    def replace_and_fail(path, content):
        path.write_bytes(content)
        broken()

    node._sources.clear = lambda estop_id, now, action: node._latch.clear(estop_id)
    with monkeypatch.context() as patch:
        patch.setattr('oht50_bridge.vehicle.estop.replace_file', replace_and_fail)
        response = clear(node)
    assert not response.accepted
    assert 'on disk' in response.message
    assert latched_on_disk(tmp_path) is None
    node._beat()
    assert latched_on_disk(tmp_path).reason == 'drill'


GPIO = ['-p', 'gpio_chip:=/dev/gpiochip-that-is-not-there']


@pytest.mark.parametrize('ros', [GPIO], indirect=True)
def test_node_does_not_start_without_its_gpio_line(ros):
    with pytest.raises(StartError, match='gpio_chip /dev/gpiochip-that-is-not-there'):
        SafetyNode()


@pytest.mark.parametrize('ros', [GPIO], indirect=True)
def test_open_line_is_a_stop_that_is_not_cleared_before_it_is_closed(ros, monkeypatch):
    is_open = threading.Event()
    monkeypatch.setattr(
        'oht50_bridge.nodes.safety_node.open_estop_input', lambda *line: is_open.is_set
    )
    node = SafetyNode()

    def spin_until(condition):
        wait_for(lambda: rclpy.spin_once(node, timeout_sec=0.05) or condition())

    def clear_now():
        report_inputs(node)
        node._on_modules(well())
        response = clear(node)
        return response.accepted or response.message

    try:
        is_open.set()
        spin_until(lambda: node._latch.estop)
        assert node._latch.estop.trigger_type == 'hardware'
        assert 'line is open' in clear_now()
        is_open.clear()
        spin_until(lambda: clear_now() is True)
        assert node._latch.estop is None
    finally:
        node.destroy_node()


def subscribe(topic):
    """Return a node that subscribes to a topic and the list of what it receives."""
    listener = rclpy.create_node('listener')
    received = []
    topic.subscribe(listener, received.append)
    return listener, received


def clear(node, **request):
    """Clear the newest stop, unless the request names another."""
    newest = node._latch.estop
    request.setdefault('estop_id', newest.estop_id if newest else '')
    return node._estop_services.clear_estop(ClearEstop.Request(**request), ClearEstop.Response())


def confirm(node):
    node.set_parameters([Parameter(CONFIG_VERSION, value='1.0.0')])


def test_a_stop_forbids_motion_in_the_heartbeat_and_is_published_at_once(node):
    confirm(node)
    report_inputs(node)
    assert beat_of(node).motion_permitted
    published = []
    for publisher in ('_state', '_estop', '_heartbeat'):
        getattr(node._publisher, publisher).publish = published.append
    response = stop(node)
    state, event, beat = published
    assert response.accepted
    assert (state.latched, state.estop_id, state.reason) == (True, response.estop_id, 'drill')
    assert (event.estop_id, event.trigger_type, event.emergency_level) == (
        response.estop_id,
        'remote',
        'critical',
    )
    assert event.position.x == 20.0
    assert (beat.motion_permitted, beat.reason, beat.hold) == (
        False,
        'emergency stop: drill',
        False,
    )


def test_a_stop_while_one_is_latched_is_a_stop_of_its_own(node, tmp_path):
    first = request_stop(node, reason='drill', source='alice')
    published = []
    node._publisher._estop.publish = published.append
    node._publisher._state.publish = published.append
    second = request_stop(node, reason='person on the rail', source='bob')
    state, event = published
    assert second.accepted
    assert f"latched already: {first.estop_id} by 'alice': drill" in second.message
    assert second.estop_id == event.estop_id == state.estop_id != first.estop_id
    assert (event.counter, state.counter) == (2, 2)
    assert state.reason == 'drill; person on the rail'
    on_disk = latched_on_disk(tmp_path)
    assert (on_disk.estop_id, on_disk.source) == (second.estop_id, 'bob')


@pytest.mark.parametrize('named', ['first', 'none'])
def test_a_clear_of_another_stop_is_refused_with_what_is_latched(node, named):
    first = stop(node)
    second = request_stop(node, reason='person on the rail', source='bob')

    def refusal():
        report_inputs(node)
        node._on_modules(well())
        response = clear(node, estop_id=first.estop_id if named == 'first' else '')
        assert not response.accepted
        assert response.estop_id == second.estop_id
        return response.message

    for _ in range(5):
        assert "by 'bob': person on the rail" in refusal()
        time.sleep(0.1)
    assert node._latch.estop.estop_id == second.estop_id
    assert clear(node).accepted
    assert clear(node).estop_id == ''


@pytest.mark.parametrize(
    ('given', 'trigger_type'),
    [('software', 'software'), ('hardware', 'hardware'), ('telepathy', 'remote'), ('', 'remote')],
)
def test_a_stop_of_an_unknown_trigger_type_stops_as_well(node, given, trigger_type):
    request_stop(node, trigger_type=given)
    estop = node._latch.estop
    assert (estop.trigger_type, estop.reason) == (trigger_type, 'manual_trigger')


def test_a_stop_has_the_place_of_the_vehicle(node):
    published = []
    node._publisher._estop.publish = published.append
    report_place(node, 12.5, 0.1, 0.2)
    stop(node)
    assert [(event.position.x, event.position.y) for event in published] == [(12.5, 0.1)]


def test_a_position_that_jumps_is_a_stop_until_a_clear_references_it_again(node):
    confirm(node)
    report_inputs(node)
    assert beat_of(node).motion_permitted
    positions = positions_of(node)
    report_place(node, 20.001)
    assert (positions[-1].state, positions[-1].position) == ('valid', 20.001)
    report_place(node, 3.0)
    assert (positions[-1].state, math.isnan(positions[-1].position)) == ('lost', True)
    assert node._latch.estop.reason.startswith('position lost: it changed by 17.001 m')
    node._motion.on_location(Location(position=Point(x=math.nan)))
    response = clear(node)
    assert not response.accepted
    assert 'must report plausibly' in response.message

    def cleared():
        report_place(node, 3.0)
        node._on_inputs(SafetyInputs(configured=True))
        node._on_modules(well())
        return clear(node).accepted

    wait_for(cleared)
    assert beat_of(node).motion_permitted
    assert (positions[-1].state, positions[-1].position) == ('valid', 3.0)


@pytest.mark.parametrize('ros', [['-p', 'position_source:=none']], indirect=True)
def test_without_a_position_source_nothing_moves(node):
    confirm(node)
    node._on_inputs(SafetyInputs(configured=True))
    assert (beat_of(node).motion_permitted, beat_of(node).hold) == (False, False)
    assert 'position_source' in beat_of(node).reason


def test_a_latched_stop_is_published_by_the_next_node_for_late_subscribers(node):
    estop_ids = [stop(node).estop_id for _ in range(2)]
    node.destroy_node()
    later = SafetyNode()
    listener, received = subscribe(topics.SAFETY_ESTOP)
    state_listener, states = subscribe(topics.ESTOP_STATE)
    try:
        for each, messages in ((listener, received), (state_listener, states)):
            complete = (lambda: len(received) == 2) if messages is received else (lambda: states)
            wait_for(lambda: complete() or rclpy.spin_once(each, timeout_sec=0.05))  # noqa: B023
        assert [event.estop_id for event in received] == estop_ids
        assert (states[-1].latched, states[-1].estop_id) == (True, estop_ids[-1])
        assert (states[-1].counter, [event.counter for event in received]) == (2, [1, 2])
    finally:
        later.destroy_node()
        listener.destroy_node()
        state_listener.destroy_node()


def test_the_last_clear_is_published_by_the_next_node_for_late_subscribers(ros, tmp_path):
    latch = EstopLatch(tmp_path / 'estop.json', time.time_ns)
    assert latch.clear(latch.trigger(TriggerType.REMOTE, 'drill', 'alice').estop_id, 'resume')
    later = SafetyNode()
    listener, received = subscribe(topics.SAFETY_CLEAR)
    try:
        wait_for(lambda: received or rclpy.spin_once(listener, timeout_sec=0.05))
        (event,) = received
        assert (event.counter, event.next_action) == (2, 'resume')
    finally:
        later.destroy_node()
        listener.destroy_node()


def test_a_requested_stop_is_named_in_the_state_when_it_is_on_disk(node, tmp_path):
    states = []
    node._publisher._state.publish = lambda state: states.append(
        (list(state.requests), latched_on_disk(tmp_path) is not None)
    )
    request_stop(node, reason='drill', request_id='a')
    assert states[0] == ([], False)
    assert states[-1] == (['a'], True)


def test_nothing_is_permitted_nor_cleared_while_another_vehicle_is_there(node):
    confirm(node)
    report_inputs(node)
    assert beat_of(node).motion_permitted
    node._neighbours._neighbours.other = lambda now: 'another vehicle, lab:/b'
    beat = beat_of(node)
    assert not beat.motion_permitted
    assert beat.reason == 'another vehicle, lab:/b'
    stop(node)
    node._on_modules(well())
    assert 'lab:/b' in clear(node).message
    assert set_maintenance(node, active=True, source='alice').accepted
    assert not set_maintenance(node, active=False, source='alice').accepted


def test_clear_is_refused_with_the_cause_while_the_button_is_pressed(node):
    node._on_inputs(SafetyInputs(configured=True, estop_pressed=True))
    assert node._latch.estop.trigger_type == 'hardware'
    response = clear(node)
    assert not response.accepted
    assert 'the emergency stop button is pressed' in response.message


def test_clear_publishes_the_next_action_and_the_open_latch(node):
    stop(node)
    published = []
    node._publisher._clear.publish = published.append
    node._publisher._state.publish = published.append

    def cleared():
        report_inputs(node)
        node._on_modules(well())
        return clear(node, next_action='return_home').accepted

    wait_for(cleared)
    state, event = published[-2:]
    assert (state.latched, state.active_causes) == (False, [])
    assert (state.counter, event.counter) == (2, 2)
    assert (event.cleared_by, event.next_action) == ('operator', 'return_home')
    confirm(node)
    assert beat_of(node).motion_permitted


def test_clear_with_an_unknown_next_action_is_refused(node):
    stop(node)
    response = clear(node, next_action='dance')
    assert not response.accepted
    assert "next_action 'dance'" in response.message
    assert node._latch.estop is not None


def test_clear_without_a_stop_is_accepted(node):
    assert clear(node).accepted


def standing_of(node):
    """Return the states of safety that a node publishes from now on."""
    published = []
    node._publisher._standing.publish = published.append
    node._beat()
    return published


def test_the_state_has_the_stops_and_what_forbids_a_reset_and_motion(node):
    confirm(node)
    report_inputs(node)
    published = standing_of(node)
    assert not published[-1].latched
    assert (published[-1].forward_hindrance, published[-1].backward_hindrance) == ('', '')
    assert published[-1].motor_hindrance == 'the travel motor does not report'
    node._motion.on_drive(DriveState(stop_reason=DriveState.STOP_NO_COMMAND))
    node._on_inputs(SafetyInputs(configured=True, estop_pressed=True))
    request_stop(node, reason='drill', source='bob')
    node._beat()
    state = published[-1]
    assert state.latched and not state.motor_hindrance
    assert [(stop.reason, stop.source, stop.trigger_type) for stop in state.stops] == [
        ('the emergency stop button is pressed', 'estop_button', 'hardware'),
        ('drill', 'bob', 'remote'),
    ]
    assert list(state.reset_hindrances) == ['the emergency stop button is pressed']
    assert state.forward_hindrance == state.backward_hindrance
    assert 'drill' in state.forward_hindrance
    report_inputs(node)
    node._beat()
    assert 'not read since the stop' in published[-1].reset_hindrances[0]
    count = len(published)
    node._beat()
    assert len(published) == count, 'nothing has changed'


def test_causes_are_published_when_they_change(node):
    node._on_inputs(SafetyInputs(configured=True, estop_pressed=True))
    published = []
    node._publisher._state.publish = published.append
    node._on_inputs(SafetyInputs(configured=True, estop_pressed=True))
    assert published == []
    report_inputs(node)
    (state,) = published
    assert (state.latched, state.active_causes) == (True, [])


def test_the_heartbeat_tells_which_dangers_were_received(node):
    assert beat_of(node).dangers == -1
    node._on_inputs(SafetyInputs(configured=True, dangers=2, dangers_received=2))
    assert (node._latch.estop, beat_of(node).dangers) == (None, 2)


def test_a_danger_while_the_node_was_away_is_latched(node):
    node._on_inputs(SafetyInputs(configured=True, dangers=3, dangers_received=2))
    assert 'over now' in node._latch.estop.reason
    assert beat_of(node).dangers == 3


def test_a_command_in_another_direction_gives_a_new_heartbeat_at_once(node):
    beats = []
    node._publisher._heartbeat.publish = beats.append
    node._on_command(DriveCommand(velocity=0.1))
    node._on_command(DriveCommand(velocity=0.2))
    assert len(beats) == 1
    node._on_command(DriveCommand(velocity=0.0, direction=-1))
    assert len(beats) == 2


@pytest.mark.parametrize('ros', [['-p', 'distance_directions:=[forward]']], indirect=True)
def test_the_dock_is_approached_while_the_mission_docks(node):
    confirm(node)
    report_place(node, 20.0)
    node._on_inputs(SafetyInputs(configured=True, distances=[0.1]))
    node._on_command(DriveCommand(velocity=0.1))
    beat = beat_of(node)
    assert (beat.speed_limit_forward, beat.speed_limit, beat.hold) == (0.0, 0.0, True)
    assert beat.speed_limit_backward > 0.0
    docking = MissionState(phase='held', at_dock=True, target_position=Point(x=20.3))
    for elsewhere in (0, -1, 5):
        docking.dock_direction = elsewhere
        node._on_mission(docking)
        assert beat_of(node).speed_limit_forward == 0.0
    docking.dock_direction = 1
    node._on_mission(docking)
    assert (beat_of(node).speed_limit, beat_of(node).hold) == (0.05, False)
    node._on_mission(MissionState(phase=MissionState.PHASE_DOCKING))
    assert beat_of(node).speed_limit_forward == 0.0


ZONES = {
    'zone_names': ['slow', 'stop'],
    'zone_types': ['warning', 'restricted'],
    'zone_actions': ['slow_down', 'stop'],
    'zone_starts': [22.0, 30.0],
    'zone_ends': [22.6, 32.0],
    'zone_limits': [0.2, 0.1],
}


def set_zones(node, **values):
    parameters = [Parameter(name, value=value) for name, value in values.items()]
    return node.set_parameters_atomically(parameters)


def test_zones_change_while_the_node_runs_and_an_entry_is_published_once(node):
    published, entered = [], []
    node._publisher._zones.publish = published.append
    node._publisher._zone_entered.publish = entered.append
    assert set_zones(node, **ZONES).successful
    assert [zone.zone_id for zone in published[-1].zones] == ['slow', 'stop']
    report_place(node, 40.0)
    assert entered == []
    assert set_zones(node, zone_starts=[39.5, 30.0], zone_ends=[40.5, 32.0]).successful
    for x in (40.0, 40.01):
        report_place(node, x)
    (event,) = entered
    assert (event.zone_id, event.zone_type, event.action) == ('slow', 'warning', 'slow_down')
    assert event.position.x == 40.0


def test_contradictory_zones_are_refused_and_the_others_stay(node):
    assert set_zones(node, **ZONES).successful
    zones = node._tracker.zones
    refused = set_zones(node, zone_types=['deadly', 'restricted'])
    assert "zone_types of 'slow': 'deadly'" in refused.reason
    assert 'zone_limits has 1 entries' in set_zones(node, zone_limits=[0.1]).reason
    assert node._tracker.zones == node._limiter.zones == zones


def test_speed_limit_is_in_the_next_heartbeat(node):
    confirm(node)
    report_inputs(node)
    assert node.set_parameters([Parameter('speed_limit', value=0.2)])[0].successful
    assert beat_of(node).speed_limit == 0.2


def test_a_new_speed_limit_is_published_with_the_zones(node):
    published = []
    node._publisher._zones.publish = published.append
    assert node.set_parameters([Parameter('speed_limit', value=0.2)])[0].successful
    assert [zones.speed_limit for zones in published] == [0.2]
    assert set_zones(node, **ZONES).successful
    assert [(zones.speed_limit, len(zones.zones)) for zones in published] == [(0.2, 0), (0.2, 2)]
    node.set_parameters([Parameter(CONFIG_VERSION, value='2.0.0')])
    assert len(published) == 2, 'nothing changed'


def arguments(**values):
    return [word for name, value in values.items() for word in ('-p', f'{name}:={value}')]


ZONE = {
    'zone_names': '[zone-buffer]',
    'zone_types': '[warning]',
    'zone_actions': '[slow_down]',
    'zone_starts': '[0.0]',
    'zone_ends': '[0.2]',
    'zone_limits': '[0.2]',
}


@pytest.mark.parametrize(
    ('ros', 'message'),
    [
        (arguments(**{**ZONE, 'zone_types': '[deadly]'}), "zone_types of 'zone-buffer': 'deadly'"),
        (
            arguments(**{**ZONE, 'zone_ends': '[0.0]'}),
            "zone_starts of 'zone-buffer': 0 m is not below its end, 0 m",
        ),
        (
            arguments(distance_directions='[up]'),
            "distance_directions: 'up' is not forward, backward or empty",
        ),
        (arguments(gpio_chip='/dev/no-such-chip'), 'gpio_chip /dev/no-such-chip'),
        (arguments(gpio_chip='x', gpio_bias='pull_up'), "gpio_closed 'high': with gpio_bias"),
        (arguments(gpio_chip='x', gpio_bias='as_is'), "gpio_bias 'as_is': a cut wire"),
    ],
    indirect=['ros'],
)
def test_node_does_not_start_with_contradictory_parameters(ros, message):
    with pytest.raises(StartError, match=f'safety_node: {message}'):
        SafetyNode()


@pytest.mark.parametrize('ros', [['-p', 'hoist_channel:=2']], indirect=True)
def test_rope_that_comes_out_forbids_motion_and_is_no_hold(node):
    confirm(node)
    report_inputs(node)
    beat = beat_of(node)
    assert (beat.motion_permitted, beat.hold) == (False, False)
    assert beat.reason == 'no fresh report of the hoist'
    node._on_hoist(HoistState(referenced=True, rope_length=0.05))
    assert beat_of(node).motion_permitted
    node._on_hoist(HoistState(referenced=True, rope_length=0.4))
    beat = beat_of(node)
    assert (beat.motion_permitted, beat.hold, beat.speed_limit) == (False, False, 0.0)
    assert '0.40 m of rope are out' in beat.reason
    node._on_hoist(HoistState(rope_length=math.nan, reason='the board may have restarted'))
    assert 'not referenced: the board may have restarted' in beat_of(node).reason


def test_without_a_hoist_no_report_of_one_is_needed_or_used(node):
    confirm(node)
    report_inputs(node)
    node._on_hoist(HoistState(referenced=True, rope_length=2.0))
    assert beat_of(node).motion_permitted


@pytest.mark.parametrize('ros', [['-p', 'hoist_channel:=1']], indirect=True)
def test_one_motor_for_travel_and_hoist_is_refused_at_the_start(ros):
    with pytest.raises(StartError, match='safety_node: hoist_channel 1: that motor is travel'):
        SafetyNode()


@pytest.mark.parametrize('ros', [['-p', 'hoist_channel:=2']], indirect=True)
def test_the_hoist_is_heard_on_its_topic(node):
    confirm(node)
    publisher = topics.HOIST_STATE.publisher(node)

    def permitted():
        report_inputs(node)
        publisher.publish(HoistState(referenced=True))
        rclpy.spin_once(node, timeout_sec=0.05)
        return beat_of(node).motion_permitted

    wait_for(permitted)


LATE = [0.31, 9.0, math.inf, math.nan]  # s


@pytest.mark.parametrize('age', LATE)
def test_inputs_that_were_late_when_they_were_sent_are_not_fresh(node, age):
    confirm(node)
    report_inputs(node)
    for fresh in (0.0, 0.02, -1.0):
        node._on_inputs(SafetyInputs(configured=True, age=fresh))
        assert beat_of(node).motion_permitted
    node._on_inputs(SafetyInputs(configured=True, age=age))
    assert not beat_of(node).motion_permitted


@pytest.mark.parametrize('age', LATE)
def test_no_stop_is_cleared_by_inputs_that_were_late_when_they_were_sent(node, age):
    stop(node)

    def reported(late):
        report_place(node, 20.0)
        node._on_modules(well())
        node._on_inputs(SafetyInputs(configured=True, age=late))
        return clear(node).accepted

    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        assert not reported(max(age, 1.0) if age == age else age)
        time.sleep(0.02)
    wait_for(lambda: reported(0.0))


@pytest.mark.parametrize('ros', [['-p', 'hoist_channel:=2']], indirect=True)
@pytest.mark.parametrize('age', [0.51, *LATE[1:]])
def test_a_rope_that_was_late_when_it_was_sent_is_not_fresh(node, age):
    confirm(node)
    report_inputs(node)
    node._on_hoist(HoistState(referenced=True, rope_length=0.05, age=0.1))
    assert beat_of(node).motion_permitted
    node._on_hoist(HoistState(referenced=True, rope_length=0.05, age=age))
    assert beat_of(node).reason == 'no fresh report of the hoist'


@pytest.mark.parametrize('ros', [['-p', 'hoist_channel:=2']], indirect=True)
@pytest.mark.parametrize('length', [0.05, 0.4, 2.5])
def test_the_place_of_a_stop_hangs_at_the_reported_rope(node, length):
    stops = []
    node._publisher._estop.publish = stops.append
    report_place(node, 20.0)
    node._on_hoist(HoistState(referenced=True, rope_length=length))
    stop(node)
    assert (stops[0].position.x, stops[0].position.z) == (20.0, -length)
