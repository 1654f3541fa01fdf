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
"""What is measured: vehicles as people start them, and their processes."""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

import psutil
from support import Up
from support import Vehicle
from support import own_domain

SETTLING = 1.5  # s, from the last connection to the first measurement
LIFTED = """
/**/bridge_node:
  ros__parameters:
    max_connections: 2000
    max_unauthenticated: 2000
    max_deliveries: 0.0
    address_connections: 0
    address_handshakes: 0.0
"""


@contextmanager
def vehicle(parameters: str = '', *options: str) -> Iterator[Up]:
    """Run a vehicle with parameters of its own, as YAML, and options of `oht50 up`."""
    with tempfile.TemporaryDirectory() as name, own_domain() as domain:
        directory = Path(name)
        if parameters:
            file = directory / 'parameters.yaml'
            file.write_text(parameters)
            options = ('--params', str(file), *options)
        up = Vehicle(directory, domain, *options).wait_until_up()
        try:
            yield up
        finally:
            up.stop()


@contextmanager
def missions(up: Up) -> Iterator[None]:
    """Have the vehicle on a mission, to and fro."""
    ended, failed = threading.Event(), list[Exception]()
    token = up.token('operator')  # not in the thread: it prints for a moment to nowhere

    def run() -> None:
        try:
            drive()
        except Exception as error:
            if not ended.is_set():
                failed.append(error)

    def drive() -> None:
        with up.client(token=token, subscribe=['mission.*']) as client:
            target = 7000.0
            while not ended.is_set():
                position = {'x': target, 'y': 0.0, 'z': 0.0}
                given = client.call(
                    'start_mission', mission_type='transport', target_position=position
                )
                if given['accepted']:
                    target = 13000.0 - target
                    client.wait('mission.completed', 60.0)
                else:
                    ended.wait(0.2)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
    if failed:
        raise failed[0]


class Cpu:
    """Processor time of processes: of all their threads that run still, to the nanosecond.

    Args:
        pids: of the processes.

    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._begin = self._now()

    def _now(self) -> float:
        return sum(
            int(task.read_text().split()[0])
            for pid in self._pids
            for task in Path(f'/proc/{pid}/task').glob('*/schedstat')
        ) / 1e9  # fmt: skip

    def used(self) -> float:
        """Return the s since it was made."""
        return self._now() - self._begin


def pss(*pids: int) -> float:
    """Return the memory of processes, what they share counted once, MB."""
    found = 0
    for pid in pids:
        rollup = Path(f'/proc/{pid}/smaps_rollup').read_text()
        found += int(re.search(r'^Pss:\s+(\d+)', rollup, re.MULTILINE).group(1))  # type: ignore[union-attr]  # every rollup has it
    return found * 1024 / 1e6


def processes(up: Up) -> dict[int, str]:
    """Return the processes of a vehicle: name by pid."""
    root = psutil.Process(up.process.pid)
    found = {root.pid: 'oht50 up'}
    for child in root.children(recursive=True):
        words = ' '.join(child.cmdline())
        name = re.search(r'nodes (\w+)|(simulator|preload|watchdog)', words)
        found[child.pid] = next(filter(None, name.groups())) if name else words[:20]
    return found


def cpu_since_start(up: Up) -> float:
    """Return the s that the processes of a vehicle have used, those that have ended included."""
    total = 0.0
    for pid in processes(up):
        times = psutil.Process(pid).cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


@contextmanager
def started() -> Iterator[tuple[float, float]]:
    """Start a vehicle; yield the s until its first telemetry, and its processor time, s."""
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        up = Vehicle(Path(directory), domain)
        try:
            token, first = up.token('viewer'), None
            while first is None:
                try:
                    with up.client(token=token, subscribe=['telemetry.realtime']) as client:
                        first = client.wait('telemetry.realtime')
                except OSError:
                    time.sleep(0.01)
            yield first['at'] - up.started, cpu_since_start(up)
        finally:
            up.stop()
