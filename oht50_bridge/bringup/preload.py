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
"""The process from which the nodes are forked, as the supervisor sees it.

What it cannot fork is executed: a vehicle never depends on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oht50_bridge.bringup.checked_parameters import checked_parameters
from oht50_bridge.bringup.checked_parameters import parameters_of
from oht50_bridge.bringup.host_check import ros_directory
from oht50_bridge.bringup.output import ProcessOutput
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.restart import Backoff
from oht50_bridge.bringup.restart import describe_exit
from oht50_bridge.prctl import adopting
from oht50_bridge.prctl import signal_at_parent_death
from oht50_bridge.signals import block_signals

PRELOAD = 'oht50_bridge.nodes.preload'
RUN = b'run'  # leave for a forked node, as any other message
START_TIMEOUT = 15.0  # s, until it must have its imports done
CHECK_TIMEOUT = 60.0  # s, until it must have checked the parameters
FORK_TIMEOUT = 3.0  # s, until a forked node must have said its pid
END_TIMEOUT = 0.5  # s, for its end once its socket is closed
MAXIMUM_STARTS = 5  # of the process; after that, nodes are executed


class Forked:
    """A child that was not started by `subprocess`, with what the supervisor needs of a Popen.

    Args:
        pid: of the child.

    """

    stdout = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # where SIGCHLD is ignored; `subprocess` says 0 as well
                self.returncode = 0
            else:
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended; return its exit code."""
        while (code := self.poll()) is None:
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Preloaded:
    """A process with the imports of the nodes done. Close it after use.

    Args:
        command: its command line; two arguments are added.
        room: length of the shortest command line that it forks. A node shows its own in the
            memory of this one, which is made nearly as long.
        environment: its environment, which is that of the nodes.
        output: takes what it and the nodes print, and that it ended.

    Attributes:
        output: that one.

    """

    def __init__(
        self,
        command: Sequence[str],
        room: int,
        environment: Mapping[str, str],
        output: ProcessOutput,
    ) -> None:
        self._command = command
        self._filler = '-' * max(0, room - len(' '.join(command)) - 8)
        self._environment = environment
        self.output = output
        self._added: dict[str, str] = {}  # to the environment of the nodes
        self._child: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._ready = False
        self._starts = 0
        self._started_at = 0.0
        self._start_at: float | None = None
        self._backoff = Backoff()
        self._start()

    @property
    def pid(self) -> int | None:
        """Its pid, None where there is none."""
        return None if self._child is None else self._child.pid

    def _start(self) -> None:
        self._starts += 1
        self._started_at = time.monotonic()
        self._start_at = None
        self._ready = False
        try:
            self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._child = subprocess.Popen(  # noqa: S603 - a list, no shell
                    [*self._command, str(theirs.fileno()), self._filler],
                    env=dict(self._environment),
                    stdin=subprocess.DEVNULL,
                    stdout=self.output.pipe,
                    stderr=self.output.pipe,
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                    preexec_fn=_prepare,
                )
        except (OSError, subprocess.SubprocessError) as error:
            self.output.say(f'the process that forks the nodes cannot be started: {error}')
            self._discard()

    def wait(self, timeout: float, stopping: Callable[[], bool]) -> None:
        """Wait until it can fork.

        Args:
            timeout: the longest wait, s.
            stopping: whether to wait no longer.

        """
        deadline = time.monotonic() + timeout
        while not self._can_fork(0.05) and self._child is not None:
            if stopping() or time.monotonic() > deadline:
                return

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Give the nodes more in their environment from now on."""
        self._added.update(environment)

    def check(self, params: Path | None, **options: Any) -> VehicleParameters:
        """Return the parameters of a vehicle as `checked_parameters` does, from this process.

        The supervisor then need not import what the nodes import. Where this process does not
        answer, the supervisor does.

        Raises:
            ParameterError: what is wrong, a line for each fault.

        """
        self.wait(START_TIMEOUT, lambda: False)
        answer = self._answer([None if params is None else str(params), options])
        if answer is None:
            return checked_parameters(params, **options)
        return parameters_of(answer)

    def _answer(self, request: Sequence[Any]) -> Mapping[str, Any] | None:
        """Return the answer to a request to check parameters, None where there is none."""
        if self._channel is None:
            return None
        try:
            ours, theirs = socket.socketpair()
            with ours, ours.makefile('rb') as answer:
                ours.settimeout(CHECK_TIMEOUT)
                with theirs:
                    data = json.dumps({'check': request}).encode()
                    socket.send_fds(self._channel, [data], [theirs.fileno()])
                found: Mapping[str, Any] = json.loads(answer.read())
                return found
        except (OSError, ValueError):
            return None

    def fork(self, command: Sequence[str]) -> Forked | None:
        """Return a new node, a child of this process.

        Args:
            command: its command line, as `subprocess` would take it.

        Returns:
            None where it cannot be forked at once; execute it then.

        """
        if not self._can_fork(0.0) or self._channel is None:
            return None
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours:
                ours.settimeout(FORK_TIMEOUT)
                with adopting():
                    with theirs:
                        run = {'command': list(command), 'environment': self._added}
                        request = json.dumps(run).encode()
                        socket.send_fds(self._channel, [request], [theirs.fileno()])
                    answer = ours.recv(4096).decode(errors='replace')
                if answer.isdecimal():
                    # Without leave it ends, so that there is none that nobody knows.
                    ours.send(RUN)
                    return Forked(int(answer))
            reason = answer or 'no answer'
        except OSError as error:
            reason = str(error)
        self.output.say(f'a node could not be forked ({reason}); it is executed')
        self._discard()
        return None

    def _can_fork(self, timeout: float) -> bool:
        """Return whether it has its imports done; wait `timeout` s for it."""
        if self._channel is None:
            return False
        if not self._ready and select.select([self._channel], [], [], timeout)[0]:
            with contextlib.suppress(OSError):
                self._ready = bool(self._channel.recv(4096))
            if not self._ready:
                self._discard()
        return self._ready

    def _discard(self) -> None:
        """End it, and have another one started where that may help."""
        if self._child is not None:
            # Its socket is closed a moment before its exit code is known.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(END_TIMEOUT)
        code = self.close()
        if code is not None:
            self.output.say(
                f'the process that forks the nodes ended ({describe_exit(code)}); they are '
                'executed until it is ready again'
            )
        if self._starts < MAXIMUM_STARTS:
            run_time = time.monotonic() - self._started_at
            self._start_at = time.monotonic() + self._backoff.next_delay(run_time)

    def watch(self, known: Collection[int | None]) -> None:
        """Look after it: start it again when it has ended, and leave no zombie.

        Args:
            known: the pids of all other children that somebody waits for; None is for none.

        """
        if self._child is not None and self._child.poll() is not None:
            self._discard()
        if self._start_at is not None and time.monotonic() >= self._start_at:
            self._start()
        reap_unknown({*known, *([] if self._child is None else [self._child.pid])})

    def close(self) -> int | None:
        """End it; return its exit code if it had ended by itself. The nodes run on."""
        self._start_at = None
        self._ready = False
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._child is None:
            return None
        code = self._child.poll()
        self._child.kill()
        self._child.wait()
        self._child = None
        return code


def reap_unknown(known: Collection[int | None]) -> None:
    """Reap a child that has ended and that nobody waits for.

    What loses its parent just while a node is forked becomes a child of this process: the watchdog
    of the motor, when hardware_node dies, or the parent of the node.
    """
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None and ended.si_pid not in known:
            os.waitpid(ended.si_pid, os.WNOHANG)
    except ChildProcessError:
        return


def can_preload() -> bool:
    """Return whether the nodes can be forked: rclpy of ROS 2 is not made for it."""
    return ros_directory() is None


def _prepare() -> None:
    block_signals()
    signal_at_parent_death(signal.SIGKILL)
