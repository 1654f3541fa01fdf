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
"""One mission from its start to its end.

Positions are in m along the rail, velocities in m/s, times in s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from oht50_bridge.enums import StrEnum
from oht50_bridge.settings import setting
from oht50_bridge.timing import DRIVE_COMMAND_TIMEOUT
from oht50_bridge.vehicle.docking import Docking
from oht50_bridge.vehicle.docking import DockReading
from oht50_bridge.vehicle.motion import LONGEST_STEP
from oht50_bridge.vehicle.motion import MotionLoop
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.profile import MotionError
from oht50_bridge.vehicle.profile import SpeedZone
from oht50_bridge.vehicle.refusal import RefusedError


class MissionPhase(StrEnum):
    """What a mission does; the values are those of MissionState.PHASE_*."""

    NONE = 'none'  # it has ended
    EXECUTING = 'executing'
    PAUSED = 'paused'
    HELD = 'held'
    DOCKING = 'docking'


class MissionOutcome(StrEnum):
    """How a mission ended; the values are those of MissionCompleted.STATUS_*."""

    SUCCESS = 'success'
    FAILED = 'failed'
    CANCELLED = 'cancelled'


#: The phases that may follow each phase. A mission that has begun to dock does not travel again.
_NEXT = {
    MissionPhase.EXECUTING: {
        MissionPhase.DOCKING,
        MissionPhase.PAUSED,
        MissionPhase.HELD,
        MissionPhase.NONE,
    },
    MissionPhase.DOCKING: {MissionPhase.PAUSED, MissionPhase.HELD, MissionPhase.NONE},
    MissionPhase.PAUSED: {
        MissionPhase.EXECUTING,
        MissionPhase.DOCKING,
        MissionPhase.HELD,
        MissionPhase.NONE,
    },
    MissionPhase.HELD: {
        MissionPhase.EXECUTING,
        MissionPhase.DOCKING,
        MissionPhase.PAUSED,
        MissionPhase.NONE,
    },
    MissionPhase.NONE: set(),
}


class ForbiddenPhaseError(Exception):
    """A phase that cannot follow the present one: a defect of this software."""


@dataclass(frozen=True)
class MissionInputs:
    """What a mission sees at one moment.

    Attributes:
        measurement: the newest position, None without one.
        position_age: time since it was measured, s.
        forbidden: why motion is forbidden until someone acts, empty when it is not.
        missing: what is missing for now, such as the heartbeat; empty when nothing is.
        speed_limit: the lowest limit set by others, m/s.
        dock: what is known of the dock.
        stopped: why the drive does not follow the command, empty when it reports that it does.
        zones: stretches that limit the speed.
        hold: what forbids motion but clears by itself, such as an obstacle; empty without.

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
class MissionTimeouts:
    """How long a mission tolerates a missing input or a hold.

    Attributes:
        silence: pause of the commands after which the drive has stopped by itself, s.

    """

    position_timeout: float = setting(
        0.2,
        'Age of the position beyond which nothing is commanded',
        unit='s',
        minimum=0.1,
        maximum=1.0,
    )
    loss_timeout: float = setting(
        0.3,
        'Duration of a lack of position or heartbeat after which a mission fails',
        unit='s',
        minimum=0.1,
        maximum=5.0,
    )
    hold_timeout: float = setting(
        60.0,
        'Duration of a hold, as by an obstacle, after which a mission fails',
        unit='s',
        minimum=1.0,
        maximum=3600.0,
    )
    hold_clear_time: float = setting(
        1.0, 'Time without a hold before a mission continues', unit='s', minimum=0.2, maximum=60.0
    )
    silence: float = DRIVE_COMMAND_TIMEOUT


