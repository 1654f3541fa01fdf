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
"""The types of the events, as they come: dictionaries.

Made from oht50_bridge/protocol by tools/write_client_types.py; change nothing here.
"""

from __future__ import annotations

from typing import Literal
from typing import TypedDict


class SomeEvent(TypedDict, total=False):
    """What only some events have: the number of one that can be resumed."""

    seq: int


class HealthDict(TypedDict):
    """Load of the vehicle's computer."""

    cpu: float | None
    memory: float | None
    disk: float | None
    temperature: float | None


class SystemStatusDataDict(TypedDict):
    """Data of `system.status`."""

    status: Literal['idle', 'moving', 'docking', 'fault', 'estop']
    state: Literal['ready', 'busy', 'error', 'maintenance']
    uptime: float
    version: str
    health: HealthDict


class SystemStatusDict(SomeEvent):
    """Status of the vehicle."""

    type: Literal['system.status']
    timestamp: str
    data: SystemStatusDataDict


class SystemErrorDataDict(TypedDict):
    """Data of `system.error`."""

    error_code: str
    error_name: str
    severity: Literal['P0', 'P1', 'P2', 'P3', 'P4']
    description: str
    affected_services: list[str]


class SystemErrorEventDict(SomeEvent):
    """An error of the vehicle's software or hardware."""

    type: Literal['system.error']
    timestamp: str
    data: SystemErrorDataDict


class SystemAlarmDict(TypedDict):
    """Something that needs a person."""

    alarm_id: str
    code: str
    name: str
    severity: Literal['P0', 'P1', 'P2', 'P3', 'P4']
    description: str
    source: str
    since: str
    gone: str | None
    count: int
    acknowledged_by: str | None
    acknowledged_at: str | None


class SystemAlarmsDataDict(TypedDict):
    """Data of `system.alarms`: the worst first, of equal ones the oldest first."""

    alarms: list[SystemAlarmDict]
    more_alarms: int


class SystemAlarmsDict(SomeEvent):
    """The alarms that stand, and those that are gone and not acknowledged."""

    type: Literal['system.alarms']
    timestamp: str
    data: SystemAlarmsDataDict


class PositionDict(TypedDict):
    """A position in the frame of the rail."""

    x: float | None
    y: float | None
    z: float | None


class MotionDict(TypedDict):
    """A linear and an angular rate, in the units of the field that holds it."""

    linear: float | None
    angular: float | None


class OrientationDict(TypedDict):
    """Attitude."""

    roll: float | None
    pitch: float | None
    yaw: float | None


class SensorsDict(TypedDict):
    """Measurements other than those of motion."""

    battery: float | None
    temperature: float | None
    humidity: float | None


class TelemetryRealtimeDataDict(TypedDict):
    """Data of `telemetry.realtime`."""

    position: PositionDict
    velocity: MotionDict
    acceleration: MotionDict
    orientation: OrientationDict
    sensors: SensorsDict


class TelemetryRealtimeDict(SomeEvent):
    """Real-time estimate of the vehicle's state."""

    type: Literal['telemetry.realtime']
    timestamp: str
    data: TelemetryRealtimeDataDict


class TelemetryStatusDataDict(TypedDict):
    """Data of `telemetry.status`; `last_update` is null before the first sample."""

    streaming: bool
    rate: float
    connected_clients: int
    last_update: str | None


class TelemetryStatusDict(SomeEvent):
    """State of the telemetry stream."""

    type: Literal['telemetry.status']
    timestamp: str
    data: TelemetryStatusDataDict


class MissionStartedDataDict(TypedDict):
    """Data of `mission.started`."""

    mission_id: str
    mission_type: Literal['transport', 'inspection', 'maintenance']
    start_position: PositionDict
    target_position: PositionDict
    estimated_duration: float | None


class MissionStartedDict(SomeEvent):
    """A mission started."""

    type: Literal['mission.started']
    timestamp: str
    data: MissionStartedDataDict


class MissionProgressDataDict(TypedDict):
    """Data of `mission.progress`; `estimated_completion` is null where it is unknown."""

    mission_id: str
    progress: float | None
    current_position: PositionDict
    remaining_distance: float | None
    estimated_completion: str | None


class MissionProgressDict(SomeEvent):
    """Progress of the active mission."""

    type: Literal['mission.progress']
    timestamp: str
    data: MissionProgressDataDict


class MissionSummaryDict(TypedDict):
    """Distance, energy and errors of a mission."""

    distance_traveled: float | None
    energy_consumed: float | None
    errors_encountered: int


class MissionCompletedDataDict(TypedDict):
    """Data of `mission.completed`."""

    mission_id: str
    status: Literal['success', 'failed', 'cancelled']
    completion_time: float | None
    final_position: PositionDict
    summary: MissionSummaryDict


class MissionCompletedDict(SomeEvent):
    """A mission ended."""

    type: Literal['mission.completed']
    timestamp: str
    data: MissionCompletedDataDict


