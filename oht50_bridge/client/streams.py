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
"""Iterators over events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from oht50_bridge.client.errors import SlowReader
from oht50_bridge.client.listeners import matches
from oht50_bridge.client.reports import Gap
from oht50_bridge.client.typed import Event

Item = Event | Gap


class EventStream:
    """The events of some patterns, and the gaps, in the order in which they came.

    It holds what comes from the moment it is made, also over a lost connection.

    Args:
        patterns: types, families such as mission.*, or *.
        capacity: items that may wait for the reader.
        on_end: called when it takes no more items.

    """

    def __init__(
        self, patterns: tuple[str, ...], capacity: int, on_end: Callable[[EventStream], None]
    ) -> None:
        self._patterns = patterns
        self._capacity = capacity
        self._on_end = on_end
        self._items: deque[Item] = deque()
        self._error: Exception | None = None
        self._is_ended = False
        self._waiting: asyncio.Future[None] | None = None

    def put(self, item: Item) -> None:
        """Add an item if it belongs here; a full queue ends the iterator."""
        if self._is_ended:
            return
        if not isinstance(item, Gap) and not any(
            matches(pattern, item['type']) for pattern in self._patterns
        ):
            return
        if len(self._items) >= self._capacity:
            self.end(SlowReader(f'{len(self._items)} items wait to be read; read faster'))
            return
        self._items.append(item)
        self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Take no more items; the reader gets what is there, and then the error."""
        if not self._is_ended:
            self._is_ended, self._error = True, error
            self._on_end(self)
            self._wake()

    async def aclose(self) -> None:
        """End, and drop what is there."""
        self._items.clear()
        self.end()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Item:
        """Return the next item.

        Raises:
            SlowReader: the queue was full, so items are missing after those returned.
            Denied: the client gave up.

        """
        if not await self._filled():
            raise StopAsyncIteration
        return self._items.popleft()

    async def read(self) -> list[Item]:
        """Wait for items and return all that are there; none: the iterator has ended.

        Raises:
            SlowReader, Denied: as `__anext__`.

        """
        await self._filled()
        items = list(self._items)
        self._items.clear()
        return items

    async def _filled(self) -> bool:
        """Wait until there is an item; return whether there is one."""
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._is_ended:
                return False
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return True

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
