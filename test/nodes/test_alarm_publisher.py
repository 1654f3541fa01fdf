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

import math

import pytest
import rclpy
from geometry_msgs.msg import Point

from oht50_bridge.msg import EstopState
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import Telemetry
from oht50_bridge.msg import Zone
from oht50_bridge.msg import Zones
from oht50_bridge.nodes.alarm_publisher import AlarmPublisher
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.srv import AcknowledgeAlarm
from oht50_bridge.vehicle.error_monitor import ErrorMonitor
from oht50_bridge.vehicle.error_monitor import ModuleHealth
from oht50_bridge.vehicle.rail import TrackSettings


@pytest.fixture
def alarms(ros):
    node = rclpy.create_node('system_node')
    alarms = AlarmPublisher(node, TrackSettings(vehicle_length=1.0))
    alarms.messages = []
    alarms._publisher.publish = alarms.messages.append
    yield alarms
    node.destroy_node()


def codes(alarms):
    return [alarm.code for alarm in alarms.messages[-1].alarms]


def test_changes_are_published_and_nothing_else(alarms):
    alarms._on_latch(EstopState())
    assert alarms.messages == []
    alarms._on_latch(EstopState(latched=True, estop_id='e', reason='drill'))
    (alarm,) = alarms.messages[-1].alarms
    assert (alarm.code, alarm.severity, alarm.description) == ('ESTOP', 'P0', 'drill')
    assert from_stamp(alarm.since) > 0 == from_stamp(alarm.gone) == from_stamp(alarm.acknowledged)
    alarms._on_latch(EstopState(latched=True, estop_id='e', reason='drill'))
    assert len(alarms.messages) == 1
    alarms._on_latch(EstopState())
    (alarm,) = alarms.messages[-1].alarms
    assert from_stamp(alarm.gone) >= from_stamp(alarm.since)


def test_the_latch_of_another_vehicle_is_no_alarm_of_this_one(alarms):
    alarms._vehicle = 'this one'
    alarms._on_latch(EstopState(vehicle='another one', latched=True, estop_id='e'))
    assert alarms.messages == []
    alarms._on_latch(EstopState(vehicle='this one', latched=True, estop_id='e'))
    alarms._on_latch(EstopState(vehicle='another one'))
    assert len(alarms.messages) == 1


def test_a_stop_that_was_cleared_before_its_state_came_is_an_alarm_too(alarms):
    alarms._on_latch(EstopState(counter=2))
    assert alarms.messages == []
    alarms._on_latch(EstopState(counter=4))
    assert codes(alarms) == ['ESTOP']
    assert alarms.messages[-1].alarms[0].gone.sec


def acknowledge(alarms, alarm_id, by):
    request = AcknowledgeAlarm.Request(alarm_id=alarm_id, source=by)
    return alarms.acknowledge(request, AcknowledgeAlarm.Response())


def test_an_acknowledgement_is_published_with_who_and_when(alarms):
    alarms._on_latch(EstopState(latched=True, estop_id='e', reason='drill'))
    alarm_id = alarms.messages[-1].alarms[0].alarm_id
    assert acknowledge(alarms, alarm_id, 'ann').accepted
    (alarm,) = alarms.messages[-1].alarms
    assert (alarm.alarm_id, alarm.acknowledged_by) == (alarm_id, 'ann')
    assert from_stamp(alarm.acknowledged) >= from_stamp(alarm.since)
    count = len(alarms.messages)
    again = acknowledge(alarms, alarm_id, 'bob')
    assert again.accepted and "by 'ann' already" in again.message
    assert not acknowledge(alarms, 'alarm-0', 'ann').accepted
    assert len(alarms.messages) == count
    alarms._on_latch(EstopState())
    assert alarms.messages[-1].alarms == []
    assert not acknowledge(alarms, alarm_id, 'ann').accepted


def test_boards_missions_and_stop_zones_are_alarms(alarms):
    monitor = ErrorMonitor(alarms.on_error)
    monitor.on_modules([ModuleHealth('dock', 'sense/5', 'MOD-001', 'Communication timeout')])
    alarms.check(monitor)
    assert codes(alarms) == ['NET-002']
    alarms._on_mission(
        MissionState(ended_mission_id='m', ended_status='failed', ended_reason='why')
    )
    assert codes(alarms) == ['NET-002', 'MISSION_FAILED']
    zone = {'zone_type': 'restricted', 'start': 10.0, 'end': 11.0}
    alarms._on_zones(
        Zones(
            zones=[
                Zone(zone_id='slow', action='slow_down', **zone),
                Zone(zone_id='gate', action='stop', **zone),
            ]
        )
    )
    for x, count in ((9.0, 2), (9.6, 3), (math.nan, 3)):
        alarms._on_telemetry(Telemetry(position=Point(x=x)))
        assert len(alarms.messages[-1].alarms) == count
    assert alarms.messages[-1].alarms[-1].source == 'gate'
    assert not alarms.messages[-1].alarms[-1].gone.sec
    alarms._on_telemetry(Telemetry(position=Point(x=12.0)))
    assert alarms.messages[-1].alarms[-1].gone.sec
