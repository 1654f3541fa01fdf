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
"""The missions of the vehicle: admits one at a time, executes it, and reports how it ends.

No ROS and no clock: times come as arguments, in s on a monotonic clock (`now`) and in ns since
1970-01-01 UTC (`wall`). What is to be published goes to a `MissionOutput`.
"""

from __future__ import annotations

import math
import uuid
from collections import deque
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from oht50_bridge.text import TextError
from oht50_bridge.text import check_name
from oht50_bridge.text import shown
from oht50_bridge.vehicle.active_mission import ActiveMission
from oht50_bridge.vehicle.admission import MissionRequest
from oht50_bridge.vehicle.admission import MissionRules
from oht50_bridge.vehicle.admission import check_duration
from oht50_bridge.vehicle.admission import check_request
from oht50_bridge.vehicle.docking import Docking
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.mission import Mission
from oht50_bridge.vehicle.mission import MissionOutcome
from oht50_bridge.vehicle.mission import MissionTimeouts
from oht50_bridge.vehicle.mission_limits import MissionLimitSettings
from oht50_bridge.vehicle.mission_recorder import MissionRecorder
from oht50_bridge.vehicle.mission_reports import MissionOutput
from oht50_bridge.vehicle.mission_reports import ProgressReport
from oht50_bridge.vehicle.mission_reports import StartedReport
from oht50_bridge.vehicle.mission_reports import StateReport
from oht50_bridge.vehicle.motion import LoopSettings
from oht50_bridge.vehicle.motion import MotionLoop
from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.profile import ProfileState
from oht50_bridge.vehicle.rail import Station
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.travel_time import travel_time
from oht50_bridge.vehicle.vehicle_view import VehicleView

CHECKPOINT_PERIOD = 1.0  # s, between two records of the active mission
DOCK_PERIOD = 0.2  # s, between two reports of a mission that docks; DOCK_LIFETIME is longer
KNOWN_MISSIONS = 1000  # whose names are not given again


