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
"""Starts the watchdog process, instructs it how to stop the motor, and supervises it."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import oht50_bridge
from oht50_bridge.hardware.watchdog.protocol import LOST
from oht50_bridge.priority import scheduling_of

logger = logging.getLogger(__name__)

_ANSWER_TIMEOUT = 1.0  # s in which the child answers a pulse
_START_TIMEOUT = 10.0  # s within which it starts
_RETRY_PERIOD = 1.0  # s between two starts
_STOP_FIRST = 1.0  # s without it, for which the stop of the motor goes before its replacement


class WatchdogSupervisor:
    """One watchdog process. When it or this process ends, the pipe between them ends.

    The thread of the motor's line, which writes the stop when the watchdog fails, calls `ready`
    and `restart`. So neither waits for the process: it may take long to start and to end, as with
    a disk that stalls, and cannot be started at all without memory, processes or descriptors.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._starting: Future[subprocess.Popen[bytes]] | None = None  # the one that comes next
        self._orders: dict[str, Any] | None = None  # while it is armed
        self._started = False
        self._killed = False
        self._unanswered_since: float | None = None  # monotonic s
        self._missed_since: float | None = None  # monotonic s
        self._tried_at = -math.inf  # monotonic s, of the last start
        self._reported = ''  # why there is none

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> None:
        """Start the process, and wait for that; where it fails, `restart` tries again."""
        self._tried_at = time.monotonic()
        self._starting = Future()
        _start(self._starting)
        self._take_over()

    def ready(self) -> bool:
        """Return whether the process runs, has started and answers; does not wait."""
        try:
            self._take_over()
            ready = self._answers()
        except Exception as error:  # whatever it is, it must not keep a stop from the motor
            self._report(f'the watchdog cannot be asked: {error!r}')
            ready = False
        if ready:
            self._missed_since, self._reported = None, ''
        elif self._missed_since is None:
            self._missed_since = time.monotonic()
        return ready

    def _answers(self) -> bool:
        child = self._child
        if child is None or child.poll() is not None or self._killed:
            return False
        assert child.stdout is not None
        with contextlib.suppress(BlockingIOError):
            if os.read(child.stdout.fileno(), 65536):
                first, self._started, self._unanswered_since = not self._started, True, None
                if first:
                    self._report_priority(child.pid)
        if self._unanswered_since is not None:
            limit = _ANSWER_TIMEOUT if self._started else _START_TIMEOUT
            if time.monotonic() - self._unanswered_since > limit:
                self._killed = True
                child.kill()  # it ends later where it hangs in the kernel; `poll` will tell
                logger.error('the watchdog does not answer: ending it')
                return False
        return self._started

    def _report_priority(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            logger.info('watchdog (process %d): %s', pid, scheduling_of(pid))

    def pulse(self, kind: bytes) -> None:
        """Send a pulse, ANSWERED, WAITING or LOST: the thread of the line is at work."""
        if self._started:
            self._send(kind)

    def arm(self, orders: dict[str, Any]) -> None:
        """Instruct it, and each that replaces it, how to stop the motor; see `process.stop`."""
        self._orders = orders
        self._send_orders({'arm': orders})

    def disarm(self) -> None:
        """Instruct it not to touch the line."""
        self._orders = None
        self._send_orders({'disarm': True})

    def restart(self, standing: bool) -> None:
        """Begin to replace a process that has ended, where `ready` has missed it; does not wait.

        Args:
            standing: the motor was verified to be stopped. Otherwise its stop goes first, for a
                while: to start a process takes time from all threads of this one.
        """
        if self._missed_since is None or self._starting is not None or self.pid is not None:
            return
        now = time.monotonic()
        if now - self._tried_at < _RETRY_PERIOD:
            return
        if not standing and now - self._missed_since < _STOP_FIRST:
            return
        if self._child is not None:
            logger.error('the watchdog ended with %s: starting another', self._child.poll())
            self._release()
        self._tried_at = now
        starting: Future[subprocess.Popen[bytes]] = Future()
        self._starting = starting
        try:
            threading.Thread(
                target=_start, args=(starting,), name='watchdog-start', daemon=True
            ).start()
        except RuntimeError as error:  # there is no room for a thread either
            starting.set_exception(error)

    def _take_over(self) -> None:
        """Use the process that was started, if that is done."""
        starting = self._starting
        if starting is None or not starting.done():
            return
        self._starting = None
        error = starting.exception()
        if error is not None:
            self._report(f'the watchdog cannot be started: {error}; nothing moves without it')
            return
        self._child = starting.result()
        self._started = self._killed = False
        self._unanswered_since = time.monotonic()
        if self._orders is not None:
            self._send_orders({'arm': self._orders})
            self._send(LOST)  # the board may be another one by now; the next answer says it is not

    def _report(self, text: str) -> None:
        """Log why there is no process, once until there is one."""
        if text != self._reported:
            self._reported = text
            logger.error('%s', text)

    def close(self, standing: bool, timeout: float = 2.0) -> None:
        """End the process.

        Args:
            standing: the motor was verified to be stopped; otherwise the process stops it first.
            timeout: s to wait for its end, and for its start where it is being started; a process
                that still stops a motor is left running.
        """
        if self._starting is not None:
            wait((self._starting,), timeout)
            if not self._starting.done():
                self._starting.add_done_callback(_end)
                self._starting = None
            self._take_over()
        if self._child is None:
            if not standing:
                logger.error('there is no watchdog that would stop the motor')
            return
        if standing:
            self._send_orders({'close': True})
        child = self._child
        self._release()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            if standing or self._killed:
                child.kill()
                logger.error('the watchdog (process %d) does not end', child.pid)
            else:
                logger.error('the watchdog (process %d) still stops the motor', child.pid)

    def _send_orders(self, message: dict[str, Any]) -> None:
        self._send(json.dumps(message).encode())

    def _send(self, line: bytes) -> None:
        child = self._child
        if child is None or child.stdin is None:
            return
        # It died, or hangs and the pipe is full: `ready` notices, `restart` replaces it.
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(
                child.stdin.fileno(), line + b'\n'
            )  # short enough to be written completely or not at all
            if self._unanswered_since is None:
                self._unanswered_since = time.monotonic()

    def _release(self) -> None:
        assert self._child is not None
        _close_pipes(self._child)
        self._child = None


def _start(future: Future[subprocess.Popen[bytes]]) -> None:
    """Start the process, for any thread.

    It is in a session of its own, so that signals to this group do not reach it.
    """
    package = Path(oht50_bridge.__file__ or '').absolute().parent
    path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get('PYTHONPATH'))))
    try:
        child = subprocess.Popen(
            [sys.executable, '-m', 'oht50_bridge.hardware.watchdog.process'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env={**os.environ, 'PYTHONPATH': path},
        )
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)  # a child that hangs must not block this process
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(child)


def _end(future: Future[subprocess.Popen[bytes]]) -> None:
    """End a process that nobody needs any more, in the thread that started it."""
    if future.exception() is None:
        child = future.result()
        _close_pipes(child)
        child.wait()  # it was not armed, so it has nothing to do


def _close_pipes(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
