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

It gives the heartbeat without which the motor stops.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import Point
from rclpy.node import Node

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.estop_input import open_estop_input
from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import Location
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import ModuleDiscovered
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.msg import SafetyZoneEntered
from oht50_bridge.msg import Zone as ZoneMessage
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.vehicle.estop import HARDWARE
from oht50_bridge.vehicle.estop import REMOTE
from oht50_bridge.vehicle.estop import SOFTWARE
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop_sources import Board
from oht50_bridge.vehicle.estop_sources import EstopSources
from oht50_bridge.vehicle.interlocks import STALE
from oht50_bridge.vehicle.interlocks import Conditions
from oht50_bridge.vehicle.interlocks import interlock
from oht50_bridge.vehicle.obstacles import ObstacleRule
from oht50_bridge.vehicle.speed_limits import BACKWARD
from oht50_bridge.vehicle.speed_limits import FORWARD
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Limit
from oht50_bridge.vehicle.speed_limits import either_way
from oht50_bridge.vehicle.speed_limits import lowest
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneError
from oht50_bridge.vehicle.zones import ZoneTracker
from oht50_bridge.vehicle.zones import make_zones
from oht50_bridge.vehicle.zones import zone_limits

# A position older than this is not given as the place of a stop.
PLACE_AGE = 1.0  # s
# After this long without a command nobody says where to.
COMMAND_AGE = 0.3  # s
LINE_PERIOD = 0.01  # s, between two readings of the GPIO line
DIRECTIONS = {'forward': FORWARD, 'backward': BACKWARD, '': 0}
ZONE_PARAMETERS = {
    'zone_names': ([''], 'Names of the zones; an empty one is no zone'),
    'zone_types': ([''], 'Type of each zone: restricted, warning or safe'),
    'zone_actions': ([''], 'What the vehicle does in each zone: slow_down, stop or alert'),
    'zone_starts': ([0.0], 'Where each zone begins along the rail, m'),
    'zone_ends': ([0.0], 'Where each zone ends along the rail, m'),
    'zone_limits': ([0.0], 'Speed limit of each zone, m/s'),
}


