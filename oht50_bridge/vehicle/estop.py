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
"""The latch of the emergency stop: any cause sets it, only a clear of its newest stop opens it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any

from pydantic import Field
from pydantic import model_validator

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.atomic_file import try_disk
from oht50_bridge.enums import StrEnum
from oht50_bridge.first_and_newest import first_and_newest
from oht50_bridge.paths import make_private
from oht50_bridge.state_file import StateModel
from oht50_bridge.state_file import UnreadableError
from oht50_bridge.state_file import load_state

LATCH_FILE = 'estop.json'
UNREADABLE = 'estop-unreadable'  # begins the id of a stop that an unreadable file stands for
KEPT = 32  # latched stops that are listed; more change nothing for who clears the newest
REPORTED_REASONS = 3
STAMPS_END = 2**31 * 1_000_000_000  # ns, from here on a stamp of ROS cannot tell the date
KEPT_REQUESTS = 256  # that are recognised when they are repeated


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
        counter: its number among the stops and clears of the latch, from 1.

    """

    estop_id: str
    trigger_type: TriggerType
    reason: str
    source: str
    stamp: int
    counter: int

    def __str__(self) -> str:
        return f'{self.estop_id} by {self.source!r}: {self.reason}'


@dataclass(frozen=True)
class Clear:
    """The last clear.

    Attributes:
        next_action: what the one who cleared intends, one of SafetyClear.NEXT_*.
        stamp: moment of the clear, ns since 1970-01-01 UTC.

    """

    next_action: str
    stamp: int


Number = Annotated[int, Field(ge=0, lt=2**63)]


class _StoredStop(StateModel):
    estop_id: Annotated[str, Field(min_length=1)]
    trigger_type: Annotated[TriggerType, Field(strict=False)]
    reason: str
    source: str
    stamp: Number
    counter: Number


class StoredLatch(StateModel):
    """What `save` and `clear` write: the newest stop has the number of the latch."""

    counter: Number
    stops: Annotated[list[_StoredStop], Field(max_length=KEPT)]
    clear: Any = None  # it only informs

    @model_validator(mode='after')
    def _is_in_order(self) -> StoredLatch:
        numbers = [stop.counter for stop in self.stops]
        if numbers != sorted(set(numbers)) or numbers[-1:] not in ([], [self.counter]):
            raise ValueError('the stops are not numbered up to the counter')
        return self


