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
"""The alarms: what needs a person, until it is gone and acknowledged.

No ROS and no clock: `now` is in ns since 1970-01-01 UTC. They are kept in memory alone: after a
restart what stands is found again, and nobody has acknowledged it then.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace

from oht50_bridge.text import reason_text
from oht50_bridge.text import shown
from oht50_bridge.vehicle.error_monitor import ErrorReport
from oht50_bridge.vehicle.errors import Severity
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.zones import Zone

MAX_ALARMS = 64
MESSAGE_BYTES = 15_000  # of the alarms in one message to a client, which has 16 KiB at most
ENTRY_BYTES = 360  # of an alarm in a message, without its texts


@dataclass(frozen=True)
class Facts:
    """What an alarm says: texts for a person, and the name of who or what has the problem."""

    code: str
    name: str
    severity: Severity
    description: str
    source: str


@dataclass(frozen=True)
class AlarmEntry:
    """An alarm.

    Attributes:
        alarm_id: unique name of this occurrence.
        facts: what it says.
        since: moment of the first occurrence that nobody had acknowledged.
        count: occurrences since then.
        gone: since when it does not stand any more, None while it stands.
        acknowledged_by: who acknowledged it; empty: nobody has.
        acknowledged: moment of that, None: nobody has.
        occurrence: what distinguishes it from an earlier one of the same condition.

    """

    alarm_id: str
    facts: Facts
    since: int
    count: int = 1
    gone: int | None = None
    acknowledged_by: str = ''
    acknowledged: int | None = None
    occurrence: str = ''

    @property
    def order(self) -> tuple[str, int]:
        """The worst first, of equal ones the oldest."""
        return self.facts.severity.value, self.since

    @property
    def size(self) -> int:
        """Bytes in a message, at most."""
        texts = [self.facts.description, self.facts.source, self.acknowledged_by]
        return ENTRY_BYTES + len(json.dumps(texts, ensure_ascii=False).encode())


class AlarmBook:
    """The alarms that stand, and those that are gone and not acknowledged.

    A condition has one alarm. When it occurs again, the alarm has another id, so that an
    acknowledgement that was meant for the earlier occurrence does not count for the later one.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], AlarmEntry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def report(
        self,
        kind: str,
        name: str,
        facts: Facts,
        now: int,
        *,
        occurrence: str = '',
        stands: bool = True,
    ) -> None:
        """Note that a condition is there.

        Args:
            kind: of the condition; `settle` concerns those of one kind.
            name: of the condition among those of its kind.
            facts: what the alarm is to say.
            now: ns.
            occurrence: what distinguishes it from an earlier one, also while that still stands.
            stands: False: it is over already.

        """
        key = (kind, name)
        facts = replace(facts, description=reason_text(facts.description))
        before = self._entries.get(key)
        if before is not None and before.gone is None and stands:
            worse = facts.severity < before.facts.severity
            if before.occurrence == occurrence and not worse:
                return
        gone = None if stands else now
        alarm_id = f'alarm-{uuid.uuid4().hex[:12]}'
        entry = AlarmEntry(alarm_id, facts, now, gone=gone, occurrence=occurrence)
        if before is not None and not before.acknowledged_by:
            entry = replace(entry, since=before.since, count=before.count + 1)
        self._entries[key] = entry
        self._bound()

    def settle(self, kind: str, standing: Mapping[str, Severity], now: int) -> None:
        """Note which conditions of a kind stand, and how severe they are; the others are gone."""
        for key, entry in list(self._entries.items()):
            if key[0] != kind or entry.gone is not None:
                continue
            severity = standing.get(key[1])
            if severity is None and entry.acknowledged_by:
                del self._entries[key]
            elif severity is None:
                self._entries[key] = replace(entry, gone=now)
            elif severity is not entry.facts.severity:
                facts = replace(entry.facts, severity=severity)
                self._entries[key] = replace(entry, facts=facts)

    def acknowledge(self, alarm_id: str, by: str, now: int) -> str:
        """Acknowledge an alarm and return what was done, for a person.

        Args:
            alarm_id: its id.
            by: who acknowledges.
            now: ns.

        Raises:
            RefusedError: no alarm has this id.

        """
        for key, entry in self._entries.items():
            if entry.alarm_id != alarm_id:
                continue
            if entry.acknowledged_by:
                return f'{alarm_id} was acknowledged by {entry.acknowledged_by!r} already'
            if entry.gone is None:
                self._entries[key] = replace(entry, acknowledged_by=by, acknowledged=now)
            else:
                del self._entries[key]
            return f'{alarm_id} acknowledged: {entry.facts.code} {entry.facts.name}'
        raise RefusedError(
            f'alarm_id {shown(alarm_id, 64)!r}: no alarm has this id; it is gone, or has occurred '
            'again and has another id now'
        )

    def listed(self) -> tuple[tuple[AlarmEntry, ...], int]:
        """Return the alarms that fit into a message, the worst first, and how many more are."""
        entries = sorted(self._entries.values(), key=lambda entry: entry.order)
        room, fitting = MESSAGE_BYTES, []
        for entry in entries:
            room -= entry.size
            if room < 0:
                break
            fitting.append(entry)
        return tuple(fitting), len(entries) - len(fitting)

    def _bound(self) -> None:
        """Forget the mildest of too many; one that is gone before one that stands."""
        while len(self._entries) > MAX_ALARMS:
            key = max(
                self._entries,
                key=lambda key: (self._entries[key].gone is not None, *self._entries[key].order),
            )
            del self._entries[key]


