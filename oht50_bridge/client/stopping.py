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
"""Carries out an emergency stop: on the client's connection, then on others of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from websockets.exceptions import WebSocketException

from oht50_bridge.client.errors import BadFrameError
from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.errors import ClientError
from oht50_bridge.client.link import opening
from oht50_bridge.client.messages import parsed
from oht50_bridge.client.reports import StopResult
from oht50_bridge.client.reports import Tokens
from oht50_bridge.client.stop_order import StopOrder
from oht50_bridge.protocol.errors import ErrorCode

REQUEST_ID = 'stop'  # on connections on which nothing else is asked for


class Stopping:
    """One emergency stop that is being ordered.

    Args:
        url: address of the bridge.
        fields: those of the command.
        token: returns a token, and another one when called with True: the last was refused.
        status: the last one that the vehicle reported; None: not known.

    """

    def __init__(
        self,
        url: str,
        fields: Mapping[str, Any],
        token: Callable[[bool], Awaitable[Tokens | None]],
        status: str | None,
    ) -> None:
        self._url = url
        self._text = json.dumps({'type': 'emergency_stop', 'request_id': REQUEST_ID, **fields})
        self._token = token
        self._status = status
        self._is_refused = False
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answered: set[asyncio.Task[None]] = set()  # only their closing handshake is left

    async def run(
        self, timeout: float, send_on_connection: Callable[[], Awaitable[dict[str, Any]]] | None
    ) -> StopResult:
        """Send until it is confirmed, or `timeout` s are over.

        Args:
            timeout: as said.
            send_on_connection: sends it on the client's live connection; None: there is none.

        Raises:
            BridgeError: the role may not stop the vehicle.

        """
        loop = asyncio.get_running_loop()
        is_live = send_on_connection is not None
        order = self._order = StopOrder(loop.time(), timeout, is_live, self._status)
        if send_on_connection is not None:
            self._start(self._first(send_on_connection))
        try:
            while order.refusal is None:
                result = order.result(loop.time())
                if result is not None:
                    return result
                if order.due(loop.time()):
                    self._start(self._another())
                self._changed.clear()
                left = max(0.0, order.next_due() - loop.time())
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), left)
            raise order.refusal
        finally:
            for task in self._tasks - self._answered:
                task.cancel()

    async def closed(self) -> None:
        """Wait until the connections of its own are closed."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def event(self, event: dict[str, Any], is_live: bool) -> None:
        """Take note of a `safety.estop` or `system.status` of the client's connection."""
        self._order.event(event, asyncio.get_running_loop().time(), is_live)
        self._changed.set()

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    def _finished(self) -> None:
        """Take note of an answer, for which nobody waits until the connection is closed."""
        task = asyncio.current_task()
        assert task is not None
        self._answered.add(task)
        self._changed.set()

    async def _first(self, send: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._order.sent()
        try:
            data = await send()
        except BridgeError as error:
            self._order.error(error)
        except ClientError as error:
            self._order.failed(error)
            self._order.hasten(asyncio.get_running_loop().time())
        else:
            self._order.answered(data, asyncio.get_running_loop().time())

    async def _another(self) -> None:
        """Send it on a connection of its own, right behind the token."""
        try:
            tokens = await self._token(self._is_refused)
            if tokens is None:
                raise ConnectionError('there is no token')
            async with opening(self._url) as connection:
                await connection.send(json.dumps({'type': 'auth', 'token': tokens.token}))
                await connection.send(self._text)
                self._order.sent()
                async for frame in connection:
                    if self._is_answer(parsed(frame)):
                        self._finished()
                        return
        except (OSError, ValueError, WebSocketException, BadFrameError) as error:
            self._order.failed(error)

    def _is_answer(self, message: dict[str, Any]) -> bool:
        if message['type'] == 'error':
            with suppress(KeyError):
                error = BridgeError(message)
                self._is_refused |= error.code == ErrorCode.AUTHENTICATION_FAILED.code
                self._order.error(error)
                return True
        if message.get('request_id') != REQUEST_ID or message['type'] != 'command.result':
            return False
        self._order.answered(message.get('data', {}), asyncio.get_running_loop().time())
        return True
