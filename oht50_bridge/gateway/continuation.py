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
"""Whether the events that the process before has kept can be continued without a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic
from typing import TypeVar

from oht50_bridge.gateway.journal import Origin
from oht50_bridge.gateway.journal import Past

_Event = TypeVar('_Event')


@dataclass(frozen=True)
class _Missed(Generic[_Event]):
    stamp: int  # ns
    origin: Origin
    event: _Event


class Continuation(Generic[_Event]):
    """Collects the events that were published while no bridge ran.

    Each node says how many events it has published on each of its topics. The events are whole
    when all of these are there, and no node has been another process meanwhile: what that one had
    published and this one does not know is lost.

    Args:
        past: what the process before has left.

    Attributes:
        broken: why they cannot be continued; empty while they may be.

    """

    def __init__(self, past: Past) -> None:
        self._past = past
        self._missed: dict[Origin, _Missed[_Event]] = {}
        self._waits_for: dict[str, set[Origin]] = {}  # by node
        self.broken = '' if past.nodes else 'no node had been seen'

    def add(self, origin: Origin, stamp: int, event: _Event) -> None:
        """Use an event; stamp in ns."""
        if origin.number > self._past.numbers.get(origin[:2], 0):
            self._missed.setdefault(origin, _Missed(stamp, origin, event))
        for missing in self._waits_for.values():
            missing.discard(origin)

    def presence(self, node: str, publisher: str, last: Mapping[str, int]) -> None:
        """Use a sign of life of a node, with the number of its last event by topic."""
        before = self._past.nodes.get(node)
        if before is not None and before != publisher:
            self.broken = f'{node} was started again meanwhile'
        self._waits_for[node] = {
            origin
            for topic, number in last.items()
            for origin in self._origins(topic, publisher, number)
            if origin not in self._missed
        }

    def _origins(self, topic: str, publisher: str, last: int) -> list[Origin]:
        known = self._past.numbers.get((topic, publisher), 0)
        return [Origin(topic, publisher, number) for number in range(known + 1, last + 1)]

    @property
    def whole(self) -> bool:
        """Whether every event is there."""
        return not self.broken and not self.lacking

    @property
    def lacking(self) -> str:
        """What is not there yet, for a person; empty when nothing is missing."""
        absent = self._past.nodes.keys() - self._waits_for.keys()
        if absent:
            return f'{", ".join(sorted(absent))} gave no sign of life'
        missing = [origin for each in self._waits_for.values() for origin in each]
        return f'{len(missing)} events of {missing[0].topic} are not kept' if missing else ''

    def missed(self) -> list[tuple[_Event, Origin]]:
        """Return the events that were missed: each topic in its order, among topics by stamp."""
        latest: dict[tuple[str, str], int] = {}
        ordered = []
        for each in sorted(self._missed.values(), key=lambda each: each.origin):
            key = each.origin[:2]
            latest[key] = max(latest.get(key, 0), each.stamp)
            ordered.append((latest[key], each))
        ordered.sort(key=lambda pair: pair[0])  # is stable
        return [(each.event, each.origin) for _, each in ordered]
