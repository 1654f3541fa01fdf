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
"""Owns the active mission: checks it, drives it along the rail and tells how it goes and ends."""

from __future__ import annotations

import math
import time
import uuid
from collections import deque
from dataclasses import replace
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from rclpy.node import Node

from oht50_bridge.msg import ChargeRequest
from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import Location
from oht50_bridge.msg import MissionCompleted
from oht50_bridge.msg import MissionProgress
from oht50_bridge.msg import MissionStarted
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SystemError
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import NS
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.srv import ControlMission
from oht50_bridge.srv import StartMission
from oht50_bridge.timing import DRIVE_COMMAND_TIMEOUT
from oht50_bridge.timing import HEARTBEAT_TIMEOUT
from oht50_bridge.vehicle.docking import Docking
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.docking import DockReading
from oht50_bridge.vehicle.mission import FAILED
from oht50_bridge.vehicle.mission import NONE
from oht50_bridge.vehicle.mission import SUCCESS
from oht50_bridge.vehicle.mission import EnergyMeter
from oht50_bridge.vehicle.mission import Inputs
from oht50_bridge.vehicle.mission import Journal
from oht50_bridge.vehicle.mission import Mission
from oht50_bridge.vehicle.mission import Patience
from oht50_bridge.vehicle.mission import Record
from oht50_bridge.vehicle.mission import Request
from oht50_bridge.vehicle.mission import Rules
from oht50_bridge.vehicle.mission import Situation
from oht50_bridge.vehicle.mission import refusal
from oht50_bridge.vehicle.mission import too_long
from oht50_bridge.vehicle.motion import Limits
from oht50_bridge.vehicle.motion import Loop
from oht50_bridge.vehicle.motion import Measurement
from oht50_bridge.vehicle.motion import Motion
from oht50_bridge.vehicle.motion import SpeedZone
from oht50_bridge.vehicle.motion import State
from oht50_bridge.vehicle.motion import travel_time
from oht50_bridge.vehicle.zones import STOP
from oht50_bridge.vehicle.zones import Zone

SAFETY_PROFILE = Limits()  # the ceiling of what parameters may allow
LIMITS = (
    ('velocity', 'max_velocity', 'Greatest velocity, m/s'),
    ('acceleration', 'max_acceleration', 'Greatest acceleration, m/s^2'),
    ('jerk', 'max_jerk', 'Greatest jerk, m/s^3'),
)
DRIVE_AGE = 0.5  # s
POSITION_AGE = 0.5  # s, at the start; while it moves position_timeout counts
POWER_AGE = 5.0  # s
CHECKPOINT_PERIOD = 1.0  # s, between two records of the active mission
LOST_PATIENCE = 10.0  # s, that the report of a lost mission waits for someone to hear it
KNOWN_MISSIONS = 1000  # whose names are not given again
CHARGE_PERIOD = 1.0  # s, between requests to charge
# These end without anyone's doing.
HOLDS = {
    DriveState.STOP_CHARGING: 'the charger is engaged',
    DriveState.STOP_SCAN: 'a scan of the modules runs',
}
# After these the travel motor needs more than a new command.
DRIVE_FAULTS = (
    DriveState.STOP_ESTOP,
    DriveState.STOP_LAYOUT,
    DriveState.STOP_SHUTDOWN,
    DriveState.STOP_MODULE_LOST,
)


