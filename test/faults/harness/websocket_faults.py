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
"""What clients of the bridge, and those who are none, can do to it."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from collections.abc import Iterator

from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import STOPPING
from faults.harness.fault import Act
from faults.harness.fault import Fault
from faults.harness.rig import Rig

SITUATIONS = (IDLE, MOVING, STOPPING)
EVERYTHING = ['*']
# Peers that misbehave come from addresses of their own, as in a network: limits count by address.
SOURCES = itertools.cycle(
    f'127.{a}.{b}.{c}' for a in range(1, 20) for b in range(250) for c in range(1, 251)
)


def hello() -> bytes:
    """Return the ClientHello of a client that knows nothing of the bridge."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname='127.0.0.1')
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def head(path: str = '/ws/telemetry') -> bytes:
    """Return the request that opens the WebSocket."""
    return (
        f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    ).encode()


def frame(
    payload: bytes, opcode: int = 1, *, masked: bool = True, size: int | None = None
) -> bytes:
    """Return a frame whose mask is zero; `size` is what its head claims."""
    count = len(payload) if size is None else size
    bit = 0x80 if masked else 0
    if count < 126:
        length = bytes([bit | count])
    elif count < 1 << 16:
        length = bytes([bit | 126]) + struct.pack('!H', count)
    else:
        length = bytes([bit | 127]) + struct.pack('!Q', count)
    return bytes([0x80 | opcode]) + length + (bytes(4) if masked else b'') + payload


def text(message: object) -> bytes:
    """Return a message as a frame."""
    return frame(json.dumps(message).encode())


class Peer:
    """A bare socket to the bridge, from an address of its own."""

    def __init__(self, rig: Rig, *, buffer: int = 0) -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(2.0)
        self.socket.bind((next(SOURCES), 0))
        try:
            self.socket.connect(('127.0.0.1', rig.vehicle.port))
        except ConnectionRefusedError:
            if not rig.has_killed('bridge_node'):  # another fault of a schedule
                raise

    def send(self, data: bytes) -> None:
        """Send what the bridge still takes."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def join(self, rig: Rig, role: str = 'viewer') -> None:
        """Open the WebSocket, and subscribe to everything; read no answer."""
        self.send(
            head() + text({'type': 'auth', 'token': rig.token(role), 'subscription': EVERYTHING})
        )

    def read(self, until: bytes) -> bool:
        """Read until some bytes arrive; return whether they did."""
        seen = b''
        with contextlib.suppress(OSError):
            while until not in seen:
                data = self.socket.recv(65536)
                if not data:
                    return False
                seen = seen[-len(until) :] + data
            return True
        return False

    def reset(self) -> None:
        """End it by RST, as a process that was killed does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()


def peers(count: int, begin: Callable[[Peer, Rig], None], *, buffer: int = 0) -> Act:
    """Return what opens connections that begin something, and do no more."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                peer = Peer(rig, buffer=buffer)
                stack.callback(peer.socket.close)
                begin(peer, rig)
            yield

    return act


def sending(data: Callable[[Rig], bytes], count: int = 1) -> Act:
    """Return what opens connections that send some bytes, and do no more."""
    return peers(count, lambda peer, rig: peer.send(data(rig)))


def again_and_again(once: Callable[[Rig], None], threads: int = 1) -> Act:
    """Return what does something over and over while the fault lasts."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        ending = threading.Event()

        def run() -> None:
            while not ending.is_set():
                with contextlib.suppress(OSError):
                    once(rig)

        running = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
        for thread in running:
            thread.start()
        try:
            yield
        finally:
            ending.set()
            for thread in running:
                thread.join(10.0)

    return act


def stuck(peer: Peer, rig: Rig) -> None:
    """Subscribe to everything, and read nothing."""
    peer.join(rig, 'operator')


def vanishing(count: int) -> Act:
    """Return what has clients that read everything vanish at the same moment."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        gone = [Peer(rig) for _ in range(count)]
        for peer in gone:
            peer.join(rig)
            assert peer.read(b'subscription.confirmed')
        for peer in gone:
            peer.reset()
        yield

    return act


def reconnect(rig: Rig) -> None:
    """Connect, authenticate, subscribe, and leave without a word."""
    peer = Peer(rig)
    peer.join(rig)
    peer.read(b'subscription.confirmed')
    peer.reset()


def joining(count: int) -> Act:
    """Return what has many clients join at the same moment and stay."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        token = text({'type': 'auth', 'token': rig.token('viewer'), 'subscription': EVERYTHING})
        with contextlib.ExitStack() as stack:
            joined = []
            for _ in range(count):
                peer = Peer(rig)
                stack.callback(peer.socket.close)
                joined.append(peer)
            for peer in joined:
                peer.send(head() + token)
            # They read, as good clients do.
            ending = threading.Event()
            thread = threading.Thread(target=drain, args=(joined, ending), daemon=True)
            thread.start()
            try:
                yield
            finally:
                ending.set()
                thread.join(5.0)

    return act


def drain(joined: list[Peer], ending: threading.Event) -> None:
    """Read what all of some peers receive."""
    with selectors.DefaultSelector() as selector:
        for peer in joined:
            peer.socket.setblocking(False)
            selector.register(peer.socket, selectors.EVENT_READ, peer)
        while not ending.is_set():
            for key, _ in selector.select(0.1):
                with contextlib.suppress(OSError):
                    if not key.data.socket.recv(1 << 16):
                        selector.unregister(key.data.socket)


