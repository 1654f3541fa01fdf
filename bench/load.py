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

They speak our protocol, that of Foxglove or that of rosbridge, on bare sockets: the library that
an application would use costs more than the server that is measured.
"""

from __future__ import annotations

import asyncio
import functools
import json
import multiprocessing
import re
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

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
# Types whose stamp is of the moment at which they are published. That of telemetry is of the
# position, and older when a board lost a request.
PUBLISHED = ('system.status', 'mission.progress')
_STAMP = b'"timestamp":"'
_HEADER_STAMP = re.compile(rb'"sec": ?(\d+), ?"nanosec": ?(\d+)')


@dataclass(frozen=True)
class Load:
    """What the clients do.

    Attributes:
        port: of the server, on the loopback interface.
        token: for our server.
        events: types, or names of topics, that each client subscribes to.
        clients: how many.
        within: s, over which they connect.
        stuck: how many more connect and read nothing.
        ages_of: the types whose age is measured.
        rate: that they subscribe with, Hz; 0: that of the table.
        tls: connect with TLS, whatever the certificate is.
        resume: whether events come with their numbers.
        server: whose protocol they speak: a key of `CLIENTS`.
        subprotocol: of the WebSocket.

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
    server: str = 'ours'
    subprotocol: str = ''


@dataclass
class Report:
    """What the clients received.

    Attributes:
        frames: text or binary frames with an event.
        ages: s from the stamp of each event of the measured type to its receipt.
        least: frames of the client that received the fewest.
        lost: connections that ended.
        cpu: s of processor time of the clients themselves.

    """

    frames: int = 0
    ages: list[float] = field(default_factory=list)
    least: int = 0
    lost: int = 0
    cpu: float = 0.0

    @property
    def cost(self) -> float:
        """Return what a frame costs the clients themselves, us of processor time."""
        return 1e6 * self.cpu / max(1, self.frames)

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
    """One client: handshake, and what it receives; who derives from it subscribes."""

    path = '/'

    def __init__(self, load: Load, report: Report) -> None:
        self.load = load
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
        head = [
            f'GET {self.path} HTTP/1.1',
            'Host: 127.0.0.1',
            'Upgrade: websocket',
            'Connection: Upgrade',
            'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ]
        if self.load.subprotocol:
            head.append(f'Sec-WebSocket-Protocol: {self.load.subprotocol}')
        transport.write('\r\n'.join([*head, '', '']).encode())

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
                self._fail(data[:200].decode(errors='replace'))
                return
            self._open, position = True, end + 4
            self.opened()
        while len(data) - position >= 2:
            opcode, size, head = data[position] & 15, data[position + 1], 2
            if size >= 126:
                head = 4 if size == 126 else 10
                if len(data) - position < head:
                    break
                size = int.from_bytes(data[position + 2 : position + head], 'big')
            if len(data) - position < head + size:
                break
            payload = data[position + head : position + head + size]
            if opcode == PING:
                self.transport.write(_masked(PONG, payload))
            elif opcode == CLOSE:
                code, reason = int.from_bytes(payload[:2], 'big'), payload[2:].decode()
                self._fail(f'the server closes the connection: {code} {reason}')
            else:
                self.frame(opcode, payload, now)
            position += head + size
        self._rest = data[position:]

    def opened(self) -> None:
        """Subscribe."""
        raise NotImplementedError

    def frame(self, opcode: int, payload: bytes, now: float) -> None:
        """Take a message that was received at `now`, s since 1970."""
        raise NotImplementedError

    def send(self, message: object) -> None:
        """Send a message as JSON."""
        self.transport.write(_masked(TEXT, json.dumps(message).encode()))

    def has_subscribed(self) -> None:
        """Let the measurement begin."""
        if not self.ready.done():
            self.ready.set_result(None)

    def _fail(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
        self.transport.abort()

    def count(self, age: float | None) -> None:
        """Count an event, with its age in s if that is measured."""
        if self.measured:
            self.received += 1
            if age is not None:
                self._report.ages.append(age)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it; before it has subscribed there is nothing to measure."""
        self._report.lost += self.measured
        self._fail(f'the server has ended the connection: {exc}')


class OurClient(Client):
    """A client of our protocol."""

    path = '/ws/telemetry'

    def opened(self) -> None:
        """Authenticate, and subscribe to types of events."""
        more = {'resume': True} if self.load.resume else {}
        self.send({'type': 'auth', 'token': self.load.token, **more})
        rate = {'rate': self.load.rate} if self.load.rate else {}
        self.send({'type': 'subscribe', 'events': list(self.load.events), **rate})

    def frame(self, opcode: int, payload: bytes, now: float) -> None:
        """Count events, not answers."""
        if opcode != TEXT:
            return
        kind = payload[9 : payload.index(b'"', 9)].decode()  # {"type":"
        if kind == 'subscription.confirmed':
            self.has_subscribed()
        elif kind in self.load.ages_of:
            at = payload.index(_STAMP) + len(_STAMP)
            self.count(now - seconds_of(payload[at : payload.index(b'"', at)]))
        elif '.' in kind and kind != 'connection.established':
            self.count(None)


class FoxgloveClient(Client):
    """A client of Foxglove's protocol, of the SDK or of foxglove_bridge."""

    has_header = False

    def opened(self) -> None:
        """Wait for the channels."""

    def frame(self, opcode: int, payload: bytes, now: float) -> None:
        """Subscribe to the channels once they are advertised; count messages."""
        if opcode == BINARY:
            if payload[0] == 1:  # message data: subscription, time in ns, payload
                sent = struct.unpack_from('<Q', payload, 5)[0] / 1e9
                if self.has_header:  # behind the 4 bytes that tell the encoding
                    seconds, nanoseconds = struct.unpack_from('<iI', payload, 17)
                    sent = seconds + nanoseconds / 1e9
                self.count(now - sent)
            return
        message = json.loads(payload)
        if opcode != TEXT or message['op'] != 'advertise':
            return
        channels = [each for each in message['channels'] if each['topic'] in self.load.events]
        if channels:
            # A message of ROS begins with its header; one of the SDK's is JSON, and just made.
            self.has_header = channels[0]['encoding'] == 'cdr'
            subscriptions = [{'id': each['id'], 'channelId': each['id']} for each in channels]
            self.send({'op': 'subscribe', 'subscriptions': subscriptions})
            self.has_subscribed()


class RosbridgeClient(Client):
    """A client of rosbridge's protocol."""

    def opened(self) -> None:
        """Subscribe to topics."""
        for topic in self.load.events:
            self.send({'op': 'subscribe', 'topic': topic})

    def frame(self, opcode: int, payload: bytes, now: float) -> None:
        """Count messages; that it has subscribed is seen by the first one."""
        found = _HEADER_STAMP.search(payload) if opcode == TEXT else None
        if found is not None:
            self.has_subscribed()
            self.count(now - int(found[1]) - int(found[2]) / 1e9)


CLIENTS = {'ours': OurClient, 'foxglove': FoxgloveClient, 'rosbridge': RosbridgeClient}


async def _read(load: Load, pipe: Connection) -> None:
    loop, report = asyncio.get_running_loop(), Report()
    trust = None
    if load.tls:
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    clients: list[Client] = []
    for number in range(load.clients + load.stuck):
        _, client = await loop.create_connection(
            lambda: CLIENTS[load.server](load, report), '127.0.0.1', load.port, ssl=trust
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
    """Connect clients in a process of their own.

    Raises:
        RuntimeError: one of them has not subscribed.

    """
    context = multiprocessing.get_context('spawn')
    here, there = context.Pipe()
    process = context.Process(target=_main, args=(load, there))
    process.start()
    there.close()
    try:
        try:
            here.recv()
        except EOFError:
            raise RuntimeError('not all clients have subscribed: see above') from None
        yield Clients(here)
    finally:
        here.close()
        process.terminate()
        process.join()


def median(values: list[float]) -> float:
    """Return the median; NaN of nothing."""
    return statistics.median(values) if values else float('nan')
