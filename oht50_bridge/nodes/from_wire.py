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
"""Commands of WebSocket clients to service requests, and the responses back to replies.

Units are converted here, in this direction, and nowhere else: the wire has mm, ROS services have
metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import Point

from oht50_bridge import srv
from oht50_bridge.nodes import to_wire
from oht50_bridge.nodes.parameter_values import from_parameters
from oht50_bridge.nodes.parameter_values import to_parameters
from oht50_bridge.protocol import commands

MILLIMETRES = to_wire.MILLIMETRES


@dataclass(frozen=True)
class ServiceCall:
    """How a command is done.

    Attributes:
        service: its type.
        name: its name, relative to the vehicle's namespace.
        request: makes the request of the command and the subject of its sender.
        data: makes what the reply adds to `accepted` and `message`, of the response.

    """

    service: type
    name: str
    request: Callable[[Any, str], Any]
    data: Callable[[Any], dict[str, Any]]


def _start_mission(command: commands.StartMission, source: str) -> srv.StartMission.Request:
    request = srv.StartMission.Request(
        mission_id=command.mission_id or '',
        mission_type=command.mission_type,
        station=command.station or '',
        payload=command.payload_kg or 0.0,
        source=source,
    )
    if command.target_position is not None:
        request.target_position = Point(
            x=command.target_position.x / MILLIMETRES,
            y=command.target_position.y / MILLIMETRES,
            z=command.target_position.z / MILLIMETRES,
        )
    return request


def _control_mission(action: int) -> ServiceCall:
    return ServiceCall(
        srv.ControlMission,
        'control_mission',
        lambda command, source: srv.ControlMission.Request(
            action=action, mission_id=command.mission_id or '', source=source
        ),
        lambda response: {'mission_id': response.mission_id},
    )


SERVICE_CALLS: dict[type[commands.Command], ServiceCall] = {
    commands.SetTelemetryRate: ServiceCall(
        srv.SetTelemetryRate,
        'set_telemetry_rate',
        lambda command, source: srv.SetTelemetryRate.Request(rate=command.rate),
        lambda response: {'rate': response.rate},
    ),
    commands.GetSystemStatus: ServiceCall(
        srv.GetSystemStatus,
        'get_system_status',
        lambda command, source: srv.GetSystemStatus.Request(),
        lambda response: {},
    ),
    commands.EmergencyStop: ServiceCall(
        srv.EmergencyStop,
        'emergency_stop',
        lambda command, source: srv.EmergencyStop.Request(
            reason=command.reason, trigger_type='remote', source=source
        ),
        lambda response: {'estop_id': response.estop_id},
    ),
    commands.ClearEstop: ServiceCall(
        srv.ClearEstop,
        'clear_estop',
        lambda command, source: srv.ClearEstop.Request(
            estop_id=command.estop_id or '', source=source, next_action=command.next_action or ''
        ),
        lambda response: {'estop_id': response.estop_id} if response.estop_id else {},
    ),
    commands.SetMaintenance: ServiceCall(
        srv.SetMaintenance,
        'set_maintenance',
        lambda command, source: srv.SetMaintenance.Request(
            active=command.active, override_others=command.override, source=source
        ),
        lambda response: {'owners': list(response.owners)},
    ),
    commands.AcknowledgeAlarm: ServiceCall(
        srv.AcknowledgeAlarm,
        'acknowledge_alarm',
        lambda command, source: srv.AcknowledgeAlarm.Request(
            alarm_id=command.alarm_id, source=source
        ),
        lambda response: {},
    ),
    commands.StartMission: ServiceCall(
        srv.StartMission,
        'start_mission',
        _start_mission,
        lambda response: {
            'mission_id': response.mission_id,
            'estimated_duration': response.estimated_duration,
        },
    ),
    commands.PauseMission: _control_mission(srv.ControlMission.Request.ACTION_PAUSE),
    commands.ResumeMission: _control_mission(srv.ControlMission.Request.ACTION_RESUME),
    commands.CancelMission: _control_mission(srv.ControlMission.Request.ACTION_CANCEL),
    commands.UpdateConfig: ServiceCall(
        srv.UpdateConfig,
        'update_config',
        lambda command, source: srv.UpdateConfig.Request(
            changes=to_parameters(command.changes), source=source
        ),
        lambda response: {'version': response.version},
    ),
    commands.RollbackConfig: ServiceCall(
        srv.RollbackConfig,
        'rollback_config',
        lambda command, source: srv.RollbackConfig.Request(
            to_version=command.to_version, reason=command.reason, source=source
        ),
        lambda response: {'version': response.version},
    ),
    commands.GetVehicle: ServiceCall(
        srv.GetVehicle,
        'get_vehicle',
        lambda command, source: srv.GetVehicle.Request(),
        to_wire.vehicle,
    ),
    commands.GetConfig: ServiceCall(
        srv.GetConfig,
        'get_config',
        lambda command, source: srv.GetConfig.Request(),
        lambda response: {'version': response.version, 'config': from_parameters(response.config)},
    ),
    commands.ListModules: ServiceCall(
        srv.ListModules,
        'list_modules',
        lambda command, source: srv.ListModules.Request(),
        lambda response: {'modules': [to_wire.module_state(m) for m in response.modules]},
    ),
    commands.ScanModules: ServiceCall(
        srv.ScanModules,
        'scan_modules',
        lambda command, source: srv.ScanModules.Request(),
        lambda response: {},
    ),
}
