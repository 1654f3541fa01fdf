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

    .venv/bin/python bench/page.py [--minutes 10] [--loads 20] [--stops 20]

Somebody who was never there opens the page of a simulated vehicle in Chromium at 1920x1080, again
and again: measured are its first paint and when it is live, from the navigation. Then it is open,
its log is filled, and the vehicle drives to and fro. Measured are all its frames and tasks above
50 ms, each minute memory after a forced collection and the number of nodes in the document, the
frames of half a minute on a processor that is four times slower, and the time from a press of STOP
until STOPPED is drawn. It needs Chromium (CHROMIUM=/path/of/one) and `make clients`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
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

from chromium import CHROMIUM
from chromium import missing
from support import OHT50
from support import ROOT
from support import TOKEN_USED_FOR
from support import Connection
from support import Up
from support import Vehicle
from support import own_domain

from oht50_bridge.cli.main import main as cli

NODE = ROOT / 'test' / 'clients' / 'node'
FRAME, LATE_FRAME, LATE_SHARE = 17.0, 33.0, 0.01  # ms, ms, share of the frames
HEAP, NODES = 2.0, 30  # MB and nodes, by which a minute may differ from that of the comparison
SETTLED, LONG = 10, 30  # minutes: that of the comparison in a run that is so long; else the first
PAINT, LIVE = 300.0, 1000.0  # ms
STOPPED = 200.0  # ms
ROWS = 2200  # that the log keeps at most
COMMAND_PAUSE = 0.055  # s between two commands: at most 20 are permitted each second


class Page:
    """The page in a browser."""

    def __init__(self, link: str) -> None:
        options = {
            'link': link,
            'executablePath': CHROMIUM,
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


def drive(vehicle: Up, ending: threading.Event) -> None:
    """Let the vehicle drive to and fro."""
    stations = ('station-a', 'station-b')
    number = 0
    # By a process: `Up.token` would take what others print meanwhile.
    new_token = [*OHT50, 'token', '--role', 'operator', '--state-dir', str(vehicle.state_dir)]
    while not ending.is_set():
        output = subprocess.run(new_token, check=True, stdout=subprocess.PIPE, text=True).stdout
        end = time.monotonic() + TOKEN_USED_FOR
        with vehicle.client(token=output.strip()) as operator:
            while time.monotonic() < end and not ending.wait(1.0):
                # While one is under way it is refused.
                operator.attempt(
                    'start_mission', mission_type='transport', station=stations[number % 2]
                )
                number += 1


def loads(page: Page, count: int) -> bool:
    """Open the page; return whether it was painted and live in time."""
    found = [page.ask('load') for _ in range(count)]
    is_well = []
    for what, name, limit in (('first paint', 'paint', PAINT), ('live', 'live', LIVE)):
        times = sorted(each[name] for each in found)
        print(f'{what} after the navigation: {times[-1]:.0f} ms at most')
        is_well.append(show(f'{what}, median of {count}', times[count // 2], limit, 'ms'))
    return all(is_well)


def run(page: Page, minutes: float) -> bool:
    """Measure frames and memory over some minutes; return whether they keep their limits."""
    counts, tasks = [0], 0
    found = list[dict[str, Any]]()
    page.ask('reset')
    while len(found) < max(1, round(minutes)):
        time.sleep(60.0 * min(1.0, minutes))
        found.append(page.ask('figures'))
        page.ask('reset')
        heap, nodes, lengths = found[-1]['heap'] / 1e6, found[-1]['nodes'], found[-1]['counts']
        slowest = quantile(lengths, 0.99)
        print(
            f'  minute {len(found)}: heap {heap:.2f} MB, {nodes} nodes, {sum(lengths)} frames, '
            f'99th percentile {slowest:.1f} ms',
            flush=True,
        )
        counts = [sum(each) for each in itertools.zip_longest(counts, lengths, fillvalue=0)]
        tasks += found[-1]['tasks']
    page.ask('slow')
    page.ask('reset')
    time.sleep(30.0)
    slow = page.ask('figures')['counts']
    compared = SETTLED if len(found) >= LONG else 1
    first, *later = found[compared - 1 :]

    def drift(what: str) -> float:
        return max((abs(each[what] - first[what]) for each in later), default=0)

    late = sum(counts[round(LATE_FRAME * 10) :]) / max(1, sum(counts))
    print(f'  {sum(counts)} frames, median {quantile(counts, 0.5):.1f} ms')
    return all(
        [
            show('frame, 99th percentile', quantile(counts, 0.99), FRAME, 'ms'),
            show('frames above 33 ms', 100 * late, 100 * LATE_SHARE, '%'),
            show('frame, 95th percentile, 4 times slower', quantile(slow, 0.95), LATE_FRAME, 'ms'),
            show('tasks above 50 ms', tasks, 0, ''),
            show(f'heap, differs from minute {compared} by', drift('heap') / 1e6, HEAP, 'MB'),
            show(f'nodes, differ from minute {compared} by', drift('nodes'), NODES, ''),
        ]
    )


def stops(page: Page, admin: Connection, count: int) -> bool:
    """Press STOP; return whether each was shown in time."""
    found = list[float]()
    # A vehicle that a busy machine let wait has stopped by itself.
    admin.attempt('clear_estop')
    for _ in range(count):
        (ms,) = page.ask('stop')['ms']
        found.append(ms)
        admin.clear_estop()
    in_time = sum(each <= STOPPED for each in found)
    print(f'STOP to STOPPED: {in_time} of {count} within {STOPPED:.0f} ms')
    return show('STOP to STOPPED, the longest', max(found), STOPPED, 'ms')


def fill_log(admin: Connection) -> None:
    """Give the log as many rows as it keeps, so that it does not grow later: a stop is a row."""
    for _ in range(ROWS):
        admin.attempt('emergency_stop')
        time.sleep(COMMAND_PAUSE)
    admin.clear_estop()


def main() -> int:
    """Measure and print; 1: something is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--minutes', type=float, default=10.0)
    parser.add_argument('--loads', type=int, default=20)
    parser.add_argument('--stops', type=int, default=20)
    arguments = parser.parse_args()
    if missing():
        parser.exit(1, missing() + '\n')
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        vehicle = Vehicle(Path(directory), domain).wait_until_up()
        page = Page(link(vehicle, 'operator'))
        ending = threading.Event()
        try:
            with vehicle.client('admin', ['safety.estop']) as admin:
                is_well = loads(page, arguments.loads)
                page.ask('open')
                is_well &= stops(page, admin, arguments.stops)
                fill_log(admin)
                driver = threading.Thread(target=drive, args=(vehicle, ending))
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
