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
"""Zones of the rail: what they are, when the vehicle enters one, how fast it may go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oht50_bridge.vehicle.speed_limits import FORWARD
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Limit

RESTRICTED = 'restricted'
WARNING = 'warning'
SAFE = 'safe'
ZONE_TYPES = (RESTRICTED, WARNING, SAFE)

SLOW_DOWN = 'slow_down'
STOP = 'stop'
ALERT = 'alert'
ACTIONS = (SLOW_DOWN, STOP, ALERT)

MAXIMUM_ZONES = 10
# A position that trembles at a border must not enter again and again.
HYSTERESIS = 0.05  # m


class ZoneError(ValueError):
    """Zones that cannot be: names the parameter, the zone and what is allowed."""


@dataclass(frozen=True)
class Zone:
    """A zone of the rail.

    Attributes:
        zone_id: unique name.
        zone_type: one of ZONE_TYPES; it only informs.
        action: one of ACTIONS.
        start: m, where it begins along the rail.
        end: m, where it ends.
        speed_limit: m/s, no motion in it is faster.

    """

    zone_id: str
    zone_type: str
    action: str
    start: float
    end: float
    speed_limit: float

    def contains(self, position: float, margin: float = 0.0) -> bool:
        """Tell whether a position, m, is in the zone or within `margin` m of it."""
        return self.start - margin <= position <= self.end + margin


def make_zones(
    names: Sequence[str],
    types: Sequence[str],
    actions: Sequence[str],
    starts: Sequence[float],
    ends: Sequence[float],
    limits: Sequence[float],
) -> tuple[Zone, ...]:
    """Return the zones that arrays of equal length describe; an empty name is no zone.

    Raises:
        ZoneError: they cannot be.

    """
    arrays = {
        'zone_names': names,
        'zone_types': types,
        'zone_actions': actions,
        'zone_starts': starts,
        'zone_ends': ends,
        'zone_limits': limits,
    }
    for parameter, array in arrays.items():
        if len(array) != len(names):
            raise ZoneError(
                f'{parameter} has {len(array)} entries, zone_names has {len(names)}: give each '
                'zone one entry of every array'
            )
    zones: list[Zone] = []
    for name, zone_type, action, start, end, limit in zip(*arrays.values(), strict=True):
        if not name:
            continue
        if len(zones) == MAXIMUM_ZONES:
            raise ZoneError(f'zone_names has more than {MAXIMUM_ZONES} zones: take some away')
        if name in (zone.zone_id for zone in zones):
            raise ZoneError(f'zone_names: {name!r} is there twice; give each zone its own name')
        if zone_type not in ZONE_TYPES:
            raise ZoneError(f'zone_types of {name!r}: {zone_type!r} is not one of {ZONE_TYPES}')
        if action not in ACTIONS:
            raise ZoneError(f'zone_actions of {name!r}: {action!r} is not one of {ACTIONS}')
        for parameter, value in (
            ('zone_starts', start),
            ('zone_ends', end),
            ('zone_limits', limit),
        ):
            if not _is_number(value):
                raise ZoneError(f'{parameter} of {name!r}: {value!r} is not a finite number')
        if not start < end:
            raise ZoneError(
                f'zone_starts of {name!r}: {start:g} m is not below its end, {end:g} m'
            )
        if not limit > 0.0:
            raise ZoneError(f'zone_limits of {name!r}: {limit:g} m/s is not above 0')
        zones.append(Zone(name, zone_type, action, float(start), float(end), float(limit)))
    return tuple(zones)


class ZoneTracker:
    """Tells once of each entry into a zone.

    A zone is entered at its border and left HYSTERESIS beyond it.
    """

    def __init__(self, zones: Sequence[Zone] = ()):
        self._zones = tuple(zones)
        self._inside: set[str] = set()

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones, in the order of the configuration."""
        return self._zones

    @zones.setter
    def zones(self, zones: Sequence[Zone]) -> None:
        """Take other zones; a changed one that the vehicle is in is entered anew."""
        unchanged = {zone.zone_id for zone in zones if zone in self._zones}
        self._zones = tuple(zones)
        self._inside &= unchanged

    @property
    def inside(self) -> frozenset[str]:
        """Names of the zones that the vehicle is in."""
        return frozenset(self._inside)

    def update(self, position: float) -> list[Zone]:
        """Take a position, m, NaN when unknown; return the zones entered by it."""
        if math.isnan(position):
            return []
        entered = []
        for zone in self._zones:
            if zone.zone_id in self._inside:
                if not zone.contains(position, HYSTERESIS):
                    self._inside.discard(zone.zone_id)
            elif zone.contains(position):
                self._inside.add(zone.zone_id)
                entered.append(zone)
        return entered


def zone_limits(
    zones: Sequence[Zone], position: float, direction: int, track_length: float, braking: Braking
) -> list[Limit]:
    """Return the limits of the zones that the vehicle is in and of those ahead.

    In a zone its speed limit holds. Before it, the vehicle is slow enough to have the zone's
    speed at its border, and stands there when the action is stop. Inside of a stop zone motion
    is permitted towards its nearer end that is not the end of the rail, at the zone's speed:
    a vehicle must be able to leave it without crossing it. Stop zones that touch count as one.

    Args:
        zones: the zones.
        position: m, NaN when unknown: then the limits of every zone hold.
        direction: FORWARD or BACKWARD.
        track_length: m; the rail goes from 0 to there.
        braking: how the vehicle slows down.

    """
    if math.isnan(position):
        return [
            Limit(
                0.0 if zone.action == STOP else zone.speed_limit,
                f'the position is unknown and zone {zone.zone_id} may be ahead',
            )
            for zone in zones
        ]
    limits = []
    for zone in zones:
        if zone.contains(position):
            limits.append(Limit(zone.speed_limit, f'in zone {zone.zone_id}'))
            continue
        way = zone.start - position if direction == FORWARD else position - zone.end
        if way > 0.0:
            speed = 0.0 if zone.action == STOP else zone.speed_limit
            limits.append(
                Limit(braking.approach_speed(way, speed), f'zone {zone.zone_id} in {way:.2f} m')
            )
    for start, end, name in _stop_spans(zones):
        if start <= position <= end:
            exit_start, exit_end = start > 0.0, end < track_length
            to_start = position - start < end - position
            if exit_start != exit_end:
                to_start = exit_start
            if (direction == FORWARD) == to_start:
                limits.append(Limit(0.0, f'zone {name} must be left by its other end'))
    return limits


def _stop_spans(zones: Sequence[Zone]) -> list[tuple[float, float, str]]:
    """Return start and end, m, of stop zones, those that touch as one, with a name."""
    spans: list[tuple[float, float, str]] = []
    stops = (zone for zone in zones if zone.action == STOP)
    for zone in sorted(stops, key=lambda zone: zone.start):
        if spans and zone.start <= spans[-1][1]:
            start, end, name = spans[-1]
            spans[-1] = (start, max(end, zone.end), f'{name}+{zone.zone_id}')
        else:
            spans.append((zone.start, zone.end, zone.zone_id))
    return spans


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
