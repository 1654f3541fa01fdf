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
"""Limits of speed.

A direction is +1 towards growing x and -1 towards falling x.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace

from oht50_bridge.vehicle.status import STANDSTILL_SPEED

FORWARD = 1
BACKWARD = -1
# As long as nobody says where to, and one way is forbidden: the order that goes the wrong way is
# heard of before the vehicle has gone a millimetre.
CREEP_SPEED = 0.05  # m/s


@dataclass(frozen=True)
class Limit:
    """A limit of speed.

    Attributes:
        speed: m/s, 0 to stop.
        reason: why, for a person.
        hold: it goes away by itself: what it stops may go on then.

    """

    speed: float
    reason: str
    hold: bool = False


def lowest(limits: Iterable[Limit]) -> Limit:
    """Return the lowest limit; what is slower than standstill is 0.

    Of equal ones the first, but one that does not go away by itself before one that does.
    """
    stops = (
        limit if limit.speed > STANDSTILL_SPEED else replace(limit, speed=0.0) for limit in limits
    )
    return min(stops, key=lambda limit: (limit.speed, limit.hold))


def either_way(forward: Limit, backward: Limit) -> Limit:
    """Return the limit while it is not known where the vehicle is to go.

    One forbidden way must not keep the vehicle from leaving by the other.
    """
    low, high = sorted((forward, backward), key=lambda limit: (limit.speed, limit.hold))
    if low.speed > 0.0 or high.speed == 0.0:
        return low
    return Limit(min(high.speed, CREEP_SPEED), f'{low.reason}; the other way is free')


@dataclass(frozen=True)
class Braking:
    """How the vehicle slows down.

    Attributes:
        deceleration: m/s^2, counted on.
        reaction_time: s, from a measured position to the motor's obeying the limit it gives.

    """

    deceleration: float
    reaction_time: float

    def approach_speed(self, distance: float, speed: float) -> float:
        """Return the speed, m/s, that may be had `distance` m before `speed` must be reached.

        A motor that follows it while the vehicle brakes has the speed of a reaction time ago, but
        is v t + a t^2 / 2 further on by then: v^2 = speed^2 + 2 a (distance - v t - a t^2 / 2).
        """
        way = 2.0 * self.deceleration * max(distance, 0.0)
        lag = self.deceleration * self.reaction_time
        return max(speed, math.sqrt(speed * speed + way) - lag)
