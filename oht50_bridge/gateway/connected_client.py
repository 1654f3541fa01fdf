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
"""One connected client: its socket, its session, its outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import broadcast
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame
from websockets.frames import Opcode
from websockets.protocol import Event
from websockets.protocol import State as WireState

from oht50_bridge.gateway import session as steps
from oht50_bridge.gateway.admission.listener import PendingConnection
from oht50_bridge.gateway.admission.scheduler import FairScheduler
from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.outbox import Outbox
from oht50_bridge.gateway.outbox import OutgoingEvent
from oht50_bridge.gateway.outbox import payload_of
from oht50_bridge.gateway.session import Session
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.errors import CLOSE_RATE_LIMIT
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.rates import TokenBucket

if TYPE_CHECKING:
    from oht50_bridge.gateway.server import Gateway

#: Commands to the vehicle that one client may have under way. Above it the client's next
#: emergency stop waits unread, any other command is refused.
MAX_RUNNING = 32
SAVE_TIMEOUT = 1.0  # s


#: Bytes of a client that are taken apart in one go; the smallest frame has 6.
SLICE = 512
#: Bytes of a handshake's request, all its headers included.
MAX_REQUEST = 16 * 1024
#: Frames that are no whole message (pings, fragments) may come this many times as often as
#: commands.
FRAMES_PER_COMMAND = 10
#: s that the answer to a message of a peer who has not authenticated takes to be sent.
ANSWER_WORK = 0.0003
#: s that the end of its connection sets going.
CLEARING_WORK = 0.0005
#: s that such a peer has to answer a closing handshake, and one that has to make room.
STRANGERS_CLOSE_TIMEOUT = 1.0
HASTY_CLOSE_TIMEOUT = 0.05

_HEADERS_TOO_LARGE = (
    b'HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n'
    b'Content-Length: 0\r\n\r\n'
)


class Connection(ServerConnection):
    """A connection that takes what comes in small pieces and tells of its buffers.

    Attributes:
        choked: the write buffer is full.
        on_writable: called when it is no longer.
        on_made: called when bytes can flow.
        on_lost: called when none can any more.
        on_flood: called when frames come too fast.
        guest: what the door knows of it.
        lane: where what comes waits for its turn.
        stranger: nobody has authenticated here.

    """

    choked = False
    on_writable: Callable[[], None] | None = None
    on_made: Callable[[Connection], None] | None = None
    on_lost: Callable[[Connection], None] | None = None
    on_flood: Callable[[], None] | None = None
    guest: PendingConnection | None = None
    lane: FairScheduler
    frames: TokenBucket
    stranger = True
    _queued = False
    _requested = 0

    @property
    def address(self) -> str:
        """What the limits of the peer are counted by."""
        return self.guest.address if self.guest is not None else ''

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take part in deciding when the transport reads."""
        super().connection_made(transport)
        self._rest = bytearray()
        self.recv_messages.resume = self._resume
        if self.on_made is not None:
            self.on_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clear up; after somebody unknown in turn, as many may go at the same moment."""
        if self.stranger:
            self._rest.clear()
            self.lane.put(self.address, lambda: self._clear_up(exc), CLEARING_WORK)
        else:
            if self._rest:
                ServerConnection.data_received(self, bytes(self._rest))
                self._rest.clear()
            self._clear_up(exc)

    def _clear_up(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost(self)

    def data_received(self, data: bytes) -> None:
        """Take what came: a little of somebody known at once, all else in pieces."""
        if not self._rest and not self.stranger and len(data) <= SLICE:
            super().data_received(data)
            return
        self._rest += data
        self.transport.pause_reading()
        self._take_turn()

    def _take_turn(self) -> None:
        if self._queued:
            return
        self._queued = True
        if self.stranger:
            self.lane.put(self.address, self._take)
        else:
            self.loop.call_soon(self._take)

    def _take(self) -> None:
        """Take one piece, and come back for the next unless it has to wait."""
        self._queued = False
        if self.transport.is_closing() or self.protocol.handshake_exc is not None:
            self._rest.clear()
            self.transport.close()
        elif self.request is None:
            self._take_request()
            self._resume()
        elif self.state is WireState.CONNECTING:
            pass  # no frame before the answer: `opened` comes back
        else:
            piece = bytes(self._rest[:SLICE])
            del self._rest[:SLICE]
            super().data_received(piece)
            if not self.recv_messages.paused:
                self._resume()

    def _take_request(self) -> None:
        """Take lines of the request, and nothing of what stands behind it."""
        until = max(0, len(self._rest) - SLICE)
        while self.request is None and len(self._rest) > until:
            length = self._rest.find(b'\n', 0, SLICE) + 1 or SLICE
            line = bytes(self._rest[:length])
            del self._rest[:length]
            self._requested += len(line)
            if self._requested > MAX_REQUEST:
                self.protocol.handshake_exc = ValueError('request too large')
                self.transport.write(_HEADERS_TOO_LARGE)
                self.transport.close()
                return
            super().data_received(line)

    def opened(self) -> None:
        """Take what came behind the request."""
        if self._rest:
            self._take_turn()

    def _resume(self) -> None:
        if self._rest:
            self._take_turn()
        else:
            self.transport.resume_reading()

    def process_event(self, event: Event) -> None:
        """Count frames that are no whole message: no limit of commands sees them."""
        super().process_event(event)
        if (
            isinstance(event, Frame)
            and self.on_flood is not None
            and not (event.fin and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE))
        ):
            if not self.frames.take(self.loop.time()):
                self.on_flood()

    def pause_writing(self) -> None:
        """Note that the transport holds more than its high-water mark."""
        super().pause_writing()
        self.choked = True

    def resume_writing(self) -> None:
        """Note that the transport has sent most of what it held."""
        super().resume_writing()
        self.choked = False
        if self.on_writable is not None:
            self.on_writable()

    def send_data(self) -> None:
        """Send what the library has to send, in one piece.

        Were each pong of a batch written by itself to a connection that was lost, asyncio would
        log a warning for each.
        """
        pieces = self.protocol.data_to_send()
        if self.transport.is_closing():
            return
        if data := b''.join(pieces):
            self.transport.write(data)
        if b'' in pieces:  # the library's sign for the end
            self.protocol.writes.append(b'')
            super().send_data()


class ConnectedClient:
    """One connected client.

    Frames go straight to the transport, ready-made and shared by all clients, and only while the
    transport holds less than its high-water mark: whoever does not read has its own outbox fill,
    not the process's memory, and nobody waits for it. That skips the library's state machine, as
    a complete text frame between two of its own frames may: it never sends fragments here, and
    with compression on, which frames depend on, its own `broadcast` is used.
    """

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self._gateway = gateway
        self._loop = gateway.loop
        self.connection = connection
        self.address = connection.address
        self.session = Session(
            gateway.config,
            gateway.authority,
            gateway.roles,
            gateway.ring.epoch,
            gateway.clock,
            full=lambda: gateway.full(self),
            charge=lambda: gateway.charge_command(self),
        )
        self.outbox = Outbox(
            capacity=gateway.config.outbox_capacity,
            max_age=gateway.config.outbox_age,
            rate_of=gateway.config.rate_of,
            take_state=lambda: gateway.take_delivery(self),
            charge=gateway.charge_delivery,
        )
        self._running: set[asyncio.Task[None]] = set()
        self._tick_timer: asyncio.TimerHandle | None = None
        self._pump_timer: asyncio.TimerHandle | None = None
        self._pump_at = float('inf')
        self._closing = False
        self._noted = False
        self._hasty = False
        connection.on_writable = self.pump
        connection.on_flood = self._flooded
        if connection.guest is not None:
            connection.guest.drop = self.turn_away

    async def serve(self) -> None:
        """Read until the connection ends."""
        self.session.open()
        self.connection.opened()
        try:
            early = self._gateway.early_auth(self.connection)
            if early is not None:
                await self._in_turn(lambda: self.session.authenticate(early))
            self._tick()
            while not self._closing:
                message = await self.connection.recv()
                if self._closing:
                    break
                if self.connection.stranger:
                    await self._in_turn(partial(self.session.receive, message))
                else:
                    await self._act(self.session.receive(message))
                self._schedule_tick()
        except ConnectionClosed:
            pass
        finally:
            self.session.close()
            self._closing = True
            self.connection.on_writable = None
            self.connection.on_flood = None
            for timer in (self._tick_timer, self._pump_timer):
                if timer is not None:
                    timer.cancel()

    async def _in_turn(self, step: Callable[[], list[steps.Action]]) -> None:
        """Take a step of somebody unknown when its turn has come."""
        actions = await self._gateway.lane.call(
            self.address, lambda: step() if not self._closing else [], ANSWER_WORK
        )
        for action in actions:
            if (
                isinstance(action, steps.Failure)
                and action.error is ErrorCode.AUTHENTICATION_FAILED
            ):
                await self._hold_back(action)
        await self._act(actions)

    async def _hold_back(self, failure: steps.Failure) -> None:
        """Let an address that guesses wait for each answer, longer every time."""
        delay = self._gateway.failed(self)
        if delay > 0:
            self.note(failure.error, failure.description, failure.close)
            self._noted = True
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.connection.wait_closed(), delay)

    async def drain(self) -> None:
        """Read and drop what still comes, so that the closing handshake gets through."""
        try:
            while True:
                await self.connection.recv(decode=False)
        except ConnectionClosed:
            pass

    # Sending

    def offer(self, delivery: OutgoingEvent) -> None:
        """Send an event, at once or when its turn comes."""
        if self.outbox.offer(delivery, self._loop.time()):
            self._gateway.count_replaced()
        self.pump()

    def send(self, message: Message) -> None:
        """Send a message that is no event."""
        self.outbox.reply(self._gateway.frame_of(message), self._loop.time())
        self.pump()

    async def _send_when_saved(self, message: Message) -> None:
        saved = asyncio.wrap_future(self._gateway.authority.saved())
        # A disk that hangs keeps nobody from the vehicle.
        await asyncio.wait([saved], timeout=SAVE_TIMEOUT)
        self.send(message)

    def pump(self) -> None:
        """Send what may go now, and come back for the rest."""
        connection = self.connection
        if self._closing or not self._open:
            return
        now = self._loop.time()
        outbox = self.outbox
        while not connection.choked and self._open:
            item = outbox.pop(now)
            if item is None:
                break
            if isinstance(item, OutgoingEvent):
                self._gateway.count_delivery(item)
                self._write(outbox.bytes_of(item))
            else:
                self._write(item)
        if len(outbox):
            self._look_again(now)

    @property
    def _open(self) -> bool:
        # The library learns of a lost connection later than the transport does.
        return (
            self.connection.state is WireState.OPEN and not self.connection.transport.is_closing()
        )

    def _write(self, frame: bytes) -> None:
        if self._gateway.config.compression:
            broadcast([self.connection], payload_of(frame).decode())
        else:
            self.connection.transport.write(frame)

    def _look_again(self, now: float) -> None:
        reason = self.outbox.overflow(now)
        if reason is not None:
            self.fail(ErrorCode.SLOW_CONSUMER, f'{reason}; read faster or subscribe to less')
            return
        due = self.outbox.stale_at() if self.connection.choked else self.outbox.due(now)
        if due is None or (self._pump_timer is not None and now < self._pump_at <= due):
            return
        if due <= now:
            return  # only the server's own limit holds it back, and that will call
        if self._pump_timer is not None:
            self._pump_timer.cancel()
        self._pump_at = due
        self._pump_timer = self._loop.call_at(due, self._pump_again)

    def _pump_again(self) -> None:
        self._pump_timer = None
        self.pump()

    # Ending

    def fail(
        self,
        error: ErrorCode,
        description: str,
        request_id: str | None = None,
        close: int | None = None,
    ) -> None:
        """Tell of an error; close if it is one of those that close, or `close` is given."""
        close = error.close if close is None else close
        message = self._gateway.error(error, description, request_id)
        if self._closing:
            return
        self.note(error, description, close)
        if close is None:
            self.send(message)
            return
        # Past all that waits: after this nothing goes.
        if self._open:
            self._write(self._gateway.frame_of(message))
        self.close(close, description)

    def note(self, error: ErrorCode, description: str, close: int | None) -> None:
        """Put a failure into the audit log, once."""
        if not self._noted:
            self._gateway.record_failure(
                self, error=error.code, description=description, close=close
            )
        self._noted = False

    def turn_away(self) -> None:
        """End the connection of somebody unknown to make room, without waiting for an answer."""
        if not self.connection.stranger:
            return  # authenticated while this waited for its turn
        if self._closing:
            self.connection.transport.abort()
            return
        self._hasty = True
        self._noted = True  # by the door
        self.fail(
            ErrorCode.CONNECTION_LIMIT_REACHED,
            'too many peers have not authenticated; send auth right after connecting',
        )

    def _flooded(self) -> None:
        self.connection.on_flood = None
        self.fail(
            ErrorCode.RATE_LIMIT_EXCEEDED,
            'Too many frames that are no whole message',
            close=CLOSE_RATE_LIMIT,
        )

    def close(self, code: int, reason: str) -> None:
        """Start to close the connection; nothing is sent after this."""
        if self._closing:
            return
        self._closing = True
        self.session.close()
        self._gateway.forget(self)
        self._gateway.spawn(self._finish(code, reason))

    async def _finish(self, code: int, reason: str) -> None:
        timeout = self._gateway.config.close_timeout
        if self.connection.stranger:
            timeout = min(timeout, STRANGERS_CLOSE_TIMEOUT)
        try:
            # A close frame's reason holds 123 bytes.
            await asyncio.wait_for(
                self.connection.close(code, reason.encode()[:120].decode(errors='ignore')),
                HASTY_CLOSE_TIMEOUT if self._hasty else timeout,
            )
        except asyncio.TimeoutError:
            self.connection.transport.abort()

    # Time

    def _tick(self) -> None:
        if not self._closing:
            self._gateway.spawn(self._take_time())

    async def _take_time(self) -> None:
        if self.connection.stranger:
            # Patience may end for many at the same moment.
            await self._gateway.lane.call(self.address, lambda: None, ANSWER_WORK)
        if not self._closing:
            await self._act(self.session.tick())
            self._schedule_tick()

    def _schedule_tick(self) -> None:
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        if not self._closing:
            self._tick_timer = self._loop.call_later(self.session.next_tick(), self._tick)

    async def _ping(self) -> None:
        if self.connection.transport.get_write_buffer_size() > 0:
            return  # data on its way asks the same question
        try:
            self._gateway.spawn(self._wait_for(await self.connection.ping()))
        except ConnectionClosed:
            pass  # reading finds that out, too

    async def _wait_for(self, pong: Awaitable[float]) -> None:
        try:
            await pong
        except ConnectionClosed:
            return
        self.session.heard()

    # Actions

    async def _act(self, actions: list[steps.Action]) -> None:
        for action in actions:
            if isinstance(action, steps.Reply) and action.when_saved:
                self._gateway.spawn(self._send_when_saved(action.message))
            elif isinstance(action, steps.Reply):
                self.send(action.message)
            elif isinstance(action, steps.Failure):
                self.fail(action.error, action.description, action.request_id, action.close)
            elif isinstance(action, steps.Close):
                self.close(action.code, action.reason)
            elif isinstance(action, steps.SendPing):
                await self._ping()
            elif isinstance(action, steps.Authenticated):
                self.outbox.numbered = self.session.resumable
                self.outbox.retain(self.session.may_read)
                self._gateway.authenticated(self, action)
            elif isinstance(action, steps.Subscribed):
                self._subscribed(action)
            elif isinstance(action, steps.Unsubscribed):
                self._gateway.unsubscribe(self, action.removed)
                self.outbox.retain(self.session.may_read)
                self._gateway.record('unsubscribe', self, types=action.removed)
            elif isinstance(action, steps.Replay):
                self._replay(action)
            elif isinstance(action, steps.Run):
                await self._run(action)
            self.outbox.numbered = self.session.resumable

    def _subscribed(self, action: steps.Subscribed) -> None:
        for kind in (kind for kind in action.granted if EVENTS[kind].is_state):
            self.outbox.set_rate(kind, self.session.rate_of(kind))
        self._gateway.subscribe(self, action.granted)
        self._gateway.record('subscribe', self, types=action.granted, denied=action.denied)
        for delivery in self._gateway.last_values(action.added):
            self.outbox.offer(delivery, self._loop.time())
        self.pump()

    def _replay(self, action: steps.Replay) -> None:
        ring, command = self._gateway.ring, action.command
        events = ring.after(command.epoch, command.after)
        wanted = (
            []
            if events is None
            else [delivery for delivery in events if self.session.may_read(delivery.kind.name)]
        )
        self.outbox.numbered = True
        result = replies.ResumeResult(
            timestamp=self._gateway.stamp(),
            request_id=command.request_id,
            data=replies.ResumeResultData(
                recovered=events is not None, replayed=len(wanted), epoch=ring.epoch, seq=ring.seq
            ),
        )
        self.outbox.replay(wanted, self._gateway.frame_of(result), self._loop.time())
        self._gateway.record('resume', self, after=command.after, recovered=events is not None)
        self.pump()

    async def _run(self, action: steps.Run) -> None:
        name = action.command.type  # type: ignore[attr-defined]
        if len(self._running) >= MAX_RUNNING:
            if name != 'emergency_stop':
                self._gateway.refuse(
                    self,
                    action.command,
                    f'{MAX_RUNNING} commands are under way, wait for their results',
                )
                return
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        session = self.session
        caller = Caller(session.client_id, session.session_id, session.subject, session.role)
        task = self._gateway.spawn(self._gateway.run(self, action.command, caller))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