class SafetyNode(Node):
    """The latch of the emergency stop, zones, obstacles, interlocks and the safety heartbeat.

    Fails closed: no fresh report of the safety board, no permission to move.
    """

    def __init__(self):
        super().__init__('safety_node')
        rate = declare(
            self,
            'heartbeat_rate',
            20.0,
            'Rate of the safety heartbeat, Hz',
            minimum=10.0,
            maximum=100.0,
        )
        self._speed_limit = declare(
            self,
            'speed_limit',
            0.5,
            'No motion is faster than this, m/s',
            minimum=0.0,
            maximum=2.0,
            read_only=False,
        )
        self._frame = declare(self, 'map_frame', 'map', 'Frame of positions')
        self._track_length = declare(
            self, 'track_length', 50.0, 'Length of the rail, m', minimum=1.0, maximum=1500.0
        )
        self._inputs = Newest(
            declare(
                self,
                'safety_timeout',
                0.3,
                "Age of the safety board's report beyond which motion is forbidden, s",
                minimum=0.1,
                maximum=2.0,
            )
        )
        position_timeout = declare(
            self,
            'position_timeout',
            0.5,
            'Age beyond which a position is unknown, s',
            minimum=0.1,
            maximum=2.0,
        )
        self._location = Newest(position_timeout)
        self._drive = Newest(position_timeout)
        self._place = Newest(PLACE_AGE)
        self._command = Newest(COMMAND_AGE)
        self._power_timeout = declare(
            self,
            'power_timeout',
            5.0,
            'Time after which a lost power board forbids motion, s',
            minimum=0.5,
            maximum=60.0,
        )
        self._maintenance = declare(
            self,
            'maintenance',
            False,
            'Whether people are at work on the vehicle: no motion',
            read_only=False,
        )
        self._guard_input = declare(
            self,
            'guard_input',
            0,
            'Digital input that is active while a guard is open, 1 to 4; 0: none',
            minimum=0,
            maximum=4,
        )
        self._braking = Braking(
            deceleration=declare(
                self,
                'deceleration',
                0.3,
                'Deceleration counted on ahead of zones, m/s^2',
                minimum=0.05,
                maximum=2.0,
            ),
            reaction_time=declare(
                self,
                'reaction_time',
                0.25,
                "Time from a measured position to the motor's obeying its limit, s",
                minimum=0.0,
                maximum=2.0,
            ),
        )
        self._declare_obstacles()
        self._tracker = ZoneTracker()
        for name, (default, description) in ZONE_PARAMETERS.items():
            declare(self, name, default, description, read_only=False)
        try:
            self._tracker.zones = self._make_zones({})
        except ZoneError as error:
            raise StartError(f'safety_node: {error}') from error

        line = self._open_line()
        self._latch = EstopLatch(state_directory(self) / 'estop.json')
        self._sources = EstopSources(self._latch, has_line=line is not None)
        self._saved = True
        self._power_lost_since: float | None = None  # s, monotonic
        self._direction = 0
        self._docking = False

        self._heartbeat = topics.SAFETY_HEARTBEAT.publisher(self)
        self._state = topics.ESTOP_STATE.publisher(self)
        self._estop = topics.SAFETY_ESTOP.publisher(self)
        self._clear = topics.SAFETY_CLEAR.publisher(self)
        self._zones = topics.ZONES.publisher(self)
        self._zone_entered = topics.SAFETY_ZONE_ENTERED.publisher(self)
        topics.SAFETY_INPUTS.subscribe(self, self._on_inputs)
        topics.MODULE_STATES.subscribe(self, self._on_modules)
        topics.LOCATION.subscribe(self, self._on_location)
        topics.DRIVE_STATE.subscribe(self, self._on_drive)
        topics.DRIVE_COMMAND.subscribe(self, self._on_command)
        topics.MISSION_STATE.subscribe(self, self._on_mission)
        self.create_service(EmergencyStop, 'emergency_stop', self._on_emergency_stop)
        self.create_service(ClearEstop, 'clear_estop', self._on_clear_estop)
        self.create_timer(1.0 / rate, self._beat)
        if line is not None:
            self.create_timer(
                LINE_PERIOD, lambda: self._watch_causes(lambda: self._sources.line(line()))
            )
        configurable(self, self._take_parameters)

        self._publish_zones()
        if self._latch.estop is not None:
            # Those who ask for the last stop must find it although this node is a new one.
            self._publish_estop(self._latch.estop)
            self.get_logger().warning(
                f'the emergency stop is still latched: {self._latch.estop.reason}; '
                'clear it with clear_estop'
            )
        else:
            self._publish_state()

    # Parameters.

    def _declare_obstacles(self) -> None:
        names = declare(
            self,
            'distance_directions',
            ['', '', '', ''],
            'Where each distance input looks: forward, backward, or empty when not in use',
        )
        try:
            self._distance_directions = [DIRECTIONS[name] for name in names]
        except KeyError as error:
            raise StartError(
                f'safety_node: distance_directions: {error} is not forward, backward or empty'
            ) from error
        self._obstacles = ObstacleRule(
            stop_distance=declare(
                self,
                'obstacle_stop_distance',
                0.5,
                'No motion towards an obstacle that is nearer, m',
                minimum=0.0,
                maximum=10.0,
            ),
            slow_distance=declare(
                self,
                'obstacle_slow_distance',
                2.0,
                'Slow motion towards an obstacle that is nearer, m',
                minimum=0.0,
                maximum=20.0,
            ),
            speed=declare(
                self,
                'obstacle_speed',
                0.1,
                'Slow motion towards an obstacle, m/s',
                minimum=0.01,
                maximum=2.0,
            ),
            dock_speed=declare(
                self,
                'obstacle_dock_speed',
                0.05,
                'Motion towards an obstacle nearer than obstacle_stop_distance while docking, m/s',
                minimum=0.01,
                maximum=0.2,
            ),
        )

    def _make_zones(self, values: dict[str, Any]) -> tuple[Zone, ...]:
        """Return the zones of the parameters, `values` over those in force."""
        return make_zones(
            *(values.get(name, self.get_parameter(name).value) for name in ZONE_PARAMETERS)
        )

    def _take_parameters(self, values: dict[str, Any]) -> None:
        if values.keys() & ZONE_PARAMETERS.keys():
            self._tracker.zones = self._make_zones(values)
            self._publish_zones()
        self._speed_limit = values.get('speed_limit', self._speed_limit)
        self._maintenance = values.get('maintenance', self._maintenance)
        self._beat()

    def _open_line(self) -> Callable[[], bool] | None:
        chip = declare(
            self,
            'gpio_chip',
            '',
            'GPIO chip with an emergency stop line, such as /dev/gpiochip1; empty: none',
        )
        offset = declare(
            self, 'gpio_line', 27, 'Line of the chip; low while pressed', minimum=0, maximum=511
        )
        try:
            return open_estop_input(chip, offset) if chip else None
        except HardwareConfigError as error:
            raise StartError(f'safety_node: {error}') from error

    # The heartbeat.

    def _beat(self) -> None:
        """Give permission to move, or the reason why not."""
        limit = self._limit()
        self._heartbeat.publish(
            SafetyHeartbeat(
                header=header(self),
                motion_permitted=limit.speed > 0.0,
                speed_limit=limit.speed,
                reason=limit.reason,
                mode=self._mode(),
                hold=limit.hold and limit.speed == 0.0,
            )
        )
        self._save()

    def _save(self) -> None:
        """Write the latch to the disk unless it is there; what fails is tried at each beat."""
        if self._saved:
            return
        try:
            self._latch.save()
            self._saved = True
        except OSError as error:
            self.get_logger().error(
                f'the latched emergency stop cannot be written ({error}); a restart of this '
                'node would lose it',
                throttle_duration_sec=5.0,
            )

    def _mode(self) -> int:
        # Before, the parameters are those of the files: zones may be missing.
        if not self.get_parameter(CONFIG_VERSION).value:
            return SafetyHeartbeat.MODE_STARTING
        return (
            SafetyHeartbeat.MODE_MAINTENANCE if self._maintenance else SafetyHeartbeat.MODE_NORMAL
        )

    def _limit(self) -> Limit:
        """Return the lowest of all limits at this moment."""
        inputs: SafetyInputs | None = self._inputs.get()
        reason = interlock(
            Conditions(
                estop=self._latch.estop.reason or self._latch.estop.estop_id
                if self._latch.estop is not None
                else '',
                inputs_fresh=inputs is not None,
                configured=inputs is not None and inputs.configured,
                alarm=inputs is not None
                and inputs.status not in (SafetyInputs.STATUS_OK, SafetyInputs.STATUS_WARNING),
                board_latched=inputs is not None and inputs.latched,
                confirmed=self._mode() != SafetyHeartbeat.MODE_STARTING,
                maintenance=self._maintenance,
                guard_open=inputs is not None and self._guard_open(inputs),
                power_lost=self._power_lost_since is not None
                and time.monotonic() - self._power_lost_since > self._power_timeout,
            )
        )
        if reason:
            return Limit(0.0, reason, hold=reason == STALE)
        ways = {
            direction: lowest(
                [
                    Limit(
                        self._speed_limit, '' if self._speed_limit > 0.0 else 'speed_limit is 0'
                    ),
                    *zone_limits(
                        self._tracker.zones,
                        self._position(),
                        direction,
                        self._track_length,
                        self._braking,
                    ),
                    *self._obstacles.limits(
                        inputs.distances,
                        self._distance_directions,
                        direction,
                        self._docking,
                        self._braking,
                    ),
                ]
            )
            for direction in (FORWARD, BACKWARD)
        }
        command: DriveCommand | None = self._command.get()
        self._direction = direction_of(command)
        return ways.get(self._direction) or either_way(ways[FORWARD], ways[BACKWARD])

    def _guard_open(self, inputs: SafetyInputs) -> bool:
        if not self._guard_input:
            return False
        states = inputs.digital_inputs
        return len(states) < self._guard_input or bool(states[self._guard_input - 1])

    def _position(self) -> float:
        """Return the position along the rail, m; NaN when no board reports one."""
        location: Location | None = self._location.get()
        if location is not None and not math.isnan(location.position.x):
            return location.position.x
        drive: DriveState | None = self._drive.get()
        return drive.position if drive is not None else math.nan

    # What the other nodes report.

    def _on_command(self, command: DriveCommand) -> None:
        self._command.put(command)
        # The limit is another one for the other way.
        if direction_of(command) != self._direction:
            self._beat()

    def _on_mission(self, mission: MissionState) -> None:
        self._docking = mission.phase == MissionState.PHASE_DOCKING

    def _on_inputs(self, inputs: SafetyInputs) -> None:
        self._inputs.put(inputs)
        self._watch_causes(
            lambda: self._sources.inputs(inputs.estop_pressed, inputs.latched, inputs.configured)
        )

    def _on_modules(self, states: ModuleStates) -> None:
        boards = [
            Board(
                module.module_id,
                module.kind,
                module.status == ModuleDiscovered.STATUS_ONLINE,
                module.status,
                module.error_description or module.error_code,
            )
            for module in states.modules
        ]
        self._watch_causes(lambda: self._sources.boards(boards))
        for board in boards:
            if board.kind != 'power':
                continue
            if board.online:
                self._power_lost_since = None
            elif board.error and self._power_lost_since is None:
                self._power_lost_since = time.monotonic()

    def _on_location(self, location: Location) -> None:
        self._location.put(location)
        self._place.put(location.position)
        self._enter_zones(location.position)

    def _on_drive(self, drive: DriveState) -> None:
        self._drive.put(drive)
        if self._location.get() is None and not math.isnan(drive.position):
            point = Point(x=drive.position, y=0.0, z=0.0)
            self._place.put(point)
            self._enter_zones(point)

    def _enter_zones(self, position: Point) -> None:
        for zone in self._tracker.update(position.x):
            self._zone_entered.publish(
                SafetyZoneEntered(
                    header=header(self, self._frame),
                    zone_id=zone.zone_id,
                    zone_type=zone.zone_type,
                    position=position,
                    action=zone.action,
                )
            )
            self.get_logger().info(
                f'entered {zone.zone_type} zone {zone.zone_id} at {position.x:.3f} m: '
                f'{zone.action}'
            )

    # The emergency stop.

    def _on_emergency_stop(
        self, request: EmergencyStop.Request, response: EmergencyStop.Response
    ) -> EmergencyStop.Response:
        # An unknown trigger type must not keep a stop from happening.
        trigger_type = request.trigger_type
        if trigger_type not in (HARDWARE, SOFTWARE, REMOTE):
            trigger_type = REMOTE
        reason = request.reason or 'manual_trigger'
        if self._announce(self._latch.trigger(trigger_type, reason, request.source)):
            response.message = 'emergency stop latched'
        else:
            self._publish_estop(self._latch.estop)
            response.message = 'emergency stop was latched already'
        response.accepted = True
        response.estop_id = self._latch.estop.estop_id
        return response

    def _on_clear_estop(
        self, request: ClearEstop.Request, response: ClearEstop.Response
    ) -> ClearEstop.Response:
        next_action = request.next_action or SafetyClear.NEXT_MANUAL_CONTROL
        if next_action not in (
            SafetyClear.NEXT_RESUME,
            SafetyClear.NEXT_RETURN_HOME,
            SafetyClear.NEXT_MANUAL_CONTROL,
        ):
            response.message = (
                f'next_action {next_action!r}: must be resume, return_home or manual_control'
            )
            return response
        if self._latch.estop is None:
            response.accepted = True
            response.message = 'no emergency stop is latched'
            return response
        try:
            refusal = self._sources.clear()
        except OSError as error:
            refusal = f'the latch cannot be opened on disk: {error}'
            self._saved = False  # its file may be gone already
        if refusal:
            response.message = refusal
            return response
        self._saved = True
        self._publish_state()
        self._clear.publish(
            SafetyClear(
                header=header(self, self._frame),
                cleared_by=SafetyClear.CLEARED_BY_OPERATOR,
                position=self._point(),
                next_action=next_action,
            )
        )
        self.get_logger().warning(f'emergency stop cleared by {request.source!r}')
        response.accepted = True
        response.message = 'emergency stop cleared; nothing moves without a new command'
        return response

    def _watch_causes(self, report: Callable[[], Estop | None]) -> None:
        """Take a report of a source; tell the stop it makes and any change of the causes."""
        before = self._latch.causes
        if not self._announce(report()) and self._latch.causes != before:
            self._publish_state()

    def _announce(self, estop: Estop | None) -> bool:
        if estop is None:
            return False
        self._saved = False
        try:
            self._publish_estop(estop)
            self._beat()
        finally:
            # The disk comes after the stop, see EstopLatch; but a stop that could not be told,
            # which ends this node, must be there at its next start.
            self._save()
        self.get_logger().error(
            f'EMERGENCY STOP {estop.estop_id} ({estop.trigger_type}) by {estop.source!r}: '
            f'{estop.reason}'
        )
        return True

    def _publish_estop(self, estop: Estop) -> None:
        # The motor hears of it first.
        self._publish_state()
        event = SafetyEstop(
            header=header(self, self._frame),
            estop_id=estop.estop_id,
            trigger_type=estop.trigger_type,
            position=self._point(),
            emergency_level=SafetyEstop.LEVEL_CRITICAL,
            auto_recovery=False,
        )
        event.header.stamp = to_stamp(estop.stamp)
        self._estop.publish(event)

    def _publish_state(self) -> None:
        estop = self._latch.estop
        state = EstopState(header=header(self), active_causes=self._latch.causes)
        if estop is not None:
            state.latched = True
            state.estop_id = estop.estop_id
            state.trigger_type = estop.trigger_type
            state.reason = estop.reason
        self._state.publish(state)

    def _publish_zones(self) -> None:
        self._zones.publish(
            Zones(
                header=header(self, self._frame),
                zones=[
                    ZoneMessage(
                        zone_id=zone.zone_id,
                        zone_type=zone.zone_type,
                        action=zone.action,
                        start=zone.start,
                        end=zone.end,
                        speed_limit=zone.speed_limit,
                    )
                    for zone in self._tracker.zones
                ],
            )
        )

    def _point(self) -> Point:
        """Return the place of an event, m; NaN when it is not known."""
        return self._place.get() or Point(x=math.nan, y=math.nan, z=math.nan)


def direction_of(command: DriveCommand | None) -> int:
    """Return where a command is to lead, also while it waits; 0 for nowhere.

    A velocity counts more than what is said of it.
    """
    if command is None:
        return 0
    where = command.velocity or command.direction
    return (where > 0.0) - (where < 0.0)


def main() -> None:
    """Run the node."""
    run(SafetyNode)


if __name__ == '__main__':
    main()
