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
"""system_node: status, errors and diagnostics from what the other nodes report."""

import pytest

from oht50_bridge.msg import BridgeStatus
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import NodePresence
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import Telemetry
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.system_node import SystemNode
from oht50_bridge.srv import GetSystemStatus
from oht50_bridge.vehicle.board_starts import BOARD_START_MARGIN


@pytest.fixture
def graph(ros):
    graph = ros.graph(SystemNode)
    graph.record(topics.SYSTEM_STATUS, topics.SYSTEM_ERROR, topics.DIAGNOSTICS)
    return graph


def report(
    graph,
    error='',
    mode=SafetyHeartbeat.MODE_NORMAL,
    permitted=True,
    stop_reason=DriveState.STOP_NO_COMMAND,
):
    """Report a vehicle whose boards are fine but for one with an error."""
    if stop_reason is not None:
        graph.publish(topics.DRIVE_STATE, DriveState(stop_reason=stop_reason))
    graph.publish(
        topics.MODULE_STATES,
        ModuleStates(modules=[ModuleState(module_id='power', status='online', error_code=error)]),
    )
    graph.publish(
        topics.SAFETY_HEARTBEAT,
        SafetyHeartbeat(header=header(graph.probe), motion_permitted=permitted, mode=mode),
    )


def status(graph):
    message = graph.last(topics.SYSTEM_STATUS)
    return (message.status, message.state) if message else None


def errors(graph):
    return [error.error_code for error in graph.received[topics.SYSTEM_ERROR.name]]


def becomes(graph, expected, **more):
    def matches():
        report(graph, **more)
        return status(graph) == expected

    graph.until(matches)


def test_the_status_follows_the_vehicle(graph):
    graph.until(lambda: status(graph) == ('idle', 'busy'))
    becomes(graph, ('idle', 'ready'))
    becomes(graph, ('idle', 'maintenance'), mode=SafetyHeartbeat.MODE_MAINTENANCE)
    becomes(graph, ('idle', 'ready'))
    graph.publish(topics.ESTOP_STATE, EstopState(latched=True, reason='drill'))
    becomes(graph, ('estop', 'error'))
    response = graph.call(GetSystemStatus, 'get_system_status', GetSystemStatus.Request())
    assert response.status.status == 'estop'


@pytest.mark.parametrize(
    ('hindrance', 'expected'),
    [
        ({'permitted': False}, ('idle', 'busy')),  # no position, an obstacle, an open guard
        ({'mode': SafetyHeartbeat.MODE_STARTING}, ('idle', 'busy')),
        ({'mode': SafetyHeartbeat.MODE_MAINTENANCE, 'permitted': False}, ('idle', 'maintenance')),
        ({'error': 'MOD-001', 'permitted': False}, ('fault', 'error')),
        ({'error': 'MOD-007'}, ('fault', 'error')),  # a fault of the drive
        ({'error': 'MOD-004'}, ('fault', 'error')),  # another layout
        ({'stop_reason': DriveState.STOP_ERROR}, ('idle', 'busy')),  # no watchdog
        ({'stop_reason': DriveState.STOP_DRIVE_FAULT}, ('idle', 'busy')),
        ({'stop_reason': DriveState.STOP_MODULE_LOST}, ('idle', 'busy')),
        ({'stop_reason': DriveState.STOP_LAYOUT}, ('idle', 'busy')),
        ({'stop_reason': DriveState.STOP_SHUTDOWN}, ('idle', 'busy')),
        ({'stop_reason': DriveState.STOP_ESTOP}, ('idle', 'busy')),  # held, not latched
        ({'stop_reason': DriveState.STOP_HEARTBEAT_TIMEOUT}, ('idle', 'busy')),
        ({'stop_reason': 'a new one'}, ('idle', 'busy')),
        ({'stop_reason': DriveState.STOP_ERROR, 'error': 'MOD-001'}, ('fault', 'error')),
    ],
)
def test_a_vehicle_that_may_not_move_is_not_ready(graph, hindrance, expected):
    becomes(graph, ('idle', 'ready'))
    becomes(graph, expected, **hindrance)
    for _ in range(5):
        report(graph, **hindrance)
        graph.spin(0.05)
        assert status(graph) == expected
    becomes(graph, ('idle', 'ready'))


