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
"""hardware_node on simulated boards: what it publishes, what it lets move, what stops it."""

import pytest
from heartbeats import Heartbeats
from simulator_process import SimulatorProcess

from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import StopRequest
from oht50_bridge.msg import StopRequests
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.hardware_node import HardwareNode
from oht50_bridge.nodes.process import StartError
from oht50_bridge.srv import ListModules
from oht50_bridge.srv import ScanModules

pytestmark = pytest.mark.cover_processes

LINES = {
    'all': {
        'boards': [
            {
                'id': 'motor',
                'profile': 'driver_2_motor',
                'address': 3,
                'misbehaviour': {'loss': 0.0, 'overwrite': 0.0, 'quiet_before': 0.0},
            },
            {'id': 'power', 'profile': 'stm32_power', 'address': 2},
        ]
    }
}
PARAMETERS = (
    'position_source:=none',
    "modules:=['motor']",
    'module.motor.kind:=travel_motor',
    'module.motor.profile:=driver_2_motor',
    'module.motor.address:=3',
)
BEATS = Heartbeats()


@pytest.fixture(scope='module')
def simulator():
    with SimulatorProcess(LINES) as process:
        yield process


@pytest.fixture
def graph(ros):
    """Hardware_node with one motor, whose state is recorded."""
    graph = ros.graph(HardwareNode)
    graph.record(topics.DRIVE_STATE, topics.MODULE_STATES, topics.MODULE_DISCOVERED)
    graph.until(lambda: state(graph) and state(graph).stop_verified)
    return graph


@pytest.fixture
def ros(tmp_path, monkeypatch, simulator):
    from graph import Ros

    values = (*PARAMETERS, f'serial_port:={simulator.port("all")}')
    instance = Ros(tmp_path, monkeypatch, [text for value in values for text in ('-p', value)])
    yield instance
    instance.close()


def state(graph):
    return graph.last(topics.DRIVE_STATE)


def drive(graph, velocity, *, permitted=True):
    """Give a heartbeat and a command once."""
    graph.publish(topics.SAFETY_HEARTBEAT, BEATS.message(permitted))
    graph.publish(topics.DRIVE_COMMAND, DriveCommand(velocity=velocity))
    graph.spin(0.02)


def until_moving(graph):
    def moving():
        drive(graph, 0.2)
        return state(graph).velocity > 0.0

    graph.until(moving)


def test_the_motor_moves_only_while_commands_and_heartbeats_arrive(graph):
    assert not state(graph).enabled
    until_moving(graph)
    assert state(graph).enabled
    graph.until(lambda: state(graph).stop_verified)  # none is given any more
    assert state(graph).stop_reason in (
        DriveState.STOP_COMMAND_TIMEOUT,
        DriveState.STOP_HEARTBEAT_TIMEOUT,
    )
    assert not state(graph).enabled


def test_the_motor_does_not_move_without_permission(graph, simulator):
    simulator.client.watch('motor', 'enable')
    for _ in range(20):
        drive(graph, 0.2, permitted=False)
    assert state(graph).stop_reason == DriveState.STOP_NOT_PERMITTED
    assert simulator.client.log() == []


def drive_within(graph, velocity, forward, backward):
    """Give a heartbeat with these limits and the command of any node once."""
    graph.publish(topics.SAFETY_HEARTBEAT, BEATS.message(True, forward, backward))
    graph.publish(topics.DRIVE_COMMAND, DriveCommand(velocity=velocity))
    graph.spin(0.02)


def test_no_command_of_any_node_exceeds_the_limit_of_its_direction(graph):
    speeds = []

    def follows(velocity, forward, backward, low, high):
        drive_within(graph, velocity, forward, backward)
        speeds.append(state(graph).commanded_velocity)
        return low <= speeds[-1] <= high

    graph.until(lambda: follows(0.9, 0.3, 0.0, 0.2, 0.3))
    graph.until(
        lambda: (
            follows(-0.9, 0.3, 0.0, 0.0, 0.0)
            and state(graph).stop_reason == DriveState.STOP_NOT_PERMITTED
        )
    )
    assert max(speeds) <= 0.3
    assert min(speeds) >= 0.0
    speeds.clear()
    graph.until(lambda: follows(-0.9, 0.0, 0.2, -0.2, -0.1))
    graph.until(
        lambda: (
            follows(0.9, 0.0, 0.2, 0.0, 0.0)
            and state(graph).stop_reason == DriveState.STOP_NOT_PERMITTED
        )
    )
    assert max(speeds) <= 0.0
    assert min(speeds) >= -0.2


def test_heartbeats_that_do_not_rise_do_not_keep_the_motor_running(graph):
    until_moving(graph)
    beat = BEATS.message()

    def stopped():
        graph.publish(topics.SAFETY_HEARTBEAT, beat)
        graph.publish(topics.DRIVE_COMMAND, DriveCommand(velocity=0.2))
        graph.spin(0.02)
        return state(graph).stop_verified

    graph.until(stopped)
    assert state(graph).stop_reason == DriveState.STOP_HEARTBEAT_TIMEOUT


