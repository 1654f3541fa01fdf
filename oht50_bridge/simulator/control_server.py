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
"""The control socket of the simulator: one JSON object per line, in both directions."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oht50_bridge.simulator.event_loop import EventLoop

CONTROL_SOCKET = 'control.sock'


@contextlib.contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """Give a short name of a folder: the path of a Unix socket has at most 107 bytes."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f'/proc/self/fd/{descriptor}'
    finally:
        os.close(descriptor)


class ControlServer:
    """Accepts connections and answers requests.

    Args:
        loop: runs it.
        commands: its public methods are the commands.
        update: called before and after each command.

    """

    def __init__(self, loop: EventLoop, commands: object, update: Callable[[], None]) -> None:
        self._loop = loop
        self._commands = commands
        self._update = update

    def listen(self, path: Path) -> None:
        """Listen on a Unix socket."""
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(path.parent) as folder:
            server.bind(f'{folder}/{path.name}')
        server.listen()
        server.setblocking(False)
        self._loop.watch(server, lambda: self._accept(server))

    def _accept(self, server: socket.socket) -> None:
        connection, _ = server.accept()
        pending = bytearray()
        self._loop.watch(connection, lambda: self._converse(connection, pending))

    def _converse(self, connection: socket.socket, pending: bytearray) -> None:
        try:
            data = connection.recv(65536)
            pending += data
            while b'\n' in pending:
                line, _, rest = pending.partition(b'\n')
                pending[:] = rest
                connection.sendall(json.dumps(self._reply(bytes(line))).encode() + b'\n')
        except OSError:
            data = b''
        if not data:
            self._loop.forget(connection)
            connection.close()

    def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            name = request.pop('command')
            command = None if name.startswith('_') else getattr(self._commands, name, None)
            if command is None:
                raise ValueError('unknown command')
            self._update()
            result = command(**request)
            self._update()
            return {'ok': True, 'result': result}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return {'ok': False, 'error': f'{type(error).__name__}: {error}'}
