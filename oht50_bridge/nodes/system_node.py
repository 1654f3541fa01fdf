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
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from oht50_bridge.identity import own_identity
from oht50_bridge.msg import BridgeStatus
from oht50_bridge.msg import ConfigUpdated
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import NodePresence
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SystemError as SystemErrorMessage
from oht50_bridge.msg import SystemStatus
from oht50_bridge.msg import Telemetry
from oht50_bridge.msg import TelemetryStatus
from oht50_bridge.nodes import presence
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.alarm_publisher import AlarmPublisher
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.diagnostics import battery_diagnostics
from oht50_bridge.nodes.diagnostics import host_diagnostics
from oht50_bridge.nodes.diagnostics import module_diagnostics
from oht50_bridge.nodes.diagnostics import safety_diagnostics
from oht50_bridge.nodes.from_hardware import withhold_errors
from oht50_bridge.nodes.markers import Scene
from oht50_bridge.nodes.motion_permission import MotionPermission
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.scene_publisher import ScenePublisher
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.nodes.system_settings import SystemNodeSettings
from oht50_bridge.srv import GetSystemStatus
from oht50_bridge.vehicle.board_starts import BoardStarts
from oht50_bridge.vehicle.error_monitor import ErrorMonitor
from oht50_bridge.vehicle.error_monitor import ErrorReport
from oht50_bridge.vehicle.error_monitor import ModuleHealth
from oht50_bridge.vehicle.errors import battery_fault
from oht50_bridge.vehicle.estop_follower import EstopFollower
from oht50_bridge.vehicle.host import Host
from oht50_bridge.vehicle.neighbours import are_two
from oht50_bridge.vehicle.rail import StationSettings
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.status import Situation
from oht50_bridge.vehicle.status import StateMachine
from oht50_bridge.version import VERSION

MODULES_LIFETIME = 3.0  # s, after which the state of the boards is not known
# Without a heartbeat for this long, safety_node is gone. The motor stopped long before.
HEARTBEAT_LIFETIME = 2.0  # s
STATUS_LIFETIME = 3.0  # s, of what a node publishes at 1 or 2 Hz
SPEED_LIFETIME = 12.0  # s, of the slowest telemetry that can be set
CHECK_PERIOD = 1.0  # s
# Nodes that report nothing regularly but their signs of life, and a topic that each publishes.
PRESENCE = {'mission_node': topics.MISSION_STATE, 'config_node': topics.CONFIG_UPDATED}