def test_of_the_dangers_that_safety_node_received_its_newest_heartbeat_tells(graph):
    def received(beat, dangers):
        beat.dangers = dangers
        graph.node._on_heartbeat(beat)
        return graph.node._dangers_received

    beat = BEATS.message()
    assert received(beat, 3) == 3
    assert received(beat, 4) == 3, 'a beat that does not rise is void'
    assert received(BEATS.message(), -1) == 3, 'none was received since the start'
    assert received(BEATS.message(), 1) == 1, 'hardware_node was started again'


def test_a_date_set_back_makes_no_old_command_new(graph):
    until_moving(graph)
    heartbeat, command = BEATS.message(), DriveCommand(velocity=0.2)
    graph.until(lambda: state(graph).stop_reason == DriveState.STOP_HEARTBEAT_TIMEOUT)
    # Both look as if they had just been given: they waited while the date was set back.
    for message in (heartbeat, command):
        message.header.stamp = graph.probe.get_clock().now().to_msg()
    moved = []
    guard = graph.node._hardware._motor.guard
    graph.publish(topics.SAFETY_HEARTBEAT, heartbeat)
    graph.publish(topics.DRIVE_COMMAND, command)
    for _ in range(5):
        graph.spin(0.01)
        moved.append(guard.evaluate().velocity)
    assert set(moved) == {0.0}


def test_an_emergency_stop_stops_and_needs_a_new_command(graph):
    until_moving(graph)
    graph.publish(topics.ESTOP_STATE, EstopState(latched=True))

    def stopped():
        drive(graph, 0.2)
        return state(graph).stop_verified

    graph.until(stopped)
    assert state(graph).stop_reason == DriveState.STOP_ESTOP
    graph.publish(topics.ESTOP_STATE, EstopState(latched=False))
    until_moving(graph)


def recorded_stops(graph, monkeypatch):
    """Return a list that gets each stop of the motor, True, and each end of one, False."""
    stops = []
    motor = type(graph.node._hardware.motor)
    estop = motor.estop
    monkeypatch.setattr(
        motor, 'estop', lambda self, latched: (stops.append(latched), estop(self, latched))
    )
    return stops


def test_a_stop_that_was_cleared_before_its_state_came_needs_a_new_command(graph, monkeypatch):
    graph.publish(topics.ESTOP_STATE, EstopState(counter=2))
    graph.until(lambda: graph.node._estop._newest == 1)
    until_moving(graph)
    stops = recorded_stops(graph, monkeypatch)
    released = []
    graph.node._hardware.release_safety_latch = lambda: released.append(True) or True
    graph.publish(topics.ESTOP_STATE, EstopState(counter=4))
    graph.until(lambda: stops == [True, False] and released)
    until_moving(graph)


def requested(*names):
    return StopRequests(requests=[StopRequest(request_id=name) for name in names])


def refused_for(graph, reason):
    """Return whether the motor was stopped for a reason, while it is commanded to move."""
    drive(graph, 0.2)
    return state(graph).stop_verified and state(graph).stop_reason == reason


def test_a_requested_stop_is_held_until_the_latch_reports_it(graph):
    graph.record(topics.HELD_STOPS)
    graph.publish(topics.ESTOP_STATE, EstopState(counter=2))
    graph.until(lambda: graph.node._estop._newest == 1)
    until_moving(graph)
    graph.publish(topics.STOP_REQUESTS, requested('a'))
    graph.until(lambda: refused_for(graph, DriveState.STOP_ESTOP))
    graph.until(lambda: graph.last(topics.HELD_STOPS))
    assert [each.request_id for each in graph.last(topics.HELD_STOPS).requests] == ['a']
    # The bridge was restarted, and so was safety_node, which knows nothing of the stop.
    graph.publish(topics.STOP_REQUESTS, requested())
    graph.publish(topics.ESTOP_STATE, EstopState(counter=2))
    graph.spin(0.3)
    for _ in range(10):
        assert refused_for(graph, DriveState.STOP_ESTOP)
    graph.publish(topics.ESTOP_STATE, EstopState(counter=3, latched=True, requests=['a']))
    graph.until(lambda: not graph.last(topics.HELD_STOPS).requests)
    assert refused_for(graph, DriveState.STOP_ESTOP)
    graph.publish(topics.ESTOP_STATE, EstopState(counter=4, requests=['a']))
    graph.publish(topics.STOP_REQUESTS, requested('a'))  # what was read late
    until_moving(graph)


def test_nothing_moves_while_another_vehicle_is_in_the_namespace(graph, monkeypatch):
    until_moving(graph)
    monkeypatch.setattr(graph.node._neighbours, 'other', lambda: 'another vehicle')
    graph.until(lambda: refused_for(graph, DriveState.STOP_NOT_PERMITTED))
    monkeypatch.undo()
    until_moving(graph)


