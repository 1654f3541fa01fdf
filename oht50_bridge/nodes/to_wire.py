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
"""ROS messages to events of the specification.

Units are converted here, in this direction, and nowhere else: ROS topics are SI (metres, joules,
ratios); the wire has mm, Wh and %. NaN stays NaN: the codec makes it null and counts it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point

from oht50_bridge import msg
from oht50_bridge import srv
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.protocol import events
from oht50_bridge.protocol import states
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.base import timestamp_from_nanoseconds
from oht50_bridge.protocol.catalogue import EVENTS

MILLIMETRES = 1000.0  # per metre
PERCENT = 100.0  # per 1
DIGITS = 6  # behind the point: what a multiplication adds behind them nobody measured
JOULES = 3600.0  # per watt-hour


def _mm(metres: float) -> float:
    return round(metres * MILLIMETRES, DIGITS)


def _percent(ratio: float) -> float:
    return round(ratio * PERCENT, DIGITS)


def to_wire(message: Any) -> Message:
    """Return the event of a ROS message.

    Raises:
        KeyError: the message's type is not that of an event.
        ValueError: a field holds what the specification does not allow.

    """
    return _BY_MESSAGE[type(message)](message)


def module_state(module: msg.ModuleState) -> dict[str, Any]:
    """Return what the reply to list_modules says of a module; times in s."""
    return {
        'module_id': module.module_id,
        'kind': module.kind,
        'profile': module.profile,
        'address': f'{module.line}/{module.unit_address}',
        'status': module.status,
        'firmware_version': module.firmware_version,
        'hardware_version': module.hardware_version,
        'last_seen': _moment(module.last_seen),
        'requests': module.requests,
        'replies': module.replies,
        'timeouts': module.timeouts,
        'crc_errors': module.crc_errors,
        'exceptions': module.exceptions,
        'response_time_mean': module.response_time_mean,
        'response_time_max': module.response_time_max,
        'error_code': module.error_code,
        'error_description': module.error_description,
    }


#: What is known of the vehicle of a recording: its events do not tell the rest.
RECORDED_VEHICLE: dict[str, Any] = {
    'mode': 'replay',
    'rail_length': None,
    'vehicle_length': None,
    'stations': None,
    'hoist': None,
}


def vehicle(response: srv.GetVehicle.Response) -> dict[str, Any]:
    """Return what the reply to get_vehicle says of the vehicle."""
    stations = zip(
        response.stations, response.station_positions, response.station_docks, strict=True
    )
    return {
        'mode': 'simulation' if response.simulated else 'live',
        'rail_length': _mm(response.track_length),
        'vehicle_length': _mm(response.vehicle_length) or None,
        'stations': [
            {'name': name, 'x': _mm(position), 'dock': dock} for name, position, dock in stations
        ],
        'hoist': response.hoist,
    }


def _timestamp(stamp: Time) -> str:
    return timestamp_from_nanoseconds(from_stamp(stamp))


def _moment(stamp: Time) -> str | None:
    """Return a time stamp, None for zero: it has not been yet."""
    return _timestamp(stamp) if stamp.sec or stamp.nanosec else None


def _literal(text: str) -> Any:
    """Return a text of a message for a field with a closed set of values; the model checks it."""
    return text


def _position(point: Point) -> events.Position:
    return events.Position(x=_mm(point.x), y=_mm(point.y), z=_mm(point.z))


def _system_status(message: msg.SystemStatus) -> events.SystemStatus:
    return events.SystemStatus(
        timestamp=_timestamp(message.header.stamp),
        data=events.SystemStatusData(
            status=_literal(message.status),
            state=_literal(message.state),
            uptime=message.uptime,
            version=message.version,
            health=events.Health(
                cpu=_percent(message.cpu),
                memory=_percent(message.memory),
                disk=_percent(message.disk),
                temperature=message.temperature,
            ),
        ),
    )


def _system_error(message: msg.SystemError) -> events.SystemErrorEvent:
    return events.SystemErrorEvent(
        timestamp=_timestamp(message.header.stamp),
        data=events.SystemErrorData(
            error_code=message.error_code,
            error_name=message.error_name,
            severity=_literal(message.severity),
            description=message.description,
            affected_services=list(message.affected_services),
        ),
    )


def _system_alarms(message: msg.SystemAlarms) -> states.SystemAlarms:
    return states.SystemAlarms(
        timestamp=_timestamp(message.header.stamp),
        data=states.SystemAlarmsData(
            alarms=[
                states.SystemAlarm(
                    alarm_id=alarm.alarm_id,
                    code=alarm.code,
                    name=alarm.name,
                    severity=_literal(alarm.severity),
                    description=alarm.description,
                    source=alarm.source,
                    since=_timestamp(alarm.since),
                    gone=_moment(alarm.gone),
                    count=alarm.count,
                    acknowledged_by=alarm.acknowledged_by or None,
                    acknowledged_at=_moment(alarm.acknowledged),
                )
                for alarm in message.alarms
            ],
            more_alarms=message.more_alarms,
        ),
    )


def _telemetry(message: msg.Telemetry) -> events.TelemetryRealtime:
    return events.TelemetryRealtime(
        timestamp=_timestamp(message.header.stamp),
        data=events.TelemetryRealtimeData(
            position=_position(message.position),
            velocity=events.Motion(
                linear=message.linear_velocity, angular=message.angular_velocity
            ),
            acceleration=events.Motion(
                linear=message.linear_acceleration, angular=message.angular_acceleration
            ),
            orientation=events.Orientation(
                roll=message.roll, pitch=message.pitch, yaw=message.yaw
            ),
            sensors=events.Sensors(
                battery=_percent(message.battery_percentage),
                temperature=message.temperature,
                humidity=_percent(message.humidity),
            ),
        ),
    )


def _telemetry_status(message: msg.TelemetryStatus) -> events.TelemetryStatus:
    return events.TelemetryStatus(
        timestamp=_timestamp(message.header.stamp),
        data=events.TelemetryStatusData(
            streaming=message.streaming,
            rate=message.rate,
            connected_clients=message.connected_clients,
            last_update=_moment(message.last_update),
        ),
    )


def _mission_started(message: msg.MissionStarted) -> events.MissionStarted:
    return events.MissionStarted(
        timestamp=_timestamp(message.header.stamp),
        data=events.MissionStartedData(
            mission_id=message.mission_id,
            mission_type=_literal(message.mission_type),
            start_position=_position(message.start_position),
            target_position=_position(message.target_position),
            estimated_duration=message.estimated_duration,
        ),
    )


def _mission_progress(message: msg.MissionProgress) -> events.MissionProgress:
    return events.MissionProgress(
        timestamp=_timestamp(message.header.stamp),
        data=events.MissionProgressData(
            mission_id=message.mission_id,
            progress=_percent(message.progress),
            current_position=_position(message.current_position),
            remaining_distance=_mm(message.remaining_distance),
            estimated_completion=_moment(message.estimated_completion),
        ),
    )


def _mission_completed(message: msg.MissionCompleted) -> events.MissionCompleted:
    return events.MissionCompleted(
        timestamp=_timestamp(message.header.stamp),
        data=events.MissionCompletedData(
            mission_id=message.mission_id,
            status=_literal(message.status),
            completion_time=message.completion_time,
            final_position=_position(message.final_position),
            summary=events.MissionSummary(
                distance_traveled=_mm(message.distance_traveled),
                energy_consumed=message.energy_consumed / JOULES,
                errors_encountered=message.errors_encountered,
            ),
        ),
    )


def _mission_state(message: msg.MissionState) -> states.MissionState:
    ended = None
    if message.ended_mission_id:
        ended = states.EndedMission(
            mission_id=message.ended_mission_id,
            status=_literal(message.ended_status),
            reason=message.ended_reason,
        )
    return states.MissionState(
        timestamp=_timestamp(message.header.stamp),
        data=states.MissionStateData(
            phase=_literal(message.phase),
            mission_id=message.mission_id or None,
            mission_type=_literal(message.mission_type) or None,
            target_position=_position(message.target_position),
            reason=message.reason,
            ended=ended,
        ),
    )


def _safety_zone_entered(message: msg.SafetyZoneEntered) -> events.SafetyZoneEntered:
    return events.SafetyZoneEntered(
        timestamp=_timestamp(message.header.stamp),
        data=events.SafetyZoneEnteredData(
            zone_id=message.zone_id,
            zone_type=_literal(message.zone_type),
            position=_position(message.position),
            action=_literal(message.action),
        ),
    )


def _safety_estop(message: msg.SafetyEstop) -> events.SafetyEstop:
    return events.SafetyEstop(
        timestamp=_timestamp(message.header.stamp),
        data=events.SafetyEstopData(
            estop_id=message.estop_id,
            trigger_type=_literal(message.trigger_type),
            position=_position(message.position),
            emergency_level=_literal(message.emergency_level),
            auto_recovery=message.auto_recovery,
        ),
    )


def _safety_clear(message: msg.SafetyClear) -> events.SafetyClear:
    return events.SafetyClear(
        timestamp=_timestamp(message.header.stamp),
        data=events.SafetyClearData(
            cleared_by=_literal(message.cleared_by),
            position=_position(message.position),
            next_action=_literal(message.next_action),
        ),
    )


def _safety_state(message: msg.SafetyState) -> states.SafetyState:
    return states.SafetyState(
        timestamp=_timestamp(message.header.stamp),
        data=states.SafetyStateData(
            latched=message.latched,
            stops=[
                states.LatchedStop(
                    estop_id=stop.estop_id,
                    trigger_type=_literal(stop.trigger_type),
                    reason=stop.reason,
                    source=stop.source,
                    time=_timestamp(stop.stamp),
                )
                for stop in message.stops
            ],
            more_stops=message.more_stops,
            reset_hindrances=list(message.reset_hindrances),
            forward_hindrance=message.forward_hindrance,
            backward_hindrance=message.backward_hindrance,
            motor_hindrance=message.motor_hindrance,
        ),
    )


def _config_updated(message: msg.ConfigUpdated) -> events.ConfigUpdated:
    return events.ConfigUpdated(
        timestamp=_timestamp(message.header.stamp),
        data=events.ConfigUpdatedData(
            config_id=message.config_id,
            version=message.version,
            updated_by=message.updated_by,
            changes={change.name: change.description for change in message.changes},
            status=_literal(message.status),
        ),
    )


def _config_rollback(message: msg.ConfigRollback) -> events.ConfigRollback:
    return events.ConfigRollback(
        timestamp=_timestamp(message.header.stamp),
        data=events.ConfigRollbackData(
            from_version=message.from_version,
            to_version=message.to_version,
            reason=_literal(message.reason),
            rolled_back_by=_literal(message.rolled_back_by),
            status=_literal(message.status),
        ),
    )


def _module_discovered(message: msg.ModuleDiscovered) -> events.ModuleDiscovered:
    return events.ModuleDiscovered(
        timestamp=_timestamp(message.header.stamp),
        data=events.ModuleDiscoveredData(
            module_id=message.module_id,
            module_type=_literal(message.module_type),
            address=message.address,
            firmware_version=message.firmware_version,
            status=_literal(message.status),
        ),
    )


def _module_status_change(message: msg.ModuleStatusChange) -> events.ModuleStatusChange:
    return events.ModuleStatusChange(
        timestamp=_timestamp(message.header.stamp),
        data=events.ModuleStatusChangeData(
            module_id=message.module_id,
            old_status=_literal(message.old_status),
            new_status=_literal(message.new_status),
            error_code=message.error_code,
            error_description=message.error_description,
        ),
    )


#: Of each type of event its ROS message and how that is read.
TRANSLATIONS: dict[str, tuple[type, Callable[[Any], Message]]] = {
    'system.status': (msg.SystemStatus, _system_status),
    'system.error': (msg.SystemError, _system_error),
    'system.alarms': (msg.SystemAlarms, _system_alarms),
    'telemetry.realtime': (msg.Telemetry, _telemetry),
    'telemetry.status': (msg.TelemetryStatus, _telemetry_status),
    'mission.started': (msg.MissionStarted, _mission_started),
    'mission.progress': (msg.MissionProgress, _mission_progress),
    'mission.completed': (msg.MissionCompleted, _mission_completed),
    'mission.state': (msg.MissionState, _mission_state),
    'safety.zone_entered': (msg.SafetyZoneEntered, _safety_zone_entered),
    'safety.estop': (msg.SafetyEstop, _safety_estop),
    'safety.clear': (msg.SafetyClear, _safety_clear),
    'safety.state': (msg.SafetyState, _safety_state),
    'config.updated': (msg.ConfigUpdated, _config_updated),
    'config.rollback': (msg.ConfigRollback, _config_rollback),
    'module.discovered': (msg.ModuleDiscovered, _module_discovered),
    'module.status_change': (msg.ModuleStatusChange, _module_status_change),
}
_BY_MESSAGE = dict(TRANSLATIONS.values())

if TRANSLATIONS.keys() != EVENTS.keys():
    raise AssertionError('each event needs its translation')
