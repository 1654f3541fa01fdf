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
"""When a process that ended is started again, and when it is not."""

from __future__ import annotations

import os
import signal
from collections import deque

from oht50_bridge.bringup.errors import BringUpError

MAXIMUM_EXITS = 10  # of a process within EXIT_WINDOW: then it is not started again
EXIT_WINDOW = 60.0  # s
STABLE = 10.0  # s, a process that ran this long is restarted with the least delay
#: s, between the end of a process and the next start, at least. Longer than a mission waits for
#: what it lacks (loss_timeout): it must not go on as if its hardware_node had never ended.
MINIMUM_DELAY = 0.5
MAXIMUM_DELAY = 5.0  # s, between two starts of a process that keeps ending


class RestartLimit:
    """Counts how often a process ended, to decide when restarting it is useless.

    Args:
        name: name of the process, for messages.

    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._exits: deque[float] = deque(maxlen=MAXIMUM_EXITS)

    def note_exit(self, code: int, now: float, *, restarted: bool = False) -> None:
        """Note that the process ended.

        Args:
            code: its exit code; negative: the number of the signal that ended it.
            now: monotonic time, s.
            restarted: it is not the first process of its name. The first one took its
                configuration, and what this one refuses, such as a file, may be corrected while
                the vehicle runs.

        Raises:
            BringUpError: it must not be restarted; the message says why.

        """
        if code == os.EX_CONFIG:
            if restarted:
                return
            raise BringUpError(f'{self._name} refused its configuration (see above)')
        self._count(now, f'ended {MAXIMUM_EXITS} times', describe_exit(code))

    def note_failed_start(self, reason: str, now: float) -> None:
        """Note that the process could not be started, which counts as an end of it.

        Args:
            reason: what the system said.
            now: monotonic time, s.

        Raises:
            BringUpError: it must not be started again; the message says why.

        """
        self._count(now, f'ended or could not be started {MAXIMUM_EXITS} times', reason)

    def _count(self, now: float, what: str, last: str) -> None:
        self._exits.append(now)
        if len(self._exits) == MAXIMUM_EXITS and now - self._exits[0] < EXIT_WINDOW:
            raise BringUpError(
                f'{self._name} {what} within {EXIT_WINDOW:g} s, last with {last} (see above); '
                'the vehicle is stopped'
            )


class Backoff:
    """The delay before a process is restarted: it doubles while the process does not last."""

    def __init__(self) -> None:
        self._delay = 0.0

    def next_delay(self, run_time: float) -> float:
        """Return the delay before the next start, in s, after a run of `run_time` s."""
        if run_time >= STABLE:
            self._delay = MINIMUM_DELAY
        else:
            self._delay = min(MAXIMUM_DELAY, max(MINIMUM_DELAY, 2 * self._delay))
        return self._delay


def describe_exit(code: int) -> str:
    """Return the exit code of a process in words; a negative one is the number of a signal."""
    return f'exit code {code}' if code >= 0 else signal.Signals(-code).name
