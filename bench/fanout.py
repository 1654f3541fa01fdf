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
"""Fan-out of telemetry to 100 clients: the gateway against bare `websockets.broadcast`.

Server and clients are processes of their own. Both servers send the same text at the same rate
in alternation, so that what else the machine does falls on both. CPU is the server process's own,
latency from the moment of publishing to the client's receive call.

    python bench/fanout.py [--clients 100] [--rates 10 100] [--seconds 5] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import broadcast
from websockets.asyncio.server import serve

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from oht50_bridge.gateway.auth.keys import Key  # noqa: E402
from oht50_bridge.gateway.auth.roles import load_roles  # noqa: E402
from oht50_bridge.gateway.auth.tokens import TokenAuthority  # noqa: E402
from oht50_bridge.gateway.commands import Caller  # noqa: E402
from oht50_bridge.gateway.commands import CommandOutcome  # noqa: E402
from oht50_bridge.gateway.config import GatewayConfig  # noqa: E402
from oht50_bridge.gateway.server import Gateway  # noqa: E402
from oht50_bridge.protocol.codec import Encoder  # noqa: E402
from oht50_bridge.protocol.commands import Command  # noqa: E402
from oht50_bridge.protocol.events import Motion  # noqa: E402
from oht50_bridge.protocol.events import Orientation  # noqa: E402
from oht50_bridge.protocol.events import Position  # noqa: E402
from oht50_bridge.protocol.events import Sensors  # noqa: E402
from oht50_bridge.protocol.events import TelemetryRealtime  # noqa: E402
from oht50_bridge.protocol.events import TelemetryRealtimeData  # noqa: E402

SECRET = b'only-for-this-measurement-0123456789'
TIMESTAMP = '2024-12-19T10:30:00.000Z'


def telemetry() -> TelemetryRealtime:
    """Return the event; `position.x` carries the monotonic clock, in ms."""
    still = Motion(linear=0.8, angular=0.0)
    return TelemetryRealtime(
        timestamp=TIMESTAMP,
        data=TelemetryRealtimeData(
            position=Position(x=time.monotonic() * 1000, y=0.0, z=0.0),
            velocity=still,
            acceleration=still,
            orientation=Orientation(roll=0.0, pitch=0.0, yaw=0.0),
            sensors=Sensors(battery=85.2, temperature=42.5, humidity=45.8),
        ),
    )


@dataclass
class Figures:
    """What one run came to; latencies in ms, CPU in us of the server per frame received."""

    per_second: float
    cpu: float
    p50: float
    p99: float


async def _publish_for(pipe: Connection, publish: object, rate: float, seconds: float) -> None:
    """Publish at `rate` for `seconds` on request, then report the CPU time used."""
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, pipe.recv)
    before, at = time.process_time(), loop.time()
    for _ in range(round(rate * seconds)):
        publish()  # type: ignore[operator]
        at += 1 / rate
        await asyncio.sleep(max(0.0, at - loop.time()))
    await asyncio.sleep(0.2)
    pipe.send(time.process_time() - before)
    await loop.run_in_executor(None, pipe.recv)


async def _gateway(pipe: Connection, rate: float, seconds: float) -> None:
    async def handler(command: Command, caller: Caller) -> CommandOutcome:
        return CommandOutcome(False, 'none here')

    gateway = Gateway(
        GatewayConfig(
            port=0, max_connections=2000, max_deliveries=0, rates={'telemetry.realtime': 0}
        ),
        TokenAuthority([Key('HS256', SECRET)]),
        load_roles(ROOT / 'config' / 'roles.yaml'),
        handler,
    )
    await gateway.start()
    pipe.send(gateway.port)
    await _publish_for(pipe, lambda: gateway.publish(telemetry()), rate, seconds)
    await gateway.close()


async def _bare(pipe: Connection, rate: float, seconds: float) -> None:
    connections: set[ServerConnection] = set()
    encoder = Encoder()

    async def handle(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.send('{}')
        await connection.wait_closed()
        connections.discard(connection)

    async with serve(handle, '127.0.0.1', 0, compression=None) as server:
        pipe.send(next(iter(server.sockets)).getsockname()[1])
        await _publish_for(
            pipe,
            lambda: broadcast(connections, encoder.encode(telemetry()), text=True),
            rate,
            seconds,
        )


def _serve(name: str, pipe: Connection, rate: float, seconds: float) -> None:
    asyncio.run({'gateway': _gateway, 'bare': _bare}[name](pipe, rate, seconds))


async def _receive(connection: ClientConnection, latencies: list[float]) -> None:
    async for message in connection:
        now = time.monotonic() * 1000
        value = json.loads(message)
        if value.get('type') == 'telemetry.realtime':
            latencies.append(now - value['data']['position']['x'])


async def _clients(port: int, count: int, pipe: Connection) -> tuple[list[float], float]:
    token = TokenAuthority([Key('HS256', SECRET)]).issue('bench', 'viewer').access
    latencies: list[float] = []
    connections = []
    for _ in range(count):
        connection = await connect(f'ws://127.0.0.1:{port}/ws/telemetry', compression=None)
        await connection.send(
            json.dumps({'type': 'auth', 'token': token, 'subscription': ['telemetry.realtime']})
        )
        await connection.recv()
        connections.append(connection)
    readers = [asyncio.create_task(_receive(each, latencies)) for each in connections]
    pipe.send('go')
    cpu = await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    pipe.send('end')
    await asyncio.gather(*(each.close() for each in connections))
    return latencies, cpu


def measure(name: str, clients: int, rate: float, seconds: float) -> Figures:
    """Return the figures of one server under one load."""
    context = multiprocessing.get_context('spawn')
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(name, there, rate, seconds))
    server.start()
    latencies, cpu = asyncio.run(_clients(here.recv(), clients, here))
    server.join()
    latencies.sort()
    return Figures(
        len(latencies) / seconds,
        cpu / len(latencies) * 1e6,
        statistics.median(latencies),
        latencies[int(len(latencies) * 0.99)],
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--clients', type=int, default=100)
    parser.add_argument('--rates', type=float, nargs='+', default=[10, 100], help='Hz')
    parser.add_argument('--seconds', type=float, default=5)
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    print('| server | clients x rate | delivered/s | CPU us per delivery | p50 ms | p99 ms |')
    print('|---|---|---|---|---|---|')
    for rate in options.rates:
        runs: dict[str, list[Figures]] = {'bare': [], 'gateway': []}
        for _ in range(options.rounds):
            for name, figures in runs.items():
                figures.append(measure(name, options.clients, rate, options.seconds))
        middle = {
            name: Figures(
                *(
                    statistics.median(getattr(run, field) for run in figures)
                    for field in Figures.__dataclass_fields__
                )
            )
            for name, figures in runs.items()
        }
        for name, run in middle.items():
            print(
                f'| {name} | {options.clients} x {rate:g} Hz | {run.per_second:.0f} '
                f'| {run.cpu:.1f} | {run.p50:.2f} | {run.p99:.2f} |'
            )
        ratio = middle['gateway'].cpu / middle['bare'].cpu
        print(f'| gateway / bare | {options.clients} x {rate:g} Hz | | {ratio:.2f} | | |')


if __name__ == '__main__':
    main()
