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
"""Owns the latch of the emergency stop, the zones and the interlocks.

It publishes the heartbeat without which the motor stops.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import Point
from rclpy.node import Node

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.estop_input import open_estop_input
from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import Location
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.from_hardware import board_report
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import declare_settings
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.safety_publisher import SafetyPublisher
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.settings import setting
from oht50_bridge.settings import updated_settings
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.estop_sources import EstopSources
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.position_source import measure
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.speed_limiter import InterlockSettings
from oht50_bridge.vehicle.speed_limiter import LimiterSettings
from oht50_bridge.vehicle.speed_limiter import SpeedLimiter
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import commanded_direction
from oht50_bridge.vehicle.zones import ZoneSettings
from oht50_bridge.vehicle.zones import ZoneTracker

ESTOP_INPUT_PERIOD = 0.01  # s, between two readings of the GPIO line
NEXT_ACTIONS = (
    SafetyClear.NEXT_RESUME,
    SafetyClear.NEXT_RETURN_HOME,
    SafetyClear.NEXT_MANUAL_CONTROL,
)


@dataclass(frozen=True)
class SafetyNodeSettings:
    """Settings of the node itself."""

    heartbeat_rate: float = setting(
        20.0, 'Rate of the safety heartbeat', unit='Hz', minimum=10.0, maximum=100.0
    )
    map_frame: str = setting('map', 'Frame of positions')
    gpio_chip: str = setting(
        '', 'GPIO chip with an emergency stop line, such as /dev/gpiochip1; empty: none'
    )
    gpio_line: int = setting(27, 'Line of the chip; low while pressed', minimum=0, maximum=511)


class SafetyNode(Node):
    """The latch of the emergency stop, zones, obstacles, interlocks and the safety heartbeat.

    Fails closed: without a recent report of the safety board there is no permission to move.
    """

    def __init__(self) -> None:
        super().__init__('safety_node')
        settings = declare_settings(self, SafetyNodeSettings)
        self._limiter = SpeedLimiter(
            LimiterSettings(
                interlocks=declare_settings(self, InterlockSettings),
                braking=declare_settings(self, Braking),
                obstacles=declare_settings(self, ObstacleSettings, 'obstacle_'),
                distances=declare_settings(self, DistanceSettings),
                track=declare_settings(self, TrackSettings),
            ),
            declare_settings(self, SpeedLimitSettings),
        )
        self._zone_settings = declare_settings(self, ZoneSettings)
        self._tracker = ZoneTracker()
        estop_input = _open_estop_input(settings)
        self._latch = EstopLatch(state_directory(self) / 'estop.json', time.time_ns)
        self._sources = EstopSources(self._latch, has_estop_input=estop_input is not None)
        self._publisher = SafetyPublisher(self, settings.map_frame)

        topics.SAFETY_INPUTS.subscribe(self, self._on_inputs)
        topics.MODULE_STATES.subscribe(self, self._on_modules)
        topics.LOCATION.subscribe(self, self._on_location)
        topics.DRIVE_STATE.subscribe(self, self._on_drive)
        topics.DRIVE_COMMAND.subscribe(self, self._on_command)
        topics.MISSION_STATE.subscribe(self, self._on_mission)
        self.create_service(EmergencyStop, 'emergency_stop', self._on_emergency_stop)
        self.create_service(ClearEstop, 'clear_estop', self._on_clear_estop)
        self.create_timer(1.0 / settings.heartbeat_rate, self._beat)
        if estop_input is not None:
            self.create_timer(ESTOP_INPUT_PERIOD, lambda: self._on_estop_input(estop_input()))
        configurable(self, self._update_parameters)

        self._set_zones(self._zone_settings)
        if self._latch.estop is not None:
            # The last stop must be there for late subscribers although this node is a new one.
            self._publisher.estop(self._latch, self._latch.estop)
            self.get_logger().warning(
                f'the emergency stop is still latched: {self._latch.estop.reason}; '
                'clear it with clear_estop'
            )
        else:
            self._publisher.state(self._latch)

    def _update_parameters(self, values: dict[str, Any]) -> None:
        zone_settings = updated_settings(self._zone_settings, values)
        if zone_settings is not self._zone_settings:
            self._set_zones(zone_settings)
        self._limiter.settings = updated_settings(self._limiter.settings, values)
        self._beat()

    def _set_zones(self, settings: ZoneSettings) -> None:
        self._zone_settings = settings
        self._limiter.zones = self._tracker.zones = settings.zones()
        self._publisher.zones(self._tracker.zones)

    # The heartbeat.

    def _beat(self) -> None:
        """Publish the permission to move, or the reason why there is none."""
        self._limiter.confirmed = bool(self.get_parameter(CONFIG_VERSION).value)
        estop = self._latch.estop
        limit = self._limiter.limit(
            (estop.reason or estop.estop_id) if estop is not None else None, time.monotonic()
        )
        self._publisher.heartbeat(limit, self._mode())
        self._save()

    def _mode(self) -> int:
        if not self._limiter.confirmed:
            return SafetyHeartbeat.MODE_STARTING
        if self._limiter.settings.maintenance:
            return SafetyHeartbeat.MODE_MAINTENANCE
        return SafetyHeartbeat.MODE_NORMAL

    def _save(self) -> None:
        """Write the latch to its file; a failure is retried at each heartbeat."""
        try:
            self._latch.save()
        except OSError as error:
            self.get_logger().error(
                f'the latched emergency stop cannot be written ({error}); a restart of this '
                'node would lose it',
                throttle_duration_sec=5.0,
            )

    # Reports of the other nodes.

    def _on_command(self, command: DriveCommand) -> None:
        direction = commanded_direction(command.velocity, command.direction)
        now = time.monotonic()
        changed = direction != self._limiter.direction(now)
        self._limiter.update_command(direction, now)
        if changed:  # so does the limit
            self._beat()

    def _on_mission(self, mission: MissionState) -> None:
        self._limiter.docking = mission.phase == MissionState.PHASE_DOCKING

    def _on_inputs(self, inputs: SafetyInputs) -> None:
        report = InputsReport(
            configured=inputs.configured,
            alarm=inputs.status not in (SafetyInputs.STATUS_OK, SafetyInputs.STATUS_WARNING),
            latched=inputs.latched,
            estop_pressed=inputs.estop_pressed,
            distances=inputs.distances,
            digital_inputs=inputs.digital_inputs,
        )
        now = time.monotonic()
        self._limiter.update_inputs(report, now)
        self._publish_causes(self._sources.update_inputs(report, now))

    def _on_modules(self, states: ModuleStates) -> None:
        boards = [board_report(module) for module in states.modules]
        now = time.monotonic()
        self._limiter.update_boards(boards, now)
        self._publish_causes(self._sources.update_boards(boards, now))

    def _on_estop_input(self, pressed: bool) -> None:
        self._publish_causes(self._sources.update_estop_input(pressed, time.monotonic()))

    def _on_location(self, location: Location) -> None:
        measurement = measure(
            location.position.x,
            location.position_resolution,
            location.linear_velocity,
            time.monotonic(),
        )
        self._limiter.position.update_location(measurement)
        if measurement is not None:
            self._update_place(location.position)

    def _on_drive(self, drive: DriveState) -> None:
        now = time.monotonic()
        measurement = measure(drive.position, drive.position_resolution, drive.velocity, now)
        self._limiter.position.update_drive(measurement)
        if measurement is not None and self._limiter.position.located(now) is None:
            self._update_place(Point(x=drive.position, y=0.0, z=0.0))

    def _update_place(self, place: Point) -> None:
        self._publisher.set_place(place)
        for zone in self._tracker.update(place.x):
            self._publisher.zone_entered(zone)
            self.get_logger().info(
                f'entered {zone.zone_type} zone {zone.zone_id} at {place.x:.3f} m: {zone.action}'
            )

    # The emergency stop.

    def _on_emergency_stop(
        self, request: EmergencyStop.Request, response: EmergencyStop.Response
    ) -> EmergencyStop.Response:
        reason = request.reason or 'manual_trigger'
        estop = self._latch.trigger(_trigger_type(request.trigger_type), reason, request.source)
        if estop is not None:
            self._announce(estop)
            response.message = 'emergency stop latched'
        else:
            estop = self._latch.estop
            assert estop is not None  # else the trigger would have latched a new one
            self._publisher.estop(self._latch, estop)
            response.message = 'emergency stop was latched already'
        response.accepted = True
        response.estop_id = estop.estop_id
        return response

    def _on_clear_estop(
        self, request: ClearEstop.Request, response: ClearEstop.Response
    ) -> ClearEstop.Response:
        next_action = request.next_action or SafetyClear.NEXT_MANUAL_CONTROL
        if next_action not in NEXT_ACTIONS:
            response.message = (
                f'next_action {next_action!r}: must be resume, return_home or manual_control'
            )
            return response
        if self._latch.estop is None:
            response.accepted = True
            response.message = 'no emergency stop is latched'
            return response
        try:
            self._sources.clear(time.monotonic())
        except RefusedError as refusal:
            response.message = str(refusal)
            return response
        except OSError as error:
            response.message = f'the latch cannot be cleared on disk: {error}'
            return response
        self._publisher.state(self._latch)
        self._publisher.clear(next_action)
        self.get_logger().warning(f'emergency stop cleared by {request.source!r}')
        response.accepted = True
        response.message = 'emergency stop cleared; nothing moves without a new command'
        return response

    def _publish_causes(self, estop: Estop | None) -> None:
        """Publish a new stop, or else a change of the causes that are present."""
        if estop is not None:
            self._announce(estop)
        else:
            self._publisher.causes(self._latch)

    def _announce(self, estop: Estop) -> None:
        """Publish a new stop, then write it to the disk."""
        try:
            self._publisher.estop(self._latch, estop)
            self._beat()
        finally:
            # The stop comes before the disk, see EstopLatch. But a stop that could not be
            # published, which ends this node, must be there at its next start.
            self._save()
        self.get_logger().error(
            f'EMERGENCY STOP {estop.estop_id} ({estop.trigger_type}) by {estop.source!r}: '
            f'{estop.reason}'
        )


def _trigger_type(name: str) -> TriggerType:
    """Return a trigger type; an unknown one must not prevent a stop."""
    try:
        return TriggerType(name)
    except ValueError:
        return TriggerType.REMOTE


def _open_estop_input(settings: SafetyNodeSettings) -> Callable[[], bool] | None:
    """Return the reading of the GPIO line, None when there is none."""
    if not settings.gpio_chip:
        return None
    try:
        return open_estop_input(settings.gpio_chip, settings.gpio_line)
    except HardwareConfigError as error:
        raise StartError(f'safety_node: {error}') from error


def main() -> None:
    """Run the node."""
    run(SafetyNode, priority=RealtimePriority.SAFETY_NODE)


if __name__ == '__main__':
    main()
