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
"""How the page does in a browser, each figure with its limit.

    .venv/bin/python bench/page.py [--minutes 10] [--stops 20]

The page of a simulated vehicle that drives to and fro is open in Chromium at 1920x1080 with its
trends. Measured are the frames of the last minute, tasks above 50 ms, memory after a forced
collection, the number of nodes in the document, the frames of half a minute on a processor that is
four times slower, and the time from a press of STOP until STOPPED is drawn. It needs Chromium
(CHROMIUM=/path/of/one) and `make clients`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from support import ROOT
from support import Connection
from support import Up
from support import Vehicle
from support import own_domain

from oht50_bridge.cli.main import main as cli

NODE = ROOT / 'test' / 'clients' / 'node'
FRAME, LATE_FRAME, LATE_SHARE = 17.0, 33.0, 0.01  # ms, ms, share of the frames
HEAP, NODES = 2.0, 30  # MB and nodes, by which it may grow after the trends are full
STOPPED = 200.0  # ms


class Page:
    """The page in a browser."""

    def __init__(self, link: str) -> None:
        options = {
            'link': link,
            'executablePath': os.environ.get('CHROMIUM', '/usr/bin/chromium'),
            'args': ['--no-sandbox'] if os.geteuid() == 0 else [],
        }
        self._process = subprocess.Popen(
            [NODE, str(Path(__file__).with_suffix('.mjs')), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError('the browser ended')
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, what: str) -> dict[str, Any]:
        """Return the answer to a request of page.mjs."""
        assert self._process.stdin is not None
        self._process.stdin.write(what + '\n')
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


def quantile(counts: list[int], share: float) -> float:
    """Return a quantile of lengths of frames, ms; `counts` are in steps of 0.1 ms."""
    left = share * sum(counts)
    for index, count in enumerate(counts):
        left -= count
        if left <= 0:
            return (index + 1) / 10
    return len(counts) / 10


def show(what: str, value: float, limit: float, unit: str) -> bool:
    """Print a figure; return whether it keeps its limit."""
    verdict = 'ok' if value <= limit else 'ABOVE ITS LIMIT'
    print(f'{what:48} {value:10.2f} {unit:3} limit {limit:8.2f}  {verdict}', flush=True)
    return value <= limit


def link(vehicle: Up, role: str) -> str:
    """Return a link that signs a browser in."""
    words = ['token', '--pair', '--role', role, '--link', f'http://127.0.0.1:{vehicle.port}']
    with contextlib.redirect_stdout(io.StringIO()) as output:
        cli([*words, '--state-dir', str(vehicle.state_dir)])
    found = re.search(r'http\S+', output.getvalue())
    assert found is not None
    return found[0]


def drive(admin: Connection, ending: threading.Event) -> None:
    """Let the vehicle drive to and fro."""
    stations = ('station-a', 'station-b')
    number = 0
    while not ending.wait(1.0):
        # While one is under way it is refused.
        admin.attempt('start_mission', mission_type='transport', station=stations[number % 2])
        number += 1


def run(page: Page, minutes: float) -> bool:
    """Measure frames and memory over some minutes; return whether they keep their limits."""
    time.sleep(min(60.0, minutes * 60 / 2))
    early = page.ask('figures')
    later = page.ask('figures')
    for minute in range(1, int(minutes)):
        time.sleep(60.0)
        later = page.ask('figures')
        heap, nodes = later['heap'] / 1e6, later['nodes']
        print(f'  minute {minute}: heap {heap:.2f} MB, {nodes} nodes', flush=True)
    page.ask('reset')
    time.sleep(60.0)
    last = page.ask('figures')
    page.ask('slow')
    page.ask('reset')
    time.sleep(30.0)
    slow = page.ask('figures')['counts']
    counts = last['counts']
    late = sum(counts[round(LATE_FRAME * 10) :]) / max(1, sum(counts))
    print(f'  {sum(counts)} frames in the last minute, median {quantile(counts, 0.5):.1f} ms')
    return all(
        [
            show('frame, 99th percentile', quantile(counts, 0.99), FRAME, 'ms'),
            show('frames above 33 ms', 100 * late, 100 * LATE_SHARE, '%'),
            show('frame, 95th percentile, 4 times slower', quantile(slow, 0.95), LATE_FRAME, 'ms'),
            show('tasks above 50 ms', last['tasks'], 0, ''),
            show('heap, last minute', (last['heap'] - later['heap']) / 1e6, HEAP, 'MB'),
            show('heap, since the first minute', (last['heap'] - early['heap']) / 1e6, 8, 'MB'),
            show('nodes, since the first minute', last['nodes'] - early['nodes'], NODES, ''),
        ]
    )


def stops(page: Page, admin: Connection, count: int) -> bool:
    """Press STOP; return whether each was shown in time."""
    found = list[float]()
    for _ in range(count):
        (ms,) = page.ask('stop')['ms']
        found.append(ms)
        admin.clear_estop()
    in_time = sum(each <= STOPPED for each in found)
    print(f'STOP to STOPPED: {in_time} of {count} within {STOPPED:.0f} ms')
    return show('STOP to STOPPED, the longest', max(found), STOPPED, 'ms')


def main() -> int:
    """Measure and print; 1: something is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--minutes', type=float, default=10.0)
    parser.add_argument('--stops', type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        vehicle = Vehicle(Path(directory), domain).wait_until_up()
        page = Page(link(vehicle, 'operator'))
        ending = threading.Event()
        try:
            with vehicle.client('admin', ['safety.estop']) as admin:
                is_well = stops(page, admin, arguments.stops)
                with vehicle.client('operator') as operator:
                    driver = threading.Thread(target=drive, args=(operator, ending))
                    driver.start()
                    try:
                        is_well &= run(page, arguments.minutes)
                    finally:
                        ending.set()
                        driver.join()
        finally:
            page.close()
            vehicle.stop()
    return 0 if is_well else 1


if __name__ == '__main__':
    sys.exit(main())
