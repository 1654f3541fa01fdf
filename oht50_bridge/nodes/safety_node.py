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

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.node import Node

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.estop_input import open_estop_input
from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import HoistState
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.estop_services import EstopServices
from oht50_bridge.nodes.from_hardware import board_report
from oht50_bridge.nodes.maintenance_service import MaintenanceService
from oht50_bridge.nodes.motion_monitor import MotionMonitor
from oht50_bridge.nodes.newest import read_at
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.presence import NeighbourWatch
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.requested_stops import RequestedStops
from oht50_bridge.nodes.safety_publisher import SafetyPublisher
from oht50_bridge.nodes.safety_settings import SafetyNodeSettings
from oht50_bridge.nodes.safety_settings import safety_settings
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.paths import expanded
from oht50_bridge.paths import make_private
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.settings import updated_settings
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.estop import LATCH_FILE
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.estop_sources import EstopSources
from oht50_bridge.vehicle.hoist import HoistReport
from oht50_bridge.vehicle.maintenance import MAINTENANCE_FILE
from oht50_bridge.vehicle.maintenance import MaintenanceLock
from oht50_bridge.vehicle.motion_supervisor import MotionSupervisor
from oht50_bridge.vehicle.obstacles import DockApproach
from oht50_bridge.vehicle.safety_report import safety_report
from oht50_bridge.vehicle.speed_limiter import SpeedLimiter
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import commanded_direction
from oht50_bridge.vehicle.zones import ZoneSettings
from oht50_bridge.vehicle.zones import ZoneTracker

ESTOP_INPUT_PERIOD = 0.01  # s, between two readings of the GPIO line