def test_heartbeats_of_another_vehicle_void_none_of_this_one(graph, monkeypatch):
    """It started later, and goes again; those of a node that was started by hand count."""
    monkeypatch.setattr(graph.node, '_vehicle', 'this one')
    until_moving(graph)
    beat = Heartbeats(started_at=2**63 - 1).message()
    beat.vehicle = 'another one'
    graph.publish(topics.SAFETY_HEARTBEAT, beat)
    graph.spin(0.3)
    until_moving(graph)


def test_the_latch_of_another_vehicle_opens_nothing_of_this_one(graph, monkeypatch):
    monkeypatch.setattr(graph.node, '_vehicle', 'this one')
    released = []
    graph.node._hardware.release_safety_latch = lambda: released.append(True) or True
    graph.publish(topics.ESTOP_STATE, EstopState(vehicle='this one', counter=7, latched=True))
    graph.until(lambda: refused_for(graph, DriveState.STOP_ESTOP))
    for counter in (4, 5):
        graph.publish(topics.ESTOP_STATE, EstopState(vehicle='another one', counter=counter))
        graph.spin(0.1)
        for _ in range(10):
            assert refused_for(graph, DriveState.STOP_ESTOP)
    assert not released
    graph.publish(topics.ESTOP_STATE, EstopState(vehicle='this one', counter=8))
    until_moving(graph)
    assert released == [True]


def test_a_stop_of_another_vehicle_stops_and_lets_requested_stops_be(graph, monkeypatch):
    monkeypatch.setattr(graph.node, '_vehicle', 'this one')
    graph.publish(topics.ESTOP_STATE, EstopState(vehicle='this one', counter=2))
    graph.until(lambda: graph.node._estop._newest == 1)
    until_moving(graph)
    stops = recorded_stops(graph, monkeypatch)
    other = EstopState(vehicle='another one', counter=9, latched=True, requests=['a'])
    graph.publish(topics.ESTOP_STATE, other)
    graph.until(lambda: stops)
    assert graph.node._estop._newest == 1
    until_moving(graph)  # by new commands: nobody could clear a stop that is not latched here
    assert stops == [True, False]
    graph.publish(topics.STOP_REQUESTS, requested('a'))
    graph.until(lambda: refused_for(graph, DriveState.STOP_ESTOP))
    graph.publish(topics.ESTOP_STATE, other)
    graph.spin(0.1)
    for _ in range(10):
        assert refused_for(graph, DriveState.STOP_ESTOP)


def test_the_modules_are_listed(graph):
    graph.until(lambda: graph.last(topics.MODULE_STATES).modules[0].status == 'online')
    (module,) = graph.call(ListModules, 'list_modules', ListModules.Request()).modules
    assert (module.module_id, module.unit_address, module.status) == ('motor', 3, 'online')


def test_a_scan_reports_known_and_unknown_boards(graph):
    graph.until(lambda: graph.last(topics.MODULE_STATES).modules[0].status == 'online')
    graph.received[topics.MODULE_DISCOVERED.name].clear()
    assert graph.call(ScanModules, 'scan_modules', ScanModules.Request()).accepted
    again = graph.call(ScanModules, 'scan_modules', ScanModules.Request())
    assert (again.accepted, again.message) == (False, 'a scan is running; wait for its end')
    graph.until(lambda: len(graph.received[topics.MODULE_DISCOVERED.name]) == 2)
    found = {board.address: board for board in graph.received[topics.MODULE_DISCOVERED.name]}
    assert {address: board.module_id for address, board in found.items()} == {
        'serial/3': 'motor',
        'serial/2': 'serial-2',  # not configured
    }


def test_no_scan_while_the_motor_is_enabled(graph):
    until_moving(graph)
    response = graph.call(ScanModules, 'scan_modules', ScanModules.Request())
    assert (response.accepted, response.message) == (
        False,
        'the vehicle moves; scan while it stands',
    )


def test_a_fault_in_the_configuration_refuses_the_start(tmp_path, monkeypatch):
    from graph import Ros

    instance = Ros(tmp_path, monkeypatch, ['-p', "lines:=['a']", '-p', 'position_source:=none'])
    try:
        with pytest.raises(StartError, match=r'hardware_node: lines\.a\.device: give the path'):
            HardwareNode()
    finally:
        instance.close()


@pytest.mark.parametrize('channel', [0, 2])
def test_the_hoist_is_reported_where_one_is_configured(tmp_path, monkeypatch, simulator, channel):
    from graph import Ros

    values = (*PARAMETERS, f'serial_port:={simulator.port("all")}', f'hoist_channel:={channel}')
    ros = Ros(tmp_path, monkeypatch, [text for value in values for text in ('-p', value)])
    try:
        graph = ros.graph(HardwareNode)
        graph.record(topics.DRIVE_STATE, topics.HOIST_STATE)
        graph.until(lambda: state(graph) and state(graph).stop_verified)
        if channel:
            graph.until(lambda: (hoist := graph.last(topics.HOIST_STATE)) and hoist.referenced)
            assert graph.last(topics.HOIST_STATE).rope_length == 0.0
        else:
            graph.spin(0.5)
            assert graph.last(topics.HOIST_STATE) is None
    finally:
        ros.close()
