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
"""Owns the vehicle's state; publishes status, errors, diagnostics and what rviz shows."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping

import psutil
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from rclpy.node import Node

from oht50_bridge.msg import BridgeStatus
from oht50_bridge.msg import ConfigUpdated
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SystemError as SystemErrorMessage
from oht50_bridge.msg import SystemStatus
from oht50_bridge.msg import Telemetry
from oht50_bridge.msg import TelemetryStatus
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.markers import Scene
from oht50_bridge.nodes.markers import markers
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import header
from oht50_bridge.srv import GetSystemStatus
from oht50_bridge.vehicle.errors import BATTERY_THRESHOLDS
from oht50_bridge.vehicle.errors import CATALOGUE
from oht50_bridge.vehicle.errors import HOST_THRESHOLDS
from oht50_bridge.vehicle.errors import Alarm
from oht50_bridge.vehicle.errors import Error
from oht50_bridge.vehicle.errors import ThresholdAlarm
from oht50_bridge.vehicle.errors import module_error
from oht50_bridge.vehicle.estop import UNREADABLE
from oht50_bridge.vehicle.status import Situation
from oht50_bridge.vehicle.status import StateMachine
from oht50_bridge.version import VERSION

# Sensors of the processor by the names that Linux drivers give them, in the order of preference.
PROCESSOR_SENSORS = ('coretemp', 'k10temp', 'cpu_thermal', 'soc_thermal', 'bigcore0_thermal')
# Without news of the boards for this long, nobody knows how they are.
MODULES_LIFETIME = 3.0  # s
# Without a heartbeat for this long, safety_node is gone. The motor stopped long before.
HEARTBEAT_LIFETIME = 2.0  # s
STATUS_LIFETIME = 3.0  # s, of what a node publishes at 1 Hz
SPEED_LIFETIME = 12.0  # s, of the slowest telemetry that can be set
CHECK_PERIOD = 1.0  # s
# What it means that a node that was heard of is silent.
SILENCE = {
    'hardware_node': ('SYS-004', 'the vehicle does not move until it is back'),
    'safety_node': ('SYS-004', 'the vehicle does not move until it is back'),
    'telemetry_node': ('APP-004', 'position and battery are not told until it is back'),
    'bridge_node': ('APP-005', 'no client can connect until it is back'),
}
# What it means that nobody publishes a topic.
ABSENCE = {
    'mission_node': (topics.MISSION_STATE, 'SYS-004', 'no mission can be started'),
    'config_node': (
        topics.CONFIG_UPDATED,
        'SYS-005',
        'the configuration cannot be loaded; see '
        'its log. The vehicle does not move after a start of safety_node',
    ),
}
ABSENCE_HOLD = 5.0  # s, for the nodes of a vehicle to find one another


class SystemNode(Node):
    """The vehicle's state at 1 Hz, at each change of it, and on request."""

    def __init__(self):
        super().__init__('system_node')
        rate = declare(self, 'rate', 1.0, 'Rate of the status, Hz', minimum=0.1, maximum=10.0)
        self._frame = declare(self, 'map_frame', 'map', 'Frame of positions')
        self._scene = Scene(
            track_length=declare(
                self, 'track_length', 50.0, 'Length of the rail, m', minimum=1.0, maximum=1500.0
            ),
            stations=self._declare_stations(),
            base_frame=declare(self, 'base_frame', 'base_link', 'Frame of the vehicle'),
        )
        self._state_directory = state_directory(self)
        self._started = time.monotonic()
        self._machine = StateMachine()
        self._modules = Newest(MODULES_LIFETIME)
        self._heartbeat = Newest(HEARTBEAT_LIFETIME)
        self._power = Newest(MODULES_LIFETIME)
        self._telemetry_status = Newest(STATUS_LIFETIME)
        self._bridge = Newest(STATUS_LIFETIME)
        self._heard = {
            'hardware_node': self._modules,
            'safety_node': self._heartbeat,
            'telemetry_node': self._telemetry_status,
            'bridge_node': self._bridge,
        }
        self._known: set[str] = set()  # nodes that were heard of since the start
        self._estop = EstopState()
        self._mission = MissionState()
        self._speed = Newest(SPEED_LIFETIME)  # m/s
        self._located = False  # its frame is known
        self._slow_consumers: int | None = None
        self._published: tuple[str, str] | None = None
        self._host_alarms = {
            name: ThresholdAlarm(thresholds) for name, thresholds in HOST_THRESHOLDS.items()
        }
        self._alarms: defaultdict[str, Alarm] = defaultdict(Alarm)
        self._alarms.update({name: Alarm(ABSENCE_HOLD) for name in ABSENCE})
        self._battery_alarm = ThresholdAlarm(BATTERY_THRESHOLDS)
        psutil.cpu_percent()  # the first reading has nothing to compare with
        self._host = self._measure_host()

        self._status = topics.SYSTEM_STATUS.publisher(self)
        self._error = topics.SYSTEM_ERROR.publisher(self)
        self._diagnostics = topics.DIAGNOSTICS.publisher(self)
        self._markers = topics.MARKERS.publisher(self)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)
        topics.MODULE_STATES.subscribe(self, self._on_modules)
        topics.SAFETY_HEARTBEAT.subscribe(self, self._on_heartbeat)
        topics.TELEMETRY.subscribe(self, self._on_telemetry)
        topics.MISSION_STATE.subscribe(self, self._on_mission)
        topics.POWER.subscribe(self, self._on_power)
        topics.TELEMETRY_STATUS.subscribe(self, self._on_telemetry_status)
        topics.BRIDGE_STATUS.subscribe(self, self._on_bridge)
        topics.ZONES.subscribe(self, self._on_zones)
        topics.CONFIG_UPDATED.subscribe(self, self._on_config)
        self.create_service(GetSystemStatus, 'get_system_status', self._on_get_status)
        self.create_timer(1.0 / rate, self._publish)
        self.create_timer(CHECK_PERIOD, self._check)
        self._publish_markers()

    def _declare_stations(self) -> dict[str, float]:
        names = declare(self, 'stations', ['charger'], 'Names of the stations')
        positions = declare(
            self, 'station_positions', [1.0], 'Position of each station along the rail, m'
        )
        if len(names) != len(positions):
            raise StartError(
                f'system_node: station_positions has {len(positions)} entries, stations has '
                f'{len(names)}: give each station one entry of both'
            )
        return dict(zip(names, positions, strict=True))

    # What the other nodes report.

    def _on_estop(self, state: EstopState) -> None:
        self._estop = state
        if self._alarms[UNREADABLE].update(state.estop_id == UNREADABLE):
            self._tell(CATALOGUE['DATA-003'], state.reason, ['safety_node'])
        self._follow()

    def _on_modules(self, states: ModuleStates) -> None:
        self._modules.put(states)
        self._known.add('hardware_node')
        for module in states.modules:
            if self._alarms[module.module_id].update(bool(module.error_code)):
                self._tell(
                    module_error(module.error_code),
                    f'{module.module_id} on {module.line}/{module.unit_address}: '
                    f'{module.error_code} {module.error_description}',
                    [module.module_id],
                )
        self._follow()

    def _on_heartbeat(self, beat: SafetyHeartbeat) -> None:
        before = self._heartbeat.get()
        self._heartbeat.put(beat)
        self._known.add('safety_node')
        if before is None or before.mode != beat.mode:
            self._follow()

    def _on_telemetry(self, telemetry: Telemetry) -> None:
        self._speed.put(abs(telemetry.linear_velocity))
        self._located |= not math.isnan(telemetry.position.x)
        self._follow()

    def _on_telemetry_status(self, status: TelemetryStatus) -> None:
        self._telemetry_status.put(status)
        self._known.add('telemetry_node')

    def _on_bridge(self, status: BridgeStatus) -> None:
        self._bridge.put(status)
        self._known.add('bridge_node')
        before, self._slow_consumers = self._slow_consumers, status.slow_consumers_closed
        if before is not None and status.slow_consumers_closed > before:
            self._tell(
                CATALOGUE['NET-003'],
                'a client was disconnected that did not take its events in time',
                ['bridge_node'],
            )

    def _on_power(self, power: PowerState) -> None:
        self._power.put(power)
        severity = self._battery_alarm.update(1.0 - power.percentage)
        if severity:
            self._tell(
                CATALOGUE[BATTERY_THRESHOLDS.code],
                f'{power.percentage:.0%} left: charge it',
                ['power'],
                severity,
            )
        if self._alarms['battery'].update(power.fault_flags != 0):
            self._tell(CATALOGUE['SYS-009'], f'fault flags {power.fault_flags:#06x}', ['power'])

    def _on_mission(self, mission: MissionState) -> None:
        self._mission = mission
        self._publish_markers()
        self._follow()

    def _on_zones(self, zones: Zones) -> None:
        self._scene.zones = list(zones.zones)
        self._publish_markers()

    def _on_config(self, update: ConfigUpdated) -> None:
        if update.status == ConfigUpdated.STATUS_FAILED:
            changes = ', '.join(f'{change.name} {change.description}' for change in update.changes)
            self._tell(
                CATALOGUE['APP-001'],
                f'the configuration {changes} was refused and taken back',
                ['config_node'],
            )

    # The state.

    def _situation(self) -> Situation:
        modules: ModuleStates | None = self._modules.get()
        beat: SafetyHeartbeat | None = self._heartbeat.get()
        starting = beat is not None and beat.mode == SafetyHeartbeat.MODE_STARTING
        heard = {'hardware_node', 'safety_node'} <= self._known
        phase = self._mission.phase
        speed: float | None = self._speed.get()
        return Situation(
            known=heard and not starting,
            estop=self._estop.latched,
            fault=heard
            and (
                modules is None
                or beat is None
                or any(module.error_code for module in modules.modules)
            ),
            maintenance=beat is not None and beat.mode == SafetyHeartbeat.MODE_MAINTENANCE,
            docking=phase == MissionState.PHASE_DOCKING,
            executing=phase == MissionState.PHASE_EXECUTING,
            mission=bool(self._mission.mission_id),
            speed=speed if speed is not None else math.nan,
        )

    def _follow(self) -> None:
        """Publish each step of the state machine, and what changes in the state it is in."""
        situation = self._situation()
        while self._machine.follow(situation):
            if self._machine.wire(situation) != self._published:
                self._publish()
        if self._machine.wire(situation) != self._published:
            self._publish()

    def _publish(self) -> None:
        status = self._make_status()
        self._published = (status.status, status.state)
        self._status.publish(status)
        self._label(status)

    def _label(self, status: SystemStatus) -> None:
        """Write beside the vehicle in rviz how it is, once rviz can know where it is."""
        if not self._located:
            return
        lines = [f'{status.status}, {status.state}']
        power: PowerState | None = self._power.get()
        if power is not None and not math.isnan(power.percentage):
            lines.append(f'battery {power.percentage:.0%}')
        shown = '\n'.join(lines)
        if shown != self._scene.status:
            self._scene.status = shown
            self._scene.alarm = status.status in (
                SystemStatus.STATUS_ESTOP,
                SystemStatus.STATUS_FAULT,
            )
            self._publish_markers()

    def _on_get_status(
        self, request: GetSystemStatus.Request, response: GetSystemStatus.Response
    ) -> GetSystemStatus.Response:
        self._follow()
        response.status = self._make_status()
        return response

    def _make_status(self) -> SystemStatus:
        status, state = self._machine.wire(self._situation())
        return SystemStatus(
            header=header(self),
            status=status,
            state=state,
            uptime=time.monotonic() - self._started,
            version=VERSION,
            cpu=self._host['cpu'],
            memory=self._host['memory'],
            disk=self._host['disk'],
            temperature=self._host['temperature'],
        )

    # Errors and diagnostics.

    def _measure_host(self) -> dict[str, float]:
        """Return the quantities of HOST_THRESHOLDS, ratios and degC."""
        return {
            'cpu': psutil.cpu_percent() / 100.0,
            'memory': psutil.virtual_memory().percent / 100.0,
            'disk': psutil.disk_usage(str(self._state_directory)).percent / 100.0,
            'temperature': processor_temperature(),
        }

    def _check(self) -> None:
        self._host = self._measure_host()
        for name, value in self._host.items():
            severity = self._host_alarms[name].update(value)
            if severity:
                thresholds = HOST_THRESHOLDS[name]
                self._tell(
                    CATALOGUE[thresholds.code],
                    f'{name} of the host: {in_words(name, value)}',
                    ['host'],
                    severity,
                )
        for name, newest in self._heard.items():
            if self._alarms[name].update(name in self._known and newest.get() is None):
                code, meaning = SILENCE[name]
                self._tell(CATALOGUE[code], f'{name} is silent: {meaning}', [name])
        for name, (topic, code, meaning) in ABSENCE.items():
            if self._alarms[name].update(self.count_publishers(topic.name) == 0):
                self._tell(CATALOGUE[code], f'{name} is not there: {meaning}', [name])
        self._follow()
        self._publish_diagnostics()

    def _tell(
        self, error: Error, description: str, affected: list[str], severity: str = ''
    ) -> None:
        self._error.publish(
            SystemErrorMessage(
                header=header(self),
                error_code=error.code,
                error_name=error.name,
                severity=severity or error.severity,
                description=description,
                affected_services=affected,
            )
        )
        self.get_logger().error(f'{error.code} {error.name}: {description}')

    def _publish_diagnostics(self) -> None:
        modules: ModuleStates | None = self._modules.get()
        statuses = [self._host_diagnostics(), self._safety_diagnostics()]
        if modules is not None:
            statuses += [module_diagnostics(module) for module in modules.modules]
        power: PowerState | None = self._power.get()
        if power is not None:
            statuses.append(battery_diagnostics(power))
        vehicle = self.get_namespace().strip('/')
        for status in statuses:
            status.name = f'{vehicle}: {status.name}'
            status.hardware_id = vehicle
        self._diagnostics.publish(DiagnosticArray(header=header(self), status=statuses))

    def _host_diagnostics(self) -> DiagnosticStatus:
        bad = {name: alarm.active for name, alarm in self._host_alarms.items() if alarm.active}
        worst = any(
            severity == CATALOGUE[HOST_THRESHOLDS[name].code].severity
            for name, severity in bad.items()
        )
        return diagnosis(
            'host',
            DiagnosticStatus.ERROR
            if worst
            else DiagnosticStatus.WARN
            if bad
            else DiagnosticStatus.OK,
            ', '.join(f'{name} is high' for name in bad),
            {name: in_words(name, value) for name, value in self._host.items()},
        )

    def _safety_diagnostics(self) -> DiagnosticStatus:
        beat: SafetyHeartbeat | None = self._heartbeat.get()
        if beat is None:
            return diagnosis('safety_node', DiagnosticStatus.STALE, 'no heartbeat', {})
        level = (
            DiagnosticStatus.ERROR
            if self._estop.latched
            else DiagnosticStatus.OK
            if beat.motion_permitted
            else DiagnosticStatus.WARN
        )
        return diagnosis(
            'safety_node',
            level,
            beat.reason,
            {
                'motion permitted': str(beat.motion_permitted).lower(),
                'speed limit': f'{beat.speed_limit:.3f} m/s',
                'emergency stop': self._estop.reason if self._estop.latched else 'not latched',
                'causes present': '; '.join(self._estop.active_causes) or 'none',
            },
        )

    def _publish_markers(self) -> None:
        has_target = self._mission.phase not in ('', MissionState.PHASE_NONE)
        self._scene.target = self._mission.target_position if has_target else None
        stamped = header(self, self._frame)
        stamped.stamp = Time()  # they hold at any time
        self._markers.publish(markers(stamped, self._scene))