@pytest.mark.parametrize(
    'stop_reason',
    [
        DriveState.STOP_NONE,
        DriveState.STOP_NO_COMMAND,
        DriveState.STOP_COMMAND_TIMEOUT,
        DriveState.STOP_NOT_PERMITTED,  # one direction: the other one is permitted
        DriveState.STOP_CHARGING,  # a mission releases the charger
        DriveState.STOP_SCAN,  # which only delays one
    ],
)
def test_a_vehicle_at_rest_that_a_command_moves_is_ready(graph, stop_reason):
    becomes(graph, ('idle', 'ready'))
    before = len(graph.received[topics.SYSTEM_STATUS.name])
    for _ in range(10):
        report(graph, stop_reason=stop_reason)
        graph.spin(0.05)
    seen = graph.received[topics.SYSTEM_STATUS.name][before:]
    assert {(each.status, each.state) for each in seen} <= {('idle', 'ready')}
    assert status(graph) == ('idle', 'ready')


def test_a_vehicle_whose_motor_does_not_report_is_not_ready(graph):
    for _ in range(10):
        report(graph, stop_reason=None)
        graph.spin(0.05)
    assert status(graph) == ('idle', 'busy'), 'it has not reported yet'
    becomes(graph, ('idle', 'ready'))
    becomes(graph, ('idle', 'busy'), stop_reason=None)


def test_the_diagnostics_name_why_the_motor_stands(graph):
    def named():
        report(graph, stop_reason=DriveState.STOP_ERROR)
        message = graph.last(topics.DIAGNOSTICS)
        drive = [each for each in message.status if 'drive' in each.name] if message else []
        return drive and 'the travel motor is stopped: error' in drive[0].message

    graph.until(named)


def test_a_vehicle_whose_safety_node_is_silent_is_not_ready(graph):
    becomes(graph, ('idle', 'ready'))
    seen = []

    def lost():
        graph.publish(topics.TELEMETRY, Telemetry())  # which goes on, and with it the status
        seen.append(status(graph))
        return seen[-1] == ('fault', 'error')

    graph.until(lost)
    assert ('idle', 'busy') in seen, 'its permission ends before it counts as lost'


@pytest.mark.parametrize(
    ('name', 'code'), [('mission_node', 'SYS-004'), ('config_node', 'SYS-005')]
)
def test_a_node_that_gives_no_sign_of_life_any_more_is_an_error(graph, monkeypatch, name, code):
    monkeypatch.setattr(graph.node, '_vehicle', 'this one')

    def sign(vehicle='this one'):
        graph.publish(topics.PRESENCE, NodePresence(node=name, vehicle=vehicle))

    def silent():
        sign('another vehicle')
        return code in errors(graph)

    graph.until(lambda: (sign(), graph.last(topics.SYSTEM_STATUS))[1])
    graph.until(silent)
    assert f'{name} is silent' in graph.received[topics.SYSTEM_ERROR.name][-1].description


@pytest.mark.parametrize(
    ('phase', 'status_before'),
    [
        (MissionState.PHASE_EXECUTING, ('moving', 'busy')),
        (MissionState.PHASE_DOCKING, ('docking', 'busy')),
        (MissionState.PHASE_NONE, ('idle', 'ready')),
    ],
)
def test_a_vehicle_whose_mission_node_is_silent_neither_moves_nor_is_ready(
    graph, monkeypatch, phase, status_before
):
    monkeypatch.setattr(graph.node, '_vehicle', 'this one')
    graph.publish(topics.PRESENCE, NodePresence(node='mission_node', vehicle='this one'))
    graph.publish(topics.MISSION_STATE, MissionState(phase=phase))
    becomes(graph, status_before)
    becomes(graph, ('idle', 'busy'))
    graph.publish(topics.PRESENCE, NodePresence(node='mission_node', vehicle='this one'))
    becomes(graph, status_before)


