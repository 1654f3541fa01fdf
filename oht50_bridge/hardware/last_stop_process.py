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
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import oht50_bridge
from oht50_bridge.hardware.last_stop import READY

logger = logging.getLogger(__name__)


class LastStopProcess:
    """One child process. Its death, or the end of ours, is the end of the pipe between us."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> None:
        """Start the child in a session of its own, so that a signal to our group spares it."""
        package = Path(oht50_bridge.__file__ or '').absolute().parent
        path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get('PYTHONPATH'))))
        self._ready = False
        self._child = subprocess.Popen(
            [sys.executable, '-m', 'oht50_bridge.hardware.last_stop'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, 'PYTHONPATH': path},
        )

    def ready(self) -> bool:
        """Tell whether the child runs and has taken its place; does not wait."""
        child = self._child
        if child is None or child.poll() is not None:
            return False
        if not self._ready:
            assert child.stdout is not None
            readable, _, _ = select.select([child.stdout], [], [], 0)
            self._ready = bool(readable) and os.read(child.stdout.fileno(), len(READY)) == READY
        return self._ready

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
        """
        End the child.

        Args:
            standing: the motor was verified to be stopped; otherwise the child stops it, which
                may take its time.
            timeout: s to wait for the end of a child that has nothing left to do.
        """
        if self._child is None:
            return
        if standing:
            self._tell({'close': True})
        child = self._child
        self._release()
        if standing:
            child.wait(timeout)

    def _tell(self, message: dict[str, Any]) -> None:
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died: `ready` tells, `restart` mends
                self._child.stdin.write(json.dumps(message).encode() + b'\n')
                self._child.stdin.flush()

    def _release(self) -> None:
        assert self._child is not None
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._child = None
