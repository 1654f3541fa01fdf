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
"""The guard of the travel motor: what decides, last of all, whether it may turn.

The motor board has no watchdog of its own. The guard is asked in the thread of the motor's line,
right before a frame is sent; it holds no thread, no timer and no I/O, so nothing can delay it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from oht50_bridge.hardware.watchdog.protocol import PULSE_TIMEOUT
from oht50_bridge.stop_reason import StopReason
from oht50_bridge.timing import DRIVE_COMMAND_TIMEOUT
from oht50_bridge.timing import HEARTBEAT_TIMEOUT

# The gravest first: of several causes this one is reported.
_INHIBITIONS = (
    StopReason.SHUTDOWN,
    StopReason.ESTOP,
    StopReason.ERROR,
    StopReason.LAYOUT,
    StopReason.DRIVE_FAULT,
    StopReason.MODULE_LOST,
    StopReason.CHARGING,
    StopReason.SCAN,
)

_NOTHING = (0.0, 0.0)  # m/s, limits in both directions


def clock_through_sleep() -> float:
    """Read a clock in s that no change of the date moves and that goes on during a suspend."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Heartbeat:
    """A safety heartbeat: what is permitted in each direction.

    Attributes:
        permitted: motion is permitted in at least one direction.
        forward: m/s, limit of positive velocities; 0: none is permitted.
        backward: m/s, limit of negative velocities, not negative itself; 0: none is permitted.
        started_at: ns, when its sender started, by a clock that only rises.
        counter: rises with each beat of its sender, from 1.
    """

    permitted: bool
    forward: float
    backward: float
    started_at: int
    counter: int

    @property
    def limits(self) -> tuple[float, float]:
        """Limits forward and backward, m/s; both 0 where one of them is no limit at all."""
        limits = (self.forward, self.backward)
        if self.permitted is not True or not all(_is_number(x) and x >= 0.0 for x in limits):
            return _NOTHING
        return float(self.forward), float(self.backward)


@dataclass(frozen=True)
class Verdict:
    """What the motor is to do now.

    Attributes:
        stop: the motor must stand: a cause forbids motion, or the command is to stand (reason
            none).
        reason: why, one of the stop reasons of DriveState.
        velocity: m/s, signed, limited; 0 when stop.
        forward: m/s that is permitted now to positive velocities.
        backward: m/s that is permitted now to negative velocities.
    """

    stop: bool
    reason: StopReason
    velocity: float
    forward: float = 0.0
    backward: float = 0.0

    def limit(self, velocity: float) -> float:
        """Return the limit, m/s, in the direction of `velocity`; for 0 the greater one."""
        if velocity == 0.0:
            return max(self.forward, self.backward)
        return self.forward if velocity > 0.0 else self.backward


