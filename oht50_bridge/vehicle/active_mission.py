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
"""The active mission and what is counted for it, until the vehicle has come to rest."""

from __future__ import annotations

import math

from oht50_bridge.text import reason_text
from oht50_bridge.vehicle.energy import EnergyMeter
from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.mission import Mission
from oht50_bridge.vehicle.mission import MissionOutcome
from oht50_bridge.vehicle.mission_reports import EndReport
from oht50_bridge.vehicle.mission_reports import StateReport
from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.position import standstill_time

# Without a measured standstill for this long after the end of a mission, as where the position is
# lost, its end is reported all the same. The slowest stop takes half of it: from 0.5 m/s at 0.3
# m/s^2 and 0.2 m/s^3.
REST_TIMEOUT = 6.0  # s, with a position of steps of FINE at most
FINE = 0.001  # m


class ActiveMission:
    """A mission from its start until its end is reported.

    Args:
        mission: the mission.
        payload: kg.
        drawn: W, drawn from the battery now; NaN while unknown.
        now: s, monotonic.

    Attributes:
        recorded_at: s, monotonic, of the last record on disk.
        reached: its arrival at the target was reported.
        interruption: as last logged.
        ended_at: s, monotonic, of its outcome; None while it has none.
        stopped: there was an emergency stop since its start.

    """

    def __init__(self, mission: Mission, payload: float, drawn: float, now: float) -> None:
        self.mission = mission
        self.payload = payload
        self.recorded_at = now
        self.reached = False
        self.interruption = ''
        self.ended_at: float | None = None
        self.stopped = False
        self._started_at = now
        self._meter = EnergyMeter(drawn, now)

    @property
    def ended(self) -> bool:
        """Whether it has an outcome: only the standstill of the vehicle is waited for."""
        return self.ended_at is not None

    def count_energy(self, drawn: float, now: float) -> None:
        """Count the energy drawn from the battery at `drawn` W; NaN while unknown."""
        self._meter.add(drawn, now)

    def rests(self, measurement: Measurement | None) -> bool:
        """Return whether the vehicle has come to rest after the outcome.

        Args:
            measurement: the newest position, None when it is not known.

        """
        motion = self.mission.motion
        if measurement is None or self.ended_at is None:
            return False
        motion.update(measurement)
        if self.mission.outcome is MissionOutcome.FAILED:
            return motion.rests(self.ended_at)
        return abs(motion.velocity) <= STANDSTILL  # it ends itself only where it stands

    @property
    def rest_timeout(self) -> float:
        """How long the standstill is waited for, s: a coarse position shows it later."""
        resolution = self.mission.motion.resolution
        return REST_TIMEOUT + standstill_time(max(resolution, FINE)) - standstill_time(FINE)

    def waited(self, now: float) -> bool:
        """Return whether the standstill must not be waited for any longer; `now` in s."""
        return self.ended_at is not None and now - self.ended_at >= self.rest_timeout

    @property
    def end(self) -> EndReport:
        """How it ended, empty while it is active."""
        mission = self.mission
        if mission.outcome is None:
            return EndReport()
        return EndReport(mission.mission_id, mission.outcome.value, reason_text(mission.reason))

    def state(self, ended: EndReport) -> StateReport:
        """Return what it does; `ended` is the last mission that ended, which may be this one."""
        mission = self.mission
        return StateReport(
            mission.phase,
            mission.mission_id,
            mission.mission_type,
            mission.target,
            reason_text(mission.hindrance),
            mission.at_dock,
            mission.dock_direction,
            ended,
        )

    def record(self, now: float, *, located: bool) -> MissionRecord:
        """Return what is known of it now.

        Args:
            now: s, monotonic.
            located: the place is the last one measured; without, it is NaN: not known.

        """
        mission = self.mission
        return MissionRecord(
            mission_id=mission.mission_id,
            mission_type=mission.mission_type,
            position=mission.motion.position if located else math.nan,
            travelled=mission.motion.travelled,
            energy=self._meter.energy,
            errors=mission.errors,
            status='' if mission.outcome is None else mission.outcome.value,
            reason=mission.reason,
            duration=now - self._started_at,
        )
