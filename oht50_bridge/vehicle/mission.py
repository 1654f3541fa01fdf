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
"""Missions: what is refused and why, one mission from its start to its end, what outlives a crash.

Positions are in m along the rail, velocities in m/s, times in s.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file
from oht50_bridge.vehicle.docking import Docking
from oht50_bridge.vehicle.docking import DockReading
from oht50_bridge.vehicle.motion import LONGEST_STEP
from oht50_bridge.vehicle.motion import Measurement
from oht50_bridge.vehicle.motion import Motion
from oht50_bridge.vehicle.motion import MotionError
from oht50_bridge.vehicle.motion import SpeedZone
from oht50_bridge.vehicle.zones import STOP
from oht50_bridge.vehicle.zones import Zone

MISSION_TYPES = ('transport', 'inspection', 'maintenance')

# Phases; as MissionState names them.
NONE = 'none'
EXECUTING = 'executing'
PAUSED = 'paused'
HELD = 'held'
DOCKING = 'docking'

# Ends; as MissionCompleted names them.
SUCCESS = 'success'
FAILED = 'failed'
CANCELLED = 'cancelled'

ON_RAIL = 0.001  # m, from the rail's axis


@dataclass(frozen=True)
class Rules:
    """What a mission must keep to.

    Attributes:
        track_length: the rail is from 0 to there, m.
        minimum_battery: state of charge at the start, ratio 0..1.
        maximum_payload: kg.
        maximum_duration: estimated, s.

    """

    track_length: float = 50.0
    minimum_battery: float = 0.30
    maximum_payload: float = 50.0
    maximum_duration: float = 3600.0


@dataclass(frozen=True)
class Request:
    """A mission that someone asks for.

    Attributes:
        mission_type: one of MISSION_TYPES.
        target: x, y, z in m.
        payload: kg.
        to_charger: it ends at a charger, so an empty battery is no reason to refuse it.

    """

    mission_type: str
    target: tuple[float, float, float]
    payload: float
    to_charger: bool = False


@dataclass(frozen=True)
class Situation:
    """What is known of the vehicle; NaN and None where nothing is.

    Attributes:
        not_ready: why the vehicle cannot move, empty when it can.
        position: m.
        battery: state of charge, ratio 0..1.
        zones: zones of the rail.

    """

    not_ready: str
    position: float
    battery: float
    zones: Sequence[Zone] | None


def refusal(request: Request, situation: Situation, rules: Rules) -> str:
    """Return why a mission is refused, empty when it is not."""
    if request.mission_type not in MISSION_TYPES:
        return f'mission_type {request.mission_type!r}: must be one of {", ".join(MISSION_TYPES)}'
    x, y, z = request.target
    if not 0.0 <= x <= rules.track_length:  # NaN too
        return f'target x {x:g} m: must be on the rail, 0 to {rules.track_length:g} m'
    if not (abs(y) <= ON_RAIL and abs(z) <= ON_RAIL):
        return f'target y {y:g} m, z {z:g} m: the vehicle moves on the rail, give 0'
    if not 0.0 <= request.payload <= rules.maximum_payload:
        return f'payload {request.payload:g} kg: must be 0 to {rules.maximum_payload:g} kg'
    if situation.not_ready:
        return f'the vehicle is not ready: {situation.not_ready}'
    if math.isnan(situation.position):
        return 'the vehicle is not ready: its position is not known'
    if math.isnan(situation.battery):
        return 'the vehicle is not ready: the charge of its battery is not known'
    if situation.battery < rules.minimum_battery and not request.to_charger:
        return (
            f'battery at {situation.battery:.0%}: charge to at least '
            f'{rules.minimum_battery:.0%} first'
        )
    if situation.zones is None:
        return 'the vehicle is not ready: its zones are not known'
    low, high = sorted((situation.position, x))
    for zone in situation.zones:
        if zone.action != STOP:
            continue
        if zone.contains(x):
            return f'target x {x:g} m: in zone {zone.zone_id}, must not be entered'
        # A vehicle that stands in one may leave it.
        crossed = zone.start <= high and low <= zone.end and not zone.contains(situation.position)
        if crossed:
            return f'target x {x:g} m: zone {zone.zone_id} is on the way, must not be entered'
    return ''


def too_long(duration: float, rules: Rules) -> str:
    """Return why a mission of an estimated duration is refused, empty when it is not."""
    if duration <= rules.maximum_duration:
        return ''
    return (
        f'estimated duration {duration:.0f} s: must not exceed '
        f'{rules.maximum_duration:.0f} s; give a nearer target'
    )


class EnergyMeter:
    """Energy drawn from the battery, from samples of its power."""

    def __init__(self, power: float, now: float):
        self._power = power  # W, NaN while unknown
        self._at = now
        self.energy = 0.0  # J

    def take(self, power: float, now: float) -> None:
        """Take the power drawn from the battery at a moment, W; NaN where it is not known."""
        mean = (self._power + power) / 2.0
        if math.isnan(mean):
            mean = 0.0 if math.isnan(power) else power
        self.energy += mean * max(0.0, now - self._at)
        self._power = power
        self._at = max(now, self._at)


@dataclass(frozen=True)
class Inputs:
    """What a mission sees at one moment.

    Attributes:
        measurement: the newest position, None without one.
        position_age: since it was measured, s.
        forbidden: why motion is forbidden for good, empty when it is not.
        hold: what forbids motion but goes away by itself, such as an obstacle; empty without.
        missing: what is missing for now, such as the heartbeat; empty when nothing is.
        speed_limit: the lowest limit of others, m/s.
        dock: what is known of the dock.
        stopped: why the drive does not do as commanded, empty when it reports that it does.
        zones: what slows the way.

    """

    measurement: Measurement | None
    position_age: float
    forbidden: str
    missing: str
    speed_limit: float
    dock: DockReading
    stopped: str
    zones: tuple[SpeedZone, ...] = ()
    hold: str = ''


@dataclass(frozen=True)
class Patience:
    """How long a mission bears to see nothing, or to be held.

    Attributes:
        silence: pause of the commands after which the drive has stopped by itself, s.
        position: age of the position beyond which nothing is commanded, s.
        loss: duration of a lack after which the mission has failed, s.
        hold: duration of a hold after which the mission has failed, s.
        clear: how long nothing must hold it before it goes on, s.

    """

    silence: float = 0.2
    position: float = 0.2
    loss: float = 0.3
    hold: float = 60.0
    clear: float = 1.0


class Mission:
    """One mission.

    Args:
        mission_id: unique name.
        mission_type: one of MISSION_TYPES.
        target: m.
        motion: the loop.
        docking: how it docks at the target; None when it does not.
        patience: how long it bears to see nothing.

    Attributes:
        status: one of the ends, empty while it is active.
        reason: why it failed, for a person.
        errors: number of errors so far.
        interruption: what stopped it outside its profile, for a person; empty once it goes on.

    """

    def __init__(
        self,
        mission_id: str,
        mission_type: str,
        target: float,
        motion: Motion,
        docking: Docking | None = None,
        patience: Patience = Patience(),
    ):
        self.mission_id = mission_id
        self.mission_type = mission_type
        self.target = target
        self.motion = motion
        self.start = motion.position
        self.status = ''
        self.reason = ''
        self.errors = 0
        self.interruption = ''
        self._docking = docking
        self._patience = patience
        self._paused = False
        self._cancelling = False
        self._at_dock = False
        self._missing_for = 0.0  # s
        self._held_by = ''
        self._held_for = 0.0  # s
        self._clear_for = 0.0  # s
        self._interrupted_at = 0.0  # s, counts while there is an interruption
        self._driven = False
        self._now: float | None = None

    @property
    def phase(self) -> str:
        """What it does, one of the phases."""
        if self.status:
            return NONE
        if self._paused:
            return PAUSED
        if self._held_by:
            return HELD
        return DOCKING if self._at_dock else EXECUTING

    @property
    def remaining_distance(self) -> float:
        """Distance to its target."""
        return abs(self.target - self.motion.position)

    @property
    def held_by(self) -> str:
        """What holds it, for a person; empty when nothing does."""
        return self._held_by if self.phase == HELD else ''

    @property
    def direction(self) -> int:
        """Where it would go if nothing held it, 1 or -1; 0 when nothing does."""
        if not self._held_by:
            return 0
        target = self._docking.target if self._docking is not None else self.target
        way = target - self.motion.position
        return (way > 0.0) - (way < 0.0)

    @property
    def docked(self) -> bool:
        """Whether it ended in the dock."""
        return self._docking is not None and self._docking.docked

    @property
    def there(self) -> bool:
        """Whether it has come to its target, where it still has to settle or to dock."""
        return self.status == SUCCESS or (self.motion.there and self.motion.target == self.target)

    @property
    def progress(self) -> float:
        """Ratio 0..1 of the distance; 1 from the moment on at which it is there."""
        whole = abs(self.target - self.start)
        if self.there or whole == 0.0:
            return 1.0
        return min(1.0, max(0.0, 1.0 - self.remaining_distance / whole))

    @property
    def remaining_time(self) -> float:
        """Time to arrival by the present plan, NaN while paused or held."""
        if self._paused or self._cancelling or self._held_by:
            return math.nan
        return self.motion.remaining_time(self.target)

    def pause(self) -> str:
        """Brake to a stop; return why not, empty when it does."""
        if self._paused or self._cancelling:
            return 'it is paused already' if self._paused else 'it is being cancelled'
        self._paused = True
        return ''

    def resume(self) -> str:
        """Go on; return why not, empty when it does."""
        if not self._paused:
            return 'it is not paused'
        self._paused = False
        return ''

    def cancel(self) -> None:
        """Brake to a stop and end there."""
        self._cancelling = True
        self._paused = False

    def fail(self, reason: str) -> None:
        """End at once; nothing is commanded any more."""
        if not self.status:
            self.status = FAILED
            self.reason = reason
            self.errors += 1

    def step(self, now: float, inputs: Inputs) -> float | None:
        """Return the velocity to command now, None to command nothing.

        Args:
            now: s, only rising.
            inputs: what is known.

        """
        pause = now - self._now if self._now is not None else 0.0
        dt = min(pause, LONGEST_STEP)
        self._now = now
        if self.status:
            return None
        if inputs.forbidden:
            self.fail(inputs.forbidden)
            return None
        missing = inputs.missing
        if inputs.measurement is None or inputs.position_age > self._patience.position:
            missing = 'no position is measured'
        if missing:
            # A pause of this very loop is no lack: steps count, not the time between them.
            self._missing_for += dt
            self._interrupt(missing)
            if self._missing_for > self._patience.loss:
                self.fail(missing)
            return None
        self._missing_for = 0.0
        self.motion.take(inputs.measurement)
        self._hold(dt, inputs.hold)
        if self.status:
            return None
        if inputs.hold:
            self._interrupt(inputs.hold)
        elif pause > self._patience.silence:
            self._interrupt(f'no command for {pause:.2f} s')
        elif self._driven and inputs.stopped:
            self._interrupt(f'the travel motor is stopped: {inputs.stopped}')
        self._driven = not inputs.stopped
        if self.interruption:
            # The drive brakes harder than the profile: to go on before it stands is a jolt.
            self.motion.interrupt()
            if self._held_by or not self.motion.rests(self._interrupted_at):
                return self._wait()
            self.interruption = ''
        try:
            return self._move(now, dt, inputs)
        except MotionError as error:
            self.fail(str(error))
            return None

    def _interrupt(self, cause: str) -> None:
        self.interruption = self.interruption or cause
        self._interrupted_at = self._now

    def _hold(self, dt: float, cause: str) -> None:
        """Note what holds it; when it has been gone for long enough, nothing does any more."""
        if cause:
            self._held_by, self._clear_for = cause, 0.0
            if not self._paused:
                self._held_for += dt
            if self._held_for > self._patience.hold:
                self.fail(f'held for {self._patience.hold:g} s: {cause}')
        elif self._held_by:
            self._clear_for += dt
            if self._clear_for >= self._patience.clear:
                self._held_by, self._held_for = '', 0.0

    def _wait(self) -> float | None:
        """Stand; a pause needs no command, a cancelled mission ends here."""
        if self._cancelling and self.motion.standing:
            self.status = CANCELLED
        return None if self._paused or self.status else 0.0

    def _move(self, now: float, dt: float, inputs: Inputs) -> float | None:
        if self._paused or self._cancelling:
            self.motion.go(None)
        elif self._docking is not None:
            self._dock(dt, inputs)
            self.motion.go(self._docking.target, (*inputs.zones, *self._docking.zones))
        else:
            if self.motion.arrived:
                self.status = SUCCESS
            self.motion.go(self.target, inputs.zones)
        if self.status:
            return None
        command = self.motion.step(now, inputs.speed_limit)
        if (self._paused or self._cancelling) and self.motion.standing:
            if self._cancelling:
                self.status = CANCELLED
            self._driven = False  # a drive that stops for want of a command is no interruption
            return None
        return command

    def _dock(self, dt: float, inputs: Inputs) -> None:
        docking = self._docking
        if not self._at_dock:
            self._at_dock = docking.begins_at(self.motion.position)
            return
        failures = docking.failures
        docking.step(dt, self.motion.position, self.motion.arrived, inputs.dock)
        self.errors += docking.failures - failures
        if docking.docked:
            self.status = SUCCESS
        elif docking.failed:
            self.errors -= 1  # the last attempt and the mission fail once
            self.fail(f'docking failed {docking.failures} times, the last: {docking.failure}')


@dataclass(frozen=True)
class Record:
    """What is kept of a mission on disk; status is empty until it has ended.

    Attributes:
        started: ns since 1970-01-01 UTC.
        position: m, where the vehicle was at the time of the record.
        travelled: m.
        energy: J.
        duration: s, once it has ended.

    """

    mission_id: str
    mission_type: str
    started: int
    position: float
    travelled: float
    energy: float
    errors: int
    status: str = ''
    duration: float = 0.0


class Journal:
    """The mission that is active, on disk, so that a mission lost by a crash is known afterwards.

    Args:
        path: its file; the directory is there.

    """

    def __init__(self, path: Path):
        self._path = path

    def load(self) -> Record | None:
        """Return the mission that was not cleared, None without one.

        Raises:
            ValueError: the file cannot be understood.
            OSError: it cannot be read.

        """
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return None
        try:
            return Record(**json.loads(text))
        except TypeError as error:
            raise ValueError(f'{self._path}: {error}') from error

    def save(self, record: Record, *, durable: bool = True) -> None:
        """Write a record, whole or not at all; `durable` waits for the disk.

        Without waiting it outlives the process but not the power.

        Raises:
            OSError: it could not be written.

        """
        replace_file(self._path, json.dumps(asdict(record)).encode(), durable=durable)

    def clear(self) -> None:
        """Remove the record.

        Raises:
            OSError: it could not be removed.

        """
        remove(self._path)
