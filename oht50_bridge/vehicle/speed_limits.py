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
"""Limits of speed: the lowest of several, the limit of both directions, the way to brake."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace
from enum import IntEnum

from oht50_bridge.settings import setting

# While the direction of travel is unknown and one direction is forbidden. The motion guard knows
# the limit of each direction and refuses a command in the forbidden one.
CREEP_SPEED = 0.05  # m/s
# A limit that is not above this is a stop: half of the smallest step of the slowest drive, which
# is 1 % of 1 m/s.
SLOWEST_LIMIT = 0.005  # m/s


class Direction(IntEnum):
    """A direction of travel along the rail: the sign of the velocity."""

    BACKWARD = -1
    NONE = 0
    FORWARD = 1

    @classmethod
    def of(cls, velocity: float) -> Direction:
        """Return the direction of a velocity, NONE for 0 and NaN."""
        return cls((velocity > 0.0) - (velocity < 0.0))


def commanded_direction(velocity: float, direction: float) -> Direction:
    """Return the direction that a drive command asks for.

    Args:
        velocity: m/s, commanded; it counts unless it is 0.
        direction: sign of the direction in which the vehicle is to go on after a wait.

    """
    return Direction.of(velocity or direction)


@dataclass(frozen=True)
class Limit:
    """A limit of speed.

    Attributes:
        speed: m/s, 0 to stop.
        reason: why, for a person.
        hold: it clears by itself: what it stops may go on afterwards.

    """

    speed: float
    reason: str
    hold: bool = False


def lowest(limits: Iterable[Limit]) -> Limit:
    """Return the lowest limit; one that is not above SLOWEST_LIMIT becomes 0.

    Of equal ones the first, but one that does not clear by itself before one that does.
    """
    rounded = (
        limit if limit.speed > SLOWEST_LIMIT else replace(limit, speed=0.0) for limit in limits
    )
    return min(rounded, key=_severity)


def limit_without_direction(forward: Limit, backward: Limit) -> Limit:
    """Return the limit while the direction of travel is unknown.

    A direction that is forbidden must not keep the vehicle from leaving in the other one.
    """
    low, high = sorted((forward, backward), key=_severity)
    if low.speed > 0.0 or high.speed == 0.0:
        return low
    return Limit(
        min(high.speed, CREEP_SPEED), f'{low.reason}; the opposite direction is permitted'
    )


@dataclass(frozen=True)
class DirectedLimits:
    """The limit of each direction of travel.

    Attributes:
        forward: of positive velocities.
        backward: of negative velocities.

    """

    forward: Limit
    backward: Limit

    def towards(self, direction: Direction) -> Limit:
        """Return the limit of a direction; NONE: of one that is not known yet."""
        if direction is Direction.NONE:
            return limit_without_direction(self.forward, self.backward)
        return self.forward if direction is Direction.FORWARD else self.backward


def _severity(limit: Limit) -> tuple[float, bool]:
    return limit.speed, limit.hold


@dataclass(frozen=True)
class Braking:
    """How the vehicle slows down."""

    deceleration: float = setting(
        0.3, 'Deceleration counted on ahead of zones', unit='m/s^2', minimum=0.05, maximum=2.0
    )
    reaction_time: float = setting(
        0.25,
        "Time from a measured position to the motor's obeying its limit",
        unit='s',
        minimum=0.0,
        maximum=2.0,
    )

    def approach_speed(self, distance: float, speed: float) -> float:
        """Return the speed, m/s, that is safe `distance` m before `speed` must be reached.

        A motor that follows it while the vehicle brakes has the speed of one reaction time ago,
        but is v t + a t^2 / 2 further on by then, so
        v^2 = speed^2 + 2 a (distance - v t - a t^2 / 2).
        """
        squared = 2.0 * self.deceleration * max(distance, 0.0)
        lag = self.deceleration * self.reaction_time
        return max(speed, math.sqrt(speed * speed + squared) - lag)
