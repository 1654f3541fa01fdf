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
"""Work for peers that nobody knows yet, a little at a time.

Whatever a peer causes before it has authenticated is done in turns that are short against the
10 ms it may cost those who have, with pauses between them that belong to these.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections import deque
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar('Result')

#: Seconds of work in a turn, and from the end of one turn to the next while more waits.
TURN = 0.002
PAUSE = 0.004

_log = logging.getLogger(__name__)


class FairScheduler:
    """Does pieces of work in turns of the event loop, in the order of arrival for each address.

    Addresses take turns, so that a flood from some does not keep another one waiting.

    Args:
        loop: in whose thread everything happens.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: OrderedDict[str, deque[tuple[Callable[[], None], float]]] = OrderedDict()
        self._next: asyncio.Handle | None = None
        self._free_at = 0.0
        self._turn_length = TURN

    def put(self, address: str, work: Callable[[], None], after: float = 0.0) -> None:
        """Put a piece of work in line.

        Args:
            address: who causes it.
            work: what it raises is a defect.
            after: seconds that what it sets going takes, which no clock sees here.

        """
        self._waiting.setdefault(address, deque()).append((work, after))
        if self._next is None:
            self._next = self._loop.call_at(self._free_at, self._turn)

    async def call(
        self, address: str, function: Callable[[], Result], after: float = 0.0
    ) -> Result:
        """Return what a function returns, or raises, when its turn has come."""
        done: asyncio.Future[Result] = self._loop.create_future()

        def work() -> None:
            if done.done():
                return  # whoever waited was cancelled
            try:
                done.set_result(function())
            except Exception as error:
                done.set_exception(error)

        self.put(address, work, after)
        return await done

    def hurry(self) -> None:
        """From now on do everything at once: nobody is left who could be kept waiting."""
        self._turn_length = float('inf')
        if self._next is not None:
            self._next.cancel()
            self._turn()

    def close(self) -> None:
        """Do nothing more."""
        self._waiting.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _turn(self) -> None:
        begin = self._loop.time()
        spent = 0.0
        later = 0.0
        while self._waiting and spent < self._turn_length:
            address, line = self._waiting.popitem(last=False)
            work, after = line.popleft()
            if line:
                self._waiting[address] = line
            try:
                work()
            except Exception:
                # One defect must not shut everybody out.
                _log.exception('defect in what a peer caused')
            later += after
            spent = self._loop.time() - begin + later
        # What was set going runs right after this turn.
        self._free_at = begin + spent + PAUSE if spent >= self._turn_length else 0.0
        self._next = self._loop.call_at(self._free_at, self._turn) if self._waiting else None
