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
"""Our side of `last_stop`: starts it, tells it how to stop the motor, watches it."""

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
_START_TIMEOUT = 10.0  # s in which it takes its place


class WatchdogSupervisor:
    """One child process. Its death, or the end of ours, is the end of the pipe between us."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._placed = False
        self._unanswered_since: float | None = None  # monotonic s

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> None:
        """Start the child in a session of its own, so that a signal to our group spares it."""
        package = Path(oht50_bridge.__file__ or '').absolute().parent
        path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get('PYTHONPATH'))))
        self._placed = False
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
            os.set_blocking(pipe.fileno(), False)  # a child that hangs must not make us hang

    def ready(self) -> bool:
        """Tell whether the child runs, has taken its place and answers; does not wait."""
        child = self._child
        if child is None or child.poll() is not None:
            return False
        assert child.stdout is not None
        with contextlib.suppress(BlockingIOError):
            if os.read(child.stdout.fileno(), 65536):
                if not self._placed:
                    self._report_priority(child.pid)
                self._placed, self._unanswered_since = True, None
        if self._unanswered_since is not None:
            limit = _ANSWER_TIMEOUT if self._placed else _START_TIMEOUT
            if time.monotonic() - self._unanswered_since > limit:
                logger.error('last_stop does not answer: ending it')
                child.kill()
                child.wait()
                return False
        return self._placed

    def _report_priority(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            logger.info('watchdog (process %d): %s', pid, scheduling_of(pid))

    def pulse(self, kind: bytes) -> None:
        """Tell that the thread of the line is at work: ANSWERED, WAITING or LOST."""
        if self._placed:
            self._send(kind)

    def arm(self, orders: dict[str, Any]) -> None:
        """Tell how to stop the motor; see `last_stop.stop`."""
        self._tell({'arm': orders})

    def disarm(self) -> None:
        """Tell that the line must not be touched."""
        self._tell({'disarm': True})

    def restart(self) -> None:
        """Replace a child that has died."""
        if self._child is not None:
            logger.error('last_stop ended with %s: starting another', self._child.poll())
            self._release()
        self.start()

    def close(self, standing: bool, timeout: float = 2.0) -> None:
        """End the child.

        Args:
            standing: the motor was verified to be stopped; otherwise the child stops it, which
                may take its time.
            timeout: s to wait for its end; one that still has a motor to stop is left at it.
        """
        if self._child is None:
            return
        if standing:
            self._tell({'close': True})
        child = self._child
        self._release()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            if standing:
                raise
            logger.error('last_stop (process %d) is still at it', child.pid)

    def _tell(self, message: dict[str, Any]) -> None:
        self._send(json.dumps(message).encode())

    def _send(self, line: bytes) -> None:
        child = self._child
        if child is None or child.stdin is None:
            return
        # It died, or hangs and the pipe is full: `ready` tells, `restart` mends.
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(child.stdin.fileno(), line + b'\n')  # short enough to go whole or not at all
            if self._unanswered_since is None:
                self._unanswered_since = time.monotonic()

    def _release(self) -> None:
        assert self._child is not None
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._child = None