def test_the_latch_of_another_vehicle_is_not_in_the_status(graph, monkeypatch):
    monkeypatch.setattr(graph.node, '_vehicle', 'this one')
    graph.publish(topics.ESTOP_STATE, EstopState(vehicle='this one', counter=2))
    graph.until(lambda: graph.node._estop.counter == 2)
    becomes(graph, ('idle', 'ready'))
    graph.publish(topics.ESTOP_STATE, EstopState(vehicle='another one', counter=9, latched=True))
    graph.spin(0.3)
    assert 'estop' not in {each.status for each in graph.received[topics.SYSTEM_STATUS.name]}


def test_a_stop_that_was_cleared_before_its_state_came_is_in_the_status(graph):
    becomes(graph, ('idle', 'ready'))
    graph.publish(topics.ESTOP_STATE, EstopState(counter=2))
    graph.until(lambda: graph.node._estop.counter == 2)
    becomes(graph, ('idle', 'ready'))
    graph.publish(topics.ESTOP_STATE, EstopState(counter=4))
    graph.until(
        lambda: (
            ('estop', 'error')
            in [(s.status, s.state) for s in graph.received[topics.SYSTEM_STATUS.name]]
        )
    )
    becomes(graph, ('idle', 'ready'))


def test_a_faulty_board_is_a_fault_and_one_error(graph):
    becomes(graph, ('idle', 'ready'))
    becomes(graph, ('fault', 'error'), error='MOD-001')
    becomes(graph, ('fault', 'error'), error='MOD-001')
    graph.until(lambda: 'NET-002' in errors(graph))
    becomes(graph, ('idle', 'ready'))
    assert errors(graph).count('NET-002') == 1


def test_a_board_that_may_be_starting_is_no_fault_and_one_without_a_port_is(graph):
    def silent(code, boot_time):
        module = ModuleState(
            module_id='safety', status='offline', error_code=code, boot_time=boot_time
        )
        graph.publish(topics.MODULE_STATES, ModuleStates(modules=[module]))
        graph.publish(
            topics.SAFETY_HEARTBEAT,
            SafetyHeartbeat(header=header(graph.probe), mode=SafetyHeartbeat.MODE_NORMAL),
        )
        return status(graph)

    def lasts(expected, code, boot_time):
        for _ in range(10):
            silent(code, boot_time)
            graph.spin(0.05)
        assert status(graph) == expected

    lasts(('idle', 'busy'), 'MOD-001', 60.0)
    assert errors(graph) == []
    graph.until(lambda: silent('MOD-005', 60.0) == ('fault', 'error'))
    graph.until(lambda: 'NET-002' in errors(graph))


def test_a_silent_board_is_a_fault_when_its_time_is_over(graph):
    def silent():
        graph.publish(
            topics.MODULE_STATES,
            ModuleStates(
                modules=[
                    ModuleState(
                        module_id='safety', status='offline', error_code='MOD-001',
                        boot_time=0.5 - BOARD_START_MARGIN,
                    )
                ]
            ),
        )  # fmt: skip
        graph.publish(
            topics.SAFETY_HEARTBEAT,
            SafetyHeartbeat(header=header(graph.probe), mode=SafetyHeartbeat.MODE_NORMAL),
        )
        return status(graph) == ('fault', 'error') and 'NET-002' in errors(graph)

    graph.until(silent)


def test_slow_consumers_and_the_battery_are_errors(graph):
    graph.publish(topics.BRIDGE_STATUS, BridgeStatus(slow_consumers_closed=1))
    graph.spin(0.5)
    assert errors(graph) == [], 'the first count is the state at the start'
    graph.publish(topics.BRIDGE_STATUS, BridgeStatus(slow_consumers_closed=2))
    graph.publish(topics.POWER, PowerState(percentage=0.5, fault_flags=4))
    graph.until(lambda: {'NET-003', 'SYS-009'} <= set(errors(graph)))


def test_the_diagnostics_name_the_host_the_boards_and_the_battery(graph):
    graph.publish(topics.POWER, PowerState(percentage=0.85))

    def complete():
        report(graph)
        message = graph.last(topics.DIAGNOSTICS)
        names = {status.name.split(': ')[-1] for status in message.status} if message else set()
        return {'host', 'safety_node', 'power', 'battery'} <= names

    graph.until(complete)
