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
"""Those who wait for a client to be live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from oht50_bridge.client.reports import LinkState


@dataclass(eq=False)
class _Waiter:
    future: asyncio.Future[None]
    attempts: int | None


class Waiters:
    """Futures that are done when the client is live, or will not be."""

    def __init__(self) -> None:
        self._waiting: list[_Waiter] = []

    async def wait(self, attempts: int | None) -> None:
        """Wait, at most for so many attempts that fail.

        Raises:
            Exception: the one that `entered` was called with.

        """
        waiter = _Waiter(asyncio.get_running_loop().create_future(), attempts)
        self._waiting.append(waiter)
        try:
            await waiter.future
        finally:
            self._waiting.remove(waiter)

    def entered(self, state: LinkState, error: Exception) -> None:
        """Note a new state, and what ends the waiting if this state is a failure."""
        for waiter in self._waiting:
            if waiter.future.done():
                continue
            if state.name == 'live':
                waiter.future.set_result(None)
            elif state.name == 'waiting' and waiter.attempts is not None:
                waiter.attempts -= 1
                if waiter.attempts <= 0:
                    waiter.future.set_exception(error)
            elif state.name in ('denied', 'closed'):
                waiter.future.set_exception(error)