class VehicleAlarms:
    """What of the vehicle is an alarm.

    Args:
        clock: ns since 1970-01-01 UTC.

    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self.book = AlarmBook()
        self._clock = clock
        self._failed = ''  # the last failed mission that was reported

    def on_error(self, report: ErrorReport) -> None:
        """Use an error of the vehicle's software or hardware."""
        error = report.error
        facts = Facts(
            error.code, error.name, report.severity, report.description, ', '.join(report.affected)
        )
        self.book.report('error', report.condition, facts, self._clock(), stands=report.lasts)

    def on_errors(self, standing: Mapping[str, Severity]) -> None:
        """Use which conditions of errors stand."""
        self.book.settle('error', standing, self._clock())

    def on_latch(self, estop_id: str, reason: str) -> None:
        """Use the emergency-stop latch: its newest stop, empty when none is latched."""
        now = self._clock()
        if not estop_id:
            self.book.settle('latch', {}, now)
            return
        facts = Facts('ESTOP', 'Emergency Stop', Severity.CRITICAL, reason, 'safety_node')
        self.book.report('latch', '', facts, now, occurrence=estop_id)

    def on_mission(self, mission_id: str, status: str, reason: str) -> None:
        """Use how the last mission ended; all empty before the first."""
        if status != 'failed' or mission_id == self._failed:
            return
        self._failed = mission_id
        facts = Facts(
            'MISSION_FAILED',
            'Mission Failed',
            Severity.MEDIUM,
            f'mission {mission_id}: {reason}',
            'mission_node',
        )
        self.book.report('mission', '', facts, self._clock(), stands=False)

    def on_zones(self, inside: Iterable[Zone]) -> None:
        """Use the zones with the action stop that the vehicle is in."""
        now, standing = self._clock(), {}
        for zone in inside:
            standing[zone.zone_id] = Severity.MEDIUM
            facts = Facts(
                'ZONE_STOP',
                'In Stop Zone',
                Severity.MEDIUM,
                f'the vehicle is in the {zone.zone_type} zone {zone.zone_id}, which stops it',
                zone.zone_id,
            )
            self.book.report('zone', zone.zone_id, facts, now)
        self.book.settle('zone', standing, now)
