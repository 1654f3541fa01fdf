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
"""Measure the round trip of a command, alone and beside clients that read everything.

    .venv/bin/python bench/commands.py [--clients 99] [--calls 200]

`set_telemetry_rate` goes from the socket through a ROS service of another node and back.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from load import Load
from load import connected
from support import Up
from support import Vehicle
from support import own_domain

LIMIT = 10.0  # ms
PAUSE = 0.06  # s between two commands: at most 20 are permitted each second


def round_trips(vehicle: Up, calls: int) -> list[float]:
    """Return the times from the sending of a command to its answer, ms, in ascending order."""
    times = []
    with vehicle.client('operator') as client:
        for _ in range(calls):
            began = time.monotonic()
            client.call('set_telemetry_rate', rate=10)
            times.append(1e3 * (time.monotonic() - began))
            time.sleep(PAUSE)
    return sorted(times)


def show(what: str, times: list[float]) -> None:
    """Print the figures."""
    p99 = times[int(0.99 * len(times))]
    print(
        f'{what:24} n {len(times)}  p50 {times[len(times) // 2]:5.1f}  p99 {p99:5.1f}  '
        f'max {times[-1]:5.1f} ms  p99/limit {p99 / LIMIT:4.2f}',
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--clients', type=int, default=99)
    parser.add_argument('--calls', type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        vehicle = Vehicle(Path(directory), domain).wait_until_up()
        try:
            show('alone', round_trips(vehicle, options.calls))
            load = Load(vehicle.port, vehicle.token('viewer'), ('*',), options.clients)
            with connected(load):
                show(f'beside {options.clients} clients', round_trips(vehicle, options.calls))
        finally:
            vehicle.stop()


if __name__ == '__main__':
    main()
