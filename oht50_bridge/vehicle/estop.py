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
"""The latch of the emergency stop: any cause sets it, only a clear without a cause opens it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file

HARDWARE = 'hardware'
SOFTWARE = 'software'
REMOTE = 'remote'
TRIGGER_TYPES = (HARDWARE, SOFTWARE, REMOTE)
UNREADABLE = 'estop-unreadable'  # id of the stop that a file is which cannot be understood


@dataclass(frozen=True)
class Estop:
    """One emergency stop.

    Attributes:
        estop_id: unique name.
        trigger_type: one of TRIGGER_TYPES.
        reason: what triggered it, for a person.
        source: who or what triggered it.
        stamp: moment of the trigger, ns since 1970-01-01 UTC.

    """

    estop_id: str
    trigger_type: str
    reason: str
    source: str
    stamp: int


class EstopLatch:
    """Latch of the emergency stop.

    The first trigger makes the stop; further ones while it is latched change nothing. Standing
    causes (a pressed button, a lost board) are kept apart from the latch and forbid clearing it.

    The latch is kept in a file, so that a restart of the node does not open it. A file that cannot
    be understood is a latched stop: nobody can say that it was cleared. `trigger` does not touch
    the disk, because a slow or full disk must not delay a stop; call `save` once the stop is on
    its way.

    Args:
        path: file of the latch; its directory is made by `save`.
        now: clock, ns since 1970-01-01 UTC.

    """

    def __init__(self, path: Path, now: Callable[[], int] = time.time_ns):
        self._path = path
        self._now = now
        self._causes: dict[str, str] = {}
        self._estop = self._load()

    @property
    def estop(self) -> Estop | None:
        """The stop that is latched, None when none is."""
        return self._estop

    @property
    def causes(self) -> list[str]:
        """Reasons of the causes that are present now, in the order of their appearance."""
        return list(self._causes.values())

    def trigger(self, trigger_type: str, reason: str, source: str) -> Estop | None:
        """Latch a stop.

        Returns:
            The new stop, or None when one is latched already.

        Raises:
            ValueError: trigger_type is not one of TRIGGER_TYPES; nothing is latched then.

        """
        if trigger_type not in TRIGGER_TYPES:
            raise ValueError(f'trigger_type {trigger_type!r}: must be one of {TRIGGER_TYPES}')
        if self._estop is not None:
            return None
        stamp = self._now()
        self._estop = Estop(f'estop-{uuid.uuid4().hex[:12]}', trigger_type, reason, source, stamp)
        return self._estop

    def set_cause(self, name: str, trigger_type: str, reason: str) -> Estop | None:
        """Note that a standing cause is present, which triggers a stop.

        Returns:
            The new stop, or None when nothing new was latched.

        """
        self._causes[name] = reason
        return self.trigger(trigger_type, reason, name)

    def drop_cause(self, name: str) -> None:
        """Note that a standing cause is gone. The latch stays."""
        self._causes.pop(name, None)

    def clear(self) -> bool:
        """Open the latch, on disk first: a stop never comes back and never vanishes by a restart.

        Returns:
            False when a cause is present; the latch stays then.

        Raises:
            OSError: the file could not be removed; the latch stays then.

        """
        if self._causes:
            return False
        remove(self._path)
        self._estop = None
        return True

    def save(self) -> None:
        """Write the latched stop to its file, whole or not at all.

        Raises:
            OSError: the file could not be written; the stop is latched in memory all the same.

        """
        if self._estop is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, json.dumps(asdict(self._estop)).encode())

    def _load(self) -> Estop | None:
        try:
            return Estop(**json.loads(self._path.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            return Estop(
                UNREADABLE, SOFTWARE, f'{self._path.name} cannot be read', 'latch', self._now()
            )
