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
"""The events that the specification does not have: how things stand, for a client that comes late.

All are of the class `state`. The events of the specification keep exactly its fields; why
something happened is here.
"""

from __future__ import annotations

from typing import Any
from typing import ClassVar
from typing import Literal

from oht50_bridge.protocol.base import Identifier
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.base import Model
from oht50_bridge.protocol.base import Timestamp
from oht50_bridge.protocol.events import MissionType
from oht50_bridge.protocol.events import Position


class EndedMission(Model):
    """How the last mission ended; `reason` is empty for a success."""

    mission_id: Identifier
    status: Literal['success', 'failed', 'cancelled']
    reason: str


class MissionStateData(Model):
    """Data of `mission.state`.

    `phase` is none without a mission, and while the vehicle comes to rest after the end of
    one. `reason` is why a mission does not go on; empty where it does. `ended` is null where no
    mission ended since the start of the vehicle's software.
    """

    phase: Literal['none', 'executing', 'paused', 'held', 'docking']
    mission_id: Identifier | None
    mission_type: MissionType | None
    target_position: Position
    reason: str
    ended: EndedMission | None


class MissionState(Message):
    """What the mission does, and how the last one ended."""

    type: Literal['mission.state'] = 'mission.state'
    data: MissionStateData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'phase': 'held',
            'mission_id': 'mission-124',
            'mission_type': 'transport',
            'target_position': {'x': 1250.5, 'y': 0.0, 'z': 0.0},
            'reason': 'obstacle at 0.30 m',
            'ended': {
                'mission_id': 'mission-123',
                'status': 'failed',
                'reason': 'emergency stop: button',
            },
        },
    }


class LatchedStop(Model):
    """An emergency stop that is latched, why and by whom."""

    estop_id: Identifier
    trigger_type: Literal['hardware', 'software', 'remote']
    reason: str
    source: str
    time: Timestamp


class SafetyStateData(Model):
    """Data of `safety.state`.

    `stops` has the oldest stop first; of many the first and the newest, and `more_stops` is the
    number of the others. `reset_hindrances` are what forbids to clear now. The other three
    are empty where nothing forbids motion in that direction, or of the motor.
    """

    latched: bool
    stops: list[LatchedStop]
    more_stops: int
    reset_hindrances: list[str]
    forward_hindrance: str
    backward_hindrance: str
    motor_hindrance: str


class SafetyState(Message):
    """Whether the vehicle is stopped, and what forbids a reset and motion."""

    type: Literal['safety.state'] = 'safety.state'
    data: SafetyStateData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:05.020Z',
        'data': {
            'latched': True,
            'stops': [
                {
                    'estop_id': 'estop-0f3a5c7e9b1d',
                    'trigger_type': 'hardware',
                    'reason': 'the emergency stop button is pressed',
                    'source': 'estop_button',
                    'time': '2024-12-19T10:30:05.012Z',
                }
            ],
            'more_stops': 0,
            'reset_hindrances': ['the emergency stop button is pressed'],
            'forward_hindrance': 'emergency stop: the emergency stop button is pressed',
            'backward_hindrance': 'emergency stop: the emergency stop button is pressed',
            'motor_hindrance': 'the travel motor is stopped: estop',
        },
    }


class SystemAlarm(Model):
    """Something that needs a person.

    `gone` is null while it stands. `acknowledged_by` and `acknowledged_at` are null until somebody
    acknowledges it.
    """

    alarm_id: Identifier
    code: str
    name: str
    severity: Literal['P0', 'P1', 'P2', 'P3', 'P4']
    description: str
    source: str
    since: Timestamp
    gone: Timestamp | None
    count: int
    acknowledged_by: str | None
    acknowledged_at: Timestamp | None


class SystemAlarmsData(Model):
    """Data of `system.alarms`: the worst first, of equal ones the oldest first.

    `more_alarms` is the number of those that do not fit into the message.
    """

    alarms: list[SystemAlarm]
    more_alarms: int


class SystemAlarms(Message):
    """The alarms that stand, and those that are gone and not acknowledged."""

    type: Literal['system.alarms'] = 'system.alarms'
    data: SystemAlarmsData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:31:10Z',
        'data': {
            'alarms': [
                {
                    'alarm_id': 'alarm-5f0c9b1e44a2',
                    'code': 'NET-002',
                    'name': 'RS485 Communication Error',
                    'severity': 'P1',
                    'description': 'dock on sense/5: MOD-001 Communication timeout',
                    'source': 'dock',
                    'since': '2024-12-19T10:30:59Z',
                    'gone': None,
                    'count': 1,
                    'acknowledged_by': 'ann',
                    'acknowledged_at': '2024-12-19T10:31:10Z',
                }
            ],
            'more_alarms': 0,
        },
    }
