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
"""mission_node: topics and services of missions."""

import math
import time

import pytest
from geometry_msgs.msg import Point
from rclpy.parameter import Parameter

from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import HoistState
from oht50_bridge.msg import Location
from oht50_bridge.msg import Position
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.mission_node import MissionNode
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.stamps import header
from oht50_bridge.srv import ControlMission
from oht50_bridge.srv import GetVehicle
from oht50_bridge.srv import StartMission


@pytest.fixture
def graph(ros):
    graph = ros.graph(MissionNode)
    graph.record(
        topics.DRIVE_COMMAND,
        topics.MISSION_STARTED,
        topics.MISSION_PROGRESS,
        topics.MISSION_COMPLETED,
        topics.MISSION_STATE,
    )
    graph.probe.create_timer(0.02, lambda: report(graph))
    graph.publish(topics.ZONES, Zones(speed_limit=0.5))
    graph.publish(topics.POWER, PowerState(percentage=0.85, voltage=48.0, current=-1.0))
    graph.node.set_parameters([Parameter(CONFIG_VERSION, value='1.0.0')])
    return graph


def report(graph):
    """Report a vehicle that stands at 5 m and may move."""
    graph.publish(
        topics.LOCATION,
        Location(
            header=header(graph.probe),
            position=Point(x=5.0, y=0.0, z=0.0),
            position_resolution=0.001,
            dock_distance=math.nan,
        ),
    )
    graph.publish(
        topics.POSITION,
        Position(
            header=header(graph.probe), state='valid', position=5.0, resolution=0.001, age=0.01
        ),
    )
    graph.publish(topics.DRIVE_STATE, DriveState(header=header(graph.probe), stop_reason='none'))
    graph.publish(
        topics.SAFETY_HEARTBEAT,
        SafetyHeartbeat(header=header(graph.probe), motion_permitted=True, speed_limit=0.5),
    )


def start(graph, **fields):
    fields = {'mission_type': 'transport', **fields}
    request = StartMission.Request(target_position=Point(x=7.0, y=0.0, z=0.0), **fields)
    return graph.call(StartMission, 'start_mission', request)


def started(graph, **fields):
    """Start a mission once the node has received every report."""
    responses = []

    def accepted():
        responses.append(start(graph, **fields))
        return responses[-1].accepted

    graph.until(accepted)
    return responses[-1]


def test_a_mission_is_started_commanded_and_ended_by_an_emergency_stop(graph):
    response = started(graph, mission_id='one')
    assert response.mission_id == 'one'
    assert 4.0 < response.estimated_duration < 12.0
    graph.until(lambda: graph.last(topics.MISSION_STARTED))
    message = graph.last(topics.MISSION_STARTED)
    assert (message.mission_id, message.start_position.x, message.target_position.x) == (
        'one',
        5.0,
        7.0,
    )
    graph.until(lambda: any(c.velocity > 0.0 for c in graph.received[topics.DRIVE_COMMAND.name]))
    graph.until(lambda: graph.last(topics.MISSION_STATE).phase == 'executing')
    graph.until(lambda: graph.last(topics.MISSION_PROGRESS))
    graph.publish(topics.ESTOP_STATE, EstopState(latched=True, reason='drill'))
    graph.until(lambda: graph.last(topics.MISSION_COMPLETED))
    completed = graph.last(topics.MISSION_COMPLETED)
    assert (completed.mission_id, completed.status) == ('one', 'failed')
    graph.until(lambda: graph.last(topics.MISSION_STATE).phase == 'none')
    assert graph.last(topics.DRIVE_COMMAND).velocity == 0.0
    assert 'emergency stop: drill' in start(graph).message


def test_the_latch_of_another_vehicle_ends_a_mission_and_opens_nothing(graph, monkeypatch):
    monkeypatch.setattr(graph.node, '_vehicle', 'this one')
    started(graph, mission_id='one')
    other = EstopState(vehicle='another one', counter=9, latched=True, reason='drill there')
    graph.publish(topics.ESTOP_STATE, other)
    graph.until(lambda: graph.last(topics.MISSION_COMPLETED))
    assert graph.last(topics.MISSION_COMPLETED).status == 'failed'
    started(graph, mission_id='two')  # no stop of this vehicle is latched
    own = EstopState(vehicle='this one', counter=7, latched=True, reason='drill here')
    graph.publish(topics.ESTOP_STATE, own)
    graph.until(lambda: len(graph.received[topics.MISSION_COMPLETED.name]) == 2)
    for counter in (10, 11):
        graph.publish(topics.ESTOP_STATE, EstopState(vehicle='another one', counter=counter))
        graph.spin(0.1)
        assert 'emergency stop: drill here' in start(graph).message
    graph.publish(topics.ESTOP_STATE, EstopState(vehicle='this one', counter=8))
    started(graph, mission_id='three')


