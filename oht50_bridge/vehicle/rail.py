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
"""The rail: its length and its stations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oht50_bridge.settings import setting

# m; the safety rules stop the vehicle at the ends of the rail, so a target is so far before them.
END_MARGIN = 0.05


@dataclass(frozen=True)
class TrackSettings:
    """The rail goes from 0 to `track_length`; the vehicle's middle less far by half of it."""

    track_length: float = setting(
        50.0, 'Length of the rail', unit='m', minimum=1.0, maximum=1500.0
    )
    vehicle_length: float = setting(
        0.0,
        'Length of the vehicle, whose middle the position is; 0 where track_length is the way '
        'of the middle and zones are of the middle',
        unit='m',
        minimum=0.0,
        maximum=10.0,
    )

    def __post_init__(self) -> None:
        """Refuse a vehicle that is longer than its rail, with a ValueError."""
        if not self.first < self.last:
            raise ValueError(
                f'vehicle_length: {self.vehicle_length:g} m is not shorter than the rail, '
                f'{self.track_length:g} m (track_length)'
            )

    @property
    def reach(self) -> float:
        """From the vehicle's middle, which a position is, to its ends, m."""
        return self.vehicle_length / 2.0

    @property
    def first(self) -> float:
        """Least position that the vehicle can take, m."""
        return self.reach

    @property
    def last(self) -> float:
        """Greatest position that the vehicle can take, m."""
        return self.track_length - self.reach

    @property
    def targets(self) -> tuple[float, float]:
        """Least and greatest target of a mission, m: END_MARGIN before the ends."""
        return self.first + END_MARGIN, self.last - END_MARGIN


@dataclass(frozen=True)
class StationSettings:
    """The stations; one entry of each array for each station."""

    stations: tuple[str, ...] = setting(('charger',), 'Names of the stations')
    station_positions: tuple[float, ...] = setting(
        (1.0,), 'Position of each station along the rail', unit='m'
    )

    def __post_init__(self) -> None:
        if len(self.stations) != len(self.station_positions):
            raise ValueError(
                f'station_positions has {len(self.station_positions)} entries, stations has '
                f'{len(self.stations)}: give each station one entry of both'
            )
        if len(set(self.stations)) != len(self.stations):
            raise ValueError('stations: a name occurs twice; rename one')

    def positions(self) -> dict[str, float]:
        """Return the position of each station, m, by name."""
        return dict(zip(self.stations, self.station_positions, strict=True))


@dataclass(frozen=True)
class Station:
    """A station of the rail.

    Attributes:
        name: unique.
        position: m.
        dock: whether the vehicle docks there.

    """

    name: str
    position: float
    dock: bool


@dataclass(frozen=True)
class DockSettings:
    """Which of the stations are docks."""

    station_docks: tuple[bool, ...] = setting((True,), 'Whether each station is a dock')


def make_stations(
    settings: StationSettings, docks: Sequence[bool], track: TrackSettings
) -> dict[str, Station]:
    """Return the stations by name.

    Raises:
        ValueError: they contradict one another or the rail; it names parameter and remedy.

    """
    if len(docks) != len(settings.stations):
        raise ValueError(
            f'station_docks has {len(docks)} entries, stations has {len(settings.stations)}: '
            'give each station one entry of both'
        )
    least, greatest = track.targets
    for name, position in settings.positions().items():
        if not least <= position <= greatest:  # NaN too
            raise ValueError(
                f'station_positions: {name} at {position:g} m cannot be reached by the middle of '
                f'the vehicle, which goes from {least:g} to {greatest:g} m; move it, or change '
                'track_length or vehicle_length'
            )
    return {
        name: Station(name, position, dock)
        for (name, position), dock in zip(settings.positions().items(), docks, strict=True)
    }
