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
"""Carries out the actions of the core of a client, in asyncio."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections import deque
from collections.abc import Awaitable
from collections.abc import Callable

from oht50_bridge.client.actions import AskForToken
from oht50_bridge.client.actions import ClientAction
from oht50_bridge.client.actions import CloseLink
from oht50_bridge.client.actions import OpenLink
from oht50_bridge.client.actions import SendText
from oht50_bridge.client.actions import TokenReason
from oht50_bridge.client.core import ClientCore
from oht50_bridge.client.link import Link
from oht50_bridge.client.reports import Tokens

#: What a function that supplies tokens returns: None says that there is none.
Supplied = Tokens | str | None
GetToken = Callable[[TokenReason], Supplied | Awaitable[Supplied]]


async def supplied(get_token: GetToken, reason: TokenReason) -> Tokens | None:
    """Return what a function that supplies tokens gives."""
    given = get_token(reason)
    tokens = await given if inspect.isawaitable(given) else given
    return Tokens(tokens) if isinstance(tokens, str) else tokens


class Driver:
    """Sockets, time and tokens of one client.

    Args:
        core: decides.
        url: address of the bridge.
        get_token: supplies tokens; None: nothing does.
        report: called for the actions that concern the user of the client.

    """

    def __init__(
        self,
        core: ClientCore,
        url: str,
        get_token: GetToken | None,
        report: Callable[[ClientAction], None],
    ) -> None:
        self._core = core
        self._url = url
        self._get_token = get_token
        self._report = report
        self._actions: deque[ClientAction] = deque()
        self._is_running = False
        self._link: Link | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.error: Exception | None = None  # of the last connection

    @property
    def now(self) -> float:
        """The time of the core, s."""
        return asyncio.get_running_loop().time()

    def run(self, actions: list[ClientAction]) -> None:
        """Carry out actions; those that come of it follow."""
        self._actions.extend(actions)
        if self._is_running:
            return
        self._is_running = True
        try:
            while self._actions:
                self._do(self._actions.popleft())
        finally:
            self._is_running = False
        self._schedule()

    async def finish(self) -> None:
        """Wait until all connections are closed."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._asking:
            task.cancel()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Have `finish` wait for a task."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def link_opened(self, generation: int) -> None:
        """See LinkOwner."""
        self.run(self._core.opened(generation, self.now))

    def link_received(self, generation: int, frame: str | bytes) -> None:
        """See LinkOwner."""
        self.run(self._core.received(generation, frame, self.now))

    def link_lost(self, generation: int, code: int | None, error: Exception) -> None:
        """See LinkOwner."""
        self.error = error
        self.run(self._core.lost(generation, code, str(error), self.now))

    def _do(self, action: ClientAction) -> None:
        link = self._link
        match action:
            case OpenLink(generation):
                self.error = None
                self._link = Link(self._url, generation, self)
                self.keep(self._link.task)
            case SendText(generation, text):
                if link is not None and link.generation == generation:
                    link.send(text)
            case CloseLink(generation, code, reason):
                if link is not None and link.generation == generation:
                    self._link = None
                    link.close(code, reason)
            case AskForToken(ticket, reason):
                self.keep(asking := asyncio.create_task(self._ask(ticket, reason)))
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)
            case _:
                self._report(action)

    async def _ask(self, ticket: int, reason: TokenReason) -> None:
        assert self._get_token is not None
        try:
            tokens = await supplied(self._get_token, reason)
        except Exception as error:
            self.run(self._core.token_failed(ticket, error, self.now))
        else:
            self.run(self._core.token_given(ticket, tokens, self.now))

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._core.next_tick()
        if at < math.inf:
            self._timer = asyncio.get_running_loop().call_at(at, self._tick)

    def _tick(self) -> None:
        self.run(self._core.tick(self.now))
