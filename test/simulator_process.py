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
"""Runs a simulator as a child process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import oht50_bridge
from oht50_bridge.simulator.control import SimulatorClient

_START_TIMEOUT = 60.0  # s, on a host that has no time for it
_STOP_TIMEOUT = 5.0  # s


class SimulatorProcess:
    """
    A simulator that lives as long as the `with` block, and dies with this process.

    Args:
        lines: as `--lines`; the default wiring when left out.

    Attributes:
        directory: folder of the ports.
        client: connected SimulatorClient.
    """

    def __init__(self, lines: Mapping[str, Any] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix='oht50-simulator-')
        self.directory = Path(self._folder.name)
        package = Path(oht50_bridge.__file__ or '').absolute().parent
        path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get('PYTHONPATH'))))
        command = [sys.executable, '-m', 'oht50_bridge.simulator', '--dir', str(self.directory)]
        if lines is not None:
            command += ['--lines', json.dumps(lines)]
        self.process = subprocess.Popen(
            [*command, '--die-with-parent'],
            stdout=subprocess.PIPE,
            env={**os.environ, 'PYTHONPATH': path},
        )
        try:
            self._wait_until_ready()
            self.client = SimulatorClient(self.directory)
        except BaseException:
            self._end()
            raise

    def _wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], _START_TIMEOUT)
        line = self.process.stdout.readline() if readable else b''
        if not line:
            raise RuntimeError('the simulator did not start, see its error output')

    def port(self, line: str) -> str:
        """Path of a line's port."""
        return str(self.directory / line)

    def close(self) -> int:
        """End the process; returns its exit status."""
        self.client.close()
        return self._end()

    def _end(self) -> int:
        self.process.terminate()
        try:
            status = self.process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._folder.cleanup()
        return status

    def __enter__(self) -> SimulatorProcess:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