def authenticated(rig: Rig, *frames: bytes) -> bytes:
    """Return what an operator sends who authenticates, and then sends frames."""
    return head() + text({'type': 'auth', 'token': rig.token('operator')}) + b''.join(frames)


def flood_commands(rig: Rig) -> None:
    """Send commands far above the limit until the bridge ends the connection."""
    peer = Peer(rig)
    peer.send(authenticated(rig, *[text({'type': 'get_vehicle'})] * 200))
    peer.read(b'WS-003')
    peer.socket.close()


def flood_pings(rig: Rig) -> None:
    """Send control frames without reading the answers."""
    peer = Peer(rig)
    peer.send(authenticated(rig, *[frame(b'x' * 100, 9)] * 2000))
    peer.socket.close()


def torn_hello(rig: Rig) -> None:
    """Begin TLS and tear it, at a port that speaks none."""
    peer = Peer(rig)
    peer.send(hello())
    peer.reset()


def get_pages(rig: Rig) -> None:
    """Ask for a page, and leave before it arrives."""
    peer = Peer(rig)
    peer.send(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
    peer.reset()


def garbage(seed: int, size: int) -> bytes:
    """Return arbitrary bytes, always the same."""
    return random.Random(seed).randbytes(size)


WRONG_TEXTS = (
    b'{', b'[]', b'"x"', b'{"type": 1}', b'{"type": "no_such_command"}', b'{"type": "auth"}',
    b'{"type": "subscribe", "events": "x"}', b'{"type": "subscribe", "events": [' + b'[' * 500,
    b'{"type": "start_mission", "target_position": {"x": 1e999}}', b'{"type":"ping","type":"x"}',
    b'{"type": "ping", "x": "\\ud800"}', b'null', b'', b'\x00',
)  # fmt: skip
WRONG_FRAMES = {
    'reserved-opcode': frame(b'x', 3),
    'not-masked': frame(b'{"type": "ping"}', masked=False),
    'reserved-bit': bytes([0xF1]) + frame(b'x')[1:],
    'no-utf-8': frame(b'\xff\xfe\xfd'),
    'binary': frame(garbage(1, 400), 2),
    'large-control': frame(b'x' * 126, 9),
    'length-of-2-63': frame(b'x', size=1 << 63),
    'length-of-1-gb': frame(b'x', size=1 << 30),
    'continues-nothing': frame(b'x', 0),
    'close-code-1005': frame(struct.pack('!H', 1005), 8),
    'too-large': frame(b'x' * 20_000),
}


def websocket_faults() -> list[Fault]:
    """Return what clients and others can do at the port of the bridge."""
    found = [
        Fault(
            'ws-stuck-reader', 'client', 'a client subscribes to everything and reads nothing',
            peers(1, stuck, buffer=2048), SITUATIONS, lasts=4.0,
        ),
        Fault(
            'ws-20-stuck-readers', 'client', '20 clients subscribe to everything, none reads',
            peers(20, stuck, buffer=2048), SITUATIONS, lasts=4.0,
        ),
        Fault(
            'ws-20-vanish', 'client', '20 clients end at the same moment, by RST', vanishing(20),
            SITUATIONS,
        ),
        Fault(
            'ws-half-open', 'client', '50 connections that send nothing',
            peers(50, lambda peer, rig: None), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-half-request', 'client', '20 connections that send half of a request',
            sending(lambda rig: head()[:60], 20), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-half-auth', 'client', '20 WebSockets that are never authenticated',
            sending(lambda rig: head(), 20), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-half-frame', 'client', '10 clients of which each sends half of a frame',
            sending(lambda rig: authenticated(rig, frame(b'x' * 10, size=16_000)), 10),
            SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-reconnect-storm', 'client',
            '4 clients that connect, subscribe and end, over and over',
            again_and_again(reconnect, 4), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-90-join', 'client', '90 clients join at the same moment',
            joining(90), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-garbage-request', 'client', '20 connections that send 4 kB of arbitrary bytes',
            sending(lambda rig: garbage(2, 4000), 20), SITUATIONS,
        ),
        Fault(
            'ws-garbage-texts', 'client', 'an operator sends what is no command',
            sending(lambda rig: authenticated(rig, *map(frame, WRONG_TEXTS))), SITUATIONS,
        ),
        Fault(
            'ws-bad-tokens', 'client', 'connections with wrong tokens, over and over',
            again_and_again(wrong_token, 2), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-command-flood', 'client', 'an operator sends 200 commands at once, over and over',
            again_and_again(flood_commands), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-ping-flood', 'client', '2000 pings of the protocol at once, over and over',
            again_and_again(flood_pings), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-pages-torn', 'client', '/metrics is asked for and not read, over and over',
            again_and_again(get_pages), SITUATIONS, lasts=3.0,
        ),
        Fault(
            'ws-tls-torn', 'client', 'a TLS handshake is begun and torn, over and over',
            again_and_again(torn_hello, 2), SITUATIONS, lasts=3.0,
        ),
    ]  # fmt: skip
    return found + [
        Fault(
            f'ws-frame-{name}', 'client', f'an operator sends a wrong frame: {name}',
            sending(lambda rig, data=data: authenticated(rig, data), 3),
        )
        for name, data in WRONG_FRAMES.items()
    ]  # fmt: skip


def wrong_token(rig: Rig) -> None:
    """Authenticate with a token that another key has signed."""
    parts = rig.token('admin').split('.')
    peer = Peer(rig)
    peer.send(head() + text({'type': 'auth', 'token': '.'.join([*parts[:2], 'x' * 43])}))
    peer.read(b'WS-001')
    peer.socket.close()
