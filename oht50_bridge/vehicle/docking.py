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
"""Docking: approach the dock slowly, wait for alignment and charger, else back off and retry.

Positions are in m along the rail, velocities in m/s, times in s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.profile import SpeedZone


@dataclass(frozen=True)
class DockingSettings:
    """How the vehicle docks."""

    approach_distance: float = setting(
        0.5, 'Distance from the dock at which docking begins', unit='m', minimum=0.05, maximum=2.0
    )
    approach_speed: float = setting(
        0.1, 'Speed from approach_distance on', unit='m/s', minimum=0.01, maximum=0.5
    )
    final_distance: float = setting(
        0.1,
        'Distance from the dock at which the final speed begins',
        unit='m',
        minimum=0.01,
        maximum=1.0,
    )
    final_speed: float = setting(
        0.05, 'Speed from final_distance on', unit='m/s', minimum=0.01, maximum=0.2
    )
    retries: int = setting(3, 'Attempts after the first', minimum=0, maximum=10)
    timeout: float = setting(
        30.0, 'Longest duration of one attempt', unit='s', minimum=1.0, maximum=120.0
    )
    contact_time: float = setting(
        3.0, 'Time from arrival to alignment and charger', unit='s', minimum=0.5, maximum=30.0
    )
    back_off: float = setting(
        0.2,
        'Distance from the dock at which another attempt begins',
        unit='m',
        minimum=0.02,
        maximum=1.0,
    )
    capture: float = setting(
        0.1,
        'Distance around the station within which the dock is searched',
        unit='m',
        minimum=0.0,
        maximum=0.5,
    )


@dataclass(frozen=True)
class DockReading:
    """What the boards report about the dock.

    Attributes:
        distance: to the dock, without sign, m; NaN where it is not measured.
        aligned: the dock board says so.
        charger: the power board sees a charger.

    """

    distance: float
    aligned: bool
    charger: bool


class Docking:
    """One docking manoeuvre.

    Args:
        station: position of the dock as configured, m.
        side: the side from which it is approached: 1 from greater, -1 from smaller positions.
        settings: distances, speeds and times.
        first_side: the side from which the first attempt comes; None: `side`.

    Attributes:
        target: position to drive to, m.
        failures: attempts that failed.
        failure: why the last attempt failed, for a person.
        docked: the vehicle is in the dock.
        failed: no attempt is left.

    """

    def __init__(
        self,
        station: float,
        side: float,
        settings: DockingSettings,
        first_side: float | None = None,
    ):
        self._station = station
        self._side = side
        self._settings = settings
        self._from = side if first_side is None else first_side  # of this attempt
        self._backing_off = False
        self._elapsed = 0.0  # s, of this attempt
        self._in_place = 0.0  # s, since the arrival of this attempt
        self.target = station
        self.failures = 0
        self.failure = ''
        self.docked = False
        self.failed = False

    @property
    def zones(self) -> tuple[SpeedZone, SpeedZone]:
        """The stretches around the dock that limit the speed."""
        settings = self._settings
        return (
            SpeedZone(
                self._station - settings.approach_distance,
                self._station + settings.approach_distance,
                settings.approach_speed,
            ),
            SpeedZone(
                self._station - settings.final_distance,
                self._station + settings.final_distance,
                settings.final_speed,
            ),
        )

    @property
    def direction(self) -> int:
        """Direction of travel into the dock, 1 or -1; 0 while it backs off and when it is over."""
        if self._backing_off or self.docked or self.failed:
            return 0
        return -1 if self._from > 0.0 else 1

    def begins_at(self, position: float) -> bool:
        """Return whether docking begins at a position, m."""
        return abs(position - self._station) <= self._settings.approach_distance

    def step(self, dt: float, position: float, arrived: bool, reading: DockReading) -> None:
        """Advance by `dt` s; `arrived`: the vehicle stands at `target`."""
        self._elapsed += dt
        if self._backing_off:
            if arrived:
                self._backing_off = False
                self._elapsed = 0.0
                self.target = self._found(position, reading)
            elif self._elapsed > self._settings.timeout:
                self._fail(f'did not back off within {self._settings.timeout:g} s')
            return
        if arrived:
            self._in_place += dt
            if reading.aligned and reading.charger:
                self.docked = True
                return
        lacking = 'alignment' if not reading.aligned else 'charger'
        if self._in_place > self._settings.contact_time:
            self._fail(f'no {lacking} in the dock')
        elif self._elapsed > self._settings.timeout:
            self._fail(f'not docked within {self._settings.timeout:g} s')

    def _fail(self, failure: str) -> None:
        self.failure = failure
        self.failures += 1
        self.failed = self.failures > self._settings.retries
        self._backing_off = True
        self._from = self._side
        self._elapsed = self._in_place = 0.0
        self.target = self._station + self._side * self._settings.back_off

    def _found(self, position: float, reading: DockReading) -> float:
        """Return the position of the dock: the measured distance is unsigned, the side known."""
        seen = position - self._side * reading.distance
        near = not math.isnan(seen) and abs(seen - self._station) <= self._settings.capture
        return seen if near else self._station
