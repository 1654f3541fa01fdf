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
"""The functions that a client calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from oht50_bridge.protocol.patterns import expand

logger = logging.getLogger(__name__)

#: What is reported besides events.
REPORTS = ('state', 'gap', 'role', 'tokens', 'error')
Callback = Callable[[Any], object]


class Listeners:
    """Functions by what they are called for. One that raises disturbs nobody."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[str, Callback]] = []

    def add(self, what: str, callback: Callback) -> Callable[[], None]:
        """Add a function; return the function that removes it."""
        entry = (what, callback)
        self._callbacks.append(entry)

        def remove() -> None:
            if entry in self._callbacks:
                self._callbacks.remove(entry)

        return remove

    def report(self, what: str, value: object) -> None:
        """Call the functions for a report."""
        for name, callback in self._callbacks[:]:
            if name == what:
                self._call(what, callback, value)

    def event(self, event: dict[str, Any]) -> None:
        """Call the functions for an event."""
        for pattern, callback in self._callbacks[:]:
            if pattern not in REPORTS and matches(pattern, event['type']):
                self._call(pattern, callback, event)

    def _call(self, what: str, callback: Callback, value: object) -> None:
        try:
            callback(value)
        except Exception as error:
            if what == 'error':
                logger.exception('a callback for errors failed')
            else:
                self.report('error', error)


def matches(pattern: str, kind: str) -> bool:
    """Return whether a type of event is one of a pattern."""
    return kind in expand(pattern, (kind,))