class SystemNode(Node):
    """The vehicle's state at 1 Hz, at each change of it, and on request."""

    def __init__(self) -> None:
        super().__init__('system_node')
        declarer = NodeDeclarer(self)
        settings = declare_settings(declarer, SystemNodeSettings)
        track = declare_settings(declarer, TrackSettings)
        scene = Scene(
            track_length=track.track_length,
            stations=declare_settings(declarer, StationSettings).positions(),
            base_frame=settings.base_frame,
        )
        self._host_monitor = Host(state_directory(self))
        self._started = time.monotonic()
        self._machine = StateMachine()
        self._modules: Newest[ModuleStates] = Newest(MODULES_LIFETIME)
        self._heartbeat: Newest[SafetyHeartbeat] = Newest(HEARTBEAT_LIFETIME)
        self._power: Newest[PowerState] = Newest(MODULES_LIFETIME)
        self._telemetry_status: Newest[TelemetryStatus] = Newest(STATUS_LIFETIME)
        self._bridge: Newest[BridgeStatus] = Newest(STATUS_LIFETIME)
        self._reports: dict[str, Newest[Any]] = {
            'hardware_node': self._modules,
            'safety_node': self._heartbeat,
            'telemetry_node': self._telemetry_status,
            'bridge_node': self._bridge,
            **{name: Newest(STATUS_LIFETIME) for name in PRESENCE},
        }
        self._vehicle = own_identity().vehicle
        self._known: set[str] = set()  # nodes that have reported since the start
        self._starts = BoardStarts()
        self._boards_start = False  # one of them may be starting
        self._estop = EstopState()
        self._estop_follower = EstopFollower()
        self._mission = MissionState()
        self._speed: Newest[float] = Newest(SPEED_LIFETIME)  # m/s
        self._published: tuple[str, str] | None = None
        self._errors = ErrorMonitor(self._publish_error)
        self._host = self._host_monitor.measure()

        self._status = topics.SYSTEM_STATUS.publisher(self)
        self._error = topics.SYSTEM_ERROR.publisher(self)
        self._diagnostics = topics.DIAGNOSTICS.publisher(self)
        self._alarms = AlarmPublisher(self, track)
        self._scene = ScenePublisher(self, settings.map_frame, scene)
        self._permission = MotionPermission(self, self._follow)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)
        topics.MODULE_STATES.subscribe(self, self._on_modules)
        topics.SAFETY_HEARTBEAT.subscribe(self, self._on_heartbeat)
        topics.TELEMETRY.subscribe(self, self._on_telemetry)
        topics.MISSION_STATE.subscribe(self, self._on_mission)
        topics.POWER.subscribe(self, self._on_power, fresh=True)
        topics.TELEMETRY_STATUS.subscribe(self, self._on_telemetry_status)
        topics.BRIDGE_STATUS.subscribe(self, self._on_bridge)
        topics.CONFIG_UPDATED.subscribe(self, self._on_config)
        presence.subscribe(self, self._on_presence)
        self.create_service(GetSystemStatus, 'get_system_status', self._on_get_status)
        steady_timer(self, 1.0 / settings.rate, self._publish)
        steady_timer(self, CHECK_PERIOD, self._check)

    # What the other nodes report.

    def _on_estop(self, state: EstopState) -> None:
        if are_two(self._vehicle, state.vehicle):
            return
        missed = self._estop_follower.update(state.counter, latched=state.latched)
        if missed and not state.latched:  # it was cleared before its state came here
            self._estop = EstopState(latched=True)
            self._follow()
        self._estop = state
        self._errors.on_estop(state.estop_id, state.reason)
        self._follow()

    def _on_presence(self, sign: NodePresence) -> None:
        if sign.node in PRESENCE and not are_two(self._vehicle, sign.vehicle):
            self._reports[sign.node].put(sign)
            self._known.add(sign.node)

    def _on_modules(self, states: ModuleStates) -> None:
        self._boards_start = withhold_errors(states, self._starts, time.monotonic())
        self._modules.put(states)
        self._known.add('hardware_node')
        self._errors.on_modules(
            ModuleHealth(
                module.module_id,
                f'{module.line}/{module.unit_address}',
                module.error_code,
                module.error_description,
            )
            for module in states.modules
        )
        self._follow()

    def _on_heartbeat(self, beat: SafetyHeartbeat) -> None:
        before = self._heartbeat.get()
        self._heartbeat.put(beat)
        self._permission.permit(beat.motion_permitted)
        self._known.add('safety_node')
        said = None if before is None else (before.mode, before.motion_permitted)
        if said != (beat.mode, beat.motion_permitted):
            self._follow()

    def _on_telemetry(self, telemetry: Telemetry) -> None:
        self._speed.put(abs(telemetry.linear_velocity))
        self._scene.on_telemetry(telemetry)
        self._follow()

    def _on_telemetry_status(self, status: TelemetryStatus) -> None:
        self._telemetry_status.put(status)
        self._known.add('telemetry_node')

    def _on_bridge(self, status: BridgeStatus) -> None:
        self._bridge.put(status)
        self._known.add('bridge_node')
        self._errors.on_slow_consumers(status.slow_consumers_closed)

    def _on_power(self, power: PowerState) -> None:
        self._power.put(power)
        self._errors.on_battery(
            power.percentage,
            battery_fault(power.battery_fault, power.fault_flags),
            silent=power.state == PowerState.STATE_OFFLINE,
        )

    def _on_mission(self, mission: MissionState) -> None:
        self._mission = mission
        self._scene.on_mission(mission)
        self._follow()

    def _on_config(self, update: ConfigUpdated) -> None:
        if update.status == ConfigUpdated.STATUS_FAILED:
            changes = ', '.join(f'{change.name} {change.description}' for change in update.changes)
            self._errors.on_refused_configuration(changes)

    # The state.

    def _situation(self) -> Situation:
        modules = self._modules.get()
        beat = self._heartbeat.get()
        starting = beat is not None and beat.mode == SafetyHeartbeat.MODE_STARTING
        reported = {'hardware_node', 'safety_node'} <= self._known
        # The last state of a mission_node that is gone lasts, and its mission does not.
        nobody = self._silent('mission_node')
        phase = MissionState.PHASE_NONE if nobody else self._mission.phase
        speed = self._speed.get()
        return Situation(
            known=reported and not starting and not self._boards_start,
            estop=self._estop.latched,
            fault=reported
            and (
                modules is None
                or beat is None
                or any(module.error_code for module in modules.modules)
            ),
            maintenance=beat is not None and beat.mode == SafetyHeartbeat.MODE_MAINTENANCE,
            docking=phase == MissionState.PHASE_DOCKING,
            executing=phase == MissionState.PHASE_EXECUTING,
            mission=bool(self._mission.mission_id),
            forbidden=nobody or (beat is not None and self._permission.forbidden),
            speed=speed if speed is not None else math.nan,
        )

    def _silent(self, name: str) -> bool:
        """Return whether a node has reported and does so no more."""
        return name in self._known and self._reports[name].get() is None

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
        self._scene.label(status, self._power.get())

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

    def _check(self) -> None:
        self._host = self._host_monitor.measure()
        self._errors.check(
            self._host,
            silent={name: self._silent(name) for name in self._reports},
            absent={
                name: name not in self._known and self.count_publishers(topic.name) == 0
                for name, topic in PRESENCE.items()
            },
            disk_fault=self._host_monitor.disk_fault(),
        )
        self._alarms.check(self._errors)
        self._follow()
        self._publish_diagnostics()

    def _publish_error(self, report: ErrorReport) -> None:
        self._alarms.on_error(report)
        error = report.error
        self._error.publish(
            SystemErrorMessage(
                header=header(self),
                error_code=error.code,
                error_name=error.name,
                severity=report.severity,
                description=report.description,
                affected_services=list(report.affected),
            )
        )
        self.get_logger().error(f'{error.code} {error.name}: {report.description}')

    def _publish_diagnostics(self) -> None:
        modules, power = self._modules.get(), self._power.get()
        statuses = [
            host_diagnostics(self._host, self._errors.host_alarms),
            safety_diagnostics(self._heartbeat.get(), self._estop),
            self._permission.diagnostics(),
            *(module_diagnostics(module) for module in (modules.modules if modules else ())),
        ]
        if power is not None:
            statuses.append(battery_diagnostics(power))
        vehicle = self.get_namespace().strip('/')
        for status in statuses:
            status.name = f'{vehicle}: {status.name}'
            status.hardware_id = vehicle
        self._diagnostics.publish(DiagnosticArray(header=header(self), status=statuses))


def main() -> None:
    """Run the node."""
    run(SystemNode)


if __name__ == '__main__':
    main()
