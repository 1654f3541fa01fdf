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
"""How long a way takes within its limits, without planning each step of it.

Positions are in m along the rail, velocities in m/s, times in s.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass

from oht50_bridge.vehicle.profile import SHORTEST_STEP
from oht50_bridge.vehicle.profile import ZONE_LEAD
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.profile import ProfileState
from oht50_bridge.vehicle.profile import SpeedZone

BISECTIONS = 30  # of a velocity: to a billionth


@dataclass(frozen=True)
class _Stretch:
    """A part of the way, length in m, with one limit of the speed, m/s."""

    length: float
    limit: float


def travel_time(
    state: ProfileState, target: float, limits: MotionLimits, zones: Iterable[SpeedZone] = ()
) -> float:
    """Return the time from a state to rest at `target`, s, with the limits of the zones.

    Between the borders of zones the speed changes as the profile changes it, within acceleration
    and jerk; a zone is entered and left at its own speed at most.
    """
    direction = math.copysign(1.0, target - state.position)
    speed, time = state.velocity * direction, 0.0  # below 0 it has to turn round first
    stretches = _stretches(state.position, target, limits, zones)
    if not stretches:
        return time
    borders = _border_speeds(min(speed, stretches[0].limit), stretches, limits)
    for stretch, (entry, leave) in zip(stretches, itertools.pairwise(borders), strict=True):
        time += _stretch_time(stretch, entry, leave, limits)
    return time


def _stretches(
    start: float, target: float, limits: MotionLimits, zones: Iterable[SpeedZone]
) -> list[_Stretch]:
    """Return the way as parts of equal limit, in the order of travel."""
    full = max(limits.max_velocity, SHORTEST_STEP)
    distance, direction = abs(target - start), math.copysign(1.0, target - start)
    slow: list[tuple[float, float, float]] = []
    cuts = {0.0, distance}
    for zone in zones:
        if zone.speed_limit >= full:
            continue
        near, far = sorted(((zone.start - start) * direction, (zone.end - start) * direction))
        near -= full * ZONE_LEAD
        slow.append((near, far, max(zone.speed_limit, SHORTEST_STEP)))
        cuts.update(cut for cut in (near, far) if 0.0 < cut < distance)
    stretches: list[_Stretch] = []
    for low, high in itertools.pairwise(sorted(cuts)):
        middle = (low + high) / 2.0
        limit = min((speed for near, far, speed in slow if near <= middle <= far), default=full)
        if stretches and stretches[-1].limit == limit:
            stretches[-1] = _Stretch(stretches[-1].length + high - low, limit)
        else:
            stretches.append(_Stretch(high - low, limit))
    return stretches


def _border_speeds(speed: float, stretches: list[_Stretch], limits: MotionLimits) -> list[float]:
    """Return the speed at each border of the stretches, from `speed` at the first to rest."""
    inner = [min(before.limit, after.limit) for before, after in itertools.pairwise(stretches)]
    borders = [speed, *inner, 0.0]
    for index, stretch in enumerate(stretches[:-1]):
        borders[index + 1] = min(
            borders[index + 1], _reachable(borders[index], stretch.length, limits)
        )
    for index in range(len(stretches) - 1, 0, -1):
        borders[index] = min(
            borders[index], _reachable(borders[index + 1], stretches[index].length, limits)
        )
    return borders


def _reachable(speed: float, length: float, limits: MotionLimits) -> float:
    """Return the greatest speed that is reached from another one, or left for it, in a length."""

    def fits(velocity: float) -> bool:
        return _ramp_way(speed, velocity, limits) <= length

    return _greatest(speed, max(speed, limits.max_velocity), fits)


def _stretch_time(stretch: _Stretch, entry: float, leave: float, limits: MotionLimits) -> float:
    """Return the time through a stretch, s, between the speeds at its borders."""

    def ramps(peak: float) -> float:
        return _ramp_way(entry, peak, limits) + _ramp_way(peak, leave, limits)

    low = max(entry, leave)
    peak = _greatest(
        low, max(low, stretch.limit), lambda velocity: ramps(velocity) <= stretch.length
    )
    rest = max(0.0, stretch.length - ramps(peak))
    time = _ramp_time(peak - entry, limits) + _ramp_time(peak - leave, limits)
    return time + (rest / peak if peak > 0.0 else 0.0)


def _greatest(low: float, high: float, fits: Callable[[float], bool]) -> float:
    """Return the greatest value of a range that fits; `low` when none does."""
    if fits(high):
        return high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _ramp_way(before: float, after: float, limits: MotionLimits) -> float:
    """Return the way of a change of speed, m."""
    return _ramp_time(abs(after - before), limits) * (before + after) / 2.0


def _ramp_time(change: float, limits: MotionLimits) -> float:
    """Return the time that a change of velocity takes, s."""
    if change < limits.max_acceleration**2 / limits.max_jerk:
        return 2.0 * math.sqrt(change / limits.max_jerk)
    return change / limits.max_acceleration + limits.max_acceleration / limits.max_jerk
