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
"""Zones of the rail: what they are, when the vehicle enters one, and which speed they allow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import TypeVar

from oht50_bridge.enums import StrEnum
from oht50_bridge.settings import setting
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import Limit

EnumT = TypeVar('EnumT', bound=StrEnum)

MAXIMUM_ZONES = 10
# A position that trembles at a border must not enter again and again.
HYSTERESIS = 0.05  # m


class ZoneType(StrEnum):
    """Type of a zone, which only informs; the values are those of SafetyZoneEntered.TYPE_*."""

    RESTRICTED = 'restricted'
    WARNING = 'warning'
    SAFE = 'safe'


class ZoneAction(StrEnum):
    """What the vehicle does in a zone; the values are those of SafetyZoneEntered.ACTION_*."""

    SLOW_DOWN = 'slow_down'
    STOP = 'stop'
    ALERT = 'alert'


class ZoneError(ValueError):
    """Zones that contradict the rules: names the parameter, the zone and what is allowed."""


@dataclass(frozen=True)
class Zone:
    """A zone of the rail.

    Attributes:
        zone_id: unique name.
        zone_type: its type.
        action: what the vehicle does in it.
        start: m, where it begins along the rail.
        end: m, where it ends.
        speed_limit: m/s, no motion in it is faster.

    """

    zone_id: str
    zone_type: ZoneType
    action: ZoneAction
    start: float
    end: float
    speed_limit: float

    def contains(self, position: float, margin: float = 0.0) -> bool:
        """Return whether a position, m, is in the zone or within `margin` m of it."""
        return self.start - margin <= position <= self.end + margin


@dataclass(frozen=True)
class ZoneSettings:
    """The zones as arrays: one entry of each array for each zone.

    Raises:
        ZoneError: they contradict the rules.

    """

    zone_names: tuple[str, ...] = setting(
        ('',), 'Names of the zones; an empty one is no zone', read_only=False
    )
    zone_types: tuple[str, ...] = setting(
        ('',), 'Type of each zone: restricted, warning or safe', read_only=False
    )
    zone_actions: tuple[str, ...] = setting(
        ('',), 'What the vehicle does in each zone: slow_down, stop or alert', read_only=False
    )
    zone_starts: tuple[float, ...] = setting(
        (0.0,), 'Where each zone begins along the rail', unit='m', read_only=False
    )
    zone_ends: tuple[float, ...] = setting(
        (0.0,), 'Where each zone ends along the rail', unit='m', read_only=False
    )
    zone_limits: tuple[float, ...] = setting(
        (0.0,), 'Speed limit of each zone', unit='m/s', read_only=False
    )

    def __post_init__(self) -> None:
        """Check the zones."""
        self.zones()

    def zones(self) -> tuple[Zone, ...]:
        """Return the zones in the order of the arrays."""
        arrays: dict[str, Sequence[object]] = {
            'zone_types': self.zone_types,
            'zone_actions': self.zone_actions,
            'zone_starts': self.zone_starts,
            'zone_ends': self.zone_ends,
            'zone_limits': self.zone_limits,
        }
        for parameter, array in arrays.items():
            if len(array) != len(self.zone_names):
                raise ZoneError(
                    f'{parameter} has {len(array)} entries, zone_names has '
                    f'{len(self.zone_names)}: give each zone one entry of every array'
                )
        zones: list[Zone] = []
        for index, name in enumerate(self.zone_names):
            if not name:
                continue
            if len(zones) == MAXIMUM_ZONES:
                raise ZoneError(f'zone_names has more than {MAXIMUM_ZONES} zones: remove some')
            if name in (zone.zone_id for zone in zones):
                raise ZoneError(f'zone_names: {name!r} occurs twice; give each zone its own name')
            zones.append(self._zone(index))
        return tuple(zones)

    def _zone(self, index: int) -> Zone:
        name = self.zone_names[index]
        zone = Zone(
            name,
            _member(ZoneType, 'zone_types', name, self.zone_types[index]),
            _member(ZoneAction, 'zone_actions', name, self.zone_actions[index]),
            _number('zone_starts', name, self.zone_starts[index]),
            _number('zone_ends', name, self.zone_ends[index]),
            _number('zone_limits', name, self.zone_limits[index]),
        )
        if not zone.start < zone.end:
            raise ZoneError(
                f'zone_starts of {name!r}: {zone.start:g} m is not below its end, {zone.end:g} m'
            )
        if not zone.speed_limit > 0.0:
            raise ZoneError(f'zone_limits of {name!r}: {zone.speed_limit:g} m/s is not above 0')
        return zone


def widened(zones: Iterable[Zone], track: TrackSettings) -> tuple[Zone, ...]:
    """Return the zones as the positions at which any part of the vehicle is in them.

    A position is that of the vehicle's middle, and a zone is configured as it is on the rail.
    """
    return tuple(
        replace(zone, start=zone.start - track.reach, end=zone.end + track.reach) for zone in zones
    )


class ZoneTracker:
    """Reports each entry into a zone once.

    A zone is entered with the first part of the vehicle, and left when the last one is HYSTERESIS
    beyond it.

    Args:
        zones: the zones, as they are on the rail.
        reach: m, from the middle of the vehicle, which a position is, to its ends.

    """

    def __init__(self, zones: Iterable[Zone] = (), reach: float = 0.0) -> None:
        self._zones = tuple(zones)
        self._reach = reach
        self._inside: set[str] = set()
        self._last = math.nan  # m

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones, in the order of the configuration."""
        return self._zones

    @zones.setter
    def zones(self, zones: Sequence[Zone]) -> None:
        """Replace the zones; a changed one that the vehicle is in is entered anew."""
        unchanged = {zone.zone_id for zone in zones if zone in self._zones}
        self._zones = tuple(zones)
        self._inside &= unchanged

    @property
    def inside(self) -> frozenset[str]:
        """Names of the zones that the vehicle is in."""
        return frozenset(self._inside)

    def update(self, position: float) -> list[Zone]:
        """Use a position, m, NaN when it is unknown; return the zones that are entered by it.

        A zone between two positions is entered too, and left again.
        """
        before, self._last = self._last, position
        if math.isnan(position):
            return []
        low, high = sorted((position, position if math.isnan(before) else before))
        entered = []
        for zone in self._zones:
            if zone.zone_id in self._inside:
                if not zone.contains(position, self._reach + HYSTERESIS):
                    self._inside.discard(zone.zone_id)
            elif zone.contains(position, self._reach):
                self._inside.add(zone.zone_id)
                entered.append(zone)
            elif zone.start - self._reach <= high and low <= zone.end + self._reach:
                entered.append(zone)
        return entered


