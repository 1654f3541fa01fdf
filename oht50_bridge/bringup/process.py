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
"""A process of the vehicle: started with blocked signals, restarted when it ends, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from oht50_bridge.bringup.host_check import ros_directory
from oht50_bridge.bringup.output import ProcessOutput
from oht50_bridge.bringup.preload import Forked
from oht50_bridge.bringup.preload import Preloaded
from oht50_bridge.bringup.restart import Backoff
from oht50_bridge.bringup.restart import RestartLimit
from oht50_bridge.bringup.restart import describe_exit
from oht50_bridge.prctl import signal_at_parent_death
from oht50_bridge.signals import block_signals
from oht50_bridge.standard_streams import say

POLL_PERIOD = 0.05  # s, between two checks of the processes
STOP_TIMEOUT = 3.0  # s, from one signal to the next, stronger one


def _die_with_parent() -> None:
    """Have the kernel end this child when its parent dies, for whatever reason; block signals."""
    block_signals()
    signal_at_parent_death(signal.SIGTERM)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGTERM)


class Process:
    """A process that is restarted when it ends.

    Args:
        name: for messages.
        command: its command line.
        environment: its environment.
        watches_parent: whether it notices by itself that its parent died; otherwise the kernel
            ends it at that moment.
        output: takes what it prints, and that it ended; None: the standard error, which then must
            not make it wait.
        preloaded: forks it where it can; None: it is executed.

    """

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        *,
        watches_parent: bool = False,
        output: ProcessOutput | None = None,
        preloaded: Preloaded | None = None,
    ) -> None:
        self.name = name
        self._output = output
        self._preloaded = preloaded
        self._watches_parent = watches_parent
        self._command = command
        self._environment = environment
        self._child: subprocess.Popen[bytes] | Forked | None = None
        self._restart_stdout: int | None = None
        self._started_at = 0.0
        self._backoff = Backoff()
        self._limit = RestartLimit(name)
        self._restart_at: float | None = None
        self._restarted = False

    def start(self, stdout: int | None) -> subprocess.Popen[bytes] | Forked:
        """Start it in a process group of its own: Ctrl-C reaches it through the supervisor.

        Args:
            stdout: as that of `subprocess.Popen`. After a restart, a pipe is replaced by
                /dev/null.

        """
        self._restart_stdout = subprocess.DEVNULL if stdout == subprocess.PIPE else stdout
        forked = None if self._preloaded is None else self._preloaded.fork(self._command)
        self._child = forked or self._execute(stdout)
        self._started_at = time.monotonic()
        self._restart_at = None
        return self._child

    def _execute(self, stdout: int | None) -> subprocess.Popen[bytes]:
        pipe = None if self._output is None else self._output.pipe
        return subprocess.Popen(  # noqa: S603 - a list, no shell
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=pipe if stdout is None else stdout,
            stderr=pipe,
            start_new_session=True,
            preexec_fn=block_signals if self._watches_parent else _die_with_parent,
        )

    def restart_if_ended(self) -> None:
        """Restart it when it has ended, after a delay that depends on how long it ran.

        Raises:
            BringUpError: restarting it is useless.

        """
        now = time.monotonic()
        if self._restart_at is not None:
            if now >= self._restart_at:
                self._start_again(now)
            return
        code = None if self._child is None else self._child.poll()
        if code is None:
            return
        run_time = now - self._started_at
        self._limit.note_exit(code, now, restarted=self._restarted)
        self._restarted = True
        self._restart_at = now + self._backoff.next_delay(run_time)
        self._say(f'{self.name} ended ({describe_exit(code)}); starting it again')

    def _start_again(self, now: float) -> None:
        """Start it; where the system refuses, as without memory, try again after a delay."""
        try:
            self.start(self._restart_stdout)
        except (OSError, subprocess.SubprocessError) as error:
            reason = getattr(error, 'strerror', None) or str(error)
            self._limit.note_failed_start(reason, now)
            self._restart_at = now + self._backoff.next_delay(0.0)
            self._say(f'{self.name} cannot be started ({reason}); trying again')

    def _say(self, text: str) -> None:
        if self._output is None:
            say(text)
        else:
            self._output.say(text)

    def signal(self, number: int) -> None:
        """Send it a signal if it runs, and do not restart it."""
        self._restart_at = None
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    @property
    def pid(self) -> int | None:
        """Its pid, also when it has ended; None before the start."""
        return None if self._child is None else self._child.pid

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None


def stop(processes: Sequence[Process]) -> None:
    """Stop processes: with SIGINT, and those that do not end in time with a stronger signal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            process.signal(number)
        if wait_for_exit(processes, STOP_TIMEOUT):
            break


def wait_for_exit(processes: Sequence[Process], timeout: float) -> bool:
    """Wait until all processes have ended; return False when one has not within `timeout` s."""
    deadline = time.monotonic() + timeout
    while any(process.running for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def module_command(module: str) -> list[str]:
    """Return the command line of a module that needs rclpy: of ROS 2, else of rosless."""
    return [sys.executable, '-m', *(['rosless'] if ros_directory() is None else []), module]
