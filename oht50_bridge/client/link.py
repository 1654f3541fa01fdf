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
"""One WebSocket of a client, in asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidURI
from websockets.exceptions import WebSocketException
from websockets.uri import parse_uri

FRAMES_AT_ONCE = 64
CLOSE_TIMEOUT = 1.0  # s for the closing handshake; nobody waits for it


@contextmanager
def named(url: str) -> Iterator[None]:
    """Name the address in an error of its port or of the name of its host."""
    try:
        yield
    except ValueError as error:
        raise InvalidURI(url, str(error)) from error


def check_url(url: str) -> None:
    """Check an address.

    Raises:
        InvalidURI: it can be none of a bridge.

    """
    with named(url):
        parse_uri(url).host.encode('idna')


def opening(url: str) -> connect:
    """Return the context manager that connects and closes."""
    with named(url):
        return connect(
            url,
            proxy=None,
            open_timeout=None,  # the caller knows how long it waits
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT,
        )


class LinkOwner(Protocol):
    """Whom a link reports to."""

    def link_opened(self, generation: int) -> None:
        """The WebSocket is open."""

    def link_received(self, generation: int, frame: str | bytes) -> None:
        """A frame came."""

    def link_lost(self, generation: int, code: int | None, error: Exception) -> None:
        """It is closed, or could not be opened; nothing follows."""


class Link:
    """A WebSocket that is opened at once, in a task of its own.

    Args:
        url: address of the bridge.
        generation: goes with everything that is reported.
        owner: whom it reports to, until it is closed here.

    """

    def __init__(self, url: str, generation: int, owner: LinkOwner) -> None:
        self.generation = generation
        self._url = url
        self._owner: LinkOwner | None = owner
        self._connection: ClientConnection | None = None
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._close_code, self._close_reason = 1000, ''
        self.task = asyncio.create_task(self._run())

    def send(self, text: str) -> None:
        """Send a text frame, after those before it."""
        self._texts.put_nowait(text)

    def close(self, code: int, reason: str) -> None:
        """Close; nothing is reported any more."""
        self._owner = None
        self._close_code, self._close_reason = code, reason
        self.task.cancel()

    async def _run(self) -> None:
        code: int | None = None
        try:
            error = await self._serve()
            assert self._connection is not None
            received = self._connection.protocol.close_rcvd
            code = received.code if received is not None else None
        except (OSError, WebSocketException, asyncio.TimeoutError) as failure:
            error = failure
        except ValueError as failure:  # of the name of the host
            error = InvalidURI(self._url, str(failure))
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.link_lost(self.generation, code, error)

    async def _serve(self) -> Exception:
        """Read until the end; return what ended it."""
        async with opening(self._url) as connection:
            self._connection = connection
            writer = asyncio.create_task(self._write(connection))
            try:
                if self._owner is not None:
                    self._owner.link_opened(self.generation)
                number = 0
                async for frame in connection:
                    if self._owner is not None:
                        self._owner.link_received(self.generation, frame)
                    number += 1
                    # Thousands may be there at once, and those who read events need their turn.
                    if number % FRAMES_AT_ONCE == 0:
                        await asyncio.sleep(0)
                return connection.protocol.close_exc
            except asyncio.CancelledError:
                writer.cancel()
                # What was not sent yet is not sent any more.
                with suppress(WebSocketException, OSError, asyncio.TimeoutError):
                    await asyncio.wait_for(self._finish(connection), CLOSE_TIMEOUT)
                # A peer that does not answer. Before Python 3.11.3, no time-out of websockets
                # ends the waiting of a task that was cancelled.
                connection.transport.abort()
                raise
            except WebSocketException as error:
                return error
            finally:
                writer.cancel()

    async def _finish(self, connection: ClientConnection) -> None:
        await connection.close(self._close_code, self._close_reason)

    async def _write(self, connection: ClientConnection) -> None:
        with suppress(WebSocketException):  # the reader reports it
            while True:
                await connection.send(await self._texts.get())
