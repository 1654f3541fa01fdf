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
"""The limit of deliveries of the whole server, shared fairly."""

from __future__ import annotations

import asyncio
from typing import Protocol

from oht50_bridge.protocol.rates import TokenBucket

#: s, least pause before clients that had to wait are served.
PAUSE = 0.005


class Waiter(Protocol):
    """Somebody who sends when there is budget."""

    def pump(self) -> None:
        """Send what may be sent now."""


class Throttle:
    """A budget of frames per second. A waiter that got none is served later, in order.

    State-class frames wait for budget. Event-class frames never wait, but use it.

    Args:
        loop: its clock counts.
        rate: frames per second; 0: no limit.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop, rate: float) -> None:
        self._loop = loop
        self._budget = TokenBucket(rate, max(1.0, rate / 10))
        self._waiting: dict[Waiter, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._serving = False

    def take(self, waiter: Waiter) -> bool:
        """Return whether a state-class frame may be sent; else `waiter.pump` is called later."""
        # While others wait, only the waiter that is being served may use the budget.
        if (self._serving or not self._waiting) and self._budget.take(self._loop.time()):
            return True
        self._waiting[waiter] = None
        self._schedule()
        return False

    def charge(self) -> None:
        """Use budget for an event-class frame, which is sent in any case."""
        self._budget.charge(self._loop.time())

    def forget(self, waiter: Waiter) -> None:
        """Serve a waiter no more."""
        self._waiting.pop(waiter, None)

    def close(self) -> None:
        """Serve nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._timer is None:
            now = self._loop.time()
            self._timer = self._loop.call_at(
                max(self._budget.ready_at(now), now + PAUSE), self._serve
            )

    def _serve(self) -> None:
        self._timer = None
        self._serving = True
        try:
            while self._waiting and self._budget.ready_at(self._loop.time()) <= self._loop.time():
                waiter = next(iter(self._waiting))
                del self._waiting[waiter]
                waiter.pump()
        finally:
            self._serving = False
        if self._waiting:
            self._schedule()
