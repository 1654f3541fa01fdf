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
"""Emergency stops that were requested and are not latched yet: nothing moves meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic
from typing import Protocol
from typing import TypeVar

HELD = 64  # requests that are kept; one is enough to keep the vehicle still
KNOWN = 256  # latched ones that are recognised when they are reported late


class Request(Protocol):
    """A request for an emergency stop."""

    request_id: str


RequestT = TypeVar('RequestT', bound=Request)


class HeldStops(Generic[RequestT]):
    """The requests that the owner of the motor has seen and not yet seen latched.

    What was requested while the owner of the latch was away stops the vehicle all the same. Only
    the report of the latch that it is latched ends that, not the one who requested it: he may have
    been restarted, and know of nothing.
    """

    def __init__(self) -> None:
        self._held: dict[str, RequestT] = {}
        self._latched: dict[str, None] = {}

    @property
    def requests(self) -> tuple[RequestT, ...]:
        """The requests that are held, the oldest first."""
        return tuple(self._held.values())

    def request(self, requests: Iterable[RequestT]) -> bool:
        """Hold requests; return whether one of them is new."""
        new = False
        for request in requests:
            if request.request_id in self._latched or request.request_id in self._held:
                continue
            new = True
            if len(self._held) < HELD:
                self._held[request.request_id] = request
        return new

    def latched(self, request_ids: Iterable[str]) -> bool:
        """Note requests that are latched; return whether one of them was held."""
        released = False
        for request_id in request_ids:
            released |= self._held.pop(request_id, None) is not None
            self._latched.pop(request_id, None)
            self._latched[request_id] = None
        while len(self._latched) > KNOWN:
            del self._latched[next(iter(self._latched))]
        return released
