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
"""The fourteen events of the specification, section 2."""

from __future__ import annotations

from typing import Annotated
from typing import Any
from typing import ClassVar
from typing import Literal

from oht50_bridge.protocol.base import Identifier
from oht50_bridge.protocol.base import Known
from oht50_bridge.protocol.base import Measured
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.base import Model
from oht50_bridge.protocol.base import Timestamp
from oht50_bridge.protocol.base import in_unit

MissionType = Literal['transport', 'inspection', 'maintenance']
NextAction = Literal['resume', 'return_home', 'manual_control']
RollbackReason = Literal['performance_issue', 'safety_concern']
ModuleStatus = Literal['online', 'offline', 'error']

Millimetres = Annotated[Measured, in_unit('mm')]
Radians = Annotated[Measured, in_unit('rad')]
Percent = Annotated[Measured, in_unit('%')]
Celsius = Annotated[Measured, in_unit('degC')]
Seconds = Annotated[Measured, in_unit('s')]
WattHours = Annotated[Measured, in_unit('Wh')]


class Position(Model):
    """A position in the frame of the rail."""

    x: Millimetres
    y: Millimetres
    z: Millimetres


class Health(Model):
    """Load of the vehicle's computer."""

    cpu: Percent
    memory: Percent
    disk: Percent
    temperature: Celsius


class SystemStatusData(Model):
    """Data of `system.status`."""

    status: Literal['idle', 'moving', 'docking', 'fault', 'estop']
    state: Literal['ready', 'busy', 'error', 'maintenance']
    uptime: Annotated[Known, in_unit('s')]
    version: str
    health: Health


class SystemStatus(Message):
    """Status of the vehicle."""

    type: Literal['system.status'] = 'system.status'
    data: SystemStatusData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'status': 'idle',
            'state': 'ready',
            'uptime': 86400,
            'version': '1.2.3',
            'health': {'cpu': 45.2, 'memory': 67.8, 'disk': 23.1, 'temperature': 42.5},
        },
    }


class SystemErrorData(Model):
    """Data of `system.error`."""

    error_code: str
    error_name: str
    severity: Literal['P0', 'P1', 'P2', 'P3', 'P4']
    description: str
    affected_services: list[str]


class SystemErrorEvent(Message):
    """An error of the vehicle's software or hardware."""

    type: Literal['system.error'] = 'system.error'
    data: SystemErrorData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'error_code': 'SYS-001',
            'error_name': 'Database Connection Failed',
            'severity': 'P0',
            'description': 'Cannot connect to database',
            'affected_services': ['api', 'telemetry'],
        },
    }


class Motion(Model):
    """A linear and an angular rate, in the units of the field that holds it."""

    linear: Measured
    angular: Measured


class Orientation(Model):
    """Attitude."""

    roll: Radians
    pitch: Radians
    yaw: Radians


class Sensors(Model):
    """Measurements other than those of motion."""

    battery: Percent
    temperature: Celsius
    humidity: Percent


class TelemetryRealtimeData(Model):
    """Data of `telemetry.realtime`."""

    position: Position
    velocity: Annotated[Motion, in_unit('m/s, rad/s')]
    acceleration: Annotated[Motion, in_unit('m/s^2, rad/s^2')]
    orientation: Orientation
    sensors: Sensors


class TelemetryRealtime(Message):
    """Real-time estimate of the vehicle's state."""

    type: Literal['telemetry.realtime'] = 'telemetry.realtime'
    data: TelemetryRealtimeData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'position': {'x': 1250.5, 'y': 0.0, 'z': 0.0},
            'velocity': {'linear': 0.8, 'angular': 0.0},
            'acceleration': {'linear': 0.2, 'angular': 0.0},
            'orientation': {'roll': 0.0, 'pitch': 0.0, 'yaw': 0.0},
            'sensors': {'battery': 85.2, 'temperature': 42.5, 'humidity': 45.8},
        },
    }


class TelemetryStatusData(Model):
    """Data of `telemetry.status`; `last_update` is null before the first sample."""

    streaming: bool
    rate: Annotated[Known, in_unit('Hz')]
    connected_clients: int
    last_update: Timestamp | None


class TelemetryStatus(Message):
    """State of the telemetry stream."""

    type: Literal['telemetry.status'] = 'telemetry.status'
    data: TelemetryStatusData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'streaming': True,
            'rate': 10,
            'connected_clients': 3,
            'last_update': '2024-12-19T10:29:59Z',
        },
    }


class MissionStartedData(Model):
    """Data of `mission.started`."""

    mission_id: Identifier
    mission_type: MissionType
    start_position: Position
    target_position: Position
    estimated_duration: Seconds


class MissionStarted(Message):
    """A mission started."""

    type: Literal['mission.started'] = 'mission.started'
    data: MissionStartedData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'mission_id': 'mission-123',
            'mission_type': 'transport',
            'start_position': {'x': 0.0, 'y': 0.0, 'z': 0.0},
            'target_position': {'x': 1250.5, 'y': 0.0, 'z': 0.0},
            'estimated_duration': 180,
        },
    }


class MissionProgressData(Model):
    """Data of `mission.progress`; `estimated_completion` is null where it is unknown."""

    mission_id: Identifier
    progress: Percent
    current_position: Position
    remaining_distance: Millimetres
    estimated_completion: Timestamp | None


class MissionProgress(Message):
    """Progress of the active mission."""

    type: Literal['mission.progress'] = 'mission.progress'
    data: MissionProgressData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'mission_id': 'mission-123',
            'progress': 65.5,
            'current_position': {'x': 820.3, 'y': 0.0, 'z': 0.0},
            'remaining_distance': 430.2,
            'estimated_completion': '2024-12-19T10:33:00Z',
        },
    }


