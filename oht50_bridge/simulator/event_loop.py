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
"""A single-threaded loop of readable files and timers."""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import time
from collections.abc import Callable


class EventLoop:
    """Calls back when a file is readable, and at points in time (s, monotonic)."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def watch(self, file: int | socket.socket, callback: Callable[[], object]) -> None:
        """Call back whenever a file is readable."""
        self._selector.register(file, selectors.EVENT_READ, callback)

    def forget(self, file: int | socket.socket) -> None:
        """Watch a file no more."""
        self._selector.unregister(file)

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Call `action` at a point in time."""
        heapq.heappush(self._timers, (when, next(self._order), action))

    def turn(self) -> None:
        """Run the timers that are due, wait for the next event, and run its callback."""
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        wait = max(self._timers[0][0] - time.monotonic(), 0.0) if self._timers else None
        for key, _ in self._selector.select(wait):
            # An earlier callback may have closed it, or opened another with its number.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    def close(self) -> None:
        """Forget every file; sockets are closed."""
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
