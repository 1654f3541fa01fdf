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
"""The subscriptions that a client restores on each new connection."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from oht50_bridge.client.options import Subscription
from oht50_bridge.protocol.patterns import expand

MOST_PATTERNS = 64  # in one command


def _types(pattern: str) -> frozenset[str]:
    # A type that this package does not know yet stands for itself.
    return frozenset(expand(pattern)) or frozenset((pattern,))


class Wanted:
    """Patterns with their rates, in the order in which they were asked for."""

    def __init__(self, subscriptions: Iterable[Subscription] = ()) -> None:
        self._rates: dict[str, float | None] = {}
        for each in subscriptions:
            self.add(each.events, each.rate)

    def add(self, patterns: Iterable[str], rate: float | None) -> None:
        """Add patterns; they replace those that they include."""
        for pattern in patterns:
            added = _types(pattern)
            self._rates = {
                known: its for known, its in self._rates.items() if not _types(known) <= added
            }
            self._rates[pattern] = rate

    def remove(self, patterns: Iterable[str]) -> None:
        """Remove patterns; of one that includes them the other types remain."""
        for pattern in patterns:
            removed = _types(pattern)
            left: dict[str, float | None] = {}
            for known, rate in self._rates.items():
                types = _types(known)
                if not types & removed:
                    left[known] = rate
                else:
                    left.update(dict.fromkeys(sorted(types - removed), rate))
            self._rates = left

    def commands(self) -> Iterator[dict[str, Any]]:
        """Yield the fields of the commands that subscribe to all of them."""
        group: list[str] = []
        last: float | None = None
        for pattern, rate in self._rates.items():
            if group and (rate != last or len(group) == MOST_PATTERNS):
                yield _fields(group, last)
                group = []
            group.append(pattern)
            last = rate
        if group:
            yield _fields(group, last)


def _fields(patterns: list[str], rate: float | None) -> dict[str, Any]:
    return {'events': patterns} if rate is None else {'events': patterns, 'rate': rate}
