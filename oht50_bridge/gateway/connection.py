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
"""A server connection of `websockets` whose reading and writing the gateway controls.

Everything that depends on the inside of the library is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import broadcast
from websockets.frames import Frame
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import Event
from websockets.protocol import State as WireState
from websockets.server import ServerProtocol

from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.admission.listener import PendingConnection
from oht50_bridge.gateway.admission.request_head import GET
from oht50_bridge.gateway.admission.request_head import MAX_REQUEST
from oht50_bridge.gateway.admission.request_head import RequestRefusedError
from oht50_bridge.gateway.admission.request_head import is_complete
from oht50_bridge.gateway.admission.request_head import method_of
from oht50_bridge.gateway.admission.request_head import rewritten
from oht50_bridge.gateway.admission.scheduler import FairScheduler
from oht50_bridge.gateway.delivery import payload_of
from oht50_bridge.protocol.rates import TokenBucket

#: Bytes of a client that are processed at once; the smallest frame has 6.
PIECE = 512
#: Cost of the end of an unauthenticated connection, s.
CLOSING_COST = 0.0005


class Connection(ServerConnection):
    """A connection that processes input in small pieces and reports the state of its buffers.

    Attributes:
        pending: its entry in the pool of unauthenticated connections.
        scheduler: runs the work of unauthenticated connections.
        answers: makes HTTP answers.
        frames: budget of frames that are no complete message.
        method: of its request, GET or HEAD.
        answered: the gateway itself answered the request with a page or a refusal.
        authenticated: a valid token was presented.
        write_paused: the write buffer is full.
        on_writable: called when it is no longer.
        on_made: called when the transport is there.
        on_lost: called when the transport is gone.
        on_flood: called when `frames` is used up.

    """

    pending: PendingConnection | None = None
    scheduler: FairScheduler
    answers: Answers
    frames: TokenBucket
    method = GET
    answered = False
    authenticated = False
    write_paused = False
    on_writable: Callable[[], None] | None = None
    on_made: Callable[[Connection], None] | None = None
    on_lost: Callable[[Connection], None] | None = None
    on_flood: Callable[[], None] | None = None
    _scheduled = False

    def __init__(self, protocol: ServerProtocol, *args: Any, **kwargs: Any) -> None:
        super().__init__(protocol, *args, **kwargs)
        self._pass_response = protocol.send_response
        # Every response goes through it, also those that the library makes by itself.
        protocol.send_response = self._send_response  # type: ignore[method-assign]  # no other hook

    def _send_response(self, response: Response) -> None:
        self.answers.complete(response, self.method)
        self._pass_response(response)

    @property
    def address(self) -> str:
        """Identity for the limits of the peer."""
        return self.pending.address if self.pending is not None else ''

    @property
    def is_open(self) -> bool:
        """Whether frames can be sent; the transport knows of a loss before the library does."""
        return self.state is WireState.OPEN and not self.transport.is_closing()

    @property
    def is_ending(self) -> bool:
        """Whether there is a transport and it is being closed; False before there is one."""
        return hasattr(self, 'transport') and self.transport.is_closing()

    def abort(self) -> None:
        """End the connection at once, if its transport is there."""
        if hasattr(self, 'transport'):
            self.transport.abort()

    def send_frame(self, frame: bytes, *, compression: bool) -> None:
        """Write a complete, unmasked text frame.

        This skips the library's state machine, which is allowed between two of its own frames:
        here the library never sends fragments. With compression a frame depends on earlier ones,
        so the library's own `broadcast` is used.
        """
        if compression:
            broadcast([self], payload_of(frame).decode())
        else:
            self.transport.write(frame)

    # Input

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take control of when the transport reads."""
        super().connection_made(transport)
        self._rest = bytearray()
        self._head = bytearray()
        self.recv_messages.resume = self._resume
        if self.on_made is not None:
            self.on_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up; scheduled while unauthenticated, as many may end at the same moment."""
        if not self.authenticated:
            self._rest.clear()
            self.scheduler.submit(self.address, lambda: self._clean_up(exc), CLOSING_COST)
        else:
            if self._rest:
                ServerConnection.data_received(self, bytes(self._rest))
                self._rest.clear()
            self._clean_up(exc)

    def _clean_up(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost(self)

    def data_received(self, data: bytes) -> None:
        """Process input: little from an authenticated client at once, all else in pieces."""
        if not self._rest and self.authenticated and len(data) <= PIECE:
            super().data_received(data)
            return
        self._rest += data
        self.transport.pause_reading()
        self._schedule()

    def _schedule(self) -> None:
        if self._scheduled:
            return
        self._scheduled = True
        if self.authenticated:
            self.loop.call_soon(self._process)
        else:
            self.scheduler.submit(self.address, self._process)

    def _process(self) -> None:
        """Process one piece, and schedule the next unless the connection must wait."""
        self._scheduled = False
        is_closing = self.transport.is_closing()
        if is_closing and self.authenticated:
            pass  # `connection_lost` processes the rest, which may be an emergency stop
        elif is_closing or self.protocol.handshake_exc is not None:
            self._rest.clear()
            self.transport.close()
        elif self.request is None:
            self._process_request()
            self._resume()
        elif self.state is WireState.CONNECTING:
            pass  # no frame before the response: `opened` continues
        else:
            piece = bytes(self._rest[:PIECE])
            del self._rest[:PIECE]
            super().data_received(piece)
            if not self.recv_messages.paused:
                self._resume()

    def _process_request(self) -> None:
        """Process lines of the request, and nothing behind it."""
        until = max(0, len(self._rest) - PIECE)
        while self.request is None and len(self._rest) > until:
            length = self._rest.find(b'\n', 0, PIECE) + 1 or PIECE
            self._head += self._rest[:length]
            del self._rest[:length]
            try:
                if len(self._head) > MAX_REQUEST:
                    raise RequestRefusedError(
                        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, 'request', 'request too large'
                    )
                if is_complete(self._head):
                    self.method, request = rewritten(bytes(self._head))
                    super().data_received(request)
            except RequestRefusedError as error:
                self.protocol.handshake_exc = error
                self.transport.write(self.answers.refusal(error, method_of(self._head)))
                self.transport.close()
                return

    def opened(self) -> None:
        """Process what arrived behind the request."""
        if self._rest:
            self._schedule()

    def _resume(self) -> None:
        if self._rest:
            self._schedule()
        else:
            self.transport.resume_reading()

    def process_event(self, event: Event) -> None:
        """Count frames that are no complete message: no limit of commands applies to them."""
        super().process_event(event)
        if (
            isinstance(event, Frame)
            and self.on_flood is not None
            and not (event.fin and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE))
            and not self.frames.take(self.loop.time())
        ):
            self.on_flood()

    # Output

    def pause_writing(self) -> None:
        """Note that the transport holds more than its high-water mark."""
        super().pause_writing()
        self.write_paused = True

    def resume_writing(self) -> None:
        """Note that the transport has sent most of what it held."""
        super().resume_writing()
        self.write_paused = False
        if self.on_writable is not None:
            self.on_writable()

    def send_data(self) -> None:
        """Send what the library has to send, in one piece.

        If each pong of a batch were written separately to a connection that is lost, asyncio
        would log a warning for each.
        """
        pieces = self.protocol.data_to_send()
        if self.transport.is_closing():
            return
        if data := b''.join(filter(None, pieces)):  # of a single piece no copy is made
            self.transport.write(data)
        if b'' in pieces:  # the library's sign for the end
            self.protocol.writes.append(b'')
            super().send_data()