def test_the_place_of_a_mission_hangs_at_the_rope(graph):
    started(graph, mission_id='one')

    def hangs():
        graph.publish(
            topics.HOIST_STATE,
            HoistState(header=header(graph.probe), referenced=True, rope_length=0.05),
        )
        progress = graph.last(topics.MISSION_PROGRESS)
        return progress and progress.current_position.z == -0.05

    graph.until(hangs)


def test_the_limits_of_type_and_rail_are_in_the_estimate(graph):
    durations = []
    for mission_type, limit in (('transport', 0.5), ('inspection', 0.5), ('transport', 0.05)):
        graph.publish(topics.ZONES, Zones(speed_limit=limit))
        graph.until(lambda limit=limit: graph.node._view.speed_limit == limit)
        response = started(graph, mission_type=mission_type)
        durations.append(response.estimated_duration)
        graph.call(ControlMission, 'control_mission', ControlMission.Request(action=3))
        graph.until(lambda: graph.node._manager.active_id == '')
    transport, inspection, slow = durations
    assert transport + 2.0 < inspection < slow
    assert slow > 2.0 / 0.05


@pytest.mark.parametrize(
    'ros',
    [['-p', 'simulated:=true', '-p', 'hoist_channel:=2', '-p', 'vehicle_length:=0.5']],
    indirect=True,
)
def test_what_the_vehicle_is_can_be_asked(ros):
    graph = ros.graph(MissionNode)
    response = graph.call(GetVehicle, 'get_vehicle', GetVehicle.Request())
    assert response.simulated and response.hoist
    assert (response.track_length, response.vehicle_length) == (50.0, 0.5)
    assert list(response.stations) == ['charger']
    assert list(response.station_positions) == [1.0]
    assert list(response.station_docks) == [True]


def test_errors_of_the_vehicle_are_none_of_the_mission(graph):
    assert graph.node.count_subscribers(topics.SYSTEM_ERROR.name) == 0


def test_a_stop_that_was_cleared_before_its_state_came_ends_the_mission(graph):
    ended = []
    manager, view = graph.node._manager, graph.node._view
    on_estop = manager.on_estop
    manager.on_estop = lambda now: (ended.append(view.forbidden(now)), on_estop(now))
    graph.publish(topics.ESTOP_STATE, EstopState(counter=2))
    graph.until(lambda: graph.node._estop._newest == 1)
    started(graph)
    graph.publish(topics.ESTOP_STATE, EstopState(counter=2, active_causes=['guard']))
    graph.spin(0.1)
    assert ended == []
    graph.publish(topics.ESTOP_STATE, EstopState(counter=4))
    graph.until(lambda: ended)
    assert ended == ['emergency stop: cleared already']
    graph.until(lambda: graph.last(topics.MISSION_COMPLETED))
    assert graph.last(topics.MISSION_COMPLETED).status == 'failed'
    assert view.forbidden(time.monotonic()) == ''


def test_control_of_a_mission(graph):
    request = ControlMission.Request
    response = graph.call(ControlMission, 'control_mission', request(action=1))
    assert (response.accepted, response.message) == (False, 'no mission is active')
    started(graph, mission_id='one')
    response = graph.call(ControlMission, 'control_mission', request(action=9))
    assert 'must be 1 (pause), 2 (resume) or 3 (cancel)' in response.message
    response = graph.call(ControlMission, 'control_mission', request(action=1))
    assert (response.accepted, response.mission_id) == (True, 'one')
    graph.until(lambda: graph.last(topics.MISSION_STATE).phase == 'paused')
    response = graph.call(ControlMission, 'control_mission', request(action=3, mission_id='two'))
    assert (response.accepted, response.mission_id) == (False, '')
    response = graph.call(ControlMission, 'control_mission', request(action=3, mission_id='one'))
    assert response.accepted
    graph.until(lambda: graph.last(topics.MISSION_COMPLETED))
    assert graph.last(topics.MISSION_COMPLETED).status == 'cancelled'


def test_no_mission_before_the_configuration_is_confirmed(graph):
    graph.node.set_parameters([Parameter(CONFIG_VERSION, value='')])
    graph.until(lambda: 'not confirmed' in start(graph).message)


@pytest.mark.parametrize(
    ('ros', 'reason'),
    [
        (['-p', 'stations:=[a, b]'], 'station_positions has 1 entries, stations has 2'),
        (['-p', 'station_positions:=[60.0]'], 'charger at 60 m cannot be reached'),
        (['-p', 'station_docks:=[true, false]'], 'station_docks has 2 entries, stations has 1'),
        (['-p', 'inspection_speed:=0.3', '-p', 'max_velocity:=0.2'], 'inspection_speed: 0.3 m/s'),
        (['-p', 'max_velocity:=0.08'], '.*_speed: .* is above max_velocity, 0.08 m/s; lower it'),
    ],
    indirect=['ros'],
)
def test_wrong_parameters_end_the_start_with_the_remedy(ros, reason):
    with pytest.raises(StartError, match=reason):
        MissionNode()