@dataclass(frozen=True)
class ManagerSettings:
    """What missions comply with and how they are executed."""

    track: TrackSettings = field(default_factory=TrackSettings)
    rules: MissionRules = field(default_factory=MissionRules)
    limits: MotionLimits = field(default_factory=MotionLimits)
    mission_limits: MissionLimitSettings = field(default_factory=MissionLimitSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    docking: DockingSettings = field(default_factory=DockingSettings)
    timeouts: MissionTimeouts = field(default_factory=MissionTimeouts)
    stations: Mapping[str, Station] = field(default_factory=dict)


@dataclass(frozen=True)
class StartRequest:
    """A request to start a mission.

    Attributes:
        mission_id: unique name; empty: one is generated.
        station: name of a station; empty: `target`.
        target: x, y, z in m.
        payload: kg.

    """

    mission_id: str
    mission_type: str
    station: str
    target: tuple[float, float, float]
    payload: float


class MissionManager:
    """One mission at a time. Without one it commands nothing.

    Args:
        settings: rules, limits, stations.
        view: what is known of the vehicle; the caller keeps it up to date.
        journal: the record on disk.
        output: receives reports and commands.
        now: s.

    """

    def __init__(
        self,
        settings: ManagerSettings,
        view: VehicleView,
        journal: Journal,
        output: MissionOutput,
        now: float,
    ) -> None:
        self._settings = settings
        self._view = view
        self._output = output
        self._active: ActiveMission | None = None
        self._reported = StateReport()
        self._reported_at = -math.inf  # s, monotonic, of the last report by `step`
        self._charging = False
        self._driving = False
        self._known_ids: deque[str] = deque(maxlen=KNOWN_MISSIONS)
        self._recorder = MissionRecorder(journal, output, now)
        if self._recorder.lost_id:
            self._known_ids.append(self._recorder.lost_id)
        self._ended = self._recorder.lost
        self._report_state()

    def set_limits(self, limits: MotionLimits) -> None:
        """Set new limits; an active mission complies with them too."""
        self._settings = replace(self._settings, limits=limits)

    # Commands.

    def start(self, request: StartRequest, now: float, wall: int) -> tuple[str, float]:
        """Start a mission; return its id and its estimated duration, s.

        Raises:
            RefusedError: it is refused.

        """
        settings = self._settings
        if self._active is not None:
            raise RefusedError(
                f'mission {self._active.mission.mission_id} is active; cancel it or wait for its '
                'end, which is when the vehicle stands'
            )
        if request.mission_id:
            _check_id(request.mission_id)
        if request.mission_id in self._known_ids:
            raise RefusedError(
                f'mission_id {request.mission_id!r}: a mission of this name existed; give another'
            )
        target, dock = request.target, False
        if request.station:
            station = self._station(request.station)
            target, dock = (station.position, 0.0, 0.0), station.dock
        check_request(
            MissionRequest(request.mission_type, target, request.payload, dock),
            self._view.readiness(now),
            settings.rules,
            settings.track,
        )
        measured = self._view.measurement(now)
        assert measured is not None  # admission needs a position
        if dock and not self._view.sees_dock(now):
            raise RefusedError(
                f'station {request.station!r}: no board measures the alignment in the dock'
            )
        docking = self._make_docking(target[0], measured.position) if dock else None
        zones = (*self._view.speed_zones(now), *(docking.zones if docking else ()))
        limits = self._limits(request.mission_type, request.payload)
        duration = settings.loop.settle + travel_time(
            ProfileState(measured.position), target[0], limits, zones
        )
        if self._view.hold(now):
            duration += settings.timeouts.hold_clear_time
        check_duration(duration, settings.rules)
        self._recorder.report_lost(self._view.position(now))
        mission = Mission(
            request.mission_id or f'mission-{uuid.uuid4().hex[:12]}',
            request.mission_type,
            target[0],
            MotionLoop(measured, now, limits, settings.loop),
            docking,
            settings.timeouts,
        )
        mission.motion.go(target[0], zones)  # a report may come before the first step
        active = ActiveMission(mission, request.payload, self._view.drawn(now), now)
        self._recorder.begin(active.record(now, located=True))
        self._active = active
        self._set_charging(False)
        self._known_ids.append(mission.mission_id)
        self._output.started(
            StartedReport(
                mission.mission_id, mission.mission_type, mission.start, target[0], duration, wall
            )
        )
        self._report_state()
        self._output.info(
            f'mission {mission.mission_id}: {mission.mission_type} with {request.payload:g} kg, '
            f'at most {limits.max_velocity:g} m/s and {limits.max_acceleration:g} m/s^2'
        )
        return mission.mission_id, duration

    def pause(self, mission_id: str, by: str = '') -> str:
        """Pause the active mission; return what was done, for a person.

        Args:
            mission_id: its name; empty: the active one.
            by: who ordered it; empty: not known.

        Raises:
            RefusedError: it is refused.

        """
        return self._control(mission_id, lambda mission: mission.pause(by), 'paused')

    def resume(self, mission_id: str, by: str = '') -> str:
        """Resume the active mission; as `pause`."""
        return self._control(mission_id, Mission.resume, 'continues')

    def cancel(self, mission_id: str, by: str = '') -> str:
        """Cancel the active mission; as `pause`."""
        return self._control(mission_id, lambda mission: mission.cancel(by), 'is cancelled')

    @property
    def active_id(self) -> str:
        """Name of the active mission, empty without one."""
        return '' if self._active is None else self._active.mission.mission_id

    def _control(self, mission_id: str, action: Callable[[Mission], None], done: str) -> str:
        if self._active is None:
            raise RefusedError('no mission is active')
        mission = self._active.mission
        if mission_id not in ('', mission.mission_id):
            raise RefusedError(
                f'mission_id {mission_id!r}: the active mission is {mission.mission_id}'
            )
        if self._active.ended:
            raise RefusedError(
                f'mission {mission.mission_id} has ended: {mission.outcome}; the vehicle comes to '
                'rest'
            )
        action(mission)
        self._report_state()
        return f'mission {mission.mission_id} {done}'

    def _limits(self, mission_type: str, payload: float) -> MotionLimits:
        settings = self._settings
        return settings.mission_limits.limits(
            settings.limits, mission_type, payload, self._view.speed_limit
        )

    def _station(self, name: str) -> Station:
        try:
            return self._settings.stations[name]
        except KeyError:
            raise RefusedError(
                f'station {name!r} is not known; the stations are '
                f'{", ".join(self._settings.stations)}'
            ) from None

    def _make_docking(self, station: float, position: float) -> Docking:
        settings = self._settings.docking
        first_side = side = 1.0 if position >= station else -1.0
        track = self._settings.track
        if not track.first <= station + side * settings.back_off <= track.last:
            side = -side
        return Docking(station, side, settings, first_side)

    # What happens to the vehicle.

    def on_estop(self, now: float) -> None:
        """End the mission and the charging: the view reports a latched emergency stop."""
        self._set_charging(False)
        if self._active is None:
            return
        self._active.stopped = True  # also one that has docked and comes to rest
        if not self._active.ended:
            self._active.mission.fail(self._view.forbidden(now))
            self._end(self._active, now)

    def on_battery(self, now: float) -> None:
        """Count the energy: the view has a new report of the battery."""
        if self._active is not None:
            self._active.count_energy(self._view.drawn(now), now)

    def shut_down(self) -> None:
        """Stop; an active mission is reported as failed at the next start."""
        self._halt()
        self._set_charging(False)

    # The loop.

    def step(self, now: float) -> None:
        """Execute the active mission; to be called at the control rate."""
        active = self._active
        if active is None:
            return
        if active.ended:
            self._finish(active, now)
            return
        mission = active.mission
        mission.motion.limit(self._limits(mission.mission_type, active.payload))
        command = mission.step(now, self._view.inputs(now))
        # Before the command: the way into the dock is free of the dock by this report alone.
        # The safety rules believe it no longer than it is repeated, whatever the progress rate is.
        if mission.outcome is None and (
            active.state(self._ended) != self._reported
            or (mission.at_dock and now - self._reported_at >= DOCK_PERIOD)
        ):
            self._reported_at = now
            self._report_state()
        if command is None:
            self._halt()
        else:
            self._output.drive(command, mission.direction)
            self._driving = True
        if mission.outcome is not None:
            self._end(active, now)
            return
        if mission.interruption != active.interruption:
            active.interruption = mission.interruption
            self._log_interruption(mission)
        if mission.there and not active.reached:
            # At once: a report at the end of the mission would come after that end.
            active.reached = True
            self._report_progress(mission)

    def report(self, now: float, *, subscribed: bool) -> None:
        """Report the progress; to be called at the progress rate.

        Args:
            now: s.
            subscribed: somebody receives the reports of ends.

        """
        measured = self._view.measurement(now)
        rests = measured is not None and abs(measured.velocity) <= STANDSTILL
        if (subscribed and rests) or self._recorder.impatient(now):
            self._recorder.report_lost(self._view.position(now))
        active = self._active
        if active is None:
            return
        self._report_progress(active.mission)
        if not active.ended and now - active.recorded_at >= CHECKPOINT_PERIOD:
            active.recorded_at = now
            self._recorder.checkpoint(active.record(now, located=True))

    def continue_charging(self, now: float) -> None:
        """Repeat the request to charge while the vehicle stands in the dock; once a second."""
        if self._charging:
            self._set_charging(not self._view.left_dock(now))

    def _log_interruption(self, mission: Mission) -> None:
        name = f'mission {mission.mission_id}'
        if not mission.interruption:
            self._output.info(f'{name} continues from standstill')
        elif mission.held_by:
            self._output.info(f'{name} held: {mission.interruption}')
        else:
            self._output.warning(
                f'{name} interrupted: {mission.interruption}; the vehicle stops and continues '
                'from standstill'
            )

    def _halt(self) -> None:
        """Command standstill once; then silence keeps the motor stopped."""
        if self._driving:
            self._driving = False
            self._output.drive(0.0, 0)

    def _end(self, active: ActiveMission, now: float) -> None:
        """Stop, and keep the outcome on disk, so that a crash does not lose it."""
        mission = active.mission
        self._halt()
        active.ended_at = now
        self._recorder.end(active.record(now, located=self._view.measurement(now) is not None))
        self._ended = active.end
        text = f'mission {mission.mission_id}: '
        if mission.outcome is MissionOutcome.CANCELLED:
            text += mission.reason
        else:
            text += f'{mission.outcome} {mission.reason}'.rstrip()
        if mission.outcome is MissionOutcome.FAILED:
            self._output.error(text)
        else:
            self._output.info(text)
        self._finish(active, now)
        if self._active is not None:
            self._report_state()  # the vehicle has yet to come to rest

    def _finish(self, active: ActiveMission, now: float) -> None:
        """Report the end of a mission once the vehicle stands: where, and how far it came."""
        mission, measured = active.mission, self._view.measurement(now)
        if not active.rests(measured):
            if not active.waited(now):
                return
            doubt = (
                f'no standstill was measured within {active.rest_timeout:g} s after its end; '
                'where the vehicle stands is not certain'
            )
            self._output.warning(f'mission {mission.mission_id}: {doubt}')
            reason = '; '.join(filter(None, (self._ended.reason, doubt)))
            self._ended = replace(self._ended, reason=reason)
        active.count_energy(self._view.drawn(now), now)
        self._report_progress(mission)
        self._active = None
        self._recorder.finish(active.record(now, located=measured is not None))
        self._report_state()
        if mission.docked and not active.stopped:
            self._set_charging(True)

    def _set_charging(self, wanted: bool) -> None:
        """Request charging or release the charger; a release that is not needed is not sent."""
        if wanted or self._charging:
            self._charging = wanted
            self._output.charge(wanted)

    # Reports.

    def _report_progress(self, mission: Mission) -> None:
        match mission.outcome:
            case None:
                remaining = mission.remaining_time
            case MissionOutcome.SUCCESS:
                remaining = 0.0
            case _:
                remaining = math.nan
        self._output.progress(
            ProgressReport(
                mission.mission_id,
                mission.progress,
                mission.motion.position,
                mission.remaining_distance,
                remaining,
            )
        )

    def _report_state(self) -> None:
        active = self._active
        ended = self._ended
        self._reported = StateReport(ended=ended) if active is None else active.state(ended)
        self._output.state(self._reported)


def _check_id(mission_id: str) -> None:
    """Refuse an id that cannot be stored, logged and shown as it is."""
    try:
        check_name(mission_id)
    except TextError as error:
        raise RefusedError(f'mission_id {shown(mission_id, 64)!r}: {error}') from None
