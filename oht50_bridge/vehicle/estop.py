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
import uuid
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file
from oht50_bridge.enums import StrEnum

UNREADABLE = 'estop-unreadable'  # id of the stop that an unreadable file of the latch stands for


class TriggerType(StrEnum):
    """What kind of source triggers a stop; the values are those of SafetyEstop.TRIGGER_*."""

    HARDWARE = 'hardware'  # a button or a board of the vehicle
    SOFTWARE = 'software'  # a rule of the vehicle's own software
    REMOTE = 'remote'  # a person or a machine over the network


@dataclass(frozen=True)
class Estop:
    """One emergency stop.

    Attributes:
        estop_id: unique name.
        trigger_type: kind of its source.
        reason: what triggered it, for a person.
        source: who or what triggered it.
        stamp: moment of the trigger, ns since 1970-01-01 UTC.

    """

    estop_id: str
    trigger_type: TriggerType
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
        clock: returns ns since 1970-01-01 UTC.

    """

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._causes: dict[str, str] = {}
        self._estop = self._load()
        self._saved = True  # the file is as the latch is

    @property
    def estop(self) -> Estop | None:
        """The stop that is latched, None when none is."""
        return self._estop

    @property
    def causes(self) -> list[str]:
        """Reasons of the causes that are present now, in the order of their appearance."""
        return list(self._causes.values())

    def trigger(self, trigger_type: TriggerType, reason: str, source: str) -> Estop | None:
        """Latch a stop.

        Returns:
            The new stop, or None when one is latched already.

        """
        if self._estop is not None:
            return None
        self._saved = False
        self._estop = Estop(
            f'estop-{uuid.uuid4().hex[:12]}', trigger_type, reason, source, self._clock()
        )
        return self._estop

    def set_cause(self, name: str, trigger_type: TriggerType, reason: str) -> Estop | None:
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
        self._saved = False  # the file may be gone even if its removal fails
        remove(self._path)
        self._saved = True
        self._estop = None
        return True

    def save(self) -> None:
        """Write the latched stop to its file unless it is there.

        The file is replaced in one step. Call it again after a failure.

        Raises:
            OSError: the file could not be written; the stop is latched in memory all the same.

        """
        if self._estop is None or self._saved:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, json.dumps(asdict(self._estop)).encode())
        self._saved = True

    def _load(self) -> Estop | None:
        try:
            fields = json.loads(self._path.read_text())
            return Estop(**{**fields, 'trigger_type': TriggerType(fields['trigger_type'])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            return Estop(
                UNREADABLE,
                TriggerType.SOFTWARE,
                f'{self._path.name} cannot be read',
                'latch',
                self._clock(),
            )
