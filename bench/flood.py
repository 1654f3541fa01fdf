#!/usr/bin/env python3
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
"""What floods of peers that have not authenticated cost those who have.

Server, clients and floods are processes of their own; the floods run with the lowest priority,
as a flood from the network does not take the server's processor but by what it makes the server
do. Runs without and with each flood alternate, so that what else the machine does falls on both.
Delays are from publishing an event to the client's receive call.

    python bench/flood.py [--tls] [--seconds 4] [--rounds 3] [ATTACK ...]
    python bench/flood.py --attack NAME --port 8000 [--tls]      # only the flood, until SIGTERM
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import gc
import itertools
import json
import multiprocessing
import os
import random
import selectors
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'bench'), str(ROOT / 'test')]

from gateway.certificates import Authority  # noqa: E402
from gateway.certificates import install  # noqa: E402

from oht50_bridge.gateway.audit.writer import AuditWriter  # noqa: E402
from oht50_bridge.gateway.auth.keys import Key  # noqa: E402
from oht50_bridge.gateway.auth.roles import load_roles  # noqa: E402
from oht50_bridge.gateway.auth.tokens import TokenAuthority  # noqa: E402
from oht50_bridge.gateway.commands import Caller  # noqa: E402
from oht50_bridge.gateway.commands import CommandOutcome  # noqa: E402
from oht50_bridge.gateway.config import GatewayConfig  # noqa: E402
from oht50_bridge.gateway.server import Gateway  # noqa: E402
from oht50_bridge.gateway.tls import TlsFiles  # noqa: E402
from oht50_bridge.protocol.commands import Command  # noqa: E402
from oht50_bridge.protocol.events import Motion  # noqa: E402
from oht50_bridge.protocol.events import Orientation  # noqa: E402
from oht50_bridge.protocol.events import Position  # noqa: E402
from oht50_bridge.protocol.events import Sensors  # noqa: E402
from oht50_bridge.protocol.events import TelemetryRealtime  # noqa: E402
from oht50_bridge.protocol.events import TelemetryRealtimeData  # noqa: E402

SECRET = b'only-for-this-measurement-0123456789'
TIMESTAMP = '2024-12-19T10:30:00.000Z'
CLIENTS = 10
RATE = 50.0  # Hz


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


# The floods

REQUEST = b'\r\n'.join(
    [
        b'GET /ws/telemetry HTTP/1.1',
        b'Host: x',
        b'Upgrade: websocket',
        b'Connection: Upgrade',
        b'Sec-WebSocket-Key: ' + base64.b64encode(bytes(16)),
        b'Sec-WebSocket-Version: 13',
        b'',
        b'',
    ]
)


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """Return a masked frame (with a mask of zeros)."""
    length = (
        bytes([0x80 | len(payload)])
        if len(payload) < 126
        else b'\xfe' + len(payload).to_bytes(2, 'big')
    )
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def _auth(token: str) -> bytes:
    return frame(json.dumps({'type': 'auth', 'token': token}).encode())


_BAD_TOKEN = TokenAuthority([Key('HS256', b'x' * 32)]).issue('mallory', 'admin').access
_PING = frame(b'{"type":"ping"}')
_NESTED = frame(b'{"type":"ping","x":' + b'[' * 4000 + b']' * 4000 + b'}')

#: What each flood sends on each of its connections: at once, and again and again after that.
FLOODS: dict[str, tuple[bytes, bytes]] = {
    'half_open': (b'', b''),
    'slowloris': (b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\n', b'X-A: b\r\n'),
    'junk': (random.Random(1).randbytes(4000), b''),
    'large_requests': (
        REQUEST[:-2] + b''.join(b'X-%d: %b\r\n' % (n, b'y' * 7000) for n in range(60)),
        b'',
    ),
    'handshakes': (REQUEST, b''),
    'pages': (b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n', b''),
    'front_page': (b'GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n', b''),
    'bad_tokens': (REQUEST + _auth(_BAD_TOKEN), b''),
    'commands_before_auth': (REQUEST + _PING * 60, _PING),
    'nested_before_auth': (REQUEST + _NESTED * 3, _NESTED),
    'tiny_frames': (REQUEST + frame(b'', 9) * 3000, frame(b'', 9) * 300),
    'fragments': (
        REQUEST + (b'\x01\x80' + bytes(4)) + (b'\x00\x80' + bytes(4)) * 3000,
        (b'\x00\x80' + bytes(4)) * 300,
    ),
}
#: Bytes in gzip of the page that is served: all files of the page together have no more.
PAGE_SIZE = 60_000
OPEN = 150  # connections of a flood at the same time
LIFE = 0.5  # s of a connection


def hello() -> bytes:
    """Return a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname='localhost').do_handshake()
    return outgoing.read()


