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
"""Clients of a WebSocket server, in a process of their own that costs little and says how much.

They speak our protocol or that of Foxglove, on bare sockets: the library that an application would
use costs more than the server that is measured.
"""

from __future__ import annotations

import asyncio
import functools
import json
import multiprocessing
import ssl
import statistics
import struct
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from multiprocessing.connection import Connection

TEXT, BINARY, PING, PONG = 1, 2, 9, 10
_STAMP = b'"timestamp":"'


@dataclass(frozen=True)
class Load:
    """What the clients do.

    Attributes:
        port: of the server, on the loopback interface.
        token: for our server; empty: the server is one of Foxglove.
        events: types that each client subscribes to.
        clients: how many.
        within: s, over which they connect.
        stuck: how many more connect and read nothing.
        ages_of: the types whose age is measured.
        rate: that they subscribe with, Hz; 0: that of the table.
        tls: connect with TLS, whatever the certificate is.
        resume: whether events come with their numbers.

    """

    port: int
    token: str = ''
    events: tuple[str, ...] = ('telemetry.realtime',)
    clients: int = 99
    within: float = 1.0
    stuck: int = 0
    ages_of: tuple[str, ...] = ('telemetry.realtime',)
    rate: float = 0.0
    tls: bool = False
    resume: bool = False


@dataclass
class Report:
    """What the clients received.

    Attributes:
        frames: text or binary frames with an event.
        ages: s from the stamp of each event of the measured type to its receipt.
        least: frames of the client that received the fewest.
        lost: connections that ended.
        cpu: s of processor time of the clients.

    """

    frames: int = 0
    ages: list[float] = field(default_factory=list)
    least: int = 0
    lost: int = 0
    cpu: float = 0.0

    def age(self, share: float) -> float:
        """Return a percentile of the ages, ms; NaN without any."""
        ordered = sorted(self.ages)
        if not ordered:
            return float('nan')
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@functools.lru_cache(maxsize=64)
def seconds_of(text: bytes) -> float:
    """Return a time stamp as s since 1970."""
    return datetime.fromisoformat(text.decode().replace('Z', '+00:00')).timestamp()


