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


def clock_through_sleep() -> float:
    """Read a clock in s that no change of the date moves and that goes on during a suspend."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Verdict:
    """What the motor is to do now.

    Attributes:
        stop: the motor must stand: a cause forbids motion, or the command is to stand (reason
            none).
        reason: why, one of the stop reasons of DriveState.
        velocity: m/s, signed, limited; 0 when stop.
        limit: m/s that is permitted now.
    """

    stop: bool
    reason: StopReason
    velocity: float
    limit: float = 0.0


class MotionGuard:
    """Thread-safe memory of command, heartbeat and inhibitions, and the judgement over them.

    A command that arrives while a cause forbids motion is refused, and a cause discards the
    command it meets: after a stop only a new command, given when the cause is gone, moves again.

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
        self._beat: tuple[bool, float, float] | None = None  # permitted, limit, moment of receipt
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
            and stop the motor.
        """
        number = _is_number(velocity)
        with self._lock:
            now = self._clock()
            cause = self._cause(now)
            if number and velocity != 0.0:
                self._motion_asked_at = now
            if not number:
                cause = StopReason.ERROR
                self._discard(StopReason.ERROR)
            elif cause == StopReason.NONE:
                given = now - max(age, 0.0)
                if not now - given <= DRIVE_COMMAND_TIMEOUT:  # NaN too
                    return StopReason.COMMAND_TIMEOUT
                self._command = (float(velocity), given)
        if not number:
            self._on_stop()
        return cause

    def heartbeat(self, permitted: bool, speed_limit: float, age: float = 0.0) -> None:
        """Take the heartbeat, given `age` s ago.

        `speed_limit` is in m/s, and one that is no number forbids motion.
        """
        good = permitted is True and _is_number(speed_limit) and speed_limit >= 0
        with self._lock:
            given = self._clock() - max(age, 0.0)
            self._beat = (good, float(speed_limit) if good else 0.0, given)
            had = self._command is not None
            if not good:
                self._discard(StopReason.NO_COMMAND)
        if not good and had:
            self._on_stop()

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
            assert self._beat is not None
            limit = min(self._beat[1], self._max_speed)
            velocity = max(-limit, min(limit, self._command[0]))
            return Verdict(velocity == 0.0, StopReason.NONE, velocity, limit)

    def expires_in(self) -> float:
        """Time in s after which command or heartbeat will be too old; infinity without."""
        with self._lock:
            if self._command is None or self._beat is None:
                return math.inf
            expiry = min(
                self._command[1] + DRIVE_COMMAND_TIMEOUT, self._beat[2] + HEARTBEAT_TIMEOUT
            )
            return expiry - self._clock()

    def _cause(self, now: float) -> StopReason:
        for reason in _INHIBITIONS:
            if self._inhibitions[reason]:
                return reason
        if now < self._stalled_until:
            return StopReason.ERROR
        if self._beat is None or not now - self._beat[2] <= HEARTBEAT_TIMEOUT:
            return StopReason.HEARTBEAT_TIMEOUT
        return StopReason.NONE if self._beat[0] else StopReason.NOT_PERMITTED

    def _discard(self, lapse: StopReason) -> None:
        self._command = None
        self._lapse = lapse


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