class EstopLatch:
    """Latch of the emergency stop.

    Each trigger makes a stop of its own, also while another is latched: a clear names the newest
    one, so a clear that was meant for an earlier stop does not open a later one. Standing causes
    (a pressed button, a lost board) are kept apart from the latch and forbid clearing it.

    Stops and clears are counted. A node that sees the counter can tell that it missed a stop, and
    which of a stop and a clear was the later one, whatever the date was when they happened.

    The latch is kept in a file, so that a restart of the node does not open it. A file that cannot
    be understood is a latched stop: nobody can say that it was cleared. `trigger` does not touch
    the disk, because a slow or full disk must not delay a stop; call `save` once the stop is on
    its way.

    Args:
        path: file of the latch; its directory is made by `save`.
        clock: returns ns since 1970-01-01 UTC.
        look: only look at the file: one that is wrong stays where it is.

    Attributes:
        fault: what is wrong with the file and where it is kept, empty when it could be read.

    """

    def __init__(self, path: Path, clock: Callable[[], int], *, look: bool = False) -> None:
        self.fault = ''
        self._path = path
        self._clock = clock
        # By kind and name of the source: the name of a board is free, and may be that of an input.
        self._causes: dict[tuple[TriggerType, str], str] = {}
        self._requests: dict[str, Estop] = {}
        self._written: tuple[str, ...] = ()
        self._last_clear: Clear | None = None
        self._counter, self._stops = self._load(aside=not look)
        self._saved = not self.fault  # the file is as the latch is

    @property
    def counter(self) -> int:
        """Number of the last stop or clear; each adds 1."""
        return self._counter

    @property
    def estop(self) -> Estop | None:
        """The newest stop that is latched, None when none is."""
        return self._stops[-1] if self._stops else None

    @property
    def stops(self) -> tuple[Estop, ...]:
        """The stops that are latched, the oldest first; of many the first and the newest."""
        return self._stops

    @property
    def last_clear(self) -> Clear | None:
        """The clear that opened the latch, None while a stop is latched and before the first."""
        return None if self._stops else self._last_clear

    @property
    def reason(self) -> str | None:
        """What triggered the latched stops, for a person; None when none is latched."""
        reasons = list(dict.fromkeys(stop.reason or stop.estop_id for stop in self._stops))
        if len(reasons) > REPORTED_REASONS:
            more = len(reasons) - REPORTED_REASONS
            reasons = [*reasons[:REPORTED_REASONS], f'and {more} more']
        return '; '.join(reasons) if reasons else None

    @property
    def causes(self) -> list[str]:
        """Reasons of the causes that are present now, in the order of their appearance."""
        return list(self._causes.values())

    @property
    def requests(self) -> tuple[str, ...]:
        """The requests that are latched since the start, or cleared, on disk; the newest last.

        One that is latched in memory alone would be lost with this process.
        """
        return self._written

    def requested(self, request_id: str) -> Estop | None:
        """Return the stop that a request latched since the start, None when it is a new one."""
        return self._requests.get(request_id)

    def trigger(
        self, trigger_type: TriggerType, reason: str, source: str, request_id: str = ''
    ) -> Estop:
        """Latch a stop and return it.

        Args:
            trigger_type: kind of its source.
            reason: what triggered it, for a person.
            source: who or what triggered it.
            request_id: the request for it, of which `requested` tells; empty without one.

        """
        self._saved = False
        self._counter += 1
        stop = Estop(
            f'estop-{uuid.uuid4().hex[:12]}',
            trigger_type,
            reason,
            source,
            self._clock(),
            self._counter,
        )
        self._stops = tuple(first_and_newest((*self._stops, stop), KEPT))
        if request_id:
            self._requests[request_id] = stop
            if len(self._requests) > KEPT_REQUESTS:
                del self._requests[next(iter(self._requests))]
        return stop

    def set_causes(self, causes: Mapping[str, str], trigger_type: TriggerType) -> Estop | None:
        """Note that standing causes are present; those that are new trigger one stop.

        Args:
            causes: reason of each by its name, which is its own among those of its kind.
            trigger_type: kind of their source.

        Returns:
            The new stop, or None when every cause was present already.

        """
        known = self._causes
        new = {name: text for name, text in causes.items() if (trigger_type, name) not in known}
        known.update({(trigger_type, name): text for name, text in causes.items()})
        if not new:
            return None
        return self.trigger(trigger_type, '; '.join(new.values()), ', '.join(new))

    def drop_cause(self, name: str, trigger_type: TriggerType) -> None:
        """Note that a standing cause of a kind is gone. The latch stays."""
        self._causes.pop((trigger_type, name), None)

    def clear(self, estop_id: str, next_action: str = '') -> bool:
        """Open the latch, on disk first: a stop never comes back and never vanishes by a restart.

        Args:
            estop_id: the newest stop, as the one who clears knows it.
            next_action: what he intends, one of SafetyClear.NEXT_*.

        Returns:
            False when a cause is present, or another stop is the newest; the latch stays then.

        Raises:
            OSError: the file could not be written; the latch stays then.

        """
        if self.estop is None or self._causes or estop_id != self.estop.estop_id:
            return False
        self._saved = False  # the file may be replaced even if that fails
        clear = Clear(next_action, self._clock())
        self._write(self._counter + 1, (), clear)
        self._saved = True
        self._last_clear = clear
        self._counter += 1
        self._stops = ()
        return True

    def save(self) -> None:
        """Write the latch to its file unless it is there.

        The file is replaced in one step. Call it again after a failure.

        Raises:
            OSError: the file could not be written; the stop is latched in memory all the same.

        """
        if not self._saved:
            self._write(self._counter, self._stops, self.last_clear)
            self._saved = True

    def _write(self, counter: int, stops: tuple[Estop, ...], clear: Clear | None) -> None:
        make_private(self._path.parent)
        content: dict[str, Any] = {'counter': counter, 'stops': [asdict(stop) for stop in stops]}
        if clear is not None:
            content['clear'] = asdict(clear)
        replace_file(self._path, json.dumps(content).encode())
        self._written = tuple(self._requests)

    def begin(self) -> Estop | None:
        """Try the disk at the start of the latch's owner.

        Returns:
            A new stop when nothing can be written there: a stop of before could not be written
            either, and is not known now.

        """
        try:
            make_private(self._path.parent)
            try_disk(self._path.parent)
        except OSError as error:
            return self.trigger(
                TriggerType.SOFTWARE,
                f'{self._path.name} cannot be written ({error.strerror}): a stop of before may '
                'be lost',
                'latch',
            )
        return None

    def _load(self, *, aside: bool) -> tuple[int, tuple[Estop, ...]]:
        try:
            stored = load_state(self._path, StoredLatch, lasting=True, aside=aside)
        except UnreadableError as error:
            self.fault = str(error)
            unreadable = Estop(
                f'{UNREADABLE}-{uuid.uuid4().hex[:12]}',
                TriggerType.SOFTWARE,
                f'{self._path.name} cannot be read',
                'latch',
                self._clock(),
                1,
            )
            return 1, (unreadable,)
        if stored is None:
            return 0, ()
        self._last_clear = _clear_of(stored.clear)
        stops = tuple(
            Estop(
                stop.estop_id,
                stop.trigger_type,
                stop.reason,
                stop.source,
                stop.stamp,
                stop.counter,
            )
            for stop in stored.stops
        )
        return stored.counter, stops


def _clear_of(fields: object) -> Clear | None:
    """Return the clear of a file; None where it has none, as those of before, or a wrong one.

    It only informs. Whether a stop is latched does not depend on it.
    """
    if not isinstance(fields, dict):
        return None
    next_action, stamp = fields.get('next_action'), fields.get('stamp')
    if not isinstance(next_action, str) or type(stamp) is not int or not 0 <= stamp < STAMPS_END:
        return None
    return Clear(next_action, stamp)
