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
"""How fast a simulated vehicle is, each figure as a share of its limit.

    .venv/bin/python bench/vehicle.py [--starts N] [--seconds S]

Measures the time from `oht50 up --sim` to the first telemetry, and the age of the position when a
client receives it. bench/estop.py measures the emergency stop.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from support import Connection
from support import Vehicle
from support import own_domain


def show(what: str, values: Iterable[float], limit: float) -> None:
    """Print the median, the 99th percentile and the maximum, and their share of the limit."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    print(
        f'{what:44} n {len(ordered):4}  p50 {1e3 * statistics.median(ordered):7.1f}  '
        f'p99 {1e3 * p99:7.1f}  max {1e3 * ordered[-1]:7.1f} ms  '
        f'limit {1e3 * limit:6.0f} ms  p99/limit {p99 / limit:5.2f}'
    )


def start_times(count: int) -> list[float]:
    """Return the times from the start of the command to the first telemetry at a client, s."""
    times: list[float] = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
            vehicle = Vehicle(Path(directory), domain)
            try:
                token = vehicle.token('viewer')
                first = None
                while first is None:
                    try:
                        with vehicle.client(
                            token=token, subscribe=['telemetry.realtime']
                        ) as client:
                            first = client.wait('telemetry.realtime')
                    except OSError:
                        time.sleep(0.02)
                times.append(first['at'] - vehicle.started)
            finally:
                vehicle.stop()
    return times


def ages(client: Connection, seconds: float) -> list[float]:
    """Return the ages of positions at their receipt, s."""
    found, end = list[float](), time.monotonic() + seconds
    while time.monotonic() < end:
        event = client.wait('telemetry.realtime')
        found.append(time.time() - datetime.fromisoformat(event['timestamp']).timestamp())
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--starts', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=30.0)
    arguments = parser.parse_args()
    show('start to first telemetry', start_times(arguments.starts), 4.0)
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        vehicle = Vehicle(Path(directory), domain).wait_until_up()
        try:
            with vehicle.client('viewer', ['telemetry.realtime']) as client:
                client.wait('telemetry.realtime')
                show('age of the position', ages(client, arguments.seconds), 0.150)
        finally:
            vehicle.stop()


if __name__ == '__main__':
    main()
