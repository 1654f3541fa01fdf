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
"""SIGINT and SIGTERM: how a process blocks them, exits on them, notes them and ignores them.

Python needs a while until its first line runs, and longer until a node exists that can be
destroyed. A process started after `block_signals`, or with `blocking_prefix`, gets neither signal
before it can handle it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BLOCKING = ('env', '--block-signal=INT', '--block-signal=TERM')


def block_signals() -> None:
    """Block SIGNALS in this process and in what it executes, until `exit_on_signal`.

    A signal that is sent meanwhile is delivered then.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@functools.cache
def blocking_prefix() -> tuple[str, ...]:
    """Return what starts the command line after it with SIGNALS blocked, as `block_signals` does.

    It is for who can only give a command line. Only the `env` of GNU has the options; where
    another is first on PATH, the prefix is empty, and a signal in the first moments ends a process
    at once.
    """
    try:
        done = subprocess.run([*_BLOCKING, 'true'], capture_output=True, timeout=5.0)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ()
    return _BLOCKING if done.returncode == 0 else ()


class StopSignal:
    """Notes SIGINT and SIGTERM from now on, instead of raising an exception.

    Unlike a threading.Event it has no lock, which could be held by the very thread that the
    signal interrupts.
    """

    def __init__(self) -> None:
        self._requested = False
        handle_signals(self._request)

    def _request(self) -> None:
        self._requested = True

    @property
    def requested(self) -> bool:
        """Whether one of the signals has arrived."""
        return self._requested

    def wait(self, seconds: float) -> bool:
        """Sleep for some time, in s; return whether one of the signals has arrived."""
        time.sleep(seconds)
        return self._requested


def handle_signals(handler: Callable[[], object]) -> None:
    """Call a function at each SIGINT and SIGTERM; call this in the main thread."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: handler())


def refuse_suspension(reason: str) -> None:
    """Ignore what a terminal suspends a job with: Ctrl-Z, and use of it from the background.

    Args:
        reason: the line that is written to standard error at each Ctrl-Z.

    """

    def tell(*_: object) -> None:
        # Not by print: the signal may have interrupted a print.
        with contextlib.suppress(OSError):
            os.write(2, f'{reason}\n'.encode())

    signal.signal(signal.SIGTSTP, tell)
    for number in (signal.SIGTTIN, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)


def exit_on_signal() -> None:
    """Unblock SIGINT and SIGTERM and let them end this process silently with exit code 0.

    It is for the time before there is anything to close.
    """
    handle_signals(lambda: os._exit(os.EX_OK))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextlib.contextmanager
def exiting_on_interrupt(code: int = os.EX_OK) -> Iterator[None]:
    """Let SIGINT end this process silently with an exit code meanwhile, in the main thread.

    It is for imports, which are long, and out of which a KeyboardInterrupt would end in a
    traceback. A process that ignores the signal goes on ignoring it.
    """
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(code))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stop_requested() -> Callable[[], bool]:
    """Note SIGINT and SIGTERM from now on; return a function that says whether one has arrived.

    An exception raised by a signal handler could appear anywhere: while the motor is being
    stopped, or where it is swallowed. Call this before rclpy installs its handlers, which shut ROS
    down, wake the executor and then call these.
    """
    stop = StopSignal()
    return lambda: stop.requested


def ignore_signals(*more: signal.Signals) -> None:
    """Ignore SIGINT, SIGTERM and further signals.

    At the end of the interpreter it is needed because the handlers no longer exist there.
    """
    for number in (*SIGNALS, *more):
        signal.signal(number, signal.SIG_IGN)
