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
"""The client for programs without asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Iterator
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from typing import Generic
from typing import TypeVar

from oht50_bridge.client.client import Client
from oht50_bridge.client.errors import NotSent
from oht50_bridge.client.listeners import Callback
from oht50_bridge.client.reports import LinkState
from oht50_bridge.client.reports import StopResult
from oht50_bridge.client.stop_order import STOP_RETRIED
from oht50_bridge.client.streams import EventStream
from oht50_bridge.client.streams import Item

T = TypeVar('T')
WAKE_PERIOD = 0.2  # s; a signal that comes just before a wait would be seen only at its end


class BlockingClient:
    """A client in a thread of its own; its methods may be called from any other thread.

    `with` connects, its end closes. Ctrl-C interrupts what waits in the main thread, and the end
    of `with` then closes as always.

    Args:
        url: address of the bridge.
        token: access token; None: `get_token` is asked.
        options: those of Client. Functions are called in the thread of the client, and must not
            call the methods of this class.

    Raises:
        InvalidURI, ValueError: as Client.

    """

    def __init__(self, url: str, token: str | None = None, **options: Any) -> None:
        self._client = Client(url, token, **options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        # Held to hand over work, so that none comes to a loop that is stopped.
        self._lock = threading.Lock()

    @property
    def state(self) -> LinkState:
        """The state of the connection."""
        return self._client.state

    @property
    def role(self) -> str:
        """The role in force; empty before there is one."""
        return self._client.role

    @property
    def established(self) -> Mapping[str, Any]:
        """The data of `connection.established`; empty without a connection."""
        return self._client.established

    def __enter__(self) -> BlockingClient:
        """Connect, see `connect`."""
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def connect(self, attempts: int | None = None) -> None:
        """Return when the client is live, see Client.connect."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_run, args=(self._loop,), name='oht50-client', daemon=True
            )
            self._thread.start()
        self._wait_for(self._client.connect(attempts))

    def close(self) -> None:
        """End the client and its thread. Repeating it has no effect."""
        if self._loop is None:
            return
        try:
            self._wait_for(self._client.close())
        finally:
            with self._lock:
                loop, self._loop = self._loop, None
                if loop is not None:
                    loop.call_soon_threadsafe(loop.stop)
            if self._thread is not None:
                self._thread.join()

    def retry(self) -> None:
        """Connect now instead of waiting; at most once a second."""
        self._wait_for(_called(self._client.retry))

    def subscribe(self, *patterns: str, rate: float | None = None) -> dict[str, Any] | None:
        """See Client.subscribe."""
        return self._wait_for(self._client.subscribe(*patterns, rate=rate))

    def unsubscribe(self, *patterns: str) -> dict[str, Any] | None:
        """See Client.unsubscribe."""
        return self._wait_for(self._client.unsubscribe(*patterns))

    def call(self, command: str, *, timeout: float | None = None, **fields: Any) -> dict[str, Any]:
        """See Client.call."""
        return self.request(command, fields, timeout)

    def request(
        self, command: str, fields: Mapping[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        """See Client.request."""
        return self._wait_for(self._client.request(command, fields, timeout))

    def stop(self, reason: str = '', *, timeout: float = STOP_RETRIED) -> StopResult:
        """See Client.stop."""
        return self._wait_for(self._client.stop(reason, timeout=timeout))

    def events(self, *patterns: str, timeout: float | None = None) -> Iterator[Item]:
        """Return an iterator over events from now on, see Client.events.

        Args:
            patterns: types of events, families, or *.
            timeout: s without an event after which the iterator ends; None: it goes on.

        """
        stream = self._wait_for(_called(lambda: self._client.events(*patterns)))
        return self._items(stream, timeout)

    def on(self, what: str, callback: Callback) -> Callable[[], None]:
        """See Client.on; the function is called in the thread of the client."""
        return self._client.on(what, callback)

    def _items(self, stream: EventStream, timeout: float | None) -> Iterator[Item]:
        try:
            # All at once: to wait for each alone takes longer than they need to come.
            while items := self._read(stream, timeout):
                yield from items
        finally:
            with self._lock:
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(stream.end)

    def _read(self, stream: EventStream, timeout: float | None) -> list[Item]:
        try:
            return self._wait_for(asyncio.wait_for(stream.read(), timeout))
        except (NotSent, TimeoutError, asyncio.TimeoutError):
            return []

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        waiting = _Waiting(work)
        try:
            with self._lock:
                if self._loop is None:
                    work.close()
                    raise RuntimeError('the client is not connected: use it in `with`')
                self._loop.call_soon_threadsafe(waiting.begin)
            return waiting.result()
        except asyncio.CancelledError:
            raise NotSent('the client is closed') from None
        except BaseException:  # also of Ctrl-C: nobody waits any more
            with self._lock:
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(waiting.cancel)
            raise


class _Waiting(Generic[T]):
    """Work in the thread of the client, which another thread waits for.

    Ctrl-C may interrupt the wait anywhere. In a wait of `concurrent.futures` it leaves a lock
    locked at times, for which the thread of the client then waits without end.

    Args:
        work: what is done.

    """

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        # Not for the thread that waits: a Ctrl-C amid the end of a task's life would be lost.
        self._task: asyncio.Task[T] | None = None
        self._value: T
        self._error: BaseException | None = None
        self._running = threading.Lock()
        self._running.acquire()

    def begin(self) -> None:
        """Begin the work; call this in the thread of the client."""
        self._task = asyncio.ensure_future(self._work)
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[T]) -> None:
        self._task = None
        if task.cancelled():
            self._error = asyncio.CancelledError()
        elif (error := task.exception()) is not None:
            self._error = error
        else:
            self._value = task.result()
        self._running.release()

    def cancel(self) -> None:
        """End the work, since nobody waits any more; call this in the thread of the client."""
        if self._task is not None:
            self._task.cancel()

    def result(self) -> T:
        """Wait for the end of the work, and return or raise its result."""
        while not self._running.acquire(timeout=WAKE_PERIOD):
            pass
        if self._error is not None:
            raise self._error
        return self._value


async def _called(function: Callable[[], T]) -> T:
    return function()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
