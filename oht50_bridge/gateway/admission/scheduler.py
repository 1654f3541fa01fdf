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
"""Schedules the work of unauthenticated peers fairly, in short slices.

Work that a peer causes before it has authenticated is done in slices that are short against the
10 ms by which it may delay authenticated clients, with pauses between the slices for these.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections import deque
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar('Result')

#: Seconds of work in a slice, and of pause between slices while more work is queued.
SLICE = 0.002
PAUSE = 0.004

_log = logging.getLogger(__name__)


class FairScheduler:
    """Runs pieces of work in slices, for each address in the order of arrival.

    Addresses alternate, so that a flood from some of them does not delay another one.

    Args:
        loop: runs everything.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: OrderedDict[str, deque[tuple[Callable[[], None], float]]] = OrderedDict()
        self._next: asyncio.Handle | None = None
        self._free_at = 0.0
        self._slice_length = SLICE

    def submit(self, address: str, work: Callable[[], None], cost: float = 0.0) -> None:
        """Queue a piece of work.

        Args:
            address: the peer that causes it.
            work: it must not raise.
            cost: s of later work in the event loop that it causes, which is not measured here.

        """
        self._waiting.setdefault(address, deque()).append((work, cost))
        if self._next is None:
            self._next = self._loop.call_at(self._free_at, self._run_slice)

    async def call(
        self, address: str, function: Callable[[], Result], cost: float = 0.0
    ) -> Result:
        """Run a function when its turn has come; return or raise what it does."""
        done: asyncio.Future[Result] = self._loop.create_future()

        def work() -> None:
            if done.done():
                return  # the caller was cancelled
            try:
                done.set_result(function())
            except Exception as error:
                done.set_exception(error)

        self.submit(address, work, cost)
        return await done

    def drain(self) -> None:
        """Run all work at once from now on: no client is left that it could delay."""
        self._slice_length = float('inf')
        if self._next is not None:
            self._next.cancel()
            self._run_slice()

    def close(self) -> None:
        """Discard all work."""
        self._waiting.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _run_slice(self) -> None:
        begin = self._loop.time()
        spent = 0.0
        later = 0.0
        while self._waiting and spent < self._slice_length:
            address, queue = self._waiting.popitem(last=False)
            work, cost = queue.popleft()
            if queue:
                self._waiting[address] = queue
            try:
                work()
            except Exception:
                # A defect must not block all peers.
                _log.exception('defect in the work of a peer')
            later += cost
            spent = self._loop.time() - begin + later
        # The later work runs right after this slice.
        self._free_at = begin + spent + PAUSE if spent >= self._slice_length else 0.0
        self._next = self._loop.call_at(self._free_at, self._run_slice) if self._waiting else None
