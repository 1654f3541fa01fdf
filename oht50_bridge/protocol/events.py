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
    """A place in the frame of the rail."""

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
    """Status of the whole vehicle."""

    type: Literal['system.status'] = 'system.status'
    data: SystemStatusData


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
    """What the vehicle measures beside its motion."""

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


class TelemetryStatusData(Model):
    """Data of `telemetry.status`; `last_update` is None before the first sample."""

    streaming: bool
    rate: Annotated[Known, in_unit('Hz')]
    connected_clients: int
    last_update: Timestamp | None


class TelemetryStatus(Message):
    """State of the telemetry stream."""

    type: Literal['telemetry.status'] = 'telemetry.status'
    data: TelemetryStatusData


class MissionStartedData(Model):
    """Data of `mission.started`."""

    mission_id: Identifier
    mission_type: MissionType
    start_position: Position
    target_position: Position
    estimated_duration: Seconds


class MissionStarted(Message):
    """A mission began to execute."""

    type: Literal['mission.started'] = 'mission.started'
    data: MissionStartedData


class MissionProgressData(Model):
    """Data of `mission.progress`; `estimated_completion` is None where no plan tells it."""

    mission_id: Identifier
    progress: Percent
    current_position: Position
    remaining_distance: Millimetres
    estimated_completion: Timestamp | None


class MissionProgress(Message):
    """How far the active mission has come."""

    type: Literal['mission.progress'] = 'mission.progress'
    data: MissionProgressData


class MissionSummary(Model):
    """What a mission took."""

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


class SafetyClearData(Model):
    """Data of `safety.clear`."""

    cleared_by: Literal['operator', 'system', 'auto']
    position: Position
    next_action: NextAction


class SafetyClear(Message):
    """The emergency stop was cleared."""

    type: Literal['safety.clear'] = 'safety.clear'
    data: SafetyClearData


class ConfigUpdatedData(Model):
    """Data of `config.updated`; `changes` maps a name to what a person reads."""

    config_id: str
    version: str
    updated_by: str
    changes: dict[str, str]
    status: Literal['applied', 'pending', 'failed']


class ConfigUpdated(Message):
    """The configuration changed."""

    type: Literal['config.updated'] = 'config.updated'
    data: ConfigUpdatedData


class ConfigRollbackData(Model):
    """Data of `config.rollback`."""

    from_version: str
    to_version: str
    reason: RollbackReason
    rolled_back_by: Literal['system', 'operator']
    status: Literal['completed', 'failed']


class ConfigRollback(Message):
    """The configuration went back to an earlier one."""

    type: Literal['config.rollback'] = 'config.rollback'
    data: ConfigRollbackData


class ModuleDiscoveredData(Model):
    """Data of `module.discovered`."""

    module_id: str
    module_type: Literal['motor', 'sensor', 'actuator']
    address: str
    firmware_version: str
    status: ModuleStatus


class ModuleDiscovered(Message):
    """A board answered for the first time."""

    type: Literal['module.discovered'] = 'module.discovered'
    data: ModuleDiscoveredData


class ModuleStatusChangeData(Model):
    """Data of `module.status_change`; the error fields are empty when the module is well."""

    module_id: str
    old_status: ModuleStatus
    new_status: ModuleStatus
    error_code: str
    error_description: str


class ModuleStatusChange(Message):
    """A board was lost, found or found faulty."""

    type: Literal['module.status_change'] = 'module.status_change'
    data: ModuleStatusChangeData


Event = (
    SystemStatus | SystemErrorEvent | TelemetryRealtime | TelemetryStatus | MissionStarted
    | MissionProgress | MissionCompleted | SafetyZoneEntered | SafetyEstop | SafetyClear
    | ConfigUpdated | ConfigRollback | ModuleDiscovered | ModuleStatusChange)
