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
"""Emergency stop from full speed, under load: figures, each as a share of its limit.

    .venv/bin/python bench/estop.py [--tries 200] [--clients 20] [--busy 0]

A simulated vehicle is driven at its full speed while clients that are subscribed to everything
listen; an operator stops it, an admin clears the stop, and so on. Times are from the operator's
command to the motor board's speed register, as the board saw it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from load import Load
from load import connected
from stopping import DECELERATION
from stopping import FULL_SPEED
from stopping import PARAMETERS
from stopping import Stop
from stopping import driven
from stopping import stop
from support import Up
from support import Vehicle
from support import own_domain

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.rtu import wire_time

BAUDRATE = 115200
STOP_FRAME = 13  # bytes, enable and speed in one request
READ_REQUEST, READ_OVERHEAD = 8, 5  # bytes of a read's request, of its reply beside the registers
REGISTERS = 16  # of the motor's poll


def bus_limit() -> float:
    """Return the longest time on the bus, s: a read that has just started, its gap, the stop."""
    profile = load('driver_2_motor')
    tick: float = profile.quirks['tick']
    read = (
        wire_time(READ_REQUEST, BAUDRATE)
        + tick
        + wire_time(READ_OVERHEAD + 2 * REGISTERS, BAUDRATE)
    )
    return read + profile.timing.gap + wire_time(STOP_FRAME, BAUDRATE) + tick


def percentile(values: Sequence[float], share: int) -> float:
    """Return a percentile of values: the smallest that `share` % of them do not exceed."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


def show(what: str, values: Sequence[float], limit: float) -> None:
    """Print times, and the share of their limit that the 99th percentile is."""
    p99 = percentile(values, 99)
    print(
        f'{what:38} p50 {1e3 * statistics.median(values):6.1f}  p99 {1e3 * p99:6.1f}  '
        f'max {1e3 * max(values):6.1f} ms  limit {1e3 * limit:5.1f} ms  '
        f'p99/limit {p99 / limit:4.2f}'
    )


def burn() -> NoReturn:
    """Keep a processor busy."""
    while True:
        pass


@contextlib.contextmanager
def load_of(vehicle: Up, clients: int, busy: int) -> Iterator[None]:
    """Load the vehicle's bridge with clients, and this machine with busy processes."""
    processes = [multiprocessing.Process(target=burn, daemon=True) for _ in range(busy)]
    load = Load(vehicle.port, vehicle.token('viewer'), ('*',), clients, within=2.0)
    for process in processes:
        process.start()
    try:
        with connected(load):
            yield
        assert all(process.is_alive() for process in processes), 'the load did not last'
    finally:
        for process in processes:
            process.kill()
            process.join()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tries', type=int, default=200)
    parser.add_argument('--clients', type=int, default=20)
    parser.add_argument('--busy', type=int, default=0, help='processes that keep a processor busy')
    arguments = parser.parse_args()
    stops: list[Stop] = []
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        parameters = Path(directory) / 'full_speed.yaml'
        parameters.write_text(PARAMETERS)
        vehicle = Vehicle(Path(directory), domain, '--params', str(parameters)).wait_until_up()
        try:
            with (
                load_of(vehicle, arguments.clients, arguments.busy),
                driven(vehicle),
                vehicle.simulator() as simulator,
                vehicle.client('admin', ['safety.estop']) as client,
            ):
                while len(stops) < arguments.tries:
                    stops.append(stop(client, simulator))
                    client.clear_estop()
        finally:
            vehicle.stop()
    zeros = [one.zero for one in stops]
    print(
        f'{len(stops)} stops from {FULL_SPEED} m/s, {arguments.clients} clients, '
        f'{arguments.busy} busy processes'
    )
    show('speed register 0', zeros, 0.050)
    show('speed register 0, the bus alone', zeros, bus_limit())
    show('speed register 0 for good', [one.zero_for_good for one in stops], 0.100)
    show('safety.estop at the client', [one.event for one in stops], 0.100)
    way = FULL_SPEED**2 / 2.0 / DECELERATION
    ways = [one.distance for one in stops]
    hardest = max(one.deceleration for one in stops)
    print(
        f'{"way from register 0 to standstill":38} {min(ways):.3f} to {max(ways):.3f} m, '
        f'at the limit of deceleration {way:.3f} m'
    )
    print(f'{"deceleration":38} at most {hardest:.2f} m/s^2, limit {DECELERATION:.2f} m/s^2')


if __name__ == '__main__':
    main()