class MotionGuard:
    """Thread-safe memory of command, heartbeat and inhibitions, and the judgement over them.

    A command that arrives while a cause forbids motion is refused, and a cause discards the
    command it meets: after a stop only a new command, given when the cause is gone, moves again.

    Ages count from the receipt on a clock that no date can move. What has waited unread looks new
    by that, so that after a pause of the heartbeat nothing is permitted for a while. An age that
    the caller knows can only shorten what is permitted.

    Args:
        on_stop: called (in the caller's thread) when an input demands a stop, to wake the line.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        max_speed: float,
        on_stop: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = clock_through_sleep,
    ) -> None:
        self._max_speed = max_speed
        self._on_stop = on_stop
        self._clock = clock
        self._lock = threading.Lock()
        self._command: tuple[float, float] | None = None  # velocity, moment of receipt
        self._motion_asked_at = -math.inf  # last command to move, taken or refused
        self._lapse: StopReason = StopReason.NO_COMMAND  # why there is no command
        self._barred = 0.0  # velocity of the command that was discarded for its direction
        self._newest_beat = (-1, 0)  # start of its sender, counter
        self._limits = _NOTHING  # m/s, forward and backward, of the newest beat
        self._beat_at = -math.inf  # from when on it lives
        self._permits_from = math.inf  # no beat before this moment permits anything
        self._inhibitions: dict[StopReason, set[str]] = {reason: set() for reason in _INHIBITIONS}
        self._attended: float | None = None  # when the line's thread was last at work
        self._stalled_until = -math.inf

    def attend(self) -> float:
        """Note that the line's thread is at work.

        After a pause of PULSE_TIMEOUT, in which this process hung and the motor may have been
        stopped from outside, the command is void, and for a while so is each that comes: it may
        have waited all the while.

        Returns:
            s of the pause when it was that long, otherwise 0.
        """
        with self._lock:
            now = self._clock()
            pause = 0.0 if self._attended is None else now - self._attended
            self._attended = now
            if pause < PULSE_TIMEOUT:
                return 0.0
            self._stalled_until = now + DRIVE_COMMAND_TIMEOUT
            self._discard(StopReason.NO_COMMAND)
            return pause

    def drive(self, velocity: float, age: float = 0.0) -> StopReason:
        """Take a command in m/s, given `age` s ago.

        Returns:
            'none' when it is taken, otherwise why it is refused. NaN and infinity are refused
            and stop the motor, as does a direction in which the heartbeat permits nothing.
        """
        number = _is_number(velocity)
        with self._lock:
            now = self._clock()
            cause = self._cause(now)
            had = self._command is not None
            if number and velocity != 0.0:
                self._motion_asked_at = now
            if not number:
                cause = StopReason.ERROR
                self._discard(StopReason.ERROR)
            elif cause == StopReason.NONE:
                # To stand is never too old an order.
                given = now - (max(age, 0.0) if velocity else 0.0)
                if not now - given <= DRIVE_COMMAND_TIMEOUT:  # NaN too
                    return StopReason.COMMAND_TIMEOUT
                self._command = (float(velocity), given)
                if self._bar():
                    cause = StopReason.NOT_PERMITTED
        if not number or (had and cause == StopReason.NOT_PERMITTED):
            self._on_stop()
        return cause

    def heartbeat(self, beat: Heartbeat, age: float = 0.0) -> bool:
        """Take a heartbeat, given `age` s ago.

        One whose sender started before that of another beat, or whose counter does not rise, is
        void: it was delayed, repeated or comes from a node that was replaced. The first of a new
        sender voids the command. One that is too old lowers limits and prolongs nothing.

        Returns:
            Whether it was taken; False when it is void.
        """
        number = (beat.started_at, beat.counter)
        with self._lock:
            now = self._clock()
            if beat.counter < 1 or number <= self._newest_beat:
                return False
            renewed = beat.started_at != self._newest_beat[0]
            self._newest_beat = number
            had = self._command is not None
            if renewed or now - self._beat_at > HEARTBEAT_TIMEOUT:
                # What arrives first after a pause may have waited all the while.
                self._permits_from = now + DRIVE_COMMAND_TIMEOUT
                self._limits = _NOTHING
                self._discard(StopReason.NO_COMMAND)
            given = now - max(age, 0.0)
            if now - given <= HEARTBEAT_TIMEOUT:  # not NaN
                self._limits = beat.limits
                # The one before lives on: a change of the date must not end a permission.
                self._beat_at = max(self._beat_at, given)
            else:
                self._limits = _lower(self._limits, beat.limits)
            if self._limits == _NOTHING:
                self._discard(StopReason.NO_COMMAND)
            else:
                self._bar()
                if self._lapse == StopReason.NOT_PERMITTED and self._limit(self._barred) > 0.0:
                    self._lapse = StopReason.NO_COMMAND
            stops = had and self._command is None
        if stops:
            self._on_stop()
        return True

    def inhibit(self, reason: StopReason, source: str = '') -> None:
        """Forbid motion for `reason` until the same `source` releases it."""
        with self._lock:
            fresh = source not in self._inhibitions[reason]
            self._inhibitions[reason].add(source)
            self._discard(StopReason.NO_COMMAND)
        if fresh:
            self._on_stop()

    def release(self, reason: StopReason, source: str = '') -> None:
        """Take back an inhibition; motion still needs a new command."""
        with self._lock:
            self._inhibitions[reason].discard(source)

    def calm(self) -> bool:
        """Tell whether nobody has asked for motion for so long that a command would be new."""
        with self._lock:
            return self._clock() - self._motion_asked_at > DRIVE_COMMAND_TIMEOUT

    def evaluate(self) -> Verdict:
        """Judge the present moment."""
        with self._lock:
            now = self._clock()
            cause = self._cause(now)
            if cause != StopReason.NONE:
                if self._command is not None:
                    self._discard(StopReason.NO_COMMAND)
                return Verdict(True, cause, 0.0)
            if self._command is not None and now - self._command[1] > DRIVE_COMMAND_TIMEOUT:
                self._discard(StopReason.COMMAND_TIMEOUT)
            if self._command is None:
                return Verdict(True, self._lapse, 0.0)
            forward, backward = self._limit(1.0), self._limit(-1.0)
            velocity = max(-backward, min(forward, self._command[0]))
            return Verdict(velocity == 0.0, StopReason.NONE, velocity, forward, backward)

    def expires_in(self) -> float:
        """Time in s after which command or heartbeat will be too old; infinity without."""
        with self._lock:
            if self._command is None:
                return math.inf
            expiry = min(
                self._command[1] + DRIVE_COMMAND_TIMEOUT, self._beat_at + HEARTBEAT_TIMEOUT
            )
            return expiry - self._clock()

    def _cause(self, now: float) -> StopReason:
        for reason in _INHIBITIONS:
            if self._inhibitions[reason]:
                return reason
        if now < self._stalled_until:
            return StopReason.ERROR
        if not now - self._beat_at <= HEARTBEAT_TIMEOUT:
            return StopReason.HEARTBEAT_TIMEOUT
        if self._limits == _NOTHING:
            return StopReason.NOT_PERMITTED
        settled = self._beat_at >= self._permits_from
        return StopReason.NONE if settled else StopReason.HEARTBEAT_TIMEOUT

    def _limit(self, velocity: float) -> float:
        """Return the limit, m/s, in the direction of `velocity`."""
        return min(self._limits[velocity < 0.0], self._max_speed)

    def _bar(self) -> bool:
        """Discard a command in a direction in which nothing is permitted; return whether so."""
        if self._command is None or self._command[0] == 0.0:
            return False
        velocity = self._command[0]
        if self._limit(velocity) > 0.0:
            return False
        self._barred = velocity
        self._discard(StopReason.NOT_PERMITTED)
        return True

    def _discard(self, lapse: StopReason) -> None:
        self._command = None
        self._lapse = lapse


def _lower(limits: tuple[float, float], others: tuple[float, float]) -> tuple[float, float]:
    return min(limits[0], others[0]), min(limits[1], others[1])


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