class Mission:
    """One mission.

    Args:
        mission_id: unique name.
        mission_type: one of MISSION_TYPES.
        target: m.
        motion: the control loop.
        docking: how it docks at the target; None when it does not.
        timeouts: how long it tolerates a missing input or a hold.

    Attributes:
        outcome: how it ended, None while it is active.
        reason: why it did not succeed, for a person.
        errors: number of errors so far.
        interruption: what stopped it outside its profile, for a person; empty once it continues.

    """

    def __init__(
        self,
        mission_id: str,
        mission_type: str,
        target: float,
        motion: MotionLoop,
        docking: Docking | None = None,
        timeouts: MissionTimeouts = MissionTimeouts(),
    ) -> None:
        self.mission_id = mission_id
        self.mission_type = mission_type
        self.target = target
        self.motion = motion
        self.start = motion.position
        self.outcome: MissionOutcome | None = None
        self.reason = ''
        self.errors = 0
        self.interruption = ''
        self._phase = MissionPhase.EXECUTING
        self._docking = docking
        self._timeouts = timeouts
        self._progress = 0.0
        self._paused = False
        self._cancelling = False
        self._order = ''  # who paused or cancelled it, for a person
        self._at_dock = False
        self._missing_for = 0.0  # s
        self._held_by = ''
        self._held_for = 0.0  # s
        self._clear_for = 0.0  # s
        self._interrupted_at = 0.0  # s, counts while there is an interruption
        self._driven = False
        self._now: float | None = None

    @property
    def phase(self) -> MissionPhase:
        """What it does."""
        return self._phase

    @property
    def remaining_distance(self) -> float:
        """Distance to its target."""
        return abs(self.target - self.motion.position)

    @property
    def held_by(self) -> str:
        """What holds it, for a person; empty when nothing does."""
        return self._held_by if self.phase is MissionPhase.HELD else ''

    @property
    def hindrance(self) -> str:
        """Why it does not go on, for a person; empty while it does, and after its end."""
        if self.outcome is not None:
            return ''
        return self._order or self.held_by or self.interruption

    @property
    def at_dock(self) -> bool:
        """Whether it has begun to dock, also while it is held or paused."""
        return self._at_dock and self.outcome is None

    @property
    def dock_direction(self) -> int:
        """Direction of travel into the dock, 1 or -1; 0 unless it drives into it, or would."""
        return self._docking.direction if self._docking is not None and self.at_dock else 0

    @property
    def direction(self) -> int:
        """Where it would go if nothing held it, 1 or -1; 0 when nothing does."""
        if not self._held_by:
            return 0
        target = self._docking.target if self._docking is not None else self.target
        distance = target - self.motion.position
        return (distance > 0.0) - (distance < 0.0)

    @property
    def docked(self) -> bool:
        """Whether it ended in the dock."""
        return self._docking is not None and self._docking.docked

    @property
    def there(self) -> bool:
        """Whether it has reached its target, where it still has to settle or to dock."""
        return self.outcome is MissionOutcome.SUCCESS or (
            self.motion.there and self.motion.target == self.target
        )

    @property
    def progress(self) -> float:
        """Ratio 0..1 of the distance, which never falls; 1 from its arrival at the target."""
        total = abs(self.target - self.start)
        reached = 1.0
        if not self.there and total > 0.0:
            reached = min(1.0, max(0.0, 1.0 - self.remaining_distance / total))
        self._progress = max(self._progress, reached)
        return self._progress

    @property
    def remaining_time(self) -> float:
        """Time to arrival by the present plan, s; NaN while paused, held or cancelled."""
        if self._paused or self._cancelling or self._held_by:
            return math.nan
        return self.motion.remaining_time(self.target)

    def pause(self, by: str = '') -> None:
        """Brake to a stop.

        Args:
            by: who ordered it; empty: not known.

        Raises:
            RefusedError: it is paused or cancelled already.

        """
        if self._paused:
            raise RefusedError('it is paused already')
        if self._cancelling:
            raise RefusedError('it is being cancelled')
        self._paused = True
        self._order = _order('paused', by)
        self._update_phase()

    def resume(self) -> None:
        """Continue after a pause.

        Raises:
            RefusedError: it is not paused.

        """
        if not self._paused:
            raise RefusedError('it is not paused')
        self._paused = False
        self._order = ''
        self._update_phase()

    def cancel(self, by: str = '') -> None:
        """Brake to a stop and end there; argument as of `pause`."""
        self._cancelling = True
        self._paused = False
        self._order = _order('cancelled', by)
        self._update_phase()

    def fail(self, reason: str) -> None:
        """End at once; nothing is commanded any more."""
        if self.outcome is None:
            self.outcome = MissionOutcome.FAILED
            self.reason = reason
            self.errors += 1
            self._update_phase()

    def step(self, now: float, inputs: MissionInputs) -> float | None:
        """Return the velocity to command now, None to command nothing.

        Args:
            now: s, only rising.
            inputs: what is known.

        """
        command = self._step(now, inputs)
        self._update_phase()
        return command

    def _step(self, now: float, inputs: MissionInputs) -> float | None:
        pause = now - self._now if self._now is not None else 0.0
        dt = min(pause, LONGEST_STEP)
        self._now = now
        if self.outcome is not None:
            return None
        if inputs.forbidden:
            self.fail(inputs.forbidden)
            return None
        missing = inputs.missing
        if inputs.measurement is None or inputs.position_age > self._timeouts.position_timeout:
            missing = 'no position is measured'
        if missing or inputs.measurement is None:
            # A pause of this very loop is no lack: steps count, not the time between them.
            self._missing_for += dt
            self._interrupt(missing, now)
            if self._missing_for > self._timeouts.loss_timeout:
                self.fail(missing)
            return None
        self._missing_for = 0.0
        self.motion.update(inputs.measurement)
        if self._docking is not None:
            # Also while it is held: near the dock, the dock itself must not hold it.
            self._at_dock |= self._docking.begins_at(self.motion.position)
        self._hold(dt, inputs.hold)
        if self.outcome is not None:
            return None
        if inputs.hold:
            self._interrupt(inputs.hold, now)
        elif pause > self._timeouts.silence:
            self._interrupt(f'no command for {pause:.2f} s', now)
        elif self._driven and inputs.stopped:
            self._interrupt(f'the travel motor is stopped: {inputs.stopped}', now)
        self._driven = not inputs.stopped
        if self.interruption:
            # The drive brakes harder than the profile: to continue before standstill is a jolt.
            self.motion.interrupt()
            if self._held_by or not self.motion.rests(self._interrupted_at):
                return self._wait()
            self.interruption = ''
        try:
            return self._move(now, dt, inputs)
        except MotionError as error:
            self.fail(str(error))
            return None

    def _update_phase(self) -> None:
        """Derive the phase; of several conditions the first below counts."""
        if self.outcome is not None:
            phase = MissionPhase.NONE
        elif self._paused:
            phase = MissionPhase.PAUSED
        elif self._held_by:
            phase = MissionPhase.HELD
        else:
            phase = MissionPhase.DOCKING if self._at_dock else MissionPhase.EXECUTING
        if phase is self._phase:
            return
        if phase not in _NEXT[self._phase]:
            raise ForbiddenPhaseError(f'{self.mission_id}: {self._phase} to {phase}')
        self._phase = phase

    def _interrupt(self, cause: str, now: float) -> None:
        self.interruption = self.interruption or cause
        self._interrupted_at = now

    def _hold(self, dt: float, cause: str) -> None:
        """Note what holds it; a hold ends when its cause was absent for hold_clear_time."""
        if cause:
            self._held_by, self._clear_for = cause, 0.0
            if not self._paused:
                self._held_for += dt
            if self._held_for > self._timeouts.hold_timeout:
                self.fail(f'held for {self._timeouts.hold_timeout:g} s: {cause}')
        elif self._held_by:
            self._clear_for += dt
            if self._clear_for >= self._timeouts.hold_clear_time:
                self._held_by, self._held_for = '', 0.0

    def _wait(self) -> float | None:
        """Stand; a pause needs no command, a cancelled mission ends here."""
        if self._cancelling and self.motion.standing:
            self._end_cancelled()
        return None if self._paused or self.outcome is not None else 0.0

    def _move(self, now: float, dt: float, inputs: MissionInputs) -> float | None:
        if self._paused or self._cancelling:
            self.motion.go(None)
        elif self._docking is not None:
            self._dock(dt, inputs, self._docking)
            self.motion.go(self._docking.target, (*inputs.zones, *self._docking.zones))
        else:
            if self.motion.arrived:
                self.outcome = MissionOutcome.SUCCESS
            self.motion.go(self.target, inputs.zones)
        if self.outcome is not None:
            return None
        command = self.motion.step(now, inputs.speed_limit)
        if (self._paused or self._cancelling) and self.motion.standing:
            if self._cancelling:
                self._end_cancelled()
            self._driven = False  # a drive that stops for want of a command is no interruption
            return None
        return command

    def _end_cancelled(self) -> None:
        self.outcome, self.reason = MissionOutcome.CANCELLED, self._order

    def _dock(self, dt: float, inputs: MissionInputs, docking: Docking) -> None:
        if not self._at_dock:
            return
        failures = docking.failures
        docking.step(dt, self.motion.position, self.motion.arrived, inputs.dock)
        self.errors += docking.failures - failures
        if docking.docked:
            self.outcome = MissionOutcome.SUCCESS
        elif docking.failed:
            self.errors -= 1  # the last attempt and the mission fail once
            self.fail(f'docking failed {docking.failures} times, the last: {docking.failure}')


def _order(what: str, by: str) -> str:
    return f'{what} by {by!r}' if by else what
