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
"""The commands of a client that wait for their reply."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class PendingRequest:
    """A command that was sent.

    Attributes:
        command: its name.
        timeout: s, for which its reply was waited for.
        deadline: time at which the waiting ends.
        is_own: whether the client itself sent it.

    """

    command: str
    timeout: float
    deadline: float
    is_own: bool


class Requests:
    """The requests of one client, by their id; no id is used twice."""

    def __init__(self) -> None:
        self._ids = map(str, itertools.count(1))
        self._waiting: dict[str, PendingRequest] = {}

    def add(self, command: str, timeout: float, now: float, is_own: bool = False) -> str:
        """Add a request and return its id."""
        request_id = next(self._ids)
        self._waiting[request_id] = PendingRequest(command, timeout, now + timeout, is_own)
        return request_id

    def take(self, request_id: object) -> PendingRequest | None:
        """Remove and return a request; None: there is none of this id."""
        if not isinstance(request_id, str):
            return None
        return self._waiting.pop(request_id, None)

    def due(self, now: float) -> Iterator[tuple[str, PendingRequest]]:
        """Remove and yield the requests whose time is over."""
        for request_id, request in list(self._waiting.items()):
            if request.deadline <= now:
                yield request_id, self._waiting.pop(request_id)

    def clear(self) -> list[tuple[str, PendingRequest]]:
        """Remove and return all."""
        cleared = list(self._waiting.items())
        self._waiting.clear()
        return cleared

    def next_deadline(self) -> float | None:
        """Return when the next time is over; None: never."""
        return min((request.deadline for request in self._waiting.values()), default=None)
