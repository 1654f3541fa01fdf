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
"""Hostile frames and bytes against a gateway in a process of its own.

OHT50_FUZZ_FRAMES sets how many frames (8,000), OHT50_FUZZ_SEED where the chance begins (1).
"""

import asyncio
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gateway.serving import Peer
from gateway.wire import BINARY
from gateway.wire import CLOSE
from gateway.wire import CONTINUATION
from gateway.wire import PING
from gateway.wire import PONG
from gateway.wire import REQUEST
from gateway.wire import TEXT
from gateway.wire import frame
from websockets.asyncio.client import connect

from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.examples import EXAMPLES

FRAMES = int(os.environ.get('OHT50_FUZZ_FRAMES', '8000'))
SEED = int(os.environ.get('OHT50_FUZZ_SEED', '1'))
OFFENDERS = 8
#: What the allocator may keep of a load once seen: KiB of resident memory.
MEMORY_ROOM = 6 * 1024
TEST = Path(__file__).resolve().parents[1]

HOSTILE = [
    None,
    True,
    0,
    -1,
    10**15,
    1e308,
    -0.0,
    1e-320,
    '',
    'x' * 2000,
    '\x00',
    'ế' * 300,
    '*',
    'safety.*',
    [],
    {},
    [[]],
    ['*'] * 65,
    {'': ''},
    {'x': None},
    'NaN',
    '\ud800',
    '🚚' * 90,
    [[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]],
]
SPLICES = [
    b'NaN',
    b'1e999',
    b'9' * 30,
    b'\\ud800',
    b'"type":"ping",',
    b'\x00',
    b'\xff',
    b'{',
    b'}',
    b'"',
    b'[' * 500,
    b',',
    b'\\',
    b'\xed\xa0\x80',
    b'Infinity',
    b'\xef\xbb\xbf',
]