class EndedMissionDict(TypedDict):
    """How the last mission ended; `reason` is empty for a success."""

    mission_id: str
    status: Literal['success', 'failed', 'cancelled']
    reason: str


class MissionStateDataDict(TypedDict):
    """Data of `mission.state`."""

    phase: Literal['none', 'executing', 'paused', 'held', 'docking']
    mission_id: str | None
    mission_type: Literal['transport', 'inspection', 'maintenance'] | None
    target_position: PositionDict
    reason: str
    ended: EndedMissionDict | None


class MissionStateDict(SomeEvent):
    """What the mission does, and how the last one ended."""

    type: Literal['mission.state']
    timestamp: str
    data: MissionStateDataDict


class SafetyZoneEnteredDataDict(TypedDict):
    """Data of `safety.zone_entered`."""

    zone_id: str
    zone_type: Literal['restricted', 'warning', 'safe']
    position: PositionDict
    action: Literal['slow_down', 'stop', 'alert']


class SafetyZoneEnteredDict(SomeEvent):
    """The vehicle entered a zone."""

    type: Literal['safety.zone_entered']
    timestamp: str
    data: SafetyZoneEnteredDataDict


class SafetyEstopDataDict(TypedDict):
    """Data of `safety.estop`."""

    estop_id: str
    trigger_type: Literal['hardware', 'software', 'remote']
    position: PositionDict
    emergency_level: Literal['critical', 'warning']
    auto_recovery: bool


class SafetyEstopDict(SomeEvent):
    """The emergency stop was triggered."""

    type: Literal['safety.estop']
    timestamp: str
    data: SafetyEstopDataDict


class SafetyClearDataDict(TypedDict):
    """Data of `safety.clear`."""

    cleared_by: Literal['operator', 'system', 'auto']
    position: PositionDict
    next_action: Literal['resume', 'return_home', 'manual_control']


class SafetyClearDict(SomeEvent):
    """The emergency stop was cleared."""

    type: Literal['safety.clear']
    timestamp: str
    data: SafetyClearDataDict


class LatchedStopDict(TypedDict):
    """An emergency stop that is latched, why and by whom."""

    estop_id: str
    trigger_type: Literal['hardware', 'software', 'remote']
    reason: str
    source: str
    time: str


class SafetyStateDataDict(TypedDict):
    """Data of `safety.state`."""

    latched: bool
    stops: list[LatchedStopDict]
    more_stops: int
    reset_hindrances: list[str]
    forward_hindrance: str
    backward_hindrance: str
    motor_hindrance: str


class SafetyStateDict(SomeEvent):
    """Whether the vehicle is stopped, and what forbids a reset and motion."""

    type: Literal['safety.state']
    timestamp: str
    data: SafetyStateDataDict


class ConfigUpdatedDataDict(TypedDict):
    """Data of `config.updated`; `changes` maps a name to a description of its change."""

    config_id: str
    version: str
    updated_by: str
    changes: dict[str, str]
    status: Literal['applied', 'pending', 'failed']


class ConfigUpdatedDict(SomeEvent):
    """The configuration changed."""

    type: Literal['config.updated']
    timestamp: str
    data: ConfigUpdatedDataDict


class ConfigRollbackDataDict(TypedDict):
    """Data of `config.rollback`."""

    from_version: str
    to_version: str
    reason: Literal['performance_issue', 'safety_concern']
    rolled_back_by: Literal['system', 'operator']
    status: Literal['completed', 'failed']


class ConfigRollbackDict(SomeEvent):
    """An earlier version of the configuration was restored."""

    type: Literal['config.rollback']
    timestamp: str
    data: ConfigRollbackDataDict


class ModuleDiscoveredDataDict(TypedDict):
    """Data of `module.discovered`."""

    module_id: str
    module_type: Literal['motor', 'sensor', 'actuator']
    address: str
    firmware_version: str
    status: Literal['online', 'offline', 'error']


class ModuleDiscoveredDict(SomeEvent):
    """A board responded for the first time."""

    type: Literal['module.discovered']
    timestamp: str
    data: ModuleDiscoveredDataDict


class ModuleStatusChangeDataDict(TypedDict):
    """Data of `module.status_change`; the error fields are empty without an error."""

    module_id: str
    old_status: Literal['online', 'offline', 'error']
    new_status: Literal['online', 'offline', 'error']
    error_code: str
    error_description: str


class ModuleStatusChangeDict(SomeEvent):
    """The status of a board changed."""

    type: Literal['module.status_change']
    timestamp: str
    data: ModuleStatusChangeDataDict


Event = (
    SystemStatusDict
    | SystemErrorEventDict
    | SystemAlarmsDict
    | TelemetryRealtimeDict
    | TelemetryStatusDict
    | MissionStartedDict
    | MissionProgressDict
    | MissionCompletedDict
    | MissionStateDict
    | SafetyZoneEnteredDict
    | SafetyEstopDict
    | SafetyClearDict
    | SafetyStateDict
    | ConfigUpdatedDict
    | ConfigRollbackDict
    | ModuleDiscoveredDict
    | ModuleStatusChangeDict
)
