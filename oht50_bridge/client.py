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
"""Client library for the WebSocket bridge of a vehicle.

Example:
    async with Client('ws://127.0.0.1:8000/ws/telemetry', token) as vehicle:
        await vehicle.subscribe('telemetry.*')
        async for event in vehicle.events():
            print(event['data'])

"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import InvalidURI

REPLY_TIMEOUT = 5.0  # s; the bridge itself gives up after 2 s


class BridgeError(Exception):
    """The bridge refused a token or a command.

    Attributes:
        code: error code, such as WS-006.

    """

    def __init__(self, message: dict[str, Any]) -> None:
        code, name = message['error_code'], message['error_name']
        super().__init__(f'{code} {name}: {message["description"]}')
        self.code: str = code


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Name the address in an error of its port or of the name of its host."""
    try:
        yield
    except ValueError as error:
        raise InvalidURI(url, str(error)) from error


class Client:
    """A connection to a bridge: `async with` connects and authenticates, its end closes.

    Args:
        url: address of the bridge, such as ws://127.0.0.1:8000/ws/telemetry.
        token: access token.

    Attributes:
        established: data of `connection.established`: role, session_id, limits and so on.

    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        with _named(url):
            self._connecting = connect(url, proxy=None)
        self._connection: ClientConnection | None = None
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._request_ids = map(str, itertools.count(1))
        self._reader: asyncio.Task[None] | None = None
        self.established: dict[str, Any] = {}

    async def __aenter__(self) -> Client:
        """Connect and authenticate.

        Raises:
            OSError: no bridge accepts connections at the address.
            WebSocketException: the address is not that of a bridge, or the connection was lost.
            BridgeError: the bridge refused the token.

        """
        with _named(self._url):
            self._connection = await self._connecting.__aenter__()
        try:
            await self._send({'type': 'auth', 'token': self._token})
            reply = json.loads(await self._connection.recv())
            if reply['type'] == 'error':
                raise BridgeError(reply)
        except BaseException as error:
            await self._connecting.__aexit__(type(error), error, error.__traceback__)
            raise
        self.established = reply['data']
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
        await self._connecting.__aexit__(kind, error, traceback)

    async def subscribe(self, *patterns: str, rate: float | None = None) -> dict[str, Any]:
        """Subscribe to events and return the data of `subscription.confirmed`.

        Args:
            patterns: types of events, families such as mission.*, or * for all.
            rate: limit for the state-class events of each type, Hz; None: the vehicle's own.

        Raises:
            BridgeError: the bridge refused the command.
            TimeoutError: no reply came within 5 s.
            ConnectionClosed: the connection was lost.

        """
        command: dict[str, Any] = {'events': list(patterns)}
        if rate is not None:
            command['rate'] = rate
        return await self._request('subscribe', command)

    async def call(self, command: str, **fields: Any) -> dict[str, Any]:
        """Send a command and return the data of its reply.

        Raises:
            BridgeError: the bridge refused the command.
            TimeoutError: no reply came within 5 s.
            ConnectionClosed: the connection was lost.

        """
        return await self._request(command, fields)

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield events until the connection is lost; unread events wait here without limit.

        Raises:
            ConnectionClosed: the connection was lost; its code says why.

        """
        while (event := await self._events.get()) is not None:
            yield event
        raise self._opened.protocol.close_exc

    @property
    def _opened(self) -> ClientConnection:
        if self._connection is None:
            raise RuntimeError('the client is not connected: use it in `async with`')
        return self._connection

    async def _send(self, message: dict[str, Any]) -> None:
        await self._opened.send(json.dumps(message, allow_nan=False))

    async def _request(self, command: str, fields: dict[str, Any]) -> dict[str, Any]:
        request_id = next(self._request_ids)
        reply = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        try:
            await self._send({'type': command, 'request_id': request_id, **fields})
            message = await asyncio.wait_for(reply, REPLY_TIMEOUT)
        except asyncio.TimeoutError:
            raise TimeoutError(f'no reply to {command} within {REPLY_TIMEOUT:g} s') from None
        finally:
            del self._waiting[request_id]
        if message['type'] == 'error':
            raise BridgeError(message)
        data: dict[str, Any] = message['data']
        return data

    async def _read(self) -> None:
        connection = self._opened
        with suppress(ConnectionClosed):
            async for text in connection:
                message = json.loads(text)
                reply = self._waiting.get(message.get('request_id'))
                if reply is not None and not reply.done():
                    reply.set_result(message)
                else:
                    self._events.put_nowait(message)
        self._events.put_nowait(None)
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(connection.protocol.close_exc)
