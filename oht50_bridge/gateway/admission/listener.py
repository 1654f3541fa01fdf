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
"""The door: who connected and is not known yet.

A peer costs a file descriptor until it has sent something worth an answer: with TLS a whole
ClientHello. Then it waits for its turn in the lane. The pool of those not yet authenticated is
bounded; when it is full, the oldest of the address that holds most of it goes.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections import deque
from collections.abc import Callable
from typing import Any

from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.admission.limits import address_of
from oht50_bridge.gateway.admission.limits import within
from oht50_bridge.gateway.admission.scheduler import FairScheduler
from oht50_bridge.gateway.config import GatewayConfig

#: Connections taken from a listening socket in one go, and s of pause when there are more.
ACCEPTS = 32
ACCEPT_PAUSE = 0.002
#: s of pause when there are no file descriptors left.
EXHAUSTED_PAUSE = 0.1
BACKLOG = 1024
#: The system's buffer of what a client sends: bounds what comes in one piece.
RECEIVE_BUFFER = 16 * 1024
#: The system's buffer of what is sent: what is in it no emergency stop can overtake.
SEND_BUFFER = 64 * 1024
#: A ClientHello is below 2 KiB, also with keys against quantum computers.
MAX_HELLO = 8 * 1024
#: s that the beginning of a handshake takes.
TLS_WORK = 0.0015
PLAIN_WORK = 0.0003
#: s that telling somebody why to go sets going.
GOODBYE_WORK = 0.0005
#: s between two looks for handshakes that take too long.
SWEEP = 0.25

_TOO_MANY_HANDSHAKES = 'too many handshakes of this address'
_TOO_MANY = (
    b'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n'
    b'Content-Length: 0\r\n\r\n'
)

_log = logging.getLogger(__name__)


class PendingConnection:
    """A peer that has not authenticated.

    Attributes:
        host: IP address that connected.
        address: what its limits are counted by.
        since: when it connected.
        drop: ends its connection; None: it has none yet that could be told why.

    """

    def __init__(self, sock: socket.socket, peer: Any, now: float) -> None:
        self.sock = sock
        self.peer = peer
        #: Both ends of the connection.
        self.key = (peer, sock.getsockname())
        self.host = str(peer[0])
        self.address = address_of(self.host)
        self.since = now
        self.drop: Callable[[], None] | None = None
        self.expected = 1  # bytes it was to have sent by the next look
        self.handed_over = False
        self.reached = False  # the far side of TLS
        self.gone = False


class _HandoffSocket(socket.socket):
    """Gives connections to a server as if it had accepted them itself."""

    def __init__(self) -> None:
        self._bell, own = socket.socketpair()
        super().__init__(fileno=own.detach())
        self._bell.setblocking(False)
        self._ready: deque[tuple[socket.socket, Any]] = deque()

    def put(self, sock: socket.socket, peer: Any) -> None:
        self._ready.append((sock, peer))
        try:
            self._bell.send(b'!')
        except BlockingIOError:
            pass  # it rings already

    def listen(self, backlog: int = 0, /) -> None:
        """Do nothing: the listening is done elsewhere."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection.

        Raises:
            BlockingIOError: there is none.

        """
        if not self._ready:
            self.recv(4096)
            raise BlockingIOError
        return self._ready.popleft()

    def close(self) -> None:
        self._bell.close()
        for sock, _ in self._ready:
            sock.close()
        self._ready.clear()
        super().close()


def _hello_length(data: bytes) -> int:
    """Return how many bytes a ClientHello takes of which these are the first.

    Raises:
        ValueError: it is none, or it is split or too large.

    """
    if data[:1] != b'\x16':
        raise ValueError('not TLS')
    if len(data) < 9:
        return 9
    record, hello = int.from_bytes(data[3:5], 'big'), int.from_bytes(data[6:9], 'big')
    if data[5] != 1 or hello + 4 > record or record + 5 > MAX_HELLO:
        raise ValueError('not a ClientHello of the usual size')
    return record + 5


class Listener:
    """Listens, and lets peers through to the server one by one.

    Args:
        config: address and limits.
        lane: does what peers cause.
        addresses: what each address did lately.
        refused: called with the address, the reason and a description.
        encrypted: whether TLS is spoken.

    """

    def __init__(
        self,
        config: GatewayConfig,
        lane: FairScheduler,
        addresses: Addresses,
        refused: Callable[[str, str, str], None],
        encrypted: bool,
    ) -> None:
        self._config = config
        self._lane = lane
        self._addresses = addresses
        self._refused = refused
        self._encrypted = encrypted
        self._loop = asyncio.get_running_loop()
        self._guests: dict[PendingConnection, None] = {}  # oldest first
        self._found: dict[tuple[Any, Any], PendingConnection] = {}
        self._of_address: Counter[str] = Counter()
        self._timers: dict[object, asyncio.TimerHandle] = {}
        self._listeners = self._listen()
        self.hatch = _HandoffSocket()
        for listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)
        self._sweep()

    def _listen(self) -> list[socket.socket]:
        found = socket.getaddrinfo(
            self._config.host or None,
            self._config.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
        listeners: list[socket.socket] = []
        port = self._config.port
        try:
            for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
                try:
                    listener = socket.create_server(
                        (address[0], port, *address[2:]), family=family, backlog=BACKLOG
                    )
                except OSError as error:
                    # A name may have an address of a kind that this machine has not.
                    if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and (
                        len(found) > 1
                    ):
                        continue
                    raise
                listeners.append(listener)
                listener.setblocking(False)
                # Every connection inherits them.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                port = listener.getsockname()[1]
            if not listeners:
                raise OSError(errno.EADDRNOTAVAIL, f'no address of {self._config.host} is ours')
        except OSError:
            for listener in listeners:
                listener.close()
            raise
        return listeners

    @property
    def port(self) -> int:
        """TCP port on which it listens."""
        return int(self._listeners[0].getsockname()[1])

    def __len__(self) -> int:
        return len(self._guests)

    def close(self) -> None:
        """Stop listening, and turn away who has not been let through.

        The hatch is closed by the server that accepts from it.
        """
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        for timer in self._timers.values():
            timer.cancel()
        for guest in [guest for guest in self._guests if not guest.handed_over]:
            self._end(guest)

    def find(self, transport: asyncio.BaseTransport) -> PendingConnection | None:
        """Return whom a transport belongs to; None: it was turned away meanwhile."""
        guest = self._found.get(
            (transport.get_extra_info('peername'), transport.get_extra_info('sockname'))
        )
        if guest is not None:
            guest.reached = True
        return guest

    def move(self, guest: PendingConnection, host: str) -> None:
        """Count a guest by another address: that for which a proxy speaks."""
        known = guest in self._guests
        if known:
            self._uncount(guest.address)
        guest.address = address_of(host)
        if known:
            self._of_address[guest.address] += 1

    def leave(self, guest: PendingConnection) -> None:
        """Count a guest no more: it authenticated, or is gone."""
        if guest in self._guests:
            del self._guests[guest]
            # Its port may be another's already, who came before this one was cleared away.
            if self._found.get(guest.key) is guest:
                del self._found[guest.key]
            self._uncount(guest.address)

    def _uncount(self, address: str) -> None:
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    # Coming

    def _accept(self, listener: socket.socket) -> None:
        pause = ACCEPT_PAUSE
        for _ in range(ACCEPTS):
            try:
                sock, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.error('no connection can be taken: %s', error.strerror)
                pause = EXHAUSTED_PAUSE
                break
            self._welcome(sock, peer)
        self._loop.remove_reader(listener)
        self._timers[listener] = self._loop.call_later(
            pause, self._loop.add_reader, listener, self._accept, listener
        )

    def _welcome(self, sock: socket.socket, peer: Any) -> None:
        now = self._loop.time()
        address = address_of(str(peer[0]))
        if self._addresses.exhausted(address, now) and not within(
            str(peer[0]), self._config.proxies
        ):
            # Cheaper than to wait for a request only to refuse it.
            self._refused(address, 'handshakes', _TOO_MANY_HANDSHAKES)
            sock.close()
            return
        sock.setblocking(False)
        guest = PendingConnection(sock, peer, now)
        self._guests[guest] = None
        self._found[guest.key] = guest
        self._of_address[guest.address] += 1
        if len(self._guests) > self._config.max_unauthenticated:
            self._make_room()
        self._loop.add_reader(sock, self._look, guest)

    def _make_room(self) -> None:
        busiest = max(self._of_address.values())
        oldest = next(
            guest for guest in self._guests if self._of_address[guest.address] == busiest
        )
        self._turn_away(
            oldest,
            'unauthenticated',
            f'{self._config.max_unauthenticated} peers have not authenticated; '
            'the oldest of the address with most of them goes',
        )

    def _look(self, guest: PendingConnection) -> None:
        try:
            data = guest.sock.recv(MAX_HELLO, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b''
        if len(data) < guest.expected:
            self._end(guest)  # it went away
            return
        if self._encrypted:
            try:
                wanted = _hello_length(data)
            except ValueError as error:
                self._turn_away(guest, 'tls', str(error))
                return
            if len(data) < wanted:
                # So that the bytes that are there do not wake us again.
                guest.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
                guest.expected = wanted
                return
            guest.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._loop.remove_reader(guest.sock)
        if not within(guest.host, self._config.proxies) and not self._addresses.handshake(
            guest.address, self._loop.time()
        ):
            self._refused(guest.address, 'handshakes', _TOO_MANY_HANDSHAKES)
            self._end(guest, b'' if self._encrypted else _TOO_MANY)
            return
        self._lane.put(
            guest.address,
            lambda: self._hand_over(guest),
            TLS_WORK if self._encrypted else PLAIN_WORK,
        )

    def _hand_over(self, guest: PendingConnection) -> None:
        if not guest.gone:
            guest.handed_over = True
            self.hatch.put(guest.sock, guest.peer)

    # Going

    def _turn_away(self, guest: PendingConnection, reason: str, description: str) -> None:
        self._refused(guest.address, reason, description)
        drop = guest.drop
        if drop is None:
            self._end(guest)
        else:
            self.leave(guest)
            self._lane.put(guest.address, drop, GOODBYE_WORK)

    def _end(self, guest: PendingConnection, answer: bytes = b'') -> None:
        """End the connection of a guest who cannot be told more than `answer`."""
        guest.gone = True
        self.leave(guest)
        sock = guest.sock
        if sock.fileno() < 0:
            return
        try:
            if answer:
                sock.recv(MAX_HELLO)  # what is left unread would cost the peer the answer
                sock.send(answer)
            if guest.handed_over:
                sock.shutdown(socket.SHUT_RDWR)  # the rest is its transport's
        except OSError:
            pass  # it is gone
        if not guest.handed_over:
            self._loop.remove_reader(sock)
            sock.close()

    def _sweep(self) -> None:
        now = self._loop.time()
        for guest in list(self._guests):
            if guest.sock.fileno() < 0:
                if not guest.reached and self._encrypted:
                    self._refused(guest.address, 'tls', 'the TLS handshake failed')
                self.leave(guest)
            elif guest.drop is None and now - guest.since > self._config.handshake_timeout:
                self._turn_away(
                    guest, 'slow', f'no handshake within {self._config.handshake_timeout:g} s'
                )
        self._timers['sweep'] = self._loop.call_later(SWEEP, self._sweep)
