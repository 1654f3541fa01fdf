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
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import oht50_bridge
from oht50_bridge.priority import scheduling_of

logger = logging.getLogger(__name__)

_ANSWER_TIMEOUT = 1.0  # s in which the child answers a pulse
_START_TIMEOUT = 10.0  # s within which it starts


class WatchdogSupervisor:
    """One watchdog process. When it or this process ends, the pipe between them ends."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._started = False
        self._unanswered_since: float | None = None  # monotonic s

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> None:
        """Start the process in its own session, so that signals to this group do not reach it."""
        package = Path(oht50_bridge.__file__ or '').absolute().parent
        path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get('PYTHONPATH'))))
        self._started = False
        self._unanswered_since = time.monotonic()
        self._child = subprocess.Popen(
            [sys.executable, '-m', 'oht50_bridge.hardware.watchdog.process'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env={**os.environ, 'PYTHONPATH': path},
        )
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)  # a child that hangs must not block this process

    def ready(self) -> bool:
        """Return whether the process runs, has started and answers; does not wait."""
        child = self._child
        if child is None or child.poll() is not None:
            return False
        assert child.stdout is not None
        with contextlib.suppress(BlockingIOError):
            if os.read(child.stdout.fileno(), 65536):
                if not self._started:
                    self._report_priority(child.pid)
                self._started, self._unanswered_since = True, None
        if self._unanswered_since is not None:
            limit = _ANSWER_TIMEOUT if self._started else _START_TIMEOUT
            if time.monotonic() - self._unanswered_since > limit:
                logger.error('the watchdog does not answer: ending it')
                child.kill()
                child.wait()
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
        """Instruct it how to stop the motor; see `process.stop`."""
        self._send_orders({'arm': orders})

    def disarm(self) -> None:
        """Instruct it not to touch the line."""
        self._send_orders({'disarm': True})

    def restart(self) -> None:
        """Replace a process that has died."""
        if self._child is not None:
            logger.error('the watchdog ended with %s: starting another', self._child.poll())
            self._release()
        self.start()

    def close(self, standing: bool, timeout: float = 2.0) -> None:
        """End the process.

        Args:
            standing: the motor was verified to be stopped; otherwise the process stops it first.
            timeout: s to wait for its end; a process that still stops a motor is left running.
        """
        if self._child is None:
            return
        if standing:
            self._send_orders({'close': True})
        child = self._child
        self._release()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            if standing:
                raise
            logger.error('the watchdog (process %d) still stops the motor', child.pid)

    def _send_orders(self, message: dict[str, Any]) -> None:
        self._send(json.dumps(message).encode())

    def _send(self, line: bytes) -> None:
        child = self._child
        if child is None or child.stdin is None:
            return
        # It died, or hangs and the pipe is full: `ready` reports it, `restart` replaces it.
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(
                child.stdin.fileno(), line + b'\n'
            )  # short enough to be written completely or not at all
            if self._unanswered_since is None:
                self._unanswered_since = time.monotonic()

    def _release(self) -> None:
        assert self._child is not None
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._child = None
