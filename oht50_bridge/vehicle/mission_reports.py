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
"""What missions report, and the interface that receives it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.mission import MissionPhase


@dataclass(frozen=True)
class StartedReport:
    """A mission has started; positions in m, duration in s, wall in ns since 1970-01-01 UTC."""

    mission_id: str
    mission_type: str
    start: float
    target: float
    estimated_duration: float
    wall: int


@dataclass(frozen=True)
class ProgressReport:
    """How far a mission has come.

    Attributes:
        progress: ratio 0..1.
        position: m.
        remaining_distance: m.
        remaining_time: s, NaN while it is not known.

    """

    mission_id: str
    progress: float
    position: float
    remaining_distance: float
    remaining_time: float


@dataclass(frozen=True)
class EndReport:
    """How a mission ended; `reason` is why it did not succeed, for a person."""

    mission_id: str = ''
    status: str = ''
    reason: str = ''


@dataclass(frozen=True)
class StateReport:
    """What the vehicle's mission does; target in m, NaN without a mission."""

    phase: MissionPhase = MissionPhase.NONE
    mission_id: str = ''
    mission_type: str = ''
    target: float = math.nan
    reason: str = ''
    at_dock: bool = False  # it docks at the target, also while held or paused
    dock_direction: int = 0  # of travel into the dock, 1 or -1; 0: not now
    ended: EndReport = EndReport()  # the last mission that ended; empty before the first


class MissionOutput(Protocol):
    """Where the reports and commands of missions go."""

    def drive(self, velocity: float, direction: int) -> None:
        """Command a velocity, m/s; `direction` is where a held mission would go."""

    def charge(self, wanted: bool) -> None:
        """Request charging, or release the charger."""

    def started(self, report: StartedReport) -> None:
        """Report a start."""

    def progress(self, report: ProgressReport) -> None:
        """Report progress."""

    def completed(self, record: MissionRecord) -> None:
        """Report an end."""

    def state(self, report: StateReport) -> None:
        """Report what the mission does."""

    def info(self, text: str) -> None:
        """Log a normal step."""

    def warning(self, text: str) -> None:
        """Log an interruption."""

    def error(self, text: str) -> None:
        """Log a failure."""