class SafetyNode(Node):
    """The latch of the emergency stop, zones, obstacles, interlocks and the safety heartbeat.

    Fails closed: without a recent report of the safety board there is no permission to move.
    """

    def __init__(self) -> None:
        super().__init__('safety_node')
        given = safety_settings(NodeDeclarer(self))
        settings = given.own
        self._limiter = SpeedLimiter(given.limiter, given.speed_limit)
        self._zone_settings = given.zones
        self._tracker = ZoneTracker(reach=given.limiter.track.reach)
        estop_input = _open_estop_input(settings)
        directory = _latch_directory(state_directory(self), settings.latch_dir)
        self._latch = EstopLatch(directory / LATCH_FILE, time.time_ns)
        self._maintenance = MaintenanceLock(directory / MAINTENANCE_FILE)
        self._neighbours = NeighbourWatch(self)
        self._sources = EstopSources(
            self._latch, has_estop_input=estop_input is not None, neighbour=self._neighbours.other
        )
        self._publisher = SafetyPublisher(self, settings.map_frame)
        self._motion = MotionMonitor(
            self,
            settings.map_frame,
            given.limiter.origin.origin,
            self._limiter.position,
            self._tracker,
            MotionSupervisor(given.supervision),
            self._publisher,
            self._beat,
        )

        topics.SAFETY_INPUTS.subscribe(self, self._on_inputs)
        topics.MODULE_STATES.subscribe(self, self._on_modules)
        # Before the commands: of two messages that wait, the first subscription's goes first.
        topics.MISSION_STATE.subscribe(self, self._on_mission)
        topics.DRIVE_COMMAND.subscribe(self, self._on_command)
        topics.HOIST_STATE.subscribe(self, self._on_hoist)
        self._estop_services = EstopServices(
            self,
            self._latch,
            self._sources,
            self._limiter.position,
            self._publisher,
            RequestedStops(self, self._latch, self._announce),
            self._neighbours.other,
        )
        self._maintenance_service = MaintenanceService(
            self, self._maintenance, self._beat, self._neighbours.other
        )
        steady_timer(self, 1.0 / settings.heartbeat_rate, self._beat)
        if estop_input is not None:
            steady_timer(self, ESTOP_INPUT_PERIOD, lambda: self._on_estop_input(estop_input()))
        configurable(self, self._update_parameters)

        self._set_zones(self._zone_settings)
        self._latch.begin()
        for fault, meaning in (
            (self._latch.fault, 'it counts as an emergency stop'),
            (self._maintenance.fault, 'it counts as a lock that only an override releases'),
        ):
            if fault:
                self.get_logger().error(f'{fault}; {meaning}')
        # The latched stops must be there for late subscribers although this node is a new one.
        for estop in self._latch.stops:
            self._publisher.estop(self._latch, estop)
            self.get_logger().warning(f'still latched: {estop}; clear it with clear_estop')
        # So must be the last clear: this node may have ended before it could publish that.
        self._publisher.clear(self._latch)

    def _update_parameters(self, values: dict[str, Any]) -> None:
        zones, limit = self._zone_settings, self._limiter.settings
        zone_settings = updated_settings(zones, values)
        self._limiter.settings = updated_settings(limit, values)
        if zone_settings is not zones or self._limiter.settings is not limit:
            self._set_zones(zone_settings)
        self._beat()

    def _set_zones(self, settings: ZoneSettings) -> None:
        self._zone_settings = settings
        self._limiter.zones = self._tracker.zones = settings.zones()
        self._publisher.zones(self._tracker.zones, self._limiter.settings.speed_limit)

    # The heartbeat.

    def _beat(self) -> None:
        """Publish the permission to move, or the reason why there is none."""
        now = time.monotonic()
        self._motion.refresh(now)
        self._limiter.confirmed = bool(self.get_parameter(CONFIG_VERSION).value)
        self._limiter.maintenance = ', '.join(self._maintenance.owners)
        self._limiter.neighbour = self._neighbours.other()
        limits = self._limiter.limits(self._latch.reason, now)
        direction = self._limiter.direction(now)
        self._publisher.heartbeat(limits, direction, self._mode(), self._sources.dangers)
        reset, motor = self._estop_services.hindrances(now), self._motion.motor_hindrance
        self._publisher.standing(safety_report(self._latch, reset, limits, motor))
        self._save()
        fault = self._motion.fault(now, limits.towards(direction).speed)
        if fault:
            self._publish_causes(self._latch.trigger(TriggerType.SOFTWARE, fault, 'supervision'))

    def _mode(self) -> int:
        if self._maintenance.locked:
            return SafetyHeartbeat.MODE_MAINTENANCE
        if not self._limiter.confirmed:
            return SafetyHeartbeat.MODE_STARTING
        return SafetyHeartbeat.MODE_NORMAL

    def _save(self) -> None:
        """Write the latch to its file; a failure is retried at each heartbeat."""
        try:
            self._latch.save()
            self._publisher.changes(self._latch)
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
        dock = DockApproach()
        if mission.at_dock and mission.dock_direction in (Direction.FORWARD, Direction.BACKWARD):
            dock = DockApproach(mission.target_position.x, Direction(mission.dock_direction))
        self._limiter.update_dock(dock, time.monotonic())

    def _on_hoist(self, hoist: HoistState) -> None:
        report = HoistReport(hoist.referenced, hoist.rope_length, hoist.reason)
        self._limiter.hoist.update(report, read_at(time.monotonic(), hoist.age))
        self._publisher.rope.put(hoist)

    def _on_inputs(self, inputs: SafetyInputs) -> None:
        report = InputsReport(
            configured=inputs.configured,
            alarm=inputs.status not in (SafetyInputs.STATUS_OK, SafetyInputs.STATUS_WARNING),
            latched=inputs.latched,
            estop_pressed=inputs.estop_pressed,
            distances=inputs.distances,
            digital_inputs=inputs.digital_inputs,
            dangers=inputs.dangers,
            received=inputs.dangers_received,
        )
        now = time.monotonic()
        taken = read_at(now, inputs.age)
        self._limiter.update_inputs(report, taken)
        self._publish_causes(self._sources.update_inputs(report, now, taken))

    def _on_modules(self, states: ModuleStates) -> None:
        boards = [board_report(module) for module in states.modules]
        now = time.monotonic()
        self._limiter.update_boards(boards, now)
        self._publish_causes(self._sources.update_boards(boards, now))

    def _on_estop_input(self, pressed: bool) -> None:
        self._publish_causes(self._sources.update_estop_input(pressed, time.monotonic()))

    # The emergency stop.

    def _publish_causes(self, estop: Estop | None) -> None:
        """Publish a new stop, or else a change of the causes that are present."""
        if estop is not None:
            self._announce(estop)
        else:
            self._publisher.changes(self._latch)

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


def _latch_directory(state_dir: Path, latch_dir: str) -> Path:
    """Return the directory of the latch, made if it is not there.

    Raises:
        StartError: it cannot be made.

    """
    if not latch_dir:
        return state_dir
    path = expanded(latch_dir)
    try:
        make_private(path)
    except OSError as error:
        raise StartError(f'safety_node: latch_dir {path}: {error.strerror}') from error
    earlier = state_dir / LATCH_FILE
    if earlier.exists() and not (path / LATCH_FILE).exists():
        # A latch of before latches belonged to boards must not be opened by an update.
        with contextlib.suppress(OSError):  # a disk that takes nothing is a stop by itself
            earlier.replace(path / LATCH_FILE)
    return path


def _open_estop_input(settings: SafetyNodeSettings) -> Callable[[], bool] | None:
    """Return the reading of the GPIO line, None when there is none."""
    if not settings.gpio_chip:
        return None
    try:
        return open_estop_input(
            settings.gpio_chip, settings.gpio_line, settings.gpio_bias, settings.gpio_closed
        )
    except HardwareConfigError as error:
        raise StartError(f'safety_node: {error}') from error


def main() -> None:
    """Run the node."""
    run(SafetyNode, priority=RealtimePriority.SAFETY_NODE)


if __name__ == '__main__':
    main()
