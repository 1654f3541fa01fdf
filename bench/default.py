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
"""Measure the fan-out as people run it: the whole vehicle, limits on, against the Foxglove SDK.

    .venv/bin/python bench/default.py [--clients 99] [--seconds 10] [--rounds 5]

Ours is `oht50 up --sim`, of which the process of bridge_node is measured: it receives the topics,
encodes and sends. The other one is a server of the Foxglove SDK (PyPI: foxglove-sdk), which sends
the same text at the same rate from a loop. They run in alternation. The age of ours is from the
reading of the position on the simulated line to the client, that of the other from its publishing.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from load import Cpu
from load import Load
from load import connected
from load import median
from support import Vehicle
from support import free_port
from support import own_domain

EVENT = b'{"type":"telemetry.realtime","timestamp":"2024-12-19T10:30:00.000Z","data":{"position":{"x":10.5,"y":0.0,"z":0.0},"velocity":{"linear":0.8,"angular":0.0},"acceleration":{"linear":0.0,"angular":0.0},"orientation":{"roll":0.0,"pitch":0.0,"yaw":0.0},"sensors":{"battery":85.2,"temperature":42.5,"humidity":null}}}'  # noqa: E501


@dataclass(frozen=True)
class Figures:
    """CPU in us for each frame received, ages in ms, memory in MB."""

    cpu: float
    p50: float
    p99: float
    per_second: float
    share_of_least: float
    client_cpu: float
    rss: float


def _serve_foxglove(port: int, rate: float) -> None:
    foxglove = importlib.import_module('foxglove')
    foxglove.start_server(host='127.0.0.1', port=port)
    channel = foxglove.Channel('telemetry.realtime', message_encoding='json')
    at = time.monotonic()
    while True:
        channel.log(EVENT)
        at += 1 / rate
        time.sleep(max(0.0, at - time.monotonic()))


@contextmanager
def foxglove_server(rate: float) -> Iterator[tuple[int, int]]:
    """Run a server of the Foxglove SDK; yield its port and process id."""
    port = free_port()
    process = multiprocessing.get_context('spawn').Process(
        target=_serve_foxglove, args=(port, rate)
    )
    process.start()
    time.sleep(1.0)
    assert process.pid is not None
    try:
        yield port, process.pid
    finally:
        process.terminate()
        process.join()


@contextmanager
def vehicle_server() -> Iterator[tuple[int, int, str]]:
    """Run a vehicle; yield its port, the process id of bridge_node and a token."""
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        vehicle = Vehicle(Path(directory), domain).wait_until_up()
        try:
            yield vehicle.port, vehicle.node_pid('bridge_node'), vehicle.token('viewer')
        finally:
            vehicle.stop()


def measure(load: Load, pid: int, seconds: float) -> Figures:
    """Return the figures of one server."""
    with connected(load) as clients:
        time.sleep(1.5)
        cpu = Cpu(pid)
        report = clients.measure(seconds)
        used = cpu.used()
    rss = int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * 4096 / 1e6
    frames = max(1, report.frames)
    return Figures(
        1e6 * used / frames,
        report.age(0.5),
        report.age(0.99),
        frames / seconds,
        report.least * load.clients / frames,
        1e6 * report.cpu / frames,
        rss,
    )


def show(name: str, figures: list[Figures]) -> None:
    """Print the medians."""

    def of(what: str) -> float:
        return median([getattr(figure, what) for figure in figures])

    print(
        f'{name:22} {of("cpu"):9.1f} {of("p50"):9.1f} {of("p99"):9.1f} {of("per_second"):12.0f} '
        f'{of("share_of_least"):12.2f} {of("rss"):8.0f} {of("client_cpu"):12.1f}',
        flush=True,
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--clients', type=int, default=99)
    parser.add_argument('--seconds', type=float, default=10)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--stuck', type=int, default=0, help='more clients, which read nothing')
    parser.add_argument('--events', nargs='+', default=['telemetry.realtime'])
    parser.add_argument('--alone', action='store_true', help='without the other server')
    options = parser.parse_args()
    print(
        f'{"":22} {"CPU us":>9} {"age p50":>9} {"p99 ms":>9} {"frames/s":>12} '
        f'{"least/mean":>12} {"RSS MB":>8} {"client us":>12}'
    )
    ours, theirs = [], []
    for _ in range(options.rounds):
        with vehicle_server() as (port, pid, token):
            load = Load(port, token, tuple(options.events), options.clients, stuck=options.stuck)
            ours.append(measure(load, pid, options.seconds))
        show('  oht50', ours[-1:])
        if not options.alone:
            with foxglove_server(10.0) as (port, pid):
                load = Load(port, clients=options.clients)
                theirs.append(measure(load, pid, options.seconds))
            show('  foxglove-sdk', theirs[-1:])
    show('oht50, median', ours)
    if theirs:
        show('foxglove-sdk, median', theirs)
        ratio = median([figure.cpu for figure in ours]) / median([figure.cpu for figure in theirs])
        print(f'CPU per delivery, ours / theirs: {ratio:.2f}')


if __name__ == '__main__':
    main()
