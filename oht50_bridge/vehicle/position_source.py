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
"""Where the vehicle is along the rail: one judgement of what the position source reports.

A position that jumps, stops, is no number or lies off the rail cannot be explained by motion: the
source restarted, wrapped, or measures something else. What it reports afterwards may look right
and be wrong, so a lost position stays lost until a person has it referenced again.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from dataclasses import replace

from oht50_bridge.enums import StrEnum
from oht50_bridge.settings import setting
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.position import StandstillWatch
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError

#: s, age beyond which a position is not known; the default of each node's setting.
POSITION_LIFETIME = 0.5
#: m, a coarser position cannot stop a vehicle at a limit.
COARSEST_RESOLUTION = 0.02
#: s, over which positions are compared: jumps within the tolerance must not add up.
WINDOW = 1.0
#: s, for which a source must report plausibly before it is a reference again.
REFERENCE_TIME = 0.2


class PositionOrigin(StrEnum):
    """Where positions come from."""

    LOCATION_BOARD = 'location_board'
    TOPIC = 'topic'
    NONE = 'none'


class PositionState(StrEnum):
    """What is known of the position; the values are those of Position.STATE_*."""

    UNKNOWN = 'unknown'  # nothing was measured since the start
    VALID = 'valid'
    LOST = 'lost'


@dataclass(frozen=True)
class PositionOriginSettings:
    """The configured position source; the motor board never is one."""

    position_source: str = setting(
        'location_board',
        'Where positions come from: location_board, topic (location/external) or none, in which '
        'case nothing moves',
    )

    def __post_init__(self) -> None:
        """Refuse an unknown source with a ValueError that names it."""
        if self.position_source not in list(PositionOrigin):
            raise ValueError(
                f'position_source: {self.position_source!r} is not one of '
                f'{", ".join(PositionOrigin)}'
            )

    @property
    def origin(self) -> PositionOrigin:
        """The source."""
        return PositionOrigin(self.position_source)


@dataclass(frozen=True)
class PositionSettings:
    """When a position is lost."""

    position_timeout: float = setting(
        POSITION_LIFETIME,
        'Silence of the position source after which the position is lost',
        unit='s',
        minimum=0.1,
        maximum=2.0,
    )
    position_speed: float = setting(
        1.2,
        'Speed that the vehicle never exceeds; a position that changes faster is lost',
        unit='m/s',
        minimum=0.1,
        maximum=5.0,
    )
    position_tolerance: float = setting(
        0.05,
        'Error of the position source: of a change, and beyond the ends of the rail',
        unit='m',
        minimum=0.001,
        maximum=0.5,
    )


def check_source(resolution: float, reach: float, track_length: float) -> None:
    """Check what a position source can measure against the rail.

    Args:
        resolution: m, its smallest step; NaN where it measures no position.
        reach: m, its greatest position.
        track_length: m.

    Raises:
        ValueError: it measures no position, too coarsely, or not to the end of the rail.

    """
    if math.isnan(resolution):
        raise ValueError('it measures no position')
    if not 0.0 < resolution <= COARSEST_RESOLUTION:
        raise ValueError(
            f'its steps of {resolution:g} m are not within 0 and {COARSEST_RESOLUTION:g} m'
        )
    if short := _short(reach, track_length):
        raise ValueError(f'it {short}')


def _short(reach: float, track_length: float) -> str:
    """Return that a source does not measure to the end of the rail, empty when it does."""
    if reach >= track_length:  # not with NaN
        return ''
    return f'measures up to {reach:g} m, the rail is {track_length:g} m long (track_length)'


class PositionSource:
    """The position along the rail, or why there is none.

    All times are in s on one steady clock, and a measurement is as old as its receipt minus the
    age that its sender states: no date is compared with another.

    Args:
        settings: when the position is lost.
        track: the rail.

    """

    def __init__(self, settings: PositionSettings, track: TrackSettings) -> None:
        self._settings = settings
        self._track = track
        self._state = PositionState.UNKNOWN
        self._reason = 'no position was measured since the start'
        self._newest_fault = ''  # of the newest report
        self._losses = 0
        self._loss = ''
        self._samples: deque[Measurement] = deque()  # each plausible after those before it
        self._standstill = StandstillWatch()
        self._since = math.inf  # s, moment of the first of them
        self._stamp = -math.inf  # s, of the newest report, plausible or not

    @property
    def state(self) -> PositionState:
        """What is known."""
        return self._state

    @property
    def reason(self) -> str:
        """Why the position is not known, for a person; empty while it is."""
        return self._reason

    @property
    def losses(self) -> int:
        """How often a known position was lost since the start.

        The state cannot tell who looks at it now and then: it may have been referenced, and lost
        again, since.
        """
        return self._losses

    @property
    def loss(self) -> str:
        """Why it was lost the last time, for a person; empty before the first time."""
        return self._loss

    def update(
        self,
        position: float,
        resolution: float,
        velocity: float,
        stamp: float,
        *,
        reach: float,
        referenced: bool,
    ) -> None:
        """Use a report of the source; one that is not newer than the last changes nothing.

        Args:
            position: m, NaN where it is not measured.
            resolution: m, smallest step of the position.
            velocity: m/s, NaN where it is not measured.
            stamp: s, moment of the reading.
            reach: m, greatest position that the source can report.
            referenced: the source knows where the rail begins.

        """
        if not stamp > self._stamp:  # NaN too
            return
        self._stamp = stamp
        self.check(stamp)
        sample = Measurement(position, resolution, velocity, stamp)
        unfit = self._unfit(sample, reach, referenced)
        fault = unfit or self._jump(sample)
        self._newest_fault = fault
        if fault:
            self._lose(fault)
            # What follows a jump is judged from here on.
            if unfit:
                return
        if not self._samples:
            self._since = stamp
        self._samples.append(sample)
        self._standstill.update(sample)
        while stamp - self._samples[0].stamp > WINDOW:
            self._samples.popleft()
        if self._state is PositionState.UNKNOWN:
            self._state, self._reason = PositionState.VALID, ''

    def check(self, now: float) -> None:
        """Lose the position when the source has been silent for too long."""
        if self._samples and not now - self._samples[-1].stamp <= self._settings.position_timeout:
            self._lose(f'no report for {now - self._samples[-1].stamp:.2f} s')

    def newest(self, now: float) -> Measurement | None:
        """Return the measurement to use, its velocity measured or differentiated.

        None when the position is not known. A differentiated velocity is NaN while it is not
        certain whether the vehicle stands.
        """
        self.check(now)
        if self._state is not PositionState.VALID or not self._samples:
            return None
        newest = self._samples[-1]
        if math.isfinite(newest.velocity):
            return newest
        return replace(newest, velocity=self._standstill.velocity(self._samples))

    def position(self, now: float) -> float:
        """Return the position along the rail, m; NaN when it is not known."""
        measurement = self.newest(now)
        return math.nan if measurement is None else measurement.position

    def check_reference(self, now: float) -> None:
        """Check whether a lost position could be referenced now.

        Raises:
            RefusedError: the source does not report plausibly.

        """
        self.check(now)
        if self._state is not PositionState.LOST:
            return
        if not self._samples or self._samples[-1].stamp - self._since < REFERENCE_TIME:
            newest = f' (now: {self._newest_fault})' if self._newest_fault else ''
            raise RefusedError(
                f'{self._reason}; the position source must report plausibly for '
                f'{REFERENCE_TIME:g} s{newest}: check it and try again'
            )

    def reference(self, now: float) -> None:
        """Take the word of the source again, on the order of a person.

        Raises:
            RefusedError: as `check_reference`; the position stays lost.

        """
        self.check_reference(now)
        if self._samples:
            self._state, self._reason = PositionState.VALID, ''

    def _lose(self, fault: str) -> None:
        """Forget what was measured; a position that was known is lost."""
        self._samples.clear()
        self._standstill.clear()
        if self._state is PositionState.VALID:
            self._losses += 1
            self._loss = self._reason = f'position lost: {fault}'
            self._state = PositionState.LOST
        elif self._state is PositionState.UNKNOWN:
            self._reason = f'no position was measured since the start: {fault}'

    def _unfit(self, sample: Measurement, reach: float, referenced: bool) -> str:
        """Return why a report is no position on this rail, empty when it is one."""
        position, resolution = sample.position, sample.resolution
        if not math.isfinite(position):
            return 'the source measures none'
        if not 0.0 < resolution <= COARSEST_RESOLUTION:
            return f'the source has steps of {resolution:g} m'
        if short := _short(reach, self._track.track_length):
            return f'the source {short}'
        if not referenced:
            return 'the source is not referenced: reference it, as at a mark of known place'
        allowed = self._settings.position_tolerance + resolution
        first, last = self._track.first, self._track.last
        if not first - allowed <= position <= last + allowed:
            return f'{position:.3f} m is not on the rail, {first:g} to {last:g} m'
        return ''

    def _jump(self, sample: Measurement) -> str:
        """Return that no motion explains a position after those before it, empty when one does."""
        allowed = self._settings.position_tolerance + sample.resolution
        for before in reversed(self._samples):
            way = abs(sample.position - before.position)
            time = sample.stamp - before.stamp
            if way > self._settings.position_speed * time + allowed:
                return f'it changed by {way:.3f} m within {time:.3f} s'
        return ''
