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
"""The hoist: which motor of the motor board it is, and when its rope forbids travel."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.speed_limits import Limit

#: s, age beyond which a report of the hoist says nothing; the default of each node.
HOIST_LIFETIME = 0.5


@dataclass(frozen=True)
class ChannelSettings:
    """What each motor of the motor board is for."""

    travel_channel: int = setting(
        1, 'Motor of the motor board that moves the vehicle', minimum=1, maximum=2
    )
    hoist_channel: int = setting(
        0, 'Motor of the motor board that hoists; 0: there is no hoist', minimum=0, maximum=2
    )

    def __post_init__(self) -> None:
        """Refuse one motor for both.

        Raises:
            ValueError: naming the parameter and the remedy.

        """
        if self.hoist_channel == self.travel_channel:
            raise ValueError(
                f'hoist_channel {self.hoist_channel}: that motor is travel_channel; give the '
                'other one, or 0 where there is no hoist'
            )

    @property
    def has_hoist(self) -> bool:
        """Whether a hoist is configured."""
        return self.hoist_channel != 0


@dataclass(frozen=True)
class HoistSettings:
    """When the rope forbids travel."""

    hoist_travel_limit: float = setting(
        0.1, 'Rope that may be out while the vehicle travels', unit='m', minimum=0.0, maximum=2.9
    )
    hoist_timeout: float = setting(
        HOIST_LIFETIME,
        "Age of the hoist's report beyond which travel is forbidden",
        unit='s',
        minimum=0.2,
        maximum=2.0,
    )


@dataclass(frozen=True)
class HoistReport:
    """A report of the rope.

    Attributes:
        referenced: the reference was seen, and no count was lost since.
        length: m, unrolled at most; NaN where it is not known.
        unknown: why it is not referenced.

    """

    referenced: bool
    length: float
    unknown: str = ''


class Hoist:
    """Forbids travel while rope is out, or nobody knows how much.

    None of its reasons is a hold: rope does not wind itself up, and nobody knows what it did while
    nothing was reported. What moved stops, and goes on by a new command only.

    Args:
        channels: whether there is a hoist.
        settings: its limits.

    """

    def __init__(self, channels: ChannelSettings, settings: HoistSettings) -> None:
        self._configured = channels.has_hoist
        self._settings = settings
        self._report = HoistReport(False, math.nan)
        self._reported_at = -math.inf  # s

    def update(self, report: HoistReport, now: float) -> None:
        """Use a report of what was read at `now`, s."""
        self._report, self._reported_at = report, now

    def limit(self, now: float) -> Limit | None:
        """Return the stop while travel is forbidden at `now`, s; None while it is not."""
        if not self._configured:
            return None
        settings, report = self._settings, self._report
        if now - self._reported_at > settings.hoist_timeout:
            return Limit(0.0, 'no fresh report of the hoist')
        if not report.referenced:
            return Limit(
                0.0,
                f'the hoist is not referenced: {report.unknown}; wind its rope up to the input',
            )
        if not report.length <= settings.hoist_travel_limit:  # NaN too
            return Limit(
                0.0,
                f'up to {report.length:.2f} m of rope are out, at most '
                f'{settings.hoist_travel_limit:g} m (hoist_travel_limit) may be while travelling',
            )
        return None