class MissionSummary(Model):
    """Distance, energy and errors of a mission."""

    distance_traveled: Millimetres
    energy_consumed: WattHours
    errors_encountered: int


class MissionCompletedData(Model):
    """Data of `mission.completed`."""

    mission_id: Identifier
    status: Literal['success', 'failed', 'cancelled']
    completion_time: Seconds
    final_position: Position
    summary: MissionSummary


class MissionCompleted(Message):
    """A mission ended."""

    type: Literal['mission.completed'] = 'mission.completed'
    data: MissionCompletedData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:33:00Z',
        'data': {
            'mission_id': 'mission-123',
            'status': 'success',
            'completion_time': 180,
            'final_position': {'x': 1250.5, 'y': 0.0, 'z': 0.0},
            'summary': {
                'distance_traveled': 1250.5,
                'energy_consumed': 2.3,
                'errors_encountered': 0,
            },
        },
    }


class SafetyZoneEnteredData(Model):
    """Data of `safety.zone_entered`."""

    zone_id: str
    zone_type: Literal['restricted', 'warning', 'safe']
    position: Position
    action: Literal['slow_down', 'stop', 'alert']


class SafetyZoneEntered(Message):
    """The vehicle entered a zone."""

    type: Literal['safety.zone_entered'] = 'safety.zone_entered'
    data: SafetyZoneEnteredData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'zone_id': 'zone-001',
            'zone_type': 'restricted',
            'position': {'x': 820.3, 'y': 0.0, 'z': 0.0},
            'action': 'slow_down',
        },
    }


class SafetyEstopData(Model):
    """Data of `safety.estop`."""

    estop_id: str
    trigger_type: Literal['hardware', 'software', 'remote']
    position: Position
    emergency_level: Literal['critical', 'warning']
    auto_recovery: bool


class SafetyEstop(Message):
    """The emergency stop was triggered."""

    type: Literal['safety.estop'] = 'safety.estop'
    data: SafetyEstopData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'estop_id': 'estop-001',
            'trigger_type': 'hardware',
            'position': {'x': 820.3, 'y': 0.0, 'z': 0.0},
            'emergency_level': 'critical',
            'auto_recovery': False,
        },
    }


class SafetyClearData(Model):
    """Data of `safety.clear`."""

    cleared_by: Literal['operator', 'system', 'auto']
    position: Position
    next_action: NextAction


class SafetyClear(Message):
    """The emergency stop was cleared."""

    type: Literal['safety.clear'] = 'safety.clear'
    data: SafetyClearData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'cleared_by': 'operator',
            'position': {'x': 820.3, 'y': 0.0, 'z': 0.0},
            'next_action': 'resume',
        },
    }


class ConfigUpdatedData(Model):
    """Data of `config.updated`; `changes` maps a name to a description of its change."""

    config_id: str
    version: str
    updated_by: str
    changes: dict[str, str]
    status: Literal['applied', 'pending', 'failed']


class ConfigUpdated(Message):
    """The configuration changed."""

    type: Literal['config.updated'] = 'config.updated'
    data: ConfigUpdatedData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'config_id': 'config-123',
            'version': '1.2.3',
            'updated_by': 'operator@example.com',
            'changes': {'max_velocity': '1.5 -> 2.0', 'safety_zones': 'added zone-001'},
            'status': 'applied',
        },
    }


class ConfigRollbackData(Model):
    """Data of `config.rollback`."""

    from_version: str
    to_version: str
    reason: RollbackReason
    rolled_back_by: Literal['system', 'operator']
    status: Literal['completed', 'failed']


class ConfigRollback(Message):
    """An earlier version of the configuration was restored."""

    type: Literal['config.rollback'] = 'config.rollback'
    data: ConfigRollbackData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'from_version': '1.2.3',
            'to_version': '1.2.2',
            'reason': 'performance_issue',
            'rolled_back_by': 'system',
            'status': 'completed',
        },
    }


class ModuleDiscoveredData(Model):
    """Data of `module.discovered`."""

    module_id: str
    module_type: Literal['motor', 'sensor', 'actuator']
    address: str
    firmware_version: str
    status: ModuleStatus


class ModuleDiscovered(Message):
    """A board responded for the first time."""

    type: Literal['module.discovered'] = 'module.discovered'
    data: ModuleDiscoveredData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'module_id': 'module-001',
            'module_type': 'motor',
            'address': '192.168.1.100',
            'firmware_version': '2.1.0',
            'status': 'online',
        },
    }


class ModuleStatusChangeData(Model):
    """Data of `module.status_change`; the error fields are empty without an error."""

    module_id: str
    old_status: ModuleStatus
    new_status: ModuleStatus
    error_code: str
    error_description: str


class ModuleStatusChange(Message):
    """The status of a board changed."""

    type: Literal['module.status_change'] = 'module.status_change'
    data: ModuleStatusChangeData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'module_id': 'module-001',
            'old_status': 'online',
            'new_status': 'error',
            'error_code': 'MOD-001',
            'error_description': 'Communication timeout',
        },
    }


Event = (
    SystemStatus
    | SystemErrorEvent
    | TelemetryRealtime
    | TelemetryStatus
    | MissionStarted
    | MissionProgress
    | MissionCompleted
    | SafetyZoneEntered
    | SafetyEstop
    | SafetyClear
    | ConfigUpdated
    | ConfigRollback
    | ModuleDiscovered
    | ModuleStatusChange
)