def diagnosis(
    name: str, level: bytes, message: str, values: Mapping[str, str]
) -> DiagnosticStatus:
    """Return one status of /diagnostics."""
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message or 'well',
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def module_diagnostics(module: ModuleState) -> DiagnosticStatus:
    """Return the diagnosis of a board."""
    if module.error_code:
        level, message = DiagnosticStatus.ERROR, f'{module.error_code} {module.error_description}'
    elif module.replies:
        level, message = DiagnosticStatus.OK, module.status
    else:
        level, message = DiagnosticStatus.STALE, 'not asked yet'
    return diagnosis(
        module.module_id,
        level,
        message,
        {
            'kind': module.kind,
            'profile': module.profile,
            'address': f'{module.line}/{module.unit_address}',
            'firmware': module.firmware_version,
            'hardware': module.hardware_version,
            'requests': str(module.requests),
            'replies': str(module.replies),
            'timeouts': str(module.timeouts),
            'crc errors': str(module.crc_errors),
            'exceptions': str(module.exceptions),
            'response time, mean': f'{module.response_time_mean * 1e3:.1f} ms',
            'response time, max': f'{module.response_time_max * 1e3:.1f} ms',
        },
    )


def battery_diagnostics(power: PowerState) -> DiagnosticStatus:
    """Return the diagnosis of the battery."""
    level, message = DiagnosticStatus.OK, ''
    gone = 1.0 - power.percentage
    if power.fault_flags or gone >= BATTERY_THRESHOLDS.critical:
        level = DiagnosticStatus.ERROR
        message = (
            f'fault flags {power.fault_flags:#06x}' if power.fault_flags else 'empty: charge it'
        )
    elif gone >= BATTERY_THRESHOLDS.warning:
        level, message = DiagnosticStatus.WARN, 'low: no mission starts'
    return diagnosis(
        'battery',
        level,
        message,
        {
            'charge': f'{power.percentage:.1%}',
            'voltage': f'{power.voltage:.1f} V',
            'current': f'{power.current:.1f} A',
            'temperature': f'{power.temperature:.0f} degC',
            'charger': 'present' if power.charger_present else 'absent',
        },
    )


def in_words(name: str, value: float) -> str:
    """Return a quantity of the host with its unit."""
    if math.isnan(value):
        return 'not measured'
    return f'{value:.1f} degC' if name == 'temperature' else f'{value:.0%}'


def processor_temperature() -> float:
    """Return the temperature of the processor, degC; NaN where the host has no sensor."""
    sensors = psutil.sensors_temperatures()
    for name in PROCESSOR_SENSORS:
        if sensors.get(name):
            return float(sensors[name][0].current)
    return math.nan


def main() -> None:
    """Run the node."""
    run(SystemNode)


if __name__ == '__main__':
    main()
