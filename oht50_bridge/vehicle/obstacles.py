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
"""Limits of speed at obstacles, as the distance inputs of the safety board see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import Limit

DOCK_CAPTURE = 0.1  # m; not less than `dock.capture` of mission_node
_DIRECTIONS = {'forward': Direction.FORWARD, 'backward': Direction.BACKWARD, '': Direction.NONE}


@dataclass(frozen=True)
class DistanceSettings:
    """Where the distance inputs of the safety board look."""

    distance_directions: tuple[str, ...] = setting(
        ('', '', '', ''),
        'Where each distance input looks: forward, backward, or empty when not in use',
    )

    def __post_init__(self) -> None:
        """Refuse an unknown direction with a ValueError that names it."""
        for name in self.distance_directions:
            if name not in _DIRECTIONS:
                raise ValueError(
                    f'distance_directions: {name!r} is not forward, backward or empty'
                )

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Direction of each input, NONE when it is not in use."""
        return tuple(_DIRECTIONS[name] for name in self.distance_directions)


@dataclass(frozen=True)
class ObstacleSettings:
    """Distances and speeds at obstacles; parameters with the prefix `obstacle_`."""

    stop_distance: float = setting(
        0.5, 'No motion towards an obstacle that is nearer', unit='m', minimum=0.0, maximum=10.0
    )
    slow_distance: float = setting(
        2.0, 'Slow motion towards an obstacle that is nearer', unit='m', minimum=0.0, maximum=20.0
    )
    speed: float = setting(
        0.1, 'Slow motion towards an obstacle', unit='m/s', minimum=0.01, maximum=2.0
    )
    dock_distance: float = setting(
        0.6,
        'Distance from the dock within which the dock is no obstacle to a vehicle that docks',
        unit='m',
        minimum=0.05,
        maximum=3.0,
    )
    dock_speed: float = setting(
        0.05,
        'Motion towards an obstacle nearer than obstacle_stop_distance while docking',
        unit='m/s',
        minimum=0.01,
        maximum=0.2,
    )


@dataclass(frozen=True)
class DockApproach:
    """The dock that a mission drives into now.

    Attributes:
        place: m, as configured; NaN: none.
        direction: of travel into it; NONE: not now, as while the vehicle backs off.

    """

    place: float = math.nan
    direction: Direction = Direction.NONE


def dock_floor(
    settings: ObstacleSettings, dock: DockApproach, position: float, direction: Direction
) -> float:
    """Return the speed, m/s, that an obstacle ahead does not forbid: 0 but on the way into a dock.

    Args:
        settings: distances and speeds.
        dock: what a mission approaches.
        position: m, NaN when unknown.
        direction: FORWARD or BACKWARD.

    """
    if direction != dock.direction:
        return 0.0  # what is seen on the way out is not the dock
    way = (dock.place - position) * direction
    # The dock is found up to DOCK_CAPTURE behind its configured place.
    return settings.dock_speed if -DOCK_CAPTURE <= way <= settings.dock_distance else 0.0


def obstacle_limits(
    settings: ObstacleSettings,
    distances: Sequence[float],
    directions: Sequence[Direction],
    direction: Direction,
    floor: float,
    braking: Braking,
) -> list[Limit]:
    """Return the limits of the obstacles in one direction of travel.

    Args:
        settings: distances and speeds.
        distances: m, to the nearest obstacle by each input; infinity: none in range, NaN: no
            reading.
        directions: where each input looks; NONE: not in use.
        direction: FORWARD or BACKWARD.
        floor: m/s, that no obstacle forbids, see `dock_floor`.
        braking: how the vehicle slows down.

    """
    limits = []
    for channel, looks in enumerate(directions):
        if looks != direction:
            continue
        if channel >= len(distances):
            limits.append(Limit(0.0, f'distance input {channel + 1} does not report'))
            continue
        distance = distances[channel]
        if math.isnan(distance):
            limits.append(Limit(0.0, f'no reading of distance input {channel + 1}', hold=True))
            continue
        if distance == math.inf:
            continue
        speed = min(
            braking.approach_speed(distance - settings.stop_distance, floor),
            braking.approach_speed(distance - settings.slow_distance, max(settings.speed, floor)),
        )
        limits.append(Limit(speed, f'obstacle at {distance:.2f} m', hold=True))
    return limits
