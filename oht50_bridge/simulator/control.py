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
"""Client of a simulator's control socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from oht50_bridge.simulator.control_server import CONTROL_SOCKET
from oht50_bridge.simulator.control_server import short_path


class SimulatorClient:
    """Sees the truth and disturbs the boards.

    Args:
        directory: the simulator's `--dir`.
        timeout: s for one answer.
    """

    def __init__(self, directory: Path | str, timeout: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            with short_path(Path(directory)) as folder:
                self._socket.connect(f'{folder}/{CONTROL_SOCKET}')
        except OSError:
            self._socket.close()
            raise
        self._file = self._socket.makefile('rb')

    def __enter__(self) -> SimulatorClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def call(self, command: str, **arguments: Any) -> Any:
        """Send one command and take its result.

        Raises:
            RuntimeError: the simulator refused it.
            ConnectionError: the simulator is gone.
        """
        self._socket.sendall(json.dumps({'command': command, **arguments}).encode() + b'\n')
        line = self._file.readline()
        if not line:
            raise ConnectionError('the simulator closed the control socket')
        reply = json.loads(line)
        if not reply['ok']:
            raise RuntimeError(reply['error'])
        return reply['result']

    def configure(self, **config: Any) -> None:
        """Start again with other lines, vehicle and seed, see `server.Simulator`."""
        self.call('configure', **config)

    def truth(self) -> dict[str, Any]:
        """State of the world: position m, velocity m/s, soc ratio, drawn J, and more."""
        return dict(self.call('truth'))

    def set(self, **values: Any) -> None:
        """Set position, soc, charge_rate, obstacles, estop_pressed or others of the world."""
        self.call('set', **values)

    def misbehave(self, board: str, **habits: Any) -> dict[str, Any]:
        """Change the behaviour of a board, see `boards.Misbehaviour`; return all of it."""
        return dict(self.call('misbehave', board=board, **habits))

    def reboot(self, board: str) -> None:
        """Restart a board with its power-up registers."""
        self.call('reboot', board=board)

    def swap(self, board: str, profile: str) -> None:
        """Replace a board by one with another profile."""
        self.call('swap', board=board, profile=profile)

    def read(self, board: str, register: str) -> Any:
        """Value of a register in its unit."""
        return self.call('read', board=board, register=register)

    def write(self, board: str, register: str, value: Any) -> None:
        """Set a register without a request on the line."""
        self.call('write', board=board, register=register, value=value)

    def registers(self, board: str) -> dict[str, int]:
        """Every word of a board by hexadecimal address."""
        return dict(self.call('registers', board=board))

    def watch(self, board: str, *registers: str) -> None:
        """Log every change of these registers from now on, forgetting the log so far.

        The safety board has one output, `relay`, that can be named likewise.
        """
        self.call('watch', board=board, registers=list(registers))

    def log(self) -> list[tuple[float, str, str, list[int]]]:
        """Changes seen: (monotonic time in s, board, register, raw words)."""
        return [tuple(entry) for entry in self.call('log')]

    def noise(self, line: str, data: bytes) -> None:
        """Let the boards of a line receive bytes that nobody sent."""
        self.call('noise', line=line, data=data.hex())

    def unplug(self, line: str) -> None:
        """Pull the adapter of a line."""
        self.call('unplug', line=line)

    def plug(self, line: str) -> None:
        """Give it back."""
        self.call('plug', line=line)
