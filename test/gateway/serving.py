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
"""A gateway on a real socket, clients to it, and coroutine tests."""

import asyncio
import base64
import contextlib
import inspect
import json
import os
import socket
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.server import Gateway
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.examples import EXAMPLES

ROOT = Path(__file__).resolve().parents[2]
SECRET = b'0123456789abcdef0123456789abcdef'


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run coroutine tests in a loop of their own, within 30 s or their attribute `deadline`."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    deadline = getattr(pyfuncitem.obj, 'deadline', 30)
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), deadline))
    return True


#: A page as it is built.
HTML = b'<!doctype html><title>OHT-50</title>' + b'<p>text</p>' * 50
SCRIPT, STYLE = b'export const x = 1;\n' * 100, b'p { color: black }\n' * 100
JS, CSS = '/assets/index-B3x_9-aQ.js', '/assets/index-D1f2c3b4.css'
NOTICES = b'uPlot, MIT\n'


def make_event(kind, **data):
    """An event like the specification's example, with some of its data replaced."""
    example = EXAMPLES[kind]
    return EVENTS[kind].model.model_validate({**example, 'data': {**example['data'], **data}})


class Peer:
    """A client on a real socket that speaks JSON."""

    def __init__(self, websocket):
        self.websocket = websocket

    async def send(self, kind, **fields):
        await self.websocket.send(json.dumps({'type': kind, **fields}))

    async def receive(self, kind=None):
        """The next message; with `kind`, the next of that type, others passed over."""
        while True:
            message = json.loads(await asyncio.wait_for(self.websocket.recv(), 10))
            if kind is None or message['type'] == kind:
                return message

    async def barrier(self):
        """Everything that came before the pong of a ping sent now."""
        await self.send('ping', request_id='barrier')
        seen = []
        while True:
            message = await self.receive()
            if message['type'] == 'pong' and message.get('request_id') == 'barrier':
                return seen
            seen.append(message)

    async def ended(self):
        """The close code and reason, and the messages before it."""
        seen = []

        async def read():
            async for message in self.websocket:
                seen.append(json.loads(message))

        with contextlib.suppress(ConnectionClosedError):
            await asyncio.wait_for(read(), 10)
        return self.websocket.close_code, self.websocket.close_reason, seen


class Serving:
    """A gateway on a free port of the loopback, and clients to it.

    `answers` maps a command to the event that answers it, or to None: it never is.
    """

    def __init__(self, **settings):
        self.commands = []
        self.answers = settings.pop('answers', {})
        self.authority = settings.pop('authority', None) or TokenAuthority([Key('HS256', SECRET)])
        handler = settings.pop('handler', self.handle)
        roles = settings.pop('roles', None) or load_roles(ROOT / 'config' / 'roles.yaml')
        self._audit = settings.pop('audit', None)
        journal = settings.pop('journal', None)
        self.gateway = Gateway(
            GatewayConfig(**{'port': 0, **settings}),
            self.authority,
            roles,
            handler,
            audit=self._audit,
            journal=journal,
        )
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self):
        await self.gateway.start()
        self._stack.push_async_callback(self.gateway.close)
        return self

    async def __aexit__(self, *exception):
        await self._stack.aclose()
        if self._audit is not None:
            self._audit.close()

    async def handle(self, command, caller):
        self.commands.append((command, caller))
        if command.type in self.answers:
            event = self.answers[command.type]
            if event is None:
                await asyncio.Event().wait()
            return CommandOutcome(event=event)
        return CommandOutcome(True, 'done', {'mission_id': 'm-1'})

    @property
    def url(self):
        return f'ws://127.0.0.1:{self.gateway.port}/ws/telemetry'

    async def connect(self, url=None, **options):
        options = {'compression': None, 'ping_interval': None, 'max_queue': None, **options}
        websocket = await self._stack.enter_async_context(connect(url or self.url, **options))
        return Peer(websocket)

    def token(self, role='operator', subject='ann'):
        return self.authority.issue(subject, role).access

    async def enter(self, *events, role='operator', subject='ann', rate=None, **auth):
        """A client that is authenticated and subscribed."""
        peer = await self.connect()
        await peer.send('auth', token=self.token(role, subject), **auth)
        peer.established = await peer.receive('connection.established')
        if events:
            await peer.send('subscribe', events=list(events), **({'rate': rate} if rate else {}))
            peer.confirmed = await peer.receive('subscription.confirmed')
        return peer

    async def until(self, condition):
        """Wait until a condition holds, at most 10 s."""
        for _ in range(1000):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError('condition does not come true')


async def http_get(port, path, head=''):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(f'GET {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n'.encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    status, _, rest = answer.partition(b'\r\n')
    return int(status.split()[1]), rest.partition(b'\r\n\r\n')[2]


#: Close codes as they stand in a close frame, before their reason.
CODE_4408, CODE_4503 = b'\x11\x38nothing received', b'\x11\x97'


async def silent_client(server, *events):
    """A client that does the handshake and auth and then never reads; its socket."""

    def shake():
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(('127.0.0.1', server.gateway.port))
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall(
            f'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'
            f'Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n'
            f'Sec-WebSocket-Version: 13\r\n\r\n'.encode()
        )
        while b'\r\n\r\n' not in sock.recv(1024):
            pass
        for message in ({'type': 'auth', 'token': server.token(), 'subscription': list(events)},):
            payload = json.dumps(message).encode()
            sock.sendall(b'\x81\xfe' + len(payload).to_bytes(2, 'big') + bytes(4) + payload)
        return sock

    return await asyncio.to_thread(shake)


def read_to_end(sock, last=None):
    """Read to the end; when `last` has come, answer the close frame it is part of."""
    received = b''
    with sock:
        while data := sock.recv(65536):
            received += data
            if last is not None and last in received:
                last = None
                sock.sendall(b'\x88\x80' + bytes(4))
    return received


def masked_frame(message):
    payload = json.dumps(message).encode()
    return b'\x81\xfe' + len(payload).to_bytes(2, 'big') + bytes(4) + payload