class Chance:
    """What an offender sends."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def command(self):
        """The text of a command, more or less."""
        pick = self.random
        value = dict(EXAMPLES[pick.choice(list(COMMANDS))])
        for _ in range(pick.choice([0, 0, 1, 1, 2])):
            key = pick.choice([*value, 'request_id', 'more'])
            deed = pick.random()
            if deed < 0.2:
                value.pop(key, None)
            elif deed < 0.8 and key != 'type':
                value[key] = pick.choice(HOSTILE)
            elif isinstance(value.get(key), dict) and value[key]:
                value[key] = {**value[key], pick.choice(list(value[key])): pick.choice(HOSTILE)}
        if value.get('type') in ('auth', 'refresh_token'):
            value['surplus'] = 0  # as it stands it ends the session
        text = json.dumps(value).encode()
        if pick.random() < 0.3:
            at = pick.randrange(len(text) + 1)
            text = text[:at] + pick.choice(SPLICES) + text[at + pick.randrange(3) :]
        return text

    def legal(self):
        """A frame that the WebSocket layer takes, whatever is in it."""
        pick, deed = self.random, self.random.random()
        if deed < 0.7:
            payload = self.command().decode(errors='replace').encode()
            if pick.random() < 0.15:
                at = pick.randrange(len(payload) + 1)
                return (
                    frame(TEXT, payload[:at], final=False)
                    + frame(PING, b'between')
                    + frame(CONTINUATION, payload[at:])
                )
            return frame(TEXT, payload)
        if deed < 0.8:
            return frame(TEXT, pick.choice(HOSTILE[9:12]).encode())
        if deed < 0.9:
            return frame(BINARY, pick.randbytes(pick.randrange(300)))
        return frame(pick.choice([PING, PONG]), pick.randbytes(pick.randrange(126)))

    def illegal(self):
        """A frame that it must not take, or bytes that are none."""
        pick = self.random
        payload = self.command()
        return pick.choice(
            [
                lambda: frame(TEXT, payload + b'\xff'),
                lambda: frame(pick.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload),
                lambda: frame(TEXT, payload, reserved=pick.randrange(1, 8)),
                lambda: frame(TEXT, payload, masked=False),
                lambda: frame(CONTINUATION, payload),
                lambda: frame(TEXT, payload, final=False) + frame(TEXT, payload),
                lambda: frame(PING, bytes(126)),
                lambda: frame(PING, b'', final=False),
                lambda: frame(CLOSE, pick.randbytes(pick.randrange(6))),
                lambda: frame(TEXT, payload, length=2**63 - 1),
                lambda: frame(TEXT, payload, length=2**64 - 1),
                lambda: frame(TEXT, b'x' * 70_000),
                lambda: frame(TEXT, b'[' * 16_000),
                lambda: frame(TEXT, payload)[: pick.randrange(1, 12)],
                lambda: frame(TEXT, json.dumps(EXAMPLES['auth']).encode()),
                lambda: pick.randbytes(pick.randrange(1, 400)),
            ]
        )()

    def request(self):
        """An opening handshake that is none."""
        pick = self.random
        at = pick.randrange(len(REQUEST))
        return pick.choice(
            [
                lambda: pick.randbytes(pick.randrange(1, 300)) + b'\r\n\r\n',
                lambda: REQUEST[:at] + pick.randbytes(3) + REQUEST[at + 2 :],
                lambda: REQUEST[:at],
                lambda: b'GET ' + b'a' * 20_000 + b' HTTP/1.1\r\n\r\n',
                lambda: b'POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nping',
                lambda: b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n',
                lambda: b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + pick.randbytes(200),
            ]
        )()


class Offender:
    """Connects, offends, and leaves, until the gateway has taken enough frames."""

    def __init__(self, port, token, seed, frames):
        self._port = port
        self._auth = frame(
            TEXT,
            json.dumps(
                {'type': 'auth', 'token': token, 'resume': True, 'subscription': ['*']}
            ).encode(),
        )
        self._chance = Chance(seed)
        self._left = frames

    async def run(self):
        while self._left > 0:
            self._reader, self._writer = await asyncio.open_connection('127.0.0.1', self._port)
            try:
                await asyncio.wait_for(self._offend(), 20)
            except ConnectionError:
                pass  # it threw us out, as it may
            finally:
                self._writer.transport.abort()

    async def _offend(self):
        chance, write = self._chance, self._writer.write
        pick = chance.random
        if pick.random() < 0.1:
            write(chance.request())
            self._writer.write_eof()
            self._left -= 1
            await self._read_to(None)
            return
        write(REQUEST)
        if pick.random() < 0.9:
            write(self._auth)
        frames = [chance.legal() for _ in range(pick.randrange(5, 80))]
        for each in frames:
            write(each)
        if pick.random() < 0.05:
            self._reset()  # in the middle of what it does; not counted
            return
        write(frame(PING, b'have you read it all?'))
        assert await self._read_to(b'have you read it all?')
        self._left -= len(frames)
        deed = pick.random()
        if deed < 0.5:
            write(chance.illegal())
            self._left -= 1
        elif deed < 0.7:
            write(frame(CLOSE, struct.pack('!H', 1000)))
        elif deed < 0.9:
            self._reset()
            return
        self._writer.write_eof()
        await self._read_to(None)

    def _reset(self):
        self._writer.get_extra_info('socket').setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)
        )

    async def _read_to(self, mark):
        """Read until a mark was read or, without one, the end; return whether it was."""
        tail = b''
        while data := await self._reader.read(65536):
            tail = tail[-64:] + data
            if mark is not None and mark in tail:
                return True
        return False


class Witness:
    """A client that does nothing wrong and must not notice anything."""

    def __init__(self, port, token):
        self._url, self._token = f'ws://127.0.0.1:{port}/ws/telemetry', token
        self.zones, self.worst, self.ending = [], 0.0, False

    async def run(self):
        """Watch until asked to end; whatever is raised here failed the test."""
        async with connect(self._url, compression=None) as websocket:
            peer = Peer(websocket)
            await peer.send('auth', token=self._token)
            await peer.send('subscribe', events=['safety.zone_entered'])
            asked = None
            while not self.ending:
                message = await peer.receive()
                if message['type'] == 'pong':
                    self.worst = max(self.worst, time.monotonic() - asked)
                    asked = None
                elif message['type'] == 'safety.zone_entered':
                    self.zones.append(int(message['data']['zone_id']))
                    if asked is None:
                        asked = time.monotonic()
                        await peer.send('ping')
                else:
                    assert message['type'] in ('connection.established', 'subscription.confirmed')


def resident(pid):
    """Resident memory, KiB."""
    status = Path(f'/proc/{pid}/status').read_text()
    return int(status.split('VmRSS:')[1].split()[0])


def descriptors(pid):
    return len(list(Path(f'/proc/{pid}/fd').iterdir()))


async def settled(measure, target):
    """The first value of `measure` at or below `target`, or the last before the deadline."""
    deadline = time.monotonic() + 15
    while (value := measure()) > target and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return value


@pytest.fixture
def server(tmp_path):
    errors = tmp_path / 'stderr'
    with errors.open('w') as stderr:
        process = subprocess.Popen(
            [sys.executable, '-W', 'error', str(TEST / 'gateway' / 'fuzz_server.py')],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, 'PYTHONPATH': f'{TEST}:{TEST.parent}'},
        )
    process.errors = errors
    with process:
        yield process
        process.kill()


@pytest.mark.processes
@pytest.mark.slow
async def test_nothing_that_is_sent_harms_the_gateway_or_its_other_clients(server):
    hello = json.loads(server.stdout.readline())
    port, token, pid = hello['port'], hello['token'], server.pid
    witness = Witness(port, token)
    watching = asyncio.create_task(witness.run())

    async def offend(frames, seed):
        offending = asyncio.gather(
            *(
                Offender(port, token, seed * 1000 + number, frames // OFFENDERS).run()
                for number in range(OFFENDERS)
            )
        )
        await asyncio.wait([watching, offending], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        await offending

    while not witness.zones:
        assert not watching.done(), watching
        await asyncio.sleep(0.01)
    idle = descriptors(pid)
    await offend(FRAMES // 2, SEED)
    assert await settled(lambda: descriptors(pid), idle) <= idle
    level = resident(pid)
    begun = time.monotonic()
    await offend(FRAMES // 2, SEED + 1)
    took = time.monotonic() - begun
    assert await settled(lambda: descriptors(pid), idle) <= idle
    after = await settled(lambda: resident(pid), level + MEMORY_ROOM)
    assert after <= level + MEMORY_ROOM
    assert not watching.done()
    witness.ending = True
    await watching
    assert witness.zones == list(range(witness.zones[0], witness.zones[0] + len(witness.zones)))
    server.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(server.wait, 10) == 0
    assert json.loads(server.stdout.readline()) == {'tasks': []}
    complaints = [
        line
        for line in server.errors.read_text().splitlines()
        if not re.search(
            'is replaced by an error|^(opening handshake failed|unexpected internal error): ', line
        )
    ]
    assert complaints == []
    print(
        f'{FRAMES} frames, the second half in {took:.1f} s; resident {level} -> {after} KiB; '
        f'the witness read {len(witness.zones)} events without a gap, '
        f'its slowest pong took {witness.worst * 1000:.0f} ms'
    )


test_nothing_that_is_sent_harms_the_gateway_or_its_other_clients.deadline = 30 + FRAMES / 1000