def rail_end_limit(
    position: float,
    direction: Direction,
    track: TrackSettings,
    braking: Braking,
    step: float = 0.0,
) -> Limit:
    """Return the limit of the end of the rail ahead: a stop there, whatever the zones are.

    Args:
        position: m, NaN when unknown: then nothing moves.
        direction: FORWARD or BACKWARD.
        track: the rail.
        braking: how the vehicle slows down.
        step: m, smallest step of the position: the vehicle stays so much before the end.

    """
    if math.isnan(position):
        return Limit(0.0, 'the position is unknown')
    backward = direction == Direction.BACKWARD
    distance = position - track.first if backward else track.last - position
    speed = braking.approach_speed(distance - step, 0.0)
    return Limit(speed, f'end of the rail in {distance:.2f} m')


def zone_limits(
    zones: Sequence[Zone],
    position: float,
    direction: Direction,
    track: TrackSettings,
    braking: Braking,
    step: float = 0.0,
) -> list[Limit]:
    """Return the limits of the zones that the vehicle is in and of those ahead.

    In a zone its speed limit applies. Before it, the vehicle slows down to reach the zone's speed
    at its border, and stops there when the action is stop. Inside a stop zone motion is permitted
    towards its nearer end beyond which there is room for the vehicle, at the zone's speed: a
    vehicle must be able to leave it without crossing it. Stop zones that touch count as one.

    Args:
        zones: the zones, as `widened` returns them.
        position: m, NaN when unknown: then the limits of every zone apply.
        direction: FORWARD or BACKWARD.
        track: the rail.
        braking: how the vehicle slows down.
        step: m, smallest step of the position: the vehicle is slow, or stands, so much before a
            zone.

    """
    if math.isnan(position):
        return [
            Limit(
                0.0 if zone.action == ZoneAction.STOP else zone.speed_limit,
                f'the position is unknown and zone {zone.zone_id} may be ahead',
            )
            for zone in zones
        ]
    limits = []
    for zone in zones:
        if zone.contains(position):
            limits.append(Limit(zone.speed_limit, f'in zone {zone.zone_id}'))
            continue
        distance = zone.start - position
        if direction == Direction.BACKWARD:
            distance = position - zone.end
        if distance > 0.0:
            speed = 0.0 if zone.action == ZoneAction.STOP else zone.speed_limit
            limits.append(
                Limit(
                    braking.approach_speed(distance - step, speed),
                    f'zone {zone.zone_id} in {distance:.2f} m',
                )
            )
    for start, end, name in _stop_spans(zones):
        if start <= position <= end:
            exit_start, exit_end = start > track.first, end < track.last
            to_start = position - start < end - position
            if exit_start != exit_end:
                to_start = exit_start
            if (direction == Direction.FORWARD) == to_start:
                limits.append(Limit(0.0, f'zone {name} must be left by its other end'))
    return limits


def _stop_spans(zones: Sequence[Zone]) -> list[tuple[float, float, str]]:
    """Return start and end, m, of stop zones, those that touch as one, with a name."""
    spans: list[tuple[float, float, str]] = []
    stops = (zone for zone in zones if zone.action == ZoneAction.STOP)
    for zone in sorted(stops, key=lambda zone: zone.start):
        if spans and zone.start <= spans[-1][1]:
            start, end, name = spans[-1]
            spans[-1] = (start, max(end, zone.end), f'{name}+{zone.zone_id}')
        else:
            spans.append((zone.start, zone.end, zone.zone_id))
    return spans


def _number(parameter: str, name: str, value: object) -> float:
    """Return an entry of an array as a float, or refuse it with a ZoneError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ZoneError(f'{parameter} of {name!r}: {value!r} is not a finite number')
    return float(value)


def _member(enumeration: type[EnumT], parameter: str, name: str, value: object) -> EnumT:
    """Return an entry of an array as a member of an enumeration, or refuse it."""
    try:
        return enumeration(value)
    except ValueError:
        allowed = ', '.join(enumeration)
        raise ZoneError(f'{parameter} of {name!r}: {value!r} is not one of {allowed}') from None
