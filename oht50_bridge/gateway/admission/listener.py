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
"""Listens, and keeps the pool of connections that have not authenticated.

A peer costs only a file descriptor until it has sent the beginning of a request, with TLS a
complete ClientHello. Then the scheduler hands it to the WebSocket server. The pool is bounded:
when it is full, the oldest connection of the address with the most is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.admission.limits import address_of
from oht50_bridge.gateway.admission.limits import within
from oht50_bridge.gateway.admission.scheduler import FairScheduler
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.host_addresses import bound_sockets

#: Connections accepted at once from a listening socket, and s of pause when there are more.
ACCEPTS = 32
ACCEPT_PAUSE = 0.002
#: s of pause when there are no file descriptors left.
EXHAUSTED_PAUSE = 0.1
#: s between two reports of that.
EXHAUSTED_REPORT = 60.0
BACKLOG = 1024
#: Receive buffer of the kernel for each connection, bytes: bounds what arrives at once.
RECEIVE_BUFFER = 16 * 1024
#: Send buffer of the kernel for each connection, bytes: no emergency stop overtakes its content.
SEND_BUFFER = 64 * 1024
#: A ClientHello is below 2 KiB, also with keys against quantum computers.
MAX_HELLO = 8 * 1024
#: Cost of the beginning of a handshake, s.
TLS_WORK = 0.0015
PLAIN_WORK = 0.0003
#: Cost of closing a connection with a reason, s.
CLOSE_WORK = 0.0005
#: s between two checks for handshakes that take too long.
SWEEP = 0.25

_TOO_MANY_HANDSHAKES = 'too many handshakes from this address'

_log = logging.getLogger(__name__)


class PendingConnection:
    """A connection that has not authenticated.

    Attributes:
        host: IP address that connected.
        address: identity for the limits of the peer.
        since: s, when it connected.
        drop: closes its WebSocket with a reason; None before it has one.

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
        self.expected = 1  # bytes that must have arrived at the next check
        self.handed_over = False
        self.reached = False  # TLS is established
        self.gone = False


class _HandoffSocket(socket.socket):
    """A listening socket for the WebSocket server that yields connections accepted elsewhere.

    asyncio servers accept connections themselves and create the transport at once. With this
    socket the listener accepts them, checks them, and lets the server `accept` one only when its
    turn has come.
    """

    def __init__(self) -> None:
        self._wake, own = socket.socketpair()
        super().__init__(fileno=own.detach())
        self._wake.setblocking(False)
        self._ready: deque[tuple[socket.socket, Any]] = deque()

    def put(self, sock: socket.socket, peer: Any) -> None:
        self._ready.append((sock, peer))
        with contextlib.suppress(BlockingIOError):  # the server is woken already
            self._wake.send(b'!')

    def listen(self, backlog: int = 0, /) -> None:
        """Do nothing: the listener listens."""

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
        self._wake.close()
        for sock, _ in self._ready:
            sock.close()
        self._ready.clear()
        super().close()