def flood(name: str, port: int, tls: bool, sources: Iterator[str]) -> None:
    """Flood until SIGTERM."""
    os.nice(19)
    first, again = FLOODS[name]
    if tls:  # what costs a server most is its part of the handshake
        first, again = hello(), b''
    selector = selectors.DefaultSelector()
    living: dict[socket.socket, float] = {}

    def end(sock: socket.socket) -> None:
        living.pop(sock, None)
        with contextlib.suppress(KeyError, ValueError):
            selector.unregister(sock)
        sock.close()

    while True:
        while len(living) < OPEN:
            sock = socket.socket()
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            try:
                sock.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
                sock.bind((next(sources), 0))
                sock.connect(('127.0.0.1', port))
            except BlockingIOError:
                pass
            except OSError:
                sock.close()
                break
            living[sock] = time.monotonic()
            selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        for key, events in selector.select(0.005):
            assert isinstance(key.fileobj, socket.socket)
            sock = key.fileobj
            try:
                if events & selectors.EVENT_WRITE and key.data is None:
                    if first:
                        sock.send(first)
                    selector.modify(sock, selectors.EVENT_READ, 'begun')
                elif events & selectors.EVENT_READ and not sock.recv(65536):
                    end(sock)
            except BlockingIOError:
                pass
            except OSError:
                end(sock)
        now = time.monotonic()
        for sock in [sock for sock, since in living.items() if now - since > LIFE]:
            end(sock)
        if again:
            for sock in list(living):
                with contextlib.suppress(OSError):
                    sock.send(again)


