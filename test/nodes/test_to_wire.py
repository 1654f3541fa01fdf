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
"""Every event message has its translation; units are converted."""

import math

import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import Header

from oht50_bridge import msg
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.to_wire import module_state
from oht50_bridge.nodes.to_wire import to_wire
from oht50_bridge.protocol.catalogue import EVENTS

STAMP = Header(stamp=Time(sec=1734604200, nanosec=123_999_999))
TIMESTAMP = '2024-12-19T10:30:00.123Z'
POINT = Point(x=1.25, y=-0.5, z=0.001)
POSITION = {'x': 1250.0, 'y': -500.0, 'z': 1.0}

CASES = {
    'system.status': (
        msg.SystemStatus(
            header=STAMP,
            status='moving',
            state='busy',
            uptime=12.5,
            version='1.2.3',
            cpu=0.25,
            memory=0.5,
            disk=0.75,
            temperature=42.5,
        ),
        {
            'status': 'moving',
            'state': 'busy',
            'uptime': 12.5,
            'version': '1.2.3',
            'health': {'cpu': 25.0, 'memory': 50.0, 'disk': 75.0, 'temperature': 42.5},
        },
    ),
    'system.error': (
        msg.SystemError(
            header=STAMP,
            error_code='SYS-001',
            error_name='Database Connection Failed',
            severity='P0',
            description='why',
            affected_services=['a', 'b'],
        ),
        {
            'error_code': 'SYS-001',
            'error_name': 'Database Connection Failed',
            'severity': 'P0',
            'description': 'why',
            'affected_services': ['a', 'b'],
        },
    ),
    'system.alarms': (
        msg.SystemAlarms(
            header=STAMP,
            alarms=[
                msg.SystemAlarm(
                    alarm_id='a',
                    code='NET-002',
                    name='RS485 Communication Error',
                    severity='P1',
                    description='why',
                    source='dock',
                    since=STAMP.stamp,
                    count=3,
                ),
                msg.SystemAlarm(
                    alarm_id='b',
                    code='ESTOP',
                    name='Emergency Stop',
                    severity='P0',
                    description='drill',
                    source='safety_node',
                    since=STAMP.stamp,
                    gone=STAMP.stamp,
                    count=1,
                    acknowledged_by='ann',
                    acknowledged=STAMP.stamp,
                ),
            ],
            more_alarms=4,
        ),
        {
            'alarms': [
                {
                    'alarm_id': 'a',
                    'code': 'NET-002',
                    'name': 'RS485 Communication Error',
                    'severity': 'P1',
                    'description': 'why',
                    'source': 'dock',
                    'since': TIMESTAMP,
                    'gone': None,
                    'count': 3,
                    'acknowledged_by': None,
                    'acknowledged_at': None,
                },
                {
                    'alarm_id': 'b',
                    'code': 'ESTOP',
                    'name': 'Emergency Stop',
                    'severity': 'P0',
                    'description': 'drill',
                    'source': 'safety_node',
                    'since': TIMESTAMP,
                    'gone': TIMESTAMP,
                    'count': 1,
                    'acknowledged_by': 'ann',
                    'acknowledged_at': TIMESTAMP,
                },
            ],
            'more_alarms': 4,
        },
    ),
    'telemetry.realtime': (
        msg.Telemetry(
            header=STAMP,
            position=POINT,
            linear_velocity=0.8,
            angular_velocity=0.1,
            linear_acceleration=0.2,
            angular_acceleration=0.3,
            roll=0.4,
            pitch=0.5,
            yaw=0.6,
            battery_percentage=0.849,
            temperature=42.5,
            humidity=0.25,
        ),
        {
            'position': POSITION,
            'velocity': {'linear': 0.8, 'angular': 0.1},
            'acceleration': {'linear': 0.2, 'angular': 0.3},
            'orientation': {'roll': 0.4, 'pitch': 0.5, 'yaw': 0.6},
            'sensors': {'battery': 84.9, 'temperature': 42.5, 'humidity': 25.0},
        },
    ),
    'telemetry.status': (
        msg.TelemetryStatus(
            header=STAMP, streaming=True, rate=10.0, connected_clients=3, last_update=STAMP.stamp
        ),
        {'streaming': True, 'rate': 10.0, 'connected_clients': 3, 'last_update': TIMESTAMP},
    ),
    'mission.started': (
        msg.MissionStarted(
            header=STAMP,
            mission_id='m',
            mission_type='transport',
            start_position=POINT,
            target_position=POINT,
            estimated_duration=180.0,
        ),
        {
            'mission_id': 'm',
            'mission_type': 'transport',
            'start_position': POSITION,
            'target_position': POSITION,
            'estimated_duration': 180.0,
        },
    ),
    'mission.progress': (
        msg.MissionProgress(
            header=STAMP,
            mission_id='m',
            progress=0.5,
            current_position=POINT,
            remaining_distance=0.43,
            estimated_completion=STAMP.stamp,
        ),
        {
            'mission_id': 'm',
            'progress': 50.0,
            'current_position': POSITION,
            'remaining_distance': 430.0,
            'estimated_completion': TIMESTAMP,
        },
    ),
    'mission.completed': (
        msg.MissionCompleted(
            header=STAMP,
            mission_id='m',
            status='success',
            completion_time=180.0,
            final_position=POINT,
            distance_traveled=1.5,
            energy_consumed=7200.0,
            errors_encountered=2,
        ),
        {
            'mission_id': 'm',
            'status': 'success',
            'completion_time': 180.0,
            'final_position': POSITION,
            'summary': {
                'distance_traveled': 1500.0,
                'energy_consumed': 2.0,
                'errors_encountered': 2,
            },
        },
    ),
    'mission.state': (
        msg.MissionState(
            header=STAMP,
            phase='held',
            mission_id='m',
            mission_type='transport',
            target_position=POINT,
            reason='obstacle',
            ended_mission_id='l',
            ended_status='failed',
            ended_reason='why',
        ),
        {
            'phase': 'held',
            'mission_id': 'm',
            'mission_type': 'transport',
            'target_position': POSITION,
            'reason': 'obstacle',
            'ended': {'mission_id': 'l', 'status': 'failed', 'reason': 'why'},
        },
    ),
    'safety.zone_entered': (
        msg.SafetyZoneEntered(
            header=STAMP, zone_id='z', zone_type='warning', position=POINT, action='alert'
        ),
        {'zone_id': 'z', 'zone_type': 'warning', 'position': POSITION, 'action': 'alert'},
    ),
    'safety.estop': (
        msg.SafetyEstop(
            header=STAMP,
            estop_id='e',
            trigger_type='remote',
            position=POINT,
            emergency_level='critical',
            auto_recovery=False,
        ),
        {
            'estop_id': 'e',
            'trigger_type': 'remote',
            'position': POSITION,
            'emergency_level': 'critical',
            'auto_recovery': False,
        },
    ),
    'safety.clear': (
        msg.SafetyClear(header=STAMP, cleared_by='operator', position=POINT, next_action='resume'),
        {'cleared_by': 'operator', 'position': POSITION, 'next_action': 'resume'},
    ),
    'safety.state': (
        msg.SafetyState(
            header=STAMP,
            latched=True,
            stops=[
                msg.LatchedStop(
                    estop_id='e',
                    trigger_type='hardware',
                    reason='button',
                    source='estop_button',
                    stamp=STAMP.stamp,
                )
            ],
            more_stops=2,
            reset_hindrances=['button'],
            forward_hindrance='stop',
            backward_hindrance='stop there',
            motor_hindrance='estop',
        ),
        {
            'latched': True,
            'stops': [
                {
                    'estop_id': 'e',
                    'trigger_type': 'hardware',
                    'reason': 'button',
                    'source': 'estop_button',
                    'time': TIMESTAMP,
                }
            ],
            'more_stops': 2,
            'reset_hindrances': ['button'],
            'forward_hindrance': 'stop',
            'backward_hindrance': 'stop there',
            'motor_hindrance': 'estop',
        },
    ),
    'config.updated': (
        msg.ConfigUpdated(
            header=STAMP,
            config_id='c',
            version='1.2.3',
            updated_by='a',
            changes=[msg.ConfigChange(name='v', description='1 -> 2')],
            status='applied',
        ),
        {
            'config_id': 'c',
            'version': '1.2.3',
            'updated_by': 'a',
            'changes': {'v': '1 -> 2'},
            'status': 'applied',
        },
    ),
    'config.rollback': (
        msg.ConfigRollback(
            header=STAMP,
            from_version='2',
            to_version='1',
            reason='safety_concern',
            rolled_back_by='system',
            status='completed',
        ),
        {
            'from_version': '2',
            'to_version': '1',
            'reason': 'safety_concern',
            'rolled_back_by': 'system',
            'status': 'completed',
        },
    ),
    'module.discovered': (
        msg.ModuleDiscovered(
            header=STAMP,
            module_id='m',
            module_type='motor',
            address='drive/4',
            firmware_version='2.1',
            status='online',
        ),
        {
            'module_id': 'm',
            'module_type': 'motor',
            'address': 'drive/4',
            'firmware_version': '2.1',
            'status': 'online',
        },
    ),
    'module.status_change': (
        msg.ModuleStatusChange(
            header=STAMP,
            module_id='m',
            old_status='online',
            new_status='error',
            error_code='MOD-001',
            error_description='Communication timeout',
        ),
        {
            'module_id': 'm',
            'old_status': 'online',
            'new_status': 'error',
            'error_code': 'MOD-001',
            'error_description': 'Communication timeout',
        },
    ),
}


