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
"""One connected client: reads its messages and carries out the actions of its session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from websockets.exceptions import ConnectionClosed

from oht50_bridge.gateway.actions import Action
from oht50_bridge.gateway.actions import Authenticated
from oht50_bridge.gateway.actions import CloseConnection
from oht50_bridge.gateway.actions import ReplayEvents
from oht50_bridge.gateway.actions import RunCommand
from oht50_bridge.gateway.actions import SendError
from oht50_bridge.gateway.actions import SendMessage
from oht50_bridge.gateway.actions import SendPing
from oht50_bridge.gateway.actions import Subscribed
from oht50_bridge.gateway.actions import Unsubscribed
from oht50_bridge.gateway.command_runner import CommandRunner
from oht50_bridge.gateway.connection import Connection
from oht50_bridge.gateway.context import GatewayContext
from oht50_bridge.gateway.sender import Sender
from oht50_bridge.gateway.session import Session
from oht50_bridge.protocol import commands
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.errors import CLOSE_RATE_LIMIT
from oht50_bridge.protocol.errors import ErrorCode

SAVE_TIMEOUT = 1.0  # s
#: Cost of sending the answer to a message of an unauthenticated connection, s.
ANSWER_COST = 0.0003
#: s for the closing handshake of an unauthenticated connection, and of one that must make room.
UNAUTHENTICATED_CLOSE_TIMEOUT = 1.0
EVICTED_CLOSE_TIMEOUT = 0.05


class ConnectedClient:
    """One connected client: its connection, its session, its sender.

    Args:
        context: the collaborators of the gateway.
        connection: its WebSocket.

    """

    def __init__(self, context: GatewayContext, connection: Connection) -> None:
        self._context = context
        self._loop = context.loop
        self.connection = connection
        self.address = connection.address
        config = context.config
        self.session = Session(
            config,
            context.authority,
            context.roles,
            context.history.epoch,
            context.clock,
            full=lambda: context.registry.full(self.address),
            charge=lambda: context.addresses.command(self.address, context.loop.time()),
        )
        self.sender = Sender(
            context,
            connection,
            self.session.may_read,
            lambda reason: self.fail(ErrorCode.SLOW_CONSUMER, reason),
        )
        self._commands = CommandRunner(context, self.session, self.sender)
        self._tick_timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._close_timeout = config.close_timeout
        connection.on_flood = self._on_flood
        if connection.pending is not None:
            connection.pending.drop = self._evict

    async def serve(self) -> None:
        """Read until the connection ends."""
        self.session.open()
        self.connection.opened()
        try:
            assert self.connection.request is not None
            early = self._context.handshake.early_auth(self.connection.request)
            if early is not None:
                await self._step_scheduled(lambda: self.session.authenticate(early))
            self._tick()
            while not self._closing:
                message = await self.connection.recv()
                if self._closing:
                    await self._act(self.session.stop(message))
                    break
                if self.connection.authenticated:
                    await self._act(self.session.receive(message))
                else:
                    await self._step_scheduled(partial(self.session.receive, message))
                self._schedule_tick()
        except ConnectionClosed:
            pass
        finally:
            self.session.close()
            self._closing = True
            self.connection.on_flood = None
            self.sender.close()
            if self._tick_timer is not None:
                self._tick_timer.cancel()

    async def drain(self) -> None:
        """Read what still arrives until the closing handshake is complete: only a stop counts."""
        with suppress(ConnectionClosed):
            while True:
                await self._act(self.session.stop(await self.connection.recv()))

    async def _step_scheduled(self, step: Callable[[], list[Action]]) -> None:
        """Run a step of an unauthenticated session when the scheduler reaches it."""
        actions = await self._context.scheduler.call(
            self.address, lambda: step() if not self._closing else [], ANSWER_COST
        )
        await self._act([await self._delay_failure(action) for action in actions])

    async def _delay_failure(self, action: Action) -> Action:
        """Delay the answer to a failed authentication, longer after each of an address."""
        if (
            not isinstance(action, SendError)
            or action.error is not ErrorCode.AUTHENTICATION_FAILED
        ):
            return action
        delay = self._context.addresses.failed(self.address, self._loop.time())
        if delay <= 0:
            return action
        self._record_failure(action)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.connection.wait_closed(), delay)
        return replace(action, recorded=True)

    async def _send_when_saved(self, message: Message) -> None:
        saved = asyncio.wrap_future(self._context.authority.saved())
        # A disk that hangs must not lock clients out.
        await asyncio.wait([saved], timeout=SAVE_TIMEOUT)
        self.sender.send(message)

    # Ending

    def fail(
        self,
        error: ErrorCode,
        description: str,
        request_id: str | None = None,
        close: int | None = None,
    ) -> None:
        """Send an error; close if the error closes, or if `close` is given."""
        self._send_error(SendError(error, description, request_id, close))

    def _send_error(self, action: SendError) -> None:
        close = action.error.close if action.close is None else action.close
        message = self._context.responses.error(
            action.error, action.description, action.request_id
        )
        if self._closing:
            return
        if not action.recorded:
            self._record_failure(replace(action, close=close))
        if close is None:
            self.sender.send(message)
        else:
            self.sender.send_last(message)
            self.close(close, action.description)

    def _record_failure(self, action: SendError) -> None:
        self._context.trail.failure(
            self.session,
            self.address,
            action.error.code,
            description=action.description,
            close=action.close,
        )

    def _evict(self) -> None:
        """Close an unauthenticated connection to make room; the listener has recorded it."""
        if self.connection.authenticated:
            return  # it authenticated while this waited for its turn
        if self._closing:
            self.connection.abort()
            return
        self._close_timeout = EVICTED_CLOSE_TIMEOUT
        self._send_error(
            SendError(
                ErrorCode.CONNECTION_LIMIT_REACHED,
                'too many connections have not authenticated; send auth right after connecting',
                recorded=True,
            )
        )

    def _on_flood(self) -> None:
        self.connection.on_flood = None
        self.fail(
            ErrorCode.RATE_LIMIT_EXCEEDED,
            'Too many frames that are no complete message',
            close=CLOSE_RATE_LIMIT,
        )

    def close(self, code: int, reason: str) -> None:
        """Start to close the connection; nothing is sent after this."""
        if self._closing:
            return
        self._closing = True
        self.session.close()
        self.sender.close()
        self._context.tasks.spawn(self._finish(code, reason))

    async def _finish(self, code: int, reason: str) -> None:
        timeout = self._close_timeout
        if not self.connection.authenticated:
            timeout = min(timeout, UNAUTHENTICATED_CLOSE_TIMEOUT)
        try:
            # The reason of a close frame has at most 123 bytes.
            await asyncio.wait_for(
                self.connection.close(code, reason.encode()[:120].decode(errors='ignore')), timeout
            )
        except asyncio.TimeoutError:
            self.connection.abort()

    # Time

    def check(self) -> None:
        """End the session, or do what else is due; called for all clients each second."""
        if not self._closing and self.session.next_tick() <= 0:
            self._tick()

    def _tick(self) -> None:
        if not self._closing:
            self._context.tasks.spawn(self._on_tick())

    async def _on_tick(self) -> None:
        if not self.connection.authenticated:
            # The time limit may end for many connections at the same moment.
            await self._context.scheduler.call(self.address, lambda: None, ANSWER_COST)
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
            return  # data in the buffer tests the connection as well
        with suppress(ConnectionClosed):  # reading ends, too
            self._context.tasks.spawn(self._wait_for(await self.connection.ping()))

    async def _wait_for(self, pong: Awaitable[float]) -> None:
        with suppress(ConnectionClosed):
            await pong
            self.session.heard()

    # Actions

    async def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SendMessage(message, when_saved=True):
                    self._context.tasks.spawn(self._send_when_saved(message))
                case SendMessage(message):
                    self.sender.send(message)
                case SendError():
                    self._send_error(action)
                case CloseConnection(code, reason):
                    self.close(code, reason)
                case SendPing():
                    await self._ping()
                case Authenticated():
                    self._on_authenticated(action)
                case Subscribed():
                    self._on_subscribed(action)
                case Unsubscribed(removed):
                    self._context.hub.unsubscribe(self.sender, removed)
                    self.sender.outbox.retain(self.session.may_read)
                    self._context.trail.client('unsubscribe', self.session, types=removed)
                case ReplayEvents(command):
                    self._replay(command)
                case RunCommand(command, ignored):
                    await self._commands.run(command, ignored)
            self.sender.outbox.numbered = self.session.resumable

    def _on_authenticated(self, action: Authenticated) -> None:
        connection = self.connection
        self.sender.outbox.numbered = self.session.resumable
        self.sender.outbox.retain(self.session.may_read)
        if not connection.authenticated:
            connection.authenticated = True
            if connection.pending is not None:
                self._context.listener.leave(connection.pending)
        what = 'auth.extended' if action.again else 'auth'
        self._context.trail.client(
            'auth.repeated' if action.repeated else what,
            self.session,
            peer=self.address,
            token=action.claims.token_id,
            family=action.claims.family,
        )

    def _on_subscribed(self, action: Subscribed) -> None:
        rates = {kind: self.session.rate_of(kind) for kind in action.granted}
        self._context.hub.subscribe(self.sender, rates)
        self._context.trail.client(
            'subscribe', self.session, types=action.granted, denied=action.denied
        )
        self._context.hub.send_last_values(self.sender, action.added)

    def _replay(self, command: commands.Resume) -> None:
        if self.sender.outbox.is_replaying:
            # Each goes through the whole history while everybody else waits.
            reason = 'a resume is in progress: wait for its resume.result'
            self.fail(ErrorCode.RATE_LIMIT_EXCEEDED, reason, command.request_id)
            return
        history, responses = self._context.history, self._context.responses
        missed = history.after(command.epoch, command.after)
        readable = [event for event in missed or [] if self.session.may_read(event.kind.name)]
        self.sender.outbox.numbered = True
        result = replies.ResumeResult(
            timestamp=responses.stamp(),
            request_id=command.request_id,
            data=replies.ResumeResultData(
                recovered=missed is not None,
                replayed=len(readable),
                epoch=history.epoch,
                seq=history.seq,
            ),
        )
        self.sender.outbox.replay(readable, responses.frame(result), self._loop.time())
        self._context.trail.client(
            'resume', self.session, after=command.after, recovered=missed is not None
        )
        self.sender.pump()
