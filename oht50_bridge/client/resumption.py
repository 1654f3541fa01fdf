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
"""Which events a client has handled already, and after which number it resumes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from oht50_bridge.protocol.catalogue import EVENTS

KEPT = 10_000  # events that are recognised when they come again; the bridge keeps as many


class _Recent:
    """The newest of some keys."""

    def __init__(self) -> None:
        self._keys: dict[int, None] = {}

    def __contains__(self, key: int) -> bool:
        return key in self._keys

    def add(self, key: int) -> None:
        """Add a key; the oldest goes when there are too many."""
        self._keys[key] = None
        if len(self._keys) > KEPT:
            del self._keys[next(iter(self._keys))]

    def discard(self, key: int) -> bool:
        """Remove a key; return whether it was there."""
        if key not in self._keys:
            return False
        del self._keys[key]
        return True


class Resumption:
    """The number of the last event of an epoch, and the recent events.

    An event comes twice when it was sent again after a loss, and when it is the last value of a
    latched type. It is recognised by `seq`; if it came without one, by type, timestamp and data.
    """

    def __init__(self) -> None:
        self._epoch = ''
        self._after = 0
        self._same_epoch = False
        self._restoring = False
        self._present_epoch = ''  # in which `_handled` are numbers
        self._handled: set[int] = set()  # since the last `result`
        self._numbered = _Recent()
        self._unnumbered = _Recent()

    @property
    def is_first(self) -> bool:
        """Whether there is nothing yet to resume from; `resume` then tells from where."""
        return not self._epoch

    def fields(self) -> dict[str, Any]:
        """Return the fields of the command `resume`."""
        return {'epoch': self._epoch, 'after': self._after}

    def established(self, epoch: str) -> bool:
        """Note the epoch of a new connection; return whether it is that of before.

        Until `result` the old number is kept.
        """
        self._same_epoch = epoch == self._epoch
        self._restoring = True
        if epoch != self._present_epoch:
            self._handled.clear()
        self._present_epoch = epoch
        return self._same_epoch

    def result(self, epoch: str, seq: int) -> None:
        """Note from where to resume next time; all events up to `seq` were sent, or are lost."""
        # An urgent event that was published later may have overtaken the result.
        self._after = max(seq, *self._handled, 0)
        self._epoch, self._restoring = epoch, False
        self._handled.clear()

    def is_new(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event was not handled before, and note it as handled."""
        if EVENTS[event['type']].is_state:
            return True
        text = json.dumps([event['type'], event['timestamp'], event['data']], sort_keys=True)
        key, seq = hash(text), event.get('seq')
        if seq is None:
            if key in self._unnumbered or key in self._numbered:
                return False
            self._unnumbered.add(key)
            return True
        if self._is_handled(seq):
            return False
        self._numbered.add(key)
        return not self._unnumbered.discard(key)

    def _is_handled(self, seq: int) -> bool:
        if not self._restoring:
            is_handled = seq <= self._after
            self._after = max(seq, self._after)
            return is_handled
        is_handled = seq in self._handled or (self._same_epoch and seq <= self._after)
        self._handled.add(seq)
        return is_handled