def test_every_event_type_and_every_event_topic_has_a_case():
    assert set(CASES) == set(EVENTS)
    assert {type(message) for message, _ in CASES.values()} == {
        topic.type for topic in topics.EVENT_TOPICS.values()
    }


@pytest.mark.parametrize('kind', CASES)
def test_event_of_a_message(kind):
    message, data = CASES[kind]
    event = to_wire(message)
    assert (event.type, event.timestamp) == (kind, TIMESTAMP)
    assert event.data.model_dump() == data


def test_moment_that_has_not_been_is_null():
    event = to_wire(msg.TelemetryStatus(header=STAMP, rate=10.0))
    assert event.data.last_update is None


def test_what_is_not_measured_stays_nan_for_the_codec():
    event = to_wire(msg.Telemetry(header=STAMP, humidity=math.nan))
    assert math.isnan(event.data.sensors.humidity)


def test_without_a_mission_there_is_none():
    nowhere = Point(x=math.nan, y=math.nan, z=math.nan)
    data = to_wire(msg.MissionState(header=STAMP, phase='none', target_position=nowhere)).data
    assert data.mission_id is data.mission_type is data.ended is None


def test_enumeration_that_the_specification_does_not_have_is_refused():
    with pytest.raises(ValueError, match='trigger_type'):
        to_wire(msg.SafetyEstop(header=STAMP, trigger_type='telepathy'))


def test_module_state_of_a_board_that_never_answered():
    state = module_state(msg.ModuleState(module_id='m', line='drive', unit_address=4))
    assert (state['address'], state['last_seen']) == ('drive/4', None)
