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
"""What readers that stopped cost the others: delay of a good client with and without them.

The gateway is a process of its own and publishes a telemetry value and a zone event of 1 KiB at
each tick. A good client takes the delay from publishing to its receive call, first alone, then
beside readers that stopped (checked: the gateway holds messages back for every one of them) and
that are closed as slow consumers within the measurement, as the limits of the bridge have it.
The rounds alternate, so that what else the machine does falls on both.

    python bench/slow_reader.py [--stuck 20] [--rate 100] [--seconds 12] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import socket
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from oht50_bridge.gateway.auth.keys import Key  # noqa: E402
from oht50_bridge.gateway.auth.roles import load_roles  # noqa: E402
from oht50_bridge.gateway.auth.tokens import TokenAuthority  # noqa: E402
from oht50_bridge.gateway.commands import Caller  # noqa: E402
from oht50_bridge.gateway.commands import CommandOutcome  # noqa: E402
from oht50_bridge.gateway.config import GatewayConfig  # noqa: E402
from oht50_bridge.gateway.server import Gateway  # noqa: E402
from oht50_bridge.protocol.base import Message  # noqa: E402
from oht50_bridge.protocol.catalogue import EVENTS  # noqa: E402
from oht50_bridge.protocol.commands import Command  # noqa: E402
from oht50_bridge.protocol.examples import EXAMPLES  # noqa: E402

SECRET = b'only-for-this-measurement-0123456789'
KINDS = ('telemetry.realtime', 'safety.zone_entered')
PROMISE = 5.0  # ms


def stamped(kind: str, **data: object) -> Message:
    """Return an event whose `position.x` is the monotonic clock, ms."""
    example = EXAMPLES[kind]
    position = {'x': time.monotonic() * 1000, 'y': 0.0, 'z': 0.0}
    return EVENTS[kind].model.model_validate(
        {**example, 'data': {**example['data'], **data, 'position': position}}
    )


@dataclass
class Delays:
    """Delays of the good client, ms; `count` of messages."""

    count: int
    p50: float
    p99: float
    worst: float


async def _serve(pipe: Connection, rate: float, stuck: int) -> None:
    """Publish until asked to end; report the port, then when `stuck` clients have stopped."""

    async def handler(command: Command, caller: Caller) -> CommandOutcome:
        return CommandOutcome(False, 'none here')

    gateway = Gateway(
        GatewayConfig(port=0, max_deliveries=0, rates=dict.fromkeys(KINDS, 0.0)),
        TokenAuthority([Key('HS256', SECRET)]),
        load_roles(ROOT / 'config' / 'roles.yaml'),
        handler,
    )
    await gateway.start()
    gc.collect()
    gc.freeze()  # as the bridge does
    pipe.send(gateway.port)
    loop = asyncio.get_running_loop()
    reported, at = False, loop.time()
    while not pipe.poll():
        gateway.publish(stamped('telemetry.realtime'))
        gateway.publish(stamped('safety.zone_entered', zone_id='x' * 1024))
        held = [client for client in gateway.clients if client.connection.write_paused]
        if not reported and len(held) == stuck and gateway.stats().clients == stuck + 1:
            reported = True
            pipe.send('stuck')
        at += 1 / rate
        await asyncio.sleep(max(0.0, at - loop.time()))
    await gateway.close()


def _run(pipe: Connection, rate: float, stuck: int) -> None:
    asyncio.run(_serve(pipe, rate, stuck))


async def _subscriber(port: int, sock: socket.socket | None = None) -> ClientConnection:
    token = TokenAuthority([Key('HS256', SECRET)]).issue('bench', 'viewer').access
    url = f'ws://127.0.0.1:{port}/ws/telemetry'
    connection = await connect(
        url, compression=None, ping_interval=None, sock=sock, proxy=None, close_timeout=0.1
    )
    await connection.send(json.dumps({'type': 'auth', 'token': token, 'subscription': KINDS}))
    return connection


def _small(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(('127.0.0.1', port))
    sock.setblocking(False)
    return sock


async def _clients(pipe: Connection, stuck: int, seconds: float) -> list[float]:
    port = pipe.recv()
    others = []
    for _ in range(stuck):
        connection = await _subscriber(port, _small(port))
        connection.transport.pause_reading()
        others.append(connection)
    good = await _subscriber(port)
    ready = asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    delays: list[float] = []
    since = float('inf')
    async for message in good:
        now = time.monotonic()
        value = json.loads(message)
        if value['type'] not in KINDS:
            continue
        if since == float('inf') and ready.done():
            since = now
        if now >= since:
            delays.append(now * 1000 - value['data']['position']['x'])
        if now >= since + seconds:
            break
    pipe.send('end')
    for connection in (good, *others):
        connection.transport.abort()
    return delays


def measure(stuck: int, rate: float, seconds: float) -> Delays:
    """Return the delays of a good client beside `stuck` others that do not read."""
    context = multiprocessing.get_context('spawn')
    here, there = context.Pipe()
    server = context.Process(target=_run, args=(there, rate, stuck))
    server.start()
    delays = sorted(asyncio.run(_clients(here, stuck, seconds)))
    server.join()
    return Delays(
        len(delays), statistics.median(delays), delays[int(len(delays) * 0.99)], delays[-1]
    )


def main() -> int:
    """Measure, print a table, return 1 if the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--stuck', type=int, default=20)
    parser.add_argument('--rate', type=float, default=100, help='ticks per second')
    parser.add_argument('--seconds', type=float, default=12)
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    runs: dict[int, list[Delays]] = {0: [], options.stuck: []}
    for _ in range(options.rounds):
        for stuck, delays in runs.items():
            delays.append(measure(stuck, options.rate, options.seconds))
    print('| readers that stopped | messages | p50 ms | p99 ms | worst ms |')
    print('|---|---|---|---|---|')
    p99 = []
    for stuck, delays in runs.items():
        p50, middle, worst = (
            statistics.median(getattr(each, name) for each in delays)
            for name in ('p50', 'p99', 'worst')
        )
        p99.append(middle)
        print(
            f'| {stuck} | {sum(each.count for each in delays)} | {p50:.2f} | {middle:.2f} '
            f'| {worst:.2f} |'
        )
    print(f'| ratio, difference | | | {p99[1] / p99[0]:.2f}, {p99[1] - p99[0]:+.2f} | |')
    return int(p99[1] - p99[0] > PROMISE)


if __name__ == '__main__':
    sys.exit(main())