def _hello_length(data: bytes) -> int:
    """Return the length of the ClientHello that begins with these bytes.

    Raises:
        ValueError: it is not a ClientHello, or it is split or too large.

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
    """Accepts connections and hands them to the WebSocket server one by one.

    Args:
        config: address and limits.
        scheduler: runs the work that peers cause.
        addresses: limits per address.
        refused: called with the address, the reason and a description.
        answers: makes HTTP answers.

    """

    def __init__(
        self,
        config: GatewayConfig,
        scheduler: FairScheduler,
        addresses: Addresses,
        refused: Callable[[str, str, str], None],
        answers: Answers,
    ) -> None:
        self._config = config
        self._scheduler = scheduler
        self._addresses = addresses
        self._refused = refused
        self._encrypted = answers.encrypted
        # A peer of TLS can read nothing before its handshake.
        self._too_many = (
            b''
            if answers.encrypted
            else answers.serialized(HTTPStatus.TOO_MANY_REQUESTS, [('Retry-After', '1')])
        )
        self._loop = asyncio.get_running_loop()
        self._pending: dict[PendingConnection, None] = {}  # oldest first
        self._found: dict[tuple[Any, Any], PendingConnection] = {}
        self._of_address: Counter[str] = Counter()
        self._timers: dict[object, asyncio.TimerHandle] = {}
        self._report_at = 0.0  # s of the loop, before which exhaustion is not reported again
        self._listeners = self._listen()
        self.handoff = _HandoffSocket()
        for listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)
        self._sweep()

    def _listen(self) -> list[socket.socket]:
        listeners = bound_sockets(self._config.host, self._config.port)
        try:
            for listener in listeners:
                # Every connection inherits them.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                # A peer acknowledges up to 40 ms late what it does not answer; asyncio sets it
                # only on sockets of its own.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                listener.setblocking(False)
                listener.listen(BACKLOG)
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
        return len(self._pending)

    def close(self) -> None:
        """Stop listening, and close the connections that were not handed over.

        The server that accepts from the handoff socket closes that socket.
        """
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        for timer in self._timers.values():
            timer.cancel()
        for pending in [pending for pending in self._pending if not pending.handed_over]:
            self._end(pending)

    def find(self, transport: asyncio.BaseTransport) -> PendingConnection | None:
        """Return the connection of a transport; None: it was refused meanwhile."""
        pending = self._found.get(
            (transport.get_extra_info('peername'), transport.get_extra_info('sockname'))
        )
        if pending is not None:
            pending.reached = True
        return pending

    def move(self, pending: PendingConnection, host: str) -> None:
        """Count a connection by the address that a proxy reports."""
        known = pending in self._pending
        if known:
            self._uncount(pending.address)
        pending.address = address_of(host)
        if known:
            self._of_address[pending.address] += 1

    def leave(self, pending: PendingConnection) -> None:
        """Remove a connection from the pool: it authenticated or ended."""
        if pending in self._pending:
            del self._pending[pending]
            # A new connection may use its port already, before this one was removed.
            if self._found.get(pending.key) is pending:
                del self._found[pending.key]
            self._uncount(pending.address)

    def _uncount(self, address: str) -> None:
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    # Accepting

    def _accept(self, listener: socket.socket) -> None:
        pause = ACCEPT_PAUSE
        for _ in range(ACCEPTS):
            try:
                sock, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._report_exhausted(error)
                pause = EXHAUSTED_PAUSE
                break
            self._admit(sock, peer)
        self._loop.remove_reader(listener)
        self._timers[listener] = self._loop.call_later(
            pause, self._loop.add_reader, listener, self._accept, listener
        )

    def _report_exhausted(self, error: OSError) -> None:
        now = self._loop.time()
        if now < self._report_at:
            return
        self._report_at = now + EXHAUSTED_REPORT
        _log.error(
            'no connection can be accepted: %s; allow more open files (ulimit -n, LimitNOFILE of '
            'systemd). Reported once in %.0f s',
            error.strerror,
            EXHAUSTED_REPORT,
        )

    def _admit(self, sock: socket.socket, peer: Any) -> None:
        now = self._loop.time()
        address = address_of(str(peer[0]))
        if self._addresses.exhausted(address, now) and not within(
            str(peer[0]), self._config.proxies
        ):
            # Cheaper than waiting for a request only to refuse it.
            self._refused(address, 'handshakes', _TOO_MANY_HANDSHAKES)
            sock.close()
            return
        sock.setblocking(False)
        pending = PendingConnection(sock, peer, now)
        self._pending[pending] = None
        self._found[pending.key] = pending
        self._of_address[pending.address] += 1
        if len(self._pending) > self._config.max_unauthenticated:
            self._make_room()
        self._loop.add_reader(sock, self._inspect, pending)

    def _make_room(self) -> None:
        busiest = max(self._of_address.values())
        oldest = next(
            pending for pending in self._pending if self._of_address[pending.address] == busiest
        )
        self._refuse(
            oldest,
            'unauthenticated',
            f'{self._config.max_unauthenticated} connections have not authenticated; '
            'the oldest of the address with the most is closed',
        )

    def _inspect(self, pending: PendingConnection) -> None:
        try:
            data = pending.sock.recv(MAX_HELLO, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b''
        except MemoryError:
            self._refuse(pending, 'memory', 'no memory is left for a connection')
            return
        if len(data) < pending.expected:
            self._end(pending)  # it was closed
            return
        if self._encrypted:
            try:
                wanted = _hello_length(data)
            except ValueError as error:
                self._refuse(pending, 'tls', str(error))
                return
            if len(data) < wanted:
                # The bytes that have arrived must not wake this reader again.
                pending.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
                pending.expected = wanted
                return
            pending.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._loop.remove_reader(pending.sock)
        if not within(pending.host, self._config.proxies) and not self._addresses.handshake(
            pending.address, self._loop.time()
        ):
            self._refused(pending.address, 'handshakes', _TOO_MANY_HANDSHAKES)
            self._end(pending, self._too_many)
            return
        self._scheduler.submit(
            pending.address,
            lambda: self._hand_over(pending),
            TLS_WORK if self._encrypted else PLAIN_WORK,
        )

    def _hand_over(self, pending: PendingConnection) -> None:
        if not pending.gone:
            pending.handed_over = True
            self.handoff.put(pending.sock, pending.peer)

    # Refusing

    def _refuse(self, pending: PendingConnection, reason: str, description: str) -> None:
        self._refused(pending.address, reason, description)
        drop = pending.drop
        if drop is None:
            self._end(pending)
        else:
            self.leave(pending)
            self._scheduler.submit(pending.address, drop, CLOSE_WORK)

    def _end(self, pending: PendingConnection, answer: bytes = b'') -> None:
        """End a connection that can receive nothing but `answer`."""
        pending.gone = True
        self.leave(pending)
        sock = pending.sock
        if sock.fileno() < 0:
            return
        try:
            if answer:
                sock.recv(
                    MAX_HELLO
                )  # unread bytes would make the kernel reset the connection before the answer
                sock.send(answer)
            if pending.handed_over:
                sock.shutdown(socket.SHUT_RDWR)  # its transport does the rest
        except OSError:
            pass  # it is closed already
        if not pending.handed_over:
            self._loop.remove_reader(sock)
            sock.close()

    def _sweep(self) -> None:
        now = self._loop.time()
        for pending in list(self._pending):
            if pending.sock.fileno() < 0:
                if not pending.reached and self._encrypted:
                    self._refused(pending.address, 'tls', 'the TLS handshake failed')
                self.leave(pending)
            elif pending.drop is None and now - pending.since > self._config.handshake_timeout:
                self._refuse(
                    pending, 'slow', f'no handshake within {self._config.handshake_timeout:g} s'
                )
        self._timers['sweep'] = self._loop.call_later(SWEEP, self._sweep)
