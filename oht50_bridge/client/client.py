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
"""The client, in asyncio."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from typing import cast

from oht50_bridge.client.actions import Answered
from oht50_bridge.client.actions import ClientAction
from oht50_bridge.client.actions import ErrorOccurred
from oht50_bridge.client.actions import EventReceived
from oht50_bridge.client.actions import Failed
from oht50_bridge.client.actions import GapFound
from oht50_bridge.client.actions import RoleChanged
from oht50_bridge.client.actions import StateChanged
from oht50_bridge.client.actions import TokensIssued
from oht50_bridge.client.core import ClientCore
from oht50_bridge.client.driver import Driver
from oht50_bridge.client.driver import GetToken
from oht50_bridge.client.driver import supplied
from oht50_bridge.client.errors import Denied
from oht50_bridge.client.errors import NotSent
from oht50_bridge.client.link import check_url
from oht50_bridge.client.listeners import Callback
from oht50_bridge.client.listeners import Listeners
from oht50_bridge.client.options import BackoffLimits
from oht50_bridge.client.options import ClientOptions
from oht50_bridge.client.options import Refresh
from oht50_bridge.client.options import Subscription
from oht50_bridge.client.reports import LinkState
from oht50_bridge.client.reports import StopResult
from oht50_bridge.client.reports import Tokens
from oht50_bridge.client.stop_order import STOP_RETRIED
from oht50_bridge.client.stopping import Stopping
from oht50_bridge.client.streams import EventStream
from oht50_bridge.client.typed import Event
from oht50_bridge.client.waiters import Waiters


class Client:
    """A client that stays connected: `async with` connects, its end closes.

    Args:
        url: address of the bridge, such as ws://127.0.0.1:8000/ws/telemetry.
        token: access token; None: `get_token` is asked.
        get_token: function, or coroutine function, that is called with the reason `first`,
            `expiring` or `refused` and returns a token, or None: there is none. When it raises,
            it is called again later.
        refresh_token: works once; extends the session when the token is about to expire.
        client_id: names the client in the audit log of the bridge.
        refresh, subscriptions, backoff, connect_timeout, command_timeout, probe_after,
        pong_timeout, resume, queue: see ClientOptions.

    Raises:
        InvalidURI: the address can be none of a bridge.
        ValueError: neither `token` nor `get_token` is given.

    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        get_token: GetToken | None = None,
        refresh_token: str | None = None,
        client_id: str | None = None,
        refresh: Refresh = 'client',
        subscriptions: Iterable[Subscription] = (Subscription(),),
        backoff: BackoffLimits = ClientOptions.backoff,
        connect_timeout: float = ClientOptions.connect_timeout,
        command_timeout: float = ClientOptions.command_timeout,
        probe_after: float = ClientOptions.probe_after,
        pong_timeout: float = ClientOptions.pong_timeout,
        resume: bool = ClientOptions.resume,
        queue: int = ClientOptions.queue,
    ) -> None:
        check_url(url)
        if token is None and get_token is None:
            raise ValueError('give a token or get_token')
        self.url = url
        self._options = ClientOptions(
            client_id=client_id,
            refresh=refresh,
            subscriptions=tuple(subscriptions),
            backoff=backoff,
            connect_timeout=connect_timeout,
            command_timeout=command_timeout,
            probe_after=probe_after,
            pong_timeout=pong_timeout,
            resume=resume,
            queue=queue,
        )
        tokens = None if token is None else Tokens(token, refresh_token)
        self._get_token = get_token
        self._core = ClientCore(self._options, tokens, get_token is not None, random.random)
        self._driver = Driver(self._core, url, get_token, self._report)
        self._listeners = Listeners()
        self._streams: list[EventStream] = []
        self._waiters = Waiters()
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._status: str | None = None  # of the vehicle
        self.on('system.status', self._on_status)

    @property
    def state(self) -> LinkState:
        """The state of the connection."""
        return self._core.state

    @property
    def role(self) -> str:
        """The role in force, as the bridge names it; empty before there is one."""
        return self._core.dialogue.role

    @property
    def established(self) -> Mapping[str, Any]:
        """The data of `connection.established`: role, limits and so on; empty without one."""
        return self._core.dialogue.established or {}

    async def __aenter__(self) -> Client:
        """Connect, see `connect`."""
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    async def connect(self, attempts: int | None = None) -> None:
        """Return when the client is live; repeating it has no effect.

        It does not give up when the bridge is merely unreachable. Who stops waiting, such as by
        `asyncio.wait_for`, does not end the attempts; `close` does.

        Args:
            attempts: raise the error of the last one if so many fail; None: wait for ever.

        Raises:
            Denied: there is no token, or it was refused and there is no other.
            OSError, WebSocketException, TimeoutError: `attempts` failed.

        """
        self._driver.run(self._core.connect(self._driver.now))
        if self.state.name != 'live':
            await self._waiters.wait(attempts)

    async def close(self) -> None:
        """End; iterators end, commands that wait for their reply fail."""
        self._driver.run(self._core.close())
        await self._driver.finish()

    def retry(self) -> None:
        """Connect now instead of waiting; at most once a second."""
        self._driver.run(self._core.retry(self._driver.now))

    async def subscribe(self, *patterns: str, rate: float | None = None) -> dict[str, Any] | None:
        """Subscribe to events, now and on each new connection.

        Args:
            patterns: types of events, families such as mission.*, or * for all.
            rate: limit for the state-class events of each type, Hz; None: the vehicle's own.

        Returns:
            The data of `subscription.confirmed`; None where the client is not live: then it is a
            part of what makes it live.

        Raises:
            BridgeError: the bridge refused it.
            OutcomeUnknown: no reply came.

        """
        timeout, now = self._options.command_timeout, self._driver.now
        request_id, actions = self._core.subscribe(patterns, rate, timeout, now)
        return None if request_id is None else await self._reply(request_id, actions)

    async def unsubscribe(self, *patterns: str) -> dict[str, Any] | None:
        """End subscriptions, now and on each new connection; as `subscribe`."""
        timeout, now = self._options.command_timeout, self._driver.now
        request_id, actions = self._core.unsubscribe(patterns, timeout, now)
        return None if request_id is None else await self._reply(request_id, actions)

    async def call(
        self, command: str, *, timeout: float | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Send a command and return the data of its reply. It is never sent late, nor twice.

        That the vehicle does not accept it is no error: see `accepted` and `message`.

        Args:
            command: its name.
            timeout: s for the reply; None: that of the options.
            fields: its fields.

        Raises:
            NotSent: there is no connection.
            BridgeError: the bridge refused it.
            OutcomeUnknown: no reply came, or the connection was lost: it may have happened.

        """
        return await self.request(command, fields, timeout)

    async def request(
        self, command: str, fields: Mapping[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        """Send a command whose fields may have any name; as `call`."""
        seconds = self._options.command_timeout if timeout is None else timeout
        request_id, actions = self._core.call(command, fields, seconds, self._driver.now)
        return await self._reply(request_id, actions)

    async def stop(
        self,
        reason: str = '',
        *,
        timeout: float = STOP_RETRIED,
        fields: Mapping[str, Any] | None = None,
    ) -> StopResult:
        """Stop the vehicle. The only command that is sent again, and that needs no connection.

        It is sent on the connection, or on one of its own where that is not live; without a
        confirmation on another one after 0.5 s, and then each second. Nothing is sent after it
        returned.

        Args:
            reason: goes into the audit log.
            timeout: s, after which it gives up.
            fields: instead of `reason`.

        Raises:
            BridgeError: the role may not stop the vehicle.

        """
        sent = {'reason': reason} if fields is None else dict(fields)
        stopping = Stopping(self.url, sent, self._token, self._status)

        def note(event: dict[str, Any]) -> None:
            stopping.event(event, self.state.name == 'live')

        def send() -> Awaitable[dict[str, Any]]:
            return self.request('emergency_stop', sent, timeout)

        is_live = self.state.name == 'live'
        removers = [self.on(kind, note) for kind in ('safety.estop', 'system.status')]
        try:
            return await stopping.run(timeout, send if is_live else None)
        finally:
            for remove in removers:
                remove()
            self._driver.keep(asyncio.create_task(stopping.closed()))

    def events(self, *patterns: str) -> EventStream:
        """Return an iterator over events from now on, and over gaps; patterns default to all.

        It goes on over lost connections and ends with the client. What it yields must be
        subscribed to.

        Raises:
            SlowReader: from the iterator: more than `queue` items waited to be read.
            Denied: from the iterator: the client gave up.

        """
        stream = EventStream(patterns or ('*',), self._options.queue, self._forget)
        self._streams.append(stream)
        return stream

    def on(self, what: str, callback: Callback) -> Callable[[], None]:
        """Call a function for what is reported; return the function that ends that.

        Args:
            what: a type of event, a family such as mission.*, or *; or `state` (LinkState),
                `gap` (Gap), `role` (str), `tokens` (Tokens, that the bridge issued) or `error`
                (Exception: what belongs to no command, such as a callback that raised).
            callback: called with it, in the order in which it came.

        """
        return self._listeners.add(what, callback)

    def _on_status(self, event: dict[str, Any]) -> None:
        self._status = event['data'].get('status')

    def _forget(self, stream: EventStream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)

    async def _token(self, is_refused: bool) -> Tokens | None:
        """Return a token for a connection apart."""
        current = self._core.credentials.current
        if self._get_token is not None and (is_refused or current is None):
            return await supplied(self._get_token, 'refused' if is_refused else 'first')
        return current

    async def _reply(self, request_id: str, actions: list[ClientAction]) -> dict[str, Any]:
        future = asyncio.get_running_loop().create_future()
        self._replies[request_id] = future
        try:
            self._driver.run(actions)
            return cast(dict[str, Any], await future)
        finally:
            del self._replies[request_id]
            self._core.dialogue.abort(request_id)

    def _report(self, action: ClientAction) -> None:
        match action:
            case Answered(request_id, data):
                future = self._replies.get(request_id)
                if future is not None and not future.done():
                    future.set_result(data)
            case Failed(request_id, error):
                future = self._replies.get(request_id)
                if future is not None and not future.done():
                    future.set_exception(error)
            case EventReceived(event):
                for stream in self._streams[:]:
                    stream.put(cast(Event, event))
                self._listeners.event(event)
            case GapFound(gap):
                for stream in self._streams[:]:
                    stream.put(gap)
                self._listeners.report('gap', gap)
            case RoleChanged(role):
                self._listeners.report('role', role)
            case TokensIssued(tokens):
                self._listeners.report('tokens', tokens)
            case ErrorOccurred(failure):
                self._listeners.report('error', failure)
            case StateChanged(state):
                self._entered(state)

    def _entered(self, state: LinkState) -> None:
        ending: Exception | None = None
        if state.name == 'denied':
            ending = Denied(state.reason)
            ending.__cause__ = self._core.dialogue.refusal
        if state.name in ('denied', 'closed'):
            for stream in self._streams[:]:
                stream.end(ending)
        if state.name == 'closed':
            ending = NotSent('the client is closed')
        cause = self._core.dialogue.refusal or self._driver.error or TimeoutError(state.reason)
        self._waiters.entered(state, ending or cause)
        self._listeners.report('state', state)
