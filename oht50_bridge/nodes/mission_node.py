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
"""Executes missions: translates between topics and services and `vehicle.mission_manager`."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

from rclpy.node import Node

from oht50_bridge.identity import own_identity
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import Location
from oht50_bridge.msg import Position
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.deadline import create_command_service
from oht50_bridge.nodes.mission_publisher import MissionPublisher
from oht50_bridge.nodes.mission_settings import mission_settings
from oht50_bridge.nodes.newest import read_at
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.places import zones_of
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import now_of
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.srv import ControlMission
from oht50_bridge.srv import GetVehicle
from oht50_bridge.srv import StartMission
from oht50_bridge.vehicle.estop_follower import EstopFollower
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.mission_manager import MissionManager
from oht50_bridge.vehicle.mission_manager import StartRequest
from oht50_bridge.vehicle.neighbours import are_two
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.vehicle_view import Battery
from oht50_bridge.vehicle.vehicle_view import Permission
from oht50_bridge.vehicle.vehicle_view import VehicleView

CHARGE_PERIOD = 1.0  # s, between requests to charge


class MissionNode(Node):
    """One mission at a time. Without one it publishes no drive command."""

    def __init__(self) -> None:
        super().__init__('mission_node')
        given = mission_settings(NodeDeclarer(self))
        settings, manager_settings = given.own, given.manager
        self._given = given
        self._limits = manager_settings.limits
        journal = Journal(state_directory(self) / 'mission.json')
        configurable(self, self._set_limits)

        self._output = MissionPublisher(self, settings.map_frame)
        self._view = VehicleView(manager_settings.track)
        self._estop = EstopFollower()
        self._latch = EstopState()  # of this vehicle
        self._vehicle = own_identity().vehicle
        self._manager = MissionManager(
            manager_settings, self._view, journal, self._output, time.monotonic()
        )
        topics.POSITION.subscribe(self, self._on_position)
        topics.LOCATION.subscribe(self, self._on_location)
        topics.DRIVE_STATE.subscribe(self, self._on_drive)
        topics.SAFETY_HEARTBEAT.subscribe(self, self._on_heartbeat)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)
        topics.POWER.subscribe(self, self._on_power, fresh=True)
        topics.ZONES.subscribe(self, self._on_zones)
        topics.HOIST_STATE.subscribe(self, self._output.rope.put)
        create_command_service(self, StartMission, 'start_mission', self._on_start)
        create_command_service(self, ControlMission, 'control_mission', self._on_control)
        self.create_service(GetVehicle, 'get_vehicle', self._on_get_vehicle)
        steady_timer(
            self, 1.0 / settings.control_rate, lambda: self._manager.step(time.monotonic())
        )
        steady_timer(self, 1.0 / settings.progress_rate, self._report)
        steady_timer(
            self, CHARGE_PERIOD, lambda: self._manager.continue_charging(time.monotonic())
        )

    def destroy_node(self) -> None:
        """Stop the vehicle; an active mission is reported as failed at the next start."""
        self._manager.shut_down()
        super().destroy_node()

    # Parameters.

    def _set_limits(self, values: dict[str, Any]) -> None:
        self._limits = replace(self._limits, **values)
        self._manager.set_limits(self._limits)

    # What the vehicle reports.

    def _on_position(self, position: Position) -> None:
        measurement = None
        if position.state == Position.STATE_VALID:
            measurement = Measurement(
                position.position,
                position.resolution,
                position.velocity,
                time.monotonic() - position.age,
            )
        lost = position.reason if position.state == Position.STATE_LOST else ''
        self._view.update_position(measurement, lost)

    def _on_location(self, location: Location) -> None:
        self._view.update_dock(
            location.dock_distance, location.dock_aligned, time.monotonic() - location.age
        )

    def _on_drive(self, drive: DriveState) -> None:
        self._view.update_drive(drive.stop_reason, read_at(time.monotonic(), drive.age))

    def _on_heartbeat(self, beat: SafetyHeartbeat) -> None:
        self._view.update_permission(
            Permission(beat.speed_limit > 0.0, beat.hold, beat.speed_limit, beat.reason),
            time.monotonic(),
        )

    def _on_estop(self, state: EstopState) -> None:
        own = not are_two(self._vehicle, state.vehicle)  # another latch ends a mission, no more
        stopped = own and self._estop.update(state.counter, latched=state.latched)
        if stopped or state.latched:  # also a stop that was cleared before its state came here
            self._view.update_estop(True, state.reason or 'cleared already')
            self._manager.on_estop(time.monotonic())
        if own:
            self._latch = state
        self._view.update_estop(self._latch.latched, self._latch.reason)

    def _on_power(self, power: PowerState) -> None:
        now = time.monotonic()
        self._view.update_battery(
            Battery(
                percentage=power.percentage,
                drawn=max(-power.voltage * power.current, 0.0),
                charger=power.charger_present or power.state == PowerState.STATE_CHARGING,
            ),
            now,
        )
        self._manager.on_battery(now)

    def _on_zones(self, zones: Zones) -> None:
        self._view.update_zones(zones_of(zones), zones.speed_limit)

    # Services.

    def _on_start(
        self, request: StartMission.Request, response: StartMission.Response
    ) -> StartMission.Response:
        target = request.target_position
        self._view.confirmed = bool(self.get_parameter(CONFIG_VERSION).value)
        try:
            response.mission_id, response.estimated_duration = self._manager.start(
                StartRequest(
                    mission_id=request.mission_id,
                    mission_type=request.mission_type,
                    station=request.station,
                    target=(target.x, target.y, target.z),
                    payload=request.payload,
                ),
                time.monotonic(),
                now_of(self),
            )
        except RefusedError as error:
            response.estimated_duration = math.nan
            response.message = str(error)
            self.get_logger().warning(f'mission refused: {error}')
            return response
        response.accepted = True
        response.message = f'mission {response.mission_id} started'
        self.get_logger().info(f'{response.message} by {request.source!r}')
        return response

    def _on_control(
        self, request: ControlMission.Request, response: ControlMission.Response
    ) -> ControlMission.Response:
        actions = {
            ControlMission.Request.ACTION_PAUSE: self._manager.pause,
            ControlMission.Request.ACTION_RESUME: self._manager.resume,
            ControlMission.Request.ACTION_CANCEL: self._manager.cancel,
        }
        active_id = self._manager.active_id
        if request.mission_id in ('', active_id):
            response.mission_id = active_id
        try:
            if request.action not in actions:
                raise RefusedError(
                    f'action {request.action}: must be 1 (pause), 2 (resume) or 3 (cancel)'
                )
            response.message = actions[request.action](request.mission_id, request.source)
            response.accepted = True
        except RefusedError as error:
            response.message = str(error)
        self.get_logger().info(f'{response.message} by {request.source!r}')
        return response

    def _on_get_vehicle(
        self, request: GetVehicle.Request, response: GetVehicle.Response
    ) -> GetVehicle.Response:
        settings = self._given.manager
        stations = settings.stations.values()
        response.simulated = self._given.own.simulated
        response.track_length = settings.track.track_length
        response.vehicle_length = settings.track.vehicle_length
        response.stations = [station.name for station in stations]
        response.station_positions = [station.position for station in stations]
        response.station_docks = [station.dock for station in stations]
        response.hoist = self._given.has_hoist
        return response

    def _report(self) -> None:
        self._manager.report(time.monotonic(), subscribed=self._output.subscribed)


def main() -> None:
    """Run the node."""
    run(MissionNode)


if __name__ == '__main__':
    main()
