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
"""Supervision of the motion, independent of who commands it.

Each fault is an emergency stop: something moves that should stand, goes faster than was
permitted, goes the other way, or is driven without moving. Nothing here relies on mission_node.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.position import SLOPE_TIME
from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.position import slope

#: s, beyond which a pause between two checks says nothing of the motion in between.
LONGEST_PAUSE = 0.5
#: s, that a velocity above the limit must last: one measurement may be wrong.
PERSISTENCE = 0.2
#: m, that a position which stands may tremble by.
NOISE = 0.005


@dataclass(frozen=True)
class SupervisionSettings:
    """What motion may deviate from its command; parameters with the prefix `supervision_`."""

    deviation: float = setting(
        0.05,
        'Motion without a command, or against it, that is an emergency stop',
        unit='m',
        minimum=0.01,
        maximum=1.0,
    )
    overspeed: float = setting(
        0.1,
        'Excess over the speed limit that is an emergency stop',
        unit='m/s',
        minimum=0.02,
        maximum=1.0,
    )
    deceleration: float = setting(
        0.2,
        'Least deceleration of the vehicle after a stop or below a new limit',
        unit='m/s^2',
        minimum=0.05,
        maximum=2.0,
    )
    reaction: float = setting(
        0.6,
        'Time from a new command or limit to the motion that it causes',
        unit='s',
        minimum=0.1,
        maximum=2.0,
    )
    stall: float = setting(
        0.3,
        'Distance commanded without a change of the position that is an emergency stop',
        unit='m',
        minimum=0.05,
        maximum=2.0,
    )


@dataclass
class _Way:
    """Motion in one direction.

    Attributes:
        ends_at: s, when it must have ended, as it is no longer commanded.
        anchor: m, from where it is counted from then on.

    """

    ends_at: float = math.inf
    anchor: float | None = None


class MotionSupervisor:
    """Compares the measured motion with the command in force.

    All times are in s on one steady clock.

    Args:
        settings: what is allowed.

    """

    def __init__(self, settings: SupervisionSettings) -> None:
        self._settings = settings
        self._command = 0.0  # m/s, in force at the motor's board
        self._ways = {1: _Way(), -1: _Way()}
        self._allowed = 0.0  # m/s, follows the limit down no faster than the vehicle brakes
        self._lowered_at = -math.inf  # s
        self._fast_since: float | None = None
        self._seen: float | None = None  # m, the position that last changed
        self._stamp = -math.inf  # s, of the newest measurement
        self._pending = 0.0  # m, commanded since that
        self._driven = 0.0  # m, commanded before it, since the position changed
        self._at: float | None = None
        self._velocity = 0.0
        self._history: list[Measurement] = []

    def check(
        self, now: float, measurement: Measurement | None, command: float, limit: float
    ) -> str:
        """Return why the motion is an emergency, empty when it is none.

        A fault is reported once; what follows is judged from there on.

        Args:
            now: s, only rising.
            measurement: where the vehicle is, None when that is not known: then there is nothing
                to compare with, and nothing is permitted to move either.
            command: m/s, that the motor's board follows; 0 when it stands or does not report.
            limit: m/s, the limit of speed in force.

        """
        pause = math.inf if self._at is None else now - self._at
        self._at = now
        if measurement is None or not 0.0 <= pause <= LONGEST_PAUSE:
            self._begin(now, measurement, command, limit)
            return ''
        self._velocity = self._fastest(measurement)
        self._follow(now, command, measurement)
        fault = (
            self._overspeed(now, pause, limit)
            or self._deviation(measurement)
            or self._stall(pause, measurement)
        )
        if fault:
            self._begin(now, measurement, command, limit)
        return fault

    def _begin(
        self, now: float, measurement: Measurement | None, command: float, limit: float
    ) -> None:
        """Start anew: nothing is known of what was before."""
        speed = (
            0.0
            if measurement is None or not math.isfinite(measurement.velocity)
            else abs(measurement.velocity)
        )
        self._velocity = speed
        self._command = command
        for way in self._ways.values():
            way.ends_at = now + self._settings.reaction + speed / self._settings.deceleration
            way.anchor = None
        self._allowed = max(limit, speed)
        self._lowered_at = now
        self._fast_since = None
        self._seen = None
        self._pending = self._driven = 0.0
        self._history.clear()

    def _fastest(self, measurement: Measurement) -> float:
        """Return the greater of the velocity that the source states and that of its positions."""
        if not self._history or measurement.stamp > self._history[-1].stamp:
            self._history.append(measurement)
            while measurement.stamp - self._history[0].stamp > 2.0 * SLOPE_TIME:
                del self._history[0]
        span = measurement.stamp - self._history[0].stamp
        measured = slope(self._history) if span >= SLOPE_TIME else math.nan
        known = filter(math.isfinite, (measurement.velocity, measured))
        return max(known, key=abs, default=self._velocity)

    def _follow(self, now: float, command: float, measurement: Measurement) -> None:
        """Give the motion its time to end in the direction that is no longer commanded."""
        self._command = command
        for direction, way in self._ways.items():
            if _sign(command) == direction:
                braking = abs(self._velocity) / self._settings.deceleration
                way.ends_at = now + self._settings.reaction + braking
                way.anchor = None
            elif now >= way.ends_at and way.anchor is None:
                way.anchor = measurement.position

    def _overspeed(self, now: float, pause: float, limit: float) -> str:
        settings = self._settings
        if limit >= self._allowed:
            self._allowed, self._lowered_at = limit, now
        elif now - self._lowered_at > settings.reaction:
            self._allowed = max(limit, self._allowed - settings.deceleration * pause)
            if self._allowed == limit:
                self._lowered_at = now
        speed = abs(self._velocity)
        if not speed > self._allowed + settings.overspeed:
            self._fast_since = None
            return ''
        if self._fast_since is None:
            self._fast_since = now
        if now - self._fast_since < PERSISTENCE:
            return ''
        return f'overspeed: {speed:.2f} m/s, allowed are {self._allowed:.2f} m/s'

    def _deviation(self, measurement: Measurement) -> str:
        allowed = self._settings.deviation + measurement.resolution
        for direction, way in self._ways.items():
            if way.anchor is None:
                continue
            moved = measurement.position - way.anchor
            if moved * direction > allowed:
                if _sign(self._command) == 0:
                    return f'it moved {moved:+.3f} m though nothing is commanded'
                return f'it moved {moved:+.3f} m against its command of {self._command:+.2f} m/s'
            # The other way is permitted, or not over yet.
            if self._ways[-direction].anchor is None and moved * direction < 0.0:
                way.anchor = measurement.position
        return ''

    def _stall(self, pause: float, measurement: Measurement) -> str:
        # What is commanded near standstill need not show.
        if abs(self._command) > STANDSTILL:
            self._pending += abs(self._command) * pause
        # Without a newer measurement nobody knows whether it moves: the position source says when
        # that is too long.
        if measurement.stamp > self._stamp:
            self._stamp = measurement.stamp
            self._driven += self._pending
            self._pending = 0.0
        # A position that trembles does not move, and a command that pauses is no excuse.
        if self._seen is None or abs(measurement.position - self._seen) > NOISE:
            self._seen = measurement.position
            self._driven = 0.0
            return ''
        if self._driven <= self._settings.stall + measurement.resolution:
            return ''
        return f'the position does not change although {self._driven:.2f} m were driven'


def _sign(value: float) -> int:
    return (value > 0.0) - (value < 0.0)