def _masked(opcode: int, payload: bytes) -> bytes:
    # With a mask of zero the payload is its own masked form.
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b'\xfe' + struct.pack('!H', size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


class Client(asyncio.Protocol):
    """One client: handshake, subscription, and what it receives."""

    def __init__(self, load: Load, report: Report) -> None:
        self._load = load
        self._report = report
        self._rest = b''
        self._open = False
        self.measured = False
        self.received = 0
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        own = bool(self._load.token)
        transport.write(
            f'GET {"/ws/telemetry" if own else "/"} HTTP/1.1\r\nHost: 127.0.0.1\r\n'
            'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
            f'{"" if own else "Sec-WebSocket-Protocol: foxglove.sdk.v1"}'
            f'{"" if own else chr(13) + chr(10)}\r\n'.encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        now = time.time()
        data = self._rest + data
        position = 0
        if not self._open:
            end = data.find(b'\r\n\r\n')
            if end < 0:
                self._rest = data
                return
            if b' 101 ' not in data[:64]:
                raise RuntimeError(data[:200].decode(errors='replace'))
            self._open, position = True, end + 4
            if self._load.token:
                more = {'resume': True} if self._load.resume else {}
                self._send({'type': 'auth', 'token': self._load.token, **more})
                rate = {'rate': self._load.rate} if self._load.rate else {}
                self._send({'type': 'subscribe', 'events': list(self._load.events), **rate})
        while len(data) - position >= 2:
            opcode, size, head = data[position] & 15, data[position + 1], 2
            if size >= 126:
                head = 4 if size == 126 else 10
                if len(data) - position < head:
                    break
                size = int.from_bytes(data[position + 2 : position + head], 'big')
            if len(data) - position < head + size:
                break
            self._frame(opcode, data[position + head : position + head + size], now)
            position += head + size
        self._rest = data[position:]

    def _send(self, message: object) -> None:
        self.transport.write(_masked(TEXT, json.dumps(message).encode()))

    def _frame(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == PING:
            self.transport.write(_masked(PONG, payload))
        elif opcode == BINARY:
            if payload[0] == 1:  # message data: subscription, time in ns, payload
                self._event(now - struct.unpack_from('<Q', payload, 5)[0] / 1e9)
        elif opcode == TEXT and self._load.token:
            kind = payload[9 : payload.index(b'"', 9)].decode()  # {"type":"
            if kind == 'subscription.confirmed':
                self._is_ready()
            elif kind in self._load.ages_of:
                at = payload.index(_STAMP) + len(_STAMP)
                self._event(now - seconds_of(payload[at : payload.index(b'"', at)]))
            elif '.' in kind and kind != 'connection.established':
                self._event(None)
        elif opcode == TEXT:
            message = json.loads(payload)
            if message['op'] == 'advertise':
                channels = [
                    channel
                    for channel in message['channels']
                    if channel['topic'] in self._load.events
                ]
                self._send(
                    {
                        'op': 'subscribe',
                        'subscriptions': [
                            {'id': channel['id'], 'channelId': channel['id']}
                            for channel in channels
                        ],
                    }
                )
                if channels:
                    self._is_ready()

    def _is_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def _event(self, age: float | None) -> None:
        if self.measured:
            self.received += 1
            if age is not None:
                self._report.ages.append(age)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it."""
        self._report.lost += self.measured
        self._is_ready()


async def _read(load: Load, pipe: Connection) -> None:
    loop, report = asyncio.get_running_loop(), Report()
    trust = None
    if load.tls:
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    clients: list[Client] = []
    for number in range(load.clients + load.stuck):
        _, client = await loop.create_connection(
            lambda: Client(load, report), '127.0.0.1', load.port, ssl=trust
        )
        clients.append(client)
        if number >= load.clients:
            await client.ready
            client.transport.pause_reading()
        await asyncio.sleep(load.within / load.clients)
    await asyncio.gather(*(client.ready for client in clients))
    readers = clients[: load.clients]
    pipe.send('connected')
    await loop.run_in_executor(None, pipe.recv)
    before = time.process_time()
    for client in readers:
        client.measured = True
    await loop.run_in_executor(None, pipe.recv)
    for client in readers:
        client.measured = False
    report.cpu = time.process_time() - before
    report.frames = sum(client.received for client in readers)
    report.least = min(client.received for client in readers)
    pipe.send(report)
    await loop.run_in_executor(None, pipe.recv)


def _main(load: Load, pipe: Connection) -> None:
    asyncio.run(_read(load, pipe))


class Clients:
    """Connected clients; `measure` reports what they receive in a while."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def measure(self, seconds: float, during: Callable[[], None] = lambda: None) -> Report:
        """Return what they receive in `seconds` s; `during` is called at their beginning."""
        end = time.monotonic() + seconds
        self.begin()
        during()
        time.sleep(max(0.0, end - time.monotonic()))
        return self.end()

    def begin(self) -> None:
        """Count from now on; once only."""
        self._pipe.send('begin')

    def end(self) -> Report:
        """Return what they have received since."""
        self._pipe.send('end')
        report: Report = self._pipe.recv()
        return report


@contextmanager
def connected(load: Load) -> Iterator[Clients]:
    """Connect clients in a process of their own."""
    context = multiprocessing.get_context('spawn')
    here, there = context.Pipe()
    process = context.Process(target=_main, args=(load, there))
    process.start()
    there.close()
    try:
        here.recv()
        yield Clients(here)
    finally:
        here.close()
        process.terminate()
        process.join()


def median(values: list[float]) -> float:
    """Return the median; NaN of nothing."""
    return statistics.median(values) if values else float('nan')