@contextlib.contextmanager
def flooding(
    names: list[str], port: int, tls: bool = False, same: bool = False
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run floods as processes of their own.

    Args:
        names: of FLOODS.
        port: of the server.
        tls: the server speaks TLS.
        same: they come from the address of the clients (127.0.0.1), not from others.

    """
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                __file__,
                '--attack',
                name,
                '--port',
                str(port),
                *(['--tls'] if tls else []),
                *(['--same'] if same else []),
            ]
        )
        for name in names
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()


# The server


class Turns(selectors.EpollSelector):
    """Keeps how much processor time each turn of the event loop takes, ms.

    An event waits for one turn at most before it is sent. Unlike a delay, this does not depend on
    what else the machine does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._begin = time.thread_time()
        self.ours = False  # this turn is the measurement's own

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait; before, note what the turn took."""
        if not self.ours:
            self.taken.append((time.thread_time() - self._begin) * 1000)
        self.ours = False
        ready = super().select(timeout)
        self._begin = time.thread_time()
        return ready


async def _server(pipe: Connection, directory: str, tls: TlsFiles | None, turns: Turns) -> None:
    loop = asyncio.get_running_loop()

    async def handler(command: Command, caller: Caller) -> CommandOutcome:
        return CommandOutcome(True, 'done')

    authority = TokenAuthority([Key('HS256', SECRET)])
    audit = AuditWriter(Path(directory) / 'audit.jsonl')
    page = Path(directory) / 'page'
    page.mkdir()
    # Two digits for a byte that cannot be compressed.
    (page / 'index.html').write_text(random.Random(1).randbytes(PAGE_SIZE).hex())
    gateway = Gateway(
        GatewayConfig(
            port=0, max_deliveries=0, rates={'telemetry.realtime': 0}, tls=tls, page=page
        ),
        authority,
        load_roles(ROOT / 'config' / 'roles.yaml'),
        handler,
        audit=audit,
    )
    await gateway.start()
    gc.collect()  # as the bridge does
    gc.freeze()
    pipe.send(gateway.port)
    at, asked = loop.time(), ''
    while asked != 'end':
        gateway.publish(telemetry())
        at += 1 / RATE
        await asyncio.sleep(max(0.0, at - loop.time()))
        if pipe.poll():
            asked = pipe.recv()
            pipe.send((quantile(turns.taken, 0.999), max(turns.taken)))
            turns.taken.clear()
            turns.ours = True
    pipe.send(dict(gateway.stats().refused))
    await gateway.close()
    audit.close()


def _serve(pipe: Connection, directory: str, tls: TlsFiles | None) -> None:
    turns = Turns()
    loop = asyncio.SelectorEventLoop(turns)
    loop.run_until_complete(_server(pipe, directory, tls, turns))
    loop.close()


# The clients


class Measured:
    """Clients that keep the delay of each event."""

    def __init__(self, url: str, trust: ssl.SSLContext | None) -> None:
        self.delays: list[float] = []
        self._url, self._trust = url, trust
        self._authority = TokenAuthority([Key('HS256', SECRET)])

    async def connect(self) -> ClientConnection:
        """Return an operator's connection, retried as a client does, every 50 ms."""
        while True:
            try:
                websocket = await connect(
                    self._url, ssl=self._trust, compression=None, proxy=None, open_timeout=2
                )
                await websocket.send(
                    json.dumps(
                        {'type': 'auth', 'token': self._authority.issue('ann', 'operator').access}
                    )
                )
                json.loads(await asyncio.wait_for(websocket.recv(), 2))
                return websocket
            except Exception:
                await asyncio.sleep(0.05)

    async def read(self) -> None:
        """Read events for ever."""
        websocket = await self.connect()
        await websocket.send(json.dumps({'type': 'subscribe', 'events': ['telemetry.realtime']}))
        async for message in websocket:
            now = time.monotonic() * 1000
            value = json.loads(message)
            if value['type'] == 'telemetry.realtime':
                self.delays.append(now - value['data']['position']['x'])

    async def stop(self, websocket: ClientConnection) -> float:
        """Return how long an emergency stop takes, ms."""
        begin = time.monotonic()
        await websocket.send(json.dumps({'type': 'emergency_stop', 'request_id': 's'}))
        while json.loads(await websocket.recv()).get('request_id') != 's':
            pass
        return (time.monotonic() - begin) * 1000


def quantile(values: list[float], share: float) -> float:
    """Return a quantile, NaN of nothing."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float('nan')


async def measure(names: list[str], options: argparse.Namespace) -> None:
    """Measure each flood, and all of them at once, and print a table."""
    with tempfile.TemporaryDirectory() as directory:
        tls, trust = None, None
        if options.tls:
            issuer = Authority('bench')
            tls, _ = install(Path(directory), issuer)
            from gateway.certificates import pem

            trust = ssl.create_default_context(cadata=pem(issuer.certificate).decode())
        context = multiprocessing.get_context('spawn')
        here, there = context.Pipe()
        server = context.Process(target=_serve, args=(there, directory, tls))
        server.start()
        port = here.recv()
        url = f'{"wss" if tls else "ws"}://localhost:{port}/ws/telemetry'
        clients = Measured(url, trust)
        readers = [asyncio.create_task(clients.read()) for _ in range(CLIENTS)]
        operator = await clients.connect()
        await asyncio.sleep(1)
        print(
            '| flood | added delay p50 / p99 / worst ms | without: p50 / p99 / worst '
            '| longest turn, CPU p99.9 / worst ms | stop ms (worst) '
            '| newcomer stops after ms (worst) |\n|---|---|---|---|---|---|'
        )
        for wanted in [*([name] for name in names), names]:
            await _one(wanted, clients, operator, port, here, options)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        here.send('end')
        here.recv()
        print(f'\nrefused: {here.recv()}')
        server.join()
        size = sum(path.stat().st_size for path in Path(directory).glob('audit*'))
        print(f'audit log: {size / 1024:.0f} KiB')


async def _one(
    names: list[str],
    clients: Measured,
    operator: ClientConnection,
    port: int,
    server: Connection,
    options: argparse.Namespace,
) -> None:
    figures: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
    stops, entered, turns = [], [], []
    for _ in range(options.rounds):
        for flooded in (False, True):
            with flooding(names if flooded else [], port, options.tls, options.same):
                await asyncio.sleep(0.7)
                clients.delays.clear()
                server.send('')
                await asyncio.to_thread(server.recv)
                end = time.monotonic() + options.seconds
                while time.monotonic() < end:
                    if flooded:
                        stops.append(await clients.stop(operator))
                        begin = time.monotonic()
                        newcomer = await clients.connect()
                        await clients.stop(newcomer)
                        entered.append((time.monotonic() - begin) * 1000)
                        await newcomer.close()
                    await asyncio.sleep(0.2)
                delays = list(clients.delays)
                server.send('')
                taken = await asyncio.to_thread(server.recv)
                if flooded:
                    turns.append(taken)
            figures[flooded].append(
                (statistics.median(delays), quantile(delays, 0.99), max(delays))
            )
            await asyncio.sleep(0.5)
    quiet, loud = (
        [statistics.median(column) for column in zip(*figures[key], strict=True)]
        for key in (False, True)
    )
    name = names[0] if len(names) == 1 else 'all at once'
    print(
        f'| {name} | '
        + ' / '.join(f'{b - a:.1f}' for a, b in zip(quiet, loud, strict=True))
        + ' | '
        + ' / '.join(f'{a:.1f}' for a in quiet)
        + f' | {max(turn[0] for turn in turns):.1f} / {max(turn[1] for turn in turns):.1f}'
        + f' | {statistics.median(stops):.1f} ({max(stops):.1f})'
        + f' | {statistics.median(entered):.0f} ({max(entered):.0f}) |',
        flush=True,
    )


def main() -> None:
    """Measure, or flood."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('attacks', nargs='*', metavar='ATTACK', help=', '.join(FLOODS))
    parser.add_argument('--seconds', type=float, default=4)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--tls', action='store_true')
    parser.add_argument(
        '--same', action='store_true', help='floods from the address of the clients'
    )
    parser.add_argument('--attack', choices=FLOODS)
    parser.add_argument('--port', type=int)
    options = parser.parse_args()
    if options.attack:
        sources: Callable[[], str] = (
            (lambda: '127.0.0.1')
            if options.same
            else (lambda: f'127.0.0.{random.randrange(2, 6)}')
        )
        flood(options.attack, options.port, options.tls, (sources() for _ in itertools.count()))
        return
    names = options.attacks or (['handshakes', 'half_open'] if options.tls else list(FLOODS))
    asyncio.run(measure(names, options))


if __name__ == '__main__':
    main()