class MissionNode(Node):
    """One mission at a time. Without one it publishes no drive command."""

    def __init__(self):
        super().__init__('mission_node')
        rate = declare(
            self, 'control_rate', 50.0, 'Rate of drive commands, Hz', minimum=20.0, maximum=100.0
        )
        progress_rate = declare(
            self, 'progress_rate', 5.0, 'Rate of mission.progress, Hz', minimum=0.5, maximum=5.0
        )
        self._frame = declare(self, 'map_frame', 'map', 'Frame of positions')
        self._limits = self._declare_limits()
        self._rules = self._declare_rules()
        self._loop = self._declare_loop()
        self._docking = self._declare_docking()
        self._stations = self._declare_stations()
        self._patience = Patience(
            silence=DRIVE_COMMAND_TIMEOUT,
            position=declare(
                self,
                'position_timeout',
                0.2,
                'Age of the position beyond which nothing is commanded, s',
                minimum=0.1,
                maximum=1.0,
            ),
            loss=declare(
                self,
                'loss_timeout',
                0.3,
                'Duration of a lack of position or heartbeat after which a mission has failed, s',
                minimum=0.1,
                maximum=5.0,
            ),
            hold=declare(
                self,
                'hold_timeout',
                60.0,
                'Duration of a hold, as by an obstacle, after which a mission has failed, s',
                minimum=1.0,
                maximum=3600.0,
            ),
            clear=declare(
                self,
                'hold_clear_time',
                1.0,
                'How long nothing must hold a mission before it goes on, s',
                minimum=0.2,
                maximum=60.0,
            ),
        )
        self._journal = Journal(state_directory(self) / 'mission.json')
        self._lost = self._load_lost()
        self._lost_since = time.monotonic()

        self._mission: Mission | None = None
        self._by_location = True  # whether the active mission goes by the location board
        self._started = 0  # ns since 1970-01-01 UTC
        self._started_at = 0.0  # s, monotonic
        self._recorded_at = 0.0  # s, monotonic
        self._meter = EnergyMeter(math.nan, 0.0)
        self._state: tuple[str, str] = ('', '')  # phase and reason as published
        self._there = False
        self._interruption = ''  # as last logged
        self._charging = False
        self._driving = False
        self._known_ids: deque[str] = deque(maxlen=KNOWN_MISSIONS)

        self._location: Location | None = None
        self._location_measured: Measurement | None = None
        self._drive = Newest(DRIVE_AGE)
        self._drive_measured: Measurement | None = None
        self._heartbeat = Newest(HEARTBEAT_TIMEOUT)
        self._power = Newest(POWER_AGE)
        self._estop: EstopState | None = None
        self._zones: list[Zone] | None = None
        self._speed_zones: tuple[SpeedZone, ...] = ()

        self._command = topics.DRIVE_COMMAND.publisher(self)
        self._charge_request = topics.CHARGE_REQUEST.publisher(self)
        self._mission_started = topics.MISSION_STARTED.publisher(self)
        self._mission_progress = topics.MISSION_PROGRESS.publisher(self)
        self._mission_completed = topics.MISSION_COMPLETED.publisher(self)
        self._mission_state = topics.MISSION_STATE.publisher(self)
        topics.LOCATION.subscribe(self, self._on_location)
        topics.DRIVE_STATE.subscribe(self, self._on_drive)
        topics.SAFETY_HEARTBEAT.subscribe(self, self._heartbeat.put)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)
        topics.POWER.subscribe(self, self._on_power)
        topics.ZONES.subscribe(self, self._on_zones)
        topics.SYSTEM_ERROR.subscribe(self, self._on_error)
        self.create_service(StartMission, 'start_mission', self._on_start)
        self.create_service(ControlMission, 'control_mission', self._on_control)
        self.create_timer(1.0 / rate, self._step)
        self.create_timer(1.0 / progress_rate, self._report)
        self.create_timer(CHARGE_PERIOD, self._go_on_charging)
        configurable(self, self._take_limits)
        self._publish_state()

    def destroy_node(self) -> None:
        """Stop the vehicle; a mission that is active is reported as failed at the next start."""
        self._halt()
        self._charge(False)
        super().destroy_node()

    # Parameters.

    def _declare_limits(self) -> Limits:
        return Limits(
            **{
                field: declare(
                    self,
                    name,
                    getattr(SAFETY_PROFILE, field),
                    description,
                    minimum=0.01,
                    maximum=getattr(SAFETY_PROFILE, field),
                    read_only=False,
                )
                for field, name, description in LIMITS
            }
        )

    def _take_limits(self, values: dict[str, Any]) -> None:
        """Take limits that were set while the node runs; an active mission keeps to them too."""
        self._limits = replace(
            self._limits, **{field: values[name] for field, name, _ in LIMITS if name in values}
        )

    def _declare_rules(self) -> Rules:
        return Rules(
            track_length=declare(
                self,
                'track_length',
                50.0,
                'The rail is from 0 to there, m',
                minimum=0.1,
                maximum=1500.0,
            ),
            minimum_battery=declare(
                self,
                'minimum_battery',
                0.30,
                'Least charge at the start, ratio 0..1',
                minimum=0.0,
                maximum=1.0,
            ),
            maximum_payload=declare(
                self, 'maximum_payload', 50.0, 'Greatest payload, kg', minimum=0.0, maximum=50.0
            ),
            maximum_duration=declare(
                self,
                'maximum_duration',
                3600.0,
                'Longest estimated duration, s',
                minimum=1.0,
                maximum=3600.0,
            ),
        )

    def _declare_loop(self) -> Loop:
        return Loop(
            delay=declare(
                self,
                'drive_delay',
                Loop.delay,
                'From a drive command to its motion, s',
                minimum=0.0,
                maximum=0.5,
            ),
            creep_speed=declare(
                self,
                'creep_speed',
                Loop.creep_speed,
                'Speed of the last millimetres, not below the smallest step of the drive, m/s',
                minimum=0.001,
                maximum=0.05,
            ),
            tolerance=declare(
                self,
                'tolerance',
                Loop.tolerance,
                'Error allowed at arrival, or the resolution of the position if coarser, m',
                minimum=0.001,
                maximum=0.05,
            ),
        )

    def _declare_docking(self) -> DockingSettings:
        default = DockingSettings()
        return DockingSettings(
            approach_distance=declare(
                self,
                'dock.approach_distance',
                default.approach_distance,
                'From the dock, where docking begins, m',
                minimum=0.05,
                maximum=2.0,
            ),
            approach_speed=declare(
                self,
                'dock.approach_speed',
                default.approach_speed,
                'From there on, m/s',
                minimum=0.01,
                maximum=0.5,
            ),
            final_distance=declare(
                self,
                'dock.final_distance',
                default.final_distance,
                'From the dock, where the final speed begins, m',
                minimum=0.01,
                maximum=1.0,
            ),
            final_speed=declare(
                self,
                'dock.final_speed',
                default.final_speed,
                'From there on, m/s',
                minimum=0.01,
                maximum=0.2,
            ),
            retries=declare(
                self,
                'dock.retries',
                default.retries,
                'Attempts after the first',
                minimum=0,
                maximum=10,
            ),
            timeout=declare(
                self,
                'dock.timeout',
                default.timeout,
                'Of one attempt, s',
                minimum=1.0,
                maximum=120.0,
            ),
            contact_time=declare(
                self,
                'dock.contact_time',
                default.contact_time,
                'From arrival to alignment and charger, s',
                minimum=0.5,
                maximum=30.0,
            ),
            back_off=declare(
                self,
                'dock.back_off',
                default.back_off,
                'From the dock, where another attempt begins, m',
                minimum=0.02,
                maximum=1.0,
            ),
            capture=declare(
                self,
                'dock.capture',
                default.capture,
                'The dock is looked for this far around its station, m',
                minimum=0.0,
                maximum=0.5,
            ),
        )

    def _declare_stations(self) -> dict[str, tuple[float, bool]]:
        names = declare(self, 'stations', ['charger'], 'Names of the stations')
        positions = declare(
            self, 'station_positions', [1.0], 'Position of each station along the rail, m'
        )
        docks = declare(self, 'station_docks', [True], 'Whether each station is a dock')
        if not len(names) == len(positions) == len(docks):
            raise StartError(
                'mission_node: stations, station_positions and station_docks differ in length; '
                'give one position and one dock flag for each station'
            )
        for name, position in zip(names, positions, strict=True):
            if not 0.0 <= position <= self._rules.track_length:
                raise StartError(
                    f'mission_node: station_positions: {name} at {position:g} m is not on the '
                    f'rail, 0 to {self._rules.track_length:g} m (track_length)'
                )
        if len(set(names)) != len(names):
            raise StartError('mission_node: stations: a name is given twice; rename one')
        return dict(zip(names, zip(positions, docks, strict=True), strict=True))

    # What the vehicle reports.

    def _on_location(self, location: Location) -> None:
        self._location = location
        self._location_measured = self._measurement(
            location.header.stamp,
            location.position.x,
            location.position_resolution,
            location.linear_velocity,
        )

    def _on_drive(self, drive: DriveState) -> None:
        self._drive.put(drive)
        self._drive_measured = self._measurement(
            drive.header.stamp, drive.position, drive.position_resolution, drive.velocity
        )

    def _measurement(
        self, stamp: Time, position: float, resolution: float, velocity: float
    ) -> Measurement | None:
        """Return a measurement on the monotonic clock, None where the board measures none."""
        if not (math.isfinite(position) and math.isfinite(resolution)):
            return None
        age = max(0.0, (self.get_clock().now().nanoseconds - from_stamp(stamp)) / NS)
        return Measurement(position, resolution, velocity, time.monotonic() - age)

    def _on_estop(self, state: EstopState) -> None:
        self._estop = state
        if not state.latched:
            return
        self._charge(False)
        if self._mission is not None:
            self._mission.fail(self._forbidden())
            self._end()

    def _on_power(self, power: PowerState) -> None:
        self._power.put(power)
        self._meter.take(self._drawn(), time.monotonic())

    def _drawn(self) -> float:
        """Return the power drawn from the battery, W, 0 while it is charged, NaN while unknown."""
        power: PowerState | None = self._power.get()
        return math.nan if power is None else max(-power.voltage * power.current, 0.0)

    def _on_zones(self, zones: Zones) -> None:
        self._zones = [
            Zone(zone.zone_id, zone.zone_type, zone.action, zone.start, zone.end, zone.speed_limit)
            for zone in zones.zones
        ]
        self._speed_zones = tuple(
            SpeedZone(zone.start, zone.end, zone.speed_limit)
            for zone in self._zones
            if zone.action != STOP
        )

    def _on_error(self, error: SystemError) -> None:
        if self._mission is not None:
            self._mission.errors += 1

    def _fresh(self, measurement: Measurement | None) -> Measurement | None:
        """Return a measurement that is new enough to begin with, None without one."""
        if measurement is None:
            return None
        return measurement if time.monotonic() - measurement.stamp <= POSITION_AGE else None

    def _position(self) -> Measurement | None:
        """Return where the vehicle is; the location board is preferred to the motor's."""
        return self._fresh(self._location_measured) or self._fresh(self._drive_measured)

    def _dock_reading(self) -> DockReading:
        known = self._location is not None and self._fresh(self._location_measured) is not None
        power: PowerState | None = self._power.get()
        charger = power is not None and (
            power.charger_present or power.state == PowerState.STATE_CHARGING
        )
        return DockReading(
            distance=self._location.dock_distance if known else math.nan,
            aligned=known and self._location.dock_aligned,
            charger=charger,
        )

    def _forbidden(self) -> str:
        """Return why motion is forbidden until someone does something about it."""
        if self._estop is not None and self._estop.latched:
            return f'emergency stop: {self._estop.reason}'
        drive: DriveState | None = self._drive.get()
        if drive is not None and drive.stop_reason in DRIVE_FAULTS:
            return f'the travel motor is stopped: {drive.stop_reason}'
        heartbeat: SafetyHeartbeat | None = self._heartbeat.get()
        if heartbeat is not None and not heartbeat.motion_permitted and not heartbeat.hold:
            return heartbeat.reason or 'motion is not permitted'
        return ''

    def _hold(self) -> str:
        """Return what keeps the vehicle from moving until it goes away by itself."""
        heartbeat: SafetyHeartbeat | None = self._heartbeat.get()
        if heartbeat is not None and not heartbeat.motion_permitted:
            return heartbeat.reason
        drive: DriveState | None = self._drive.get()
        return HOLDS.get(drive.stop_reason, '') if drive is not None else ''

    def _missing(self) -> str:
        """Return what is missing for motion and may come back by itself."""
        if self._heartbeat.get() is None:
            return 'no safety heartbeat'
        return 'no report of the travel motor' if self._drive.get() is None else ''

    def _stopped(self) -> str:
        """Return why the drive does not do as commanded, empty when it reports that it does."""
        drive: DriveState | None = self._drive.get()
        if drive is None:
            return 'it does not report'
        return '' if drive.stop_reason == DriveState.STOP_NONE else drive.stop_reason

    def _unconfirmed(self) -> str:
        """Return why the limits are not those in force, empty when they are."""
        if self.get_parameter(CONFIG_VERSION).value:
            return ''
        return 'the configuration is not confirmed since the start; look at config_node'

    # Services.

    def _on_start(
        self, request: StartMission.Request, response: StartMission.Response
    ) -> StartMission.Response:
        response.estimated_duration = math.nan
        response.message = self._start(request, response)
        if response.message:
            self.get_logger().warning(f'mission refused: {response.message}')
            return response
        response.accepted = True
        response.message = f'mission {response.mission_id} started'
        self.get_logger().info(f'{response.message} by {request.source!r}')
        return response

    def _start(self, request: StartMission.Request, response: StartMission.Response) -> str:
        """Start a mission; return why not, empty when it has started."""
        if self._mission is not None:
            return f'mission {self._mission.mission_id} is active; cancel it or wait for its end'
        if request.mission_id in self._known_ids:
            return f'mission_id {request.mission_id!r}: there was one of this name; give another'
        target, dock = request.target_position, False
        if request.station:
            if request.station not in self._stations:
                return (
                    f'station {request.station!r} is not known; the stations are '
                    f'{", ".join(self._stations)}'
                )
            x, dock = self._stations[request.station]
            target = Point(x=x, y=0.0, z=0.0)
        measured = self._position()
        why_not = refusal(
            Request(request.mission_type, (target.x, target.y, target.z), request.payload, dock),
            self._situation(measured),
            self._rules,
        )
        if why_not:
            return why_not
        if dock and measured is not self._location_measured:
            return f'station {request.station!r}: no board measures the alignment in the dock'
        docking = self._make_docking(target.x, measured.position) if dock else None
        zones = (*self._speed_zones, *(docking.zones if docking else ()))
        duration = self._loop.settle + travel_time(
            State(measured.position), target.x, self._limits, zones
        )
        if self._hold():
            duration += self._patience.clear
        why_not = too_long(duration, self._rules)
        if why_not:
            return why_not
        if self._lost is not None:
            self._publish_lost()
        now = time.monotonic()
        mission = Mission(
            request.mission_id or f'mission-{uuid.uuid4().hex[:12]}',
            request.mission_type,
            target.x,
            Motion(measured, now, self._limits, self._loop),
            docking,
            self._patience,
        )
        self._mission = mission
        self._by_location = measured is self._location_measured
        self._started = self.get_clock().now().nanoseconds
        self._started_at = self._recorded_at = now
        self._meter = EnergyMeter(self._drawn(), now)
        try:
            self._journal.save(self._record())
        except OSError as error:
            self._mission = None
            return f'the mission cannot be recorded: {error}; make room in state_dir'
        self._charge(False)
        self._there = False
        self._interruption = ''
        self._known_ids.append(mission.mission_id)
        response.mission_id = mission.mission_id
        response.estimated_duration = duration
        started = MissionStarted(
            header=header(self, self._frame),
            mission_id=mission.mission_id,
            mission_type=mission.mission_type,
            start_position=point(mission.start),
            target_position=target,
            estimated_duration=duration,
        )
        started.header.stamp = to_stamp(self._started)
        self._mission_started.publish(started)
        self._publish_state()
        return ''

    def _make_docking(self, station: float, position: float) -> Docking:
        side = 1.0 if position >= station else -1.0
        if not 0.0 <= station + side * self._docking.back_off <= self._rules.track_length:
            side = -side
        return Docking(station, side, self._docking)

    def _situation(self, measured: Measurement | None) -> Situation:
        power: PowerState | None = self._power.get()
        return Situation(
            not_ready=self._forbidden() or self._missing() or self._unconfirmed(),
            position=measured.position if measured is not None else math.nan,
            battery=power.percentage if power is not None else math.nan,
            zones=self._zones,
        )

    def _on_control(
        self, request: ControlMission.Request, response: ControlMission.Response
    ) -> ControlMission.Response:
        mission = self._mission
        if mission is None:
            response.message = 'no mission is active'
            return response
        if request.mission_id not in ('', mission.mission_id):
            response.message = (
                f'mission_id {request.mission_id!r}: the active mission is {mission.mission_id}'
            )
            return response
        response.mission_id = mission.mission_id
        if request.action == ControlMission.Request.ACTION_PAUSE:
            why_not, done = mission.pause(), 'paused'
        elif request.action == ControlMission.Request.ACTION_RESUME:
            why_not, done = mission.resume(), 'goes on'
        elif request.action == ControlMission.Request.ACTION_CANCEL:
            mission.cancel()
            why_not, done = '', 'is cancelled'
        else:
            why_not = f'action {request.action}: must be 1 (pause), 2 (resume) or 3 (cancel)'
            done = ''
        response.accepted = not why_not
        response.message = why_not or f'mission {mission.mission_id} {done}'
        self.get_logger().info(f'{response.message} by {request.source!r}')
        self._publish_state()
        return response

    # The loop.

    def _step(self) -> None:
        mission = self._mission
        if mission is None:
            return
        mission.motion.limit(self._limits)
        now = time.monotonic()
        command = mission.step(now, self._inputs(now))
        if command is None:
            self._halt()
        else:
            self._command.publish(
                DriveCommand(header=header(self), velocity=command, direction=mission.direction)
            )
            self._driving = True
        if mission.status:
            self._end()
            return
        if (mission.phase, mission.held_by) != self._state:
            self._publish_state()
        if mission.interruption != self._interruption:
            self._interruption = mission.interruption
            self._tell_interruption(mission)
        if mission.there and not self._there:
            # At once: what is told only at the end of the mission is overtaken by that end.
            self._there = True
            self._publish_progress()

    def _tell_interruption(self, mission: Mission) -> None:
        if not mission.interruption:
            self.get_logger().info(f'mission {mission.mission_id} goes on from standstill')
        elif mission.held_by:
            self.get_logger().info(f'mission {mission.mission_id} held: {mission.interruption}')
        else:
            self.get_logger().warning(
                f'mission {mission.mission_id} interrupted: {mission.interruption}; the vehicle '
                'stops and goes on from standstill'
            )

    def _inputs(self, now: float) -> Inputs:
        measurement = self._location_measured if self._by_location else self._drive_measured
        age = now - measurement.stamp if measurement is not None else math.inf
        heartbeat: SafetyHeartbeat | None = self._heartbeat.get()
        return Inputs(
            measurement=measurement,
            position_age=age,
            forbidden=self._forbidden(),
            missing=self._missing(),
            speed_limit=heartbeat.speed_limit if heartbeat is not None else 0.0,
            dock=self._dock_reading(),
            stopped=self._stopped(),
            zones=self._speed_zones,
            hold=self._hold(),
        )

    def _halt(self) -> None:
        """Command standstill once; then silence keeps the motor stopped."""
        if self._driving:
            self._driving = False
            self._command.publish(DriveCommand(header=header(self), velocity=0.0))

    def _end(self) -> None:
        """Tell how the mission ended; on disk first, so that its end is told after a crash too."""
        mission = self._mission
        self._halt()
        self._publish_progress()
        record = self._record()
        self._mission = None
        self._save(record, durable=True)
        self._publish_completed(record, record.position)
        self._clear()
        self._publish_state()
        if mission.docked:
            self._charge(True)
        text = f'mission {mission.mission_id}: {mission.status} {mission.reason}'.rstrip()
        if mission.status == FAILED:
            self.get_logger().error(text)
        else:
            self.get_logger().info(text)

    def _charge(self, wanted: bool) -> None:
        """Ask the power board to charge until told otherwise, or let go of the charger."""
        if wanted or self._charging:
            self._charging = wanted
            self._charge_request.publish(ChargeRequest(header=header(self), charge=wanted))

    def _go_on_charging(self) -> None:
        """Repeat the request for as long as the vehicle stands in the dock."""
        if not self._charging:
            return
        left = self._fresh(self._location_measured) is not None and (
            not self._location.dock_aligned
        )
        self._charge(not left)

    def _record(self) -> Record:
        mission, now = self._mission, time.monotonic()
        self._meter.take(self._drawn(), now)
        return Record(
            mission_id=mission.mission_id,
            mission_type=mission.mission_type,
            started=self._started,
            position=mission.motion.position,
            travelled=mission.motion.travelled,
            energy=self._meter.energy,
            errors=mission.errors,
            status=mission.status,
            duration=now - self._started_at,
        )

    def _save(self, record: Record, *, durable: bool) -> None:
        try:
            self._journal.save(record, durable=durable)
        except OSError as error:
            self.get_logger().error(
                f'the mission cannot be recorded ({error}); after a crash its end would be lost',
                throttle_duration_sec=5.0,
            )

    def _clear(self) -> None:
        try:
            self._journal.clear()
        except OSError as error:
            self.get_logger().error(
                f'the record of the mission cannot be removed ({error}); its end is told again '
                'after a restart'
            )

    # Reports.

    def _report(self) -> None:
        if self._lost is not None:
            self._report_lost()
        if self._mission is None:
            return
        self._publish_progress()
        now = time.monotonic()
        if now - self._recorded_at >= CHECKPOINT_PERIOD:
            self._recorded_at = now
            self._save(self._record(), durable=False)

    def _publish_progress(self) -> None:
        mission = self._mission
        progress = MissionProgress(
            header=header(self, self._frame),
            mission_id=mission.mission_id,
            progress=mission.progress,
            current_position=point(mission.motion.position),
            remaining_distance=mission.remaining_distance,
        )
        remaining = 0.0 if mission.status == SUCCESS else mission.remaining_time
        if (not mission.status or mission.status == SUCCESS) and not math.isnan(remaining):
            stamp = self.get_clock().now().nanoseconds + round(remaining * NS)
            progress.estimated_completion = to_stamp(stamp)
        self._mission_progress.publish(progress)

    def _publish_state(self) -> None:
        mission = self._mission
        state = MissionState(header=header(self, self._frame), target_position=point(math.nan))
        state.phase = NONE
        if mission is not None:
            state.phase = mission.phase
            state.mission_id = mission.mission_id
            state.mission_type = mission.mission_type
            state.target_position = point(mission.target)
            state.reason = mission.held_by
        self._state = (state.phase, state.reason)
        self._mission_state.publish(state)

    def _publish_completed(self, record: Record, position: float) -> None:
        self._mission_completed.publish(
            MissionCompleted(
                header=header(self, self._frame),
                mission_id=record.mission_id,
                status=record.status,
                completion_time=record.duration,
                final_position=point(position),
                distance_traveled=record.travelled,
                energy_consumed=record.energy,
                errors_encountered=record.errors,
            )
        )

    # The mission of the node that died.

    def _load_lost(self) -> Record | None:
        try:
            return self._journal.load()
        except (OSError, ValueError) as error:
            self.get_logger().error(
                f'the record of the last mission cannot be read ({error}); how it ended is not '
                'known'
            )
            return None

    def _report_lost(self) -> None:
        """Tell of the lost mission as soon as someone listens and the position is known."""
        heard = self._mission_completed.get_subscription_count() > 0
        if (heard and self._position() is not None) or (
            time.monotonic() - self._lost_since > LOST_PATIENCE
        ):
            self._publish_lost()

    def _publish_lost(self) -> None:
        lost, measured = self._lost, self._position()
        self._lost = None
        self._known_ids.append(lost.mission_id)
        position = measured.position if measured is not None else math.nan
        if not lost.status:
            way = 0.0 if measured is None else abs(position - lost.position)
            lost = Record(
                mission_id=lost.mission_id,
                mission_type=lost.mission_type,
                started=lost.started,
                position=position,
                travelled=lost.travelled + way,
                energy=lost.energy,
                errors=lost.errors + 1,
                status=FAILED,
                duration=(self.get_clock().now().nanoseconds - lost.started) / NS,
            )
            self.get_logger().error(
                f'mission {lost.mission_id}: failed, the mission node ended in the midst of it'
            )
        self._publish_completed(lost, lost.position)
        self._clear()


def point(x: float) -> Point:
    """Return a point of the rail, NaN in all of its coordinates where x is."""
    across = math.nan if math.isnan(x) else 0.0
    return Point(x=x, y=across, z=across)


def main() -> None:
    """Run the node."""
    run(MissionNode)


if __name__ == '__main__':
    main()
