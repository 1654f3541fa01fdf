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
"""Docking: slowly to the dock, look for alignment and charger, try again from a little way off.

Positions are in m along the rail, velocities in m/s, times in s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from oht50_bridge.vehicle.motion import SpeedZone


@dataclass(frozen=True)
class DockingSettings:
    """How it docks.

    Attributes:
        approach_distance: from the dock, where docking begins, m.
        approach_speed: from there on, m/s.
        final_distance: from the dock, where the final speed begins, m.
        final_speed: m/s.
        retries: further attempts after the first.
        timeout: of one attempt, s.
        contact_time: from arrival to alignment and charger, s.
        back_off: from the dock, where another attempt begins, m.
        capture: the dock is looked for this far around its station, m.

    """

    approach_distance: float = 0.5
    approach_speed: float = 0.1
    final_distance: float = 0.1
    final_speed: float = 0.05
    retries: int = 3
    timeout: float = 30.0
    contact_time: float = 3.0
    back_off: float = 0.2
    capture: float = 0.1


@dataclass(frozen=True)
class DockReading:
    """What tells that the vehicle is in the dock.

    Attributes:
        distance: to the dock, without sign, m; NaN where it is not measured.
        aligned: the dock board says so.
        charger: the power board sees a charger.

    """

    distance: float
    aligned: bool
    charger: bool


class Docking:
    """One docking.

    Args:
        station: position of the dock as configured, m.
        side: the side from which it is approached: 1 from greater, -1 from smaller positions.
        settings: how.

    Attributes:
        target: where to, m.
        failures: attempts that failed.
        failure: why the last attempt failed, for a person.
        docked: it is done.
        failed: no attempt is left.

    """

    def __init__(self, station: float, side: float, settings: DockingSettings):
        self._station = station
        self._side = side
        self._settings = settings
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
        """Where it goes slowly."""
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

    def begins_at(self, position: float) -> bool:
        """Tell whether docking begins at a position."""
        return abs(position - self._station) <= self._settings.approach_distance

    def step(self, dt: float, position: float, arrived: bool, reading: DockReading) -> None:
        """Go on by `dt` s; `arrived` tells whether the vehicle stands at `target`."""
        self._elapsed += dt
        if self._backing_off:
            if arrived:
                self._backing_off = False
                self._elapsed = 0.0
                self.target = self._found(position, reading)
            elif self._elapsed > self._settings.timeout:
                self._fail(f'not back within {self._settings.timeout:g} s')
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
        self._elapsed = self._in_place = 0.0
        self.target = self._station + self._side * self._settings.back_off

    def _found(self, position: float, reading: DockReading) -> float:
        """Return where the dock is: the distance has a sign only as seen from aside."""
        seen = position - self._side * reading.distance
        near = not math.isnan(seen) and abs(seen - self._station) <= self._settings.capture
        return seen if near else self._station
