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
"""Who looks at a running vehicle: a client that resumes, the simulated world, a node, /proc."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from faults.harness.recording import Message
from faults.harness.recording import Published
from faults.harness.recording import Truth
from faults.harness.recording import Usage
from support import Up
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from oht50_bridge.nodes import NODES
from oht50_bridge.simulator.control import SimulatorClient

PING_PERIOD = 0.2  # s
LOOK_PERIOD = 0.02  # s, between two looks at the simulated world
PAGE = 4096  # B
OTHERS = {
    'watchdog': 'hardware.watchdog.process',
    'preload': r'oht50_bridge\.nodes\.preload|nodes/preload',
    'supervisor': r'cli\.main up',
}


class Looking(threading.Thread):
    """A thread that ends at the end of the `with` block."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._ending = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self.join(10.0)


class Watcher(Looking):
    """A client that subscribes to everything, resumes after each loss, and asks for pongs.

    Args:
        name: of the client.
        url: of the bridge, asked for before each connection.
        token: likewise.

    Attributes:
        messages: what it received.
        seams: when it was informed that events are missing.
        delays: moment and s of each answer to a ping.

    """

    def __init__(self, name: str, url: Callable[[], str], token: Callable[[], str]) -> None:
        super().__init__(name)
        self._url, self._token = url, token
        self._epoch: str | None = None
        self._seq = 0
        self.messages: list[Message] = []
        self.seams: list[float] = []
        self.delays: list[tuple[float, float]] = []
        self.connected = threading.Event()

    def run(self) -> None:
        while not self._ending.is_set():
            with (
                contextlib.suppress(OSError, WebSocketException, EOFError, TimeoutError),
                connect(self._url(), proxy=None, open_timeout=2.0, close_timeout=0.5) as link,
            ):
                self._follow(link)
            self.connected.clear()
            self._ending.wait(0.1)

    def _follow(self, link) -> None:
        link.send(json.dumps({'type': 'auth', 'token': self._token(), 'resume': True}))
        established = self._take(link.recv(5.0))
        if established['type'] != 'connection.established':
            return
        epoch = established['data']['epoch']
        link.send(json.dumps({'type': 'subscribe', 'events': ['*']}))
        if self._epoch is not None:
            link.send(json.dumps({'type': 'resume', 'epoch': self._epoch, 'after': self._seq}))
        if self._epoch != epoch:
            self.seams.append(time.monotonic())
            self._seq = 0
        self._epoch = epoch
        pinged = next_ping = time.monotonic()
        waits = False
        while not self._ending.is_set():
            now = time.monotonic()
            if not waits and now >= next_ping:
                link.send('{"type": "ping"}')
                pinged, next_ping, waits = now, now + PING_PERIOD, True
            with contextlib.suppress(TimeoutError):
                message = self._take(link.recv(0.05))
                if message['type'] == 'pong':
                    self.delays.append((pinged, time.monotonic() - pinged))
                    waits = False
                self.connected.set()

    def _take(self, text: str) -> dict:
        now = time.monotonic()
        message = json.loads(text)
        if message['type'] == 'resume.result' and not message['data']['recovered']:
            self.seams.append(now)
        if 'seq' in message:
            self._seq = max(self._seq, message['seq'])
        self.messages.append(Message(now, self.name, message))
        return message


class World(Looking):
    """Reads the truth of the simulated world."""

    def __init__(self, directory: Path) -> None:
        super().__init__('world')
        self._directory = directory
        self.seen: list[Truth] = []

    def run(self) -> None:
        with SimulatorClient(self._directory) as simulator:
            while not self._ending.wait(LOOK_PERIOD):
                truth = simulator.truth()
                self.seen.append(
                    Truth(truth['time_monotonic'], truth['position'], truth['velocity'])
                )


class Observer(Looking):
    """Reads what the node `observer` receives."""

    def __init__(self, vehicle: Up) -> None:
        super().__init__('observer')
        self._process = vehicle.spawn('faults.harness.observer', stdout=subprocess.PIPE, text=True)
        self.seen: list[Published] = []

    def run(self) -> None:
        for line in self._process.stdout:
            self.seen.append(Published(*json.loads(line)))

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        super().__exit__(*exception)
        self._process.stdout.close()


def processes(vehicle: Up) -> dict[str, int]:
    """Return the pids of the vehicle's processes by name."""
    found: dict[str, int] = {'supervisor': vehicle.process.pid}
    for entry in Path('/proc').iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            words = (entry / 'cmdline').read_text(errors='replace').replace('\0', ' ')
            if 'oht50' not in words and 'watchdog' not in words:
                continue
            state, parent = (entry / 'stat').read_text().rpartition(')')[2].split()[:2]
            # What forks the nodes is started before their parameters are known.
            if state == 'Z' or (
                int(parent) != vehicle.process.pid
                and str(vehicle.state_dir)
                not in words + (entry / 'environ').read_text(errors='replace')
            ):
                continue
            name = _name_of(words)
            if name:
                found[name] = int(entry.name)
    return found


def _name_of(words: str) -> str:
    for name in NODES:
        if re.search(rf'nodes {name} |oht50_bridge/{name} ', words):
            return name
    for name in ('watchdog', 'preload'):
        if re.search(OTHERS[name], words):
            return name
    return ''


def usage(vehicle: Up) -> list[Usage]:
    """Return what each process of a vehicle uses."""
    found = []
    for name, pid in processes(vehicle).items():
        entry = Path(f'/proc/{pid}')
        with contextlib.suppress(OSError):
            pages = int((entry / 'statm').read_text().split()[1])
            files = len(list((entry / 'fd').iterdir()))
            threads = len(list((entry / 'task').iterdir()))
            found.append(Usage(name, pid, pages * PAGE, files, threads))
    return found
