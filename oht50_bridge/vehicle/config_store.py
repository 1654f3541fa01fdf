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
"""The configuration's versions on disk: each a record of its own, whole or not there.

A change is stored before it is applied and confirmed after. Whatever ends the process between the
two, the version before is in force at the next start.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file
from oht50_bridge.atomic_file import sync_directory

PENDING = 'pending'  # stored, not confirmed
APPLIED = 'applied'
FAILED = 'failed'
STATUSES = (PENDING, APPLIED, FAILED)
KEPT = 100  # newest records; each of them that was in force can be gone back to

VERSION = re.compile(r'(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})')


class StoreError(Exception):
    """The store cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True)
class Record:
    """One change of the configuration.

    Attributes:
        config_id: unique name.
        version: semver; never used twice.
        stamp: moment of the change, ns since 1970-01-01 UTC.
        source: who changed it.
        nodes: the nodes whose parameters it sets.
        before: what it changes, name to the value before.
        values: everything that is configured with it, name to value.
        status: one of STATUSES.

    """

    config_id: str
    version: str
    stamp: int
    source: str
    nodes: list[str]
    before: dict[str, Any]
    values: dict[str, Any]
    status: str

    @property
    def changes(self) -> dict[str, Any]:
        """What it changes, name to the value after."""
        return {name: self.values[name] for name in self.before}


class ConfigStore:
    """Every version of the configuration, one file each.

    Versions are semver. Each change, a rollback too, adds one to the patch number. The minor and
    the major number are those of the table of what may be configured: it raises the minor one when
    it gains a name, the major one when a name goes or changes its meaning. `MAJOR.0.0` is the
    configuration that the parameter files give, on which nothing was changed. The newest KEPT
    records stay, and older ones only for what is in force.

    Args:
        directory: where the records are; made if it is not there.
        table_version: MAJOR.MINOR of the table.
        now: clock, ns since 1970-01-01 UTC.

    Raises:
        StoreError: the directory cannot be used, a record cannot be understood, or the records
            are of another major version.

    """

    def __init__(self, directory: Path, table_version: str, now: Callable[[], int] = time.time_ns):
        self._directory = directory
        self._now = now
        match = VERSION.fullmatch(f'{table_version}.0')
        if not match:
            raise StoreError(f'table version {table_version!r}: must be MAJOR.MINOR, such as 1.0')
        self._table = int(match[1]), int(match[2])
        self._initial = Record(
            config_id='config-initial',
            version=f'{match[1]}.0.0',
            stamp=0,
            source='',
            nodes=[],
            before={},
            values={},
            status=APPLIED,
        )
        try:
            if not directory.exists():
                directory.mkdir(parents=True)
                sync_directory(directory.parent)
            self._records = self._load()
        except OSError as error:
            raise StoreError(
                f'{error.filename or directory}: {error.strerror}; make it readable and writable'
            ) from error

    @property
    def in_force(self) -> Record:
        """The record that is in force: the newest that was confirmed."""
        return next(
            (record for record in reversed(self._records) if record.status == APPLIED),
            self._initial,
        )

    @property
    def interrupted(self) -> list[Record]:
        """The records that were neither confirmed nor given up; they are not in force."""
        return [record for record in self._records if record.status == PENDING]

    def values_of(self, version: str) -> dict[str, Any]:
        """Return the value that everything now configured had in a version, by name.

        What was configured later than in that version has the value it had before.

        Raises:
            KeyError: no such version was ever in force, or it is not kept any more.

        """
        # Between older ones some may be gone: what they changed could not be undone.
        kept = self._records[-KEPT:]
        if len(kept) < KEPT:
            kept.insert(0, self._initial)
        record = next(
            (record for record in kept if record.version == version and record.status == APPLIED),
            None,
        )
        if record is None:
            raise KeyError(version)
        values = dict(record.values)
        for later in kept:
            if _key(later.version) > _key(version):
                for name, value in later.before.items():
                    values.setdefault(name, value)
        return {name: values[name] for name in self.in_force.values}

    def restoring(self, version: str) -> dict[str, Any]:
        """Return the values that put back a node which took a version that is not in force.

        Beside what is configured that is what the version changed, with the value before.
        """
        before = next(
            (
                record.before
                for record in self._records
                if record.version == version and record.status != APPLIED
            ),
            {},
        )
        return before | self.in_force.values

    def version_of(self, node: str) -> str:
        """Return the version in force that last changed parameters of a node, or the first."""
        return next(
            (
                record.version
                for record in reversed(self._records)
                if record.status == APPLIED and node in record.nodes
            ),
            self._initial.version,
        )

    def begin(
        self, changes: dict[str, Any], before: dict[str, Any], nodes: list[str], source: str
    ) -> Record:
        """Store a change that is about to be applied. The version before stays in force.

        Args:
            changes: name to the new value.
            before: the same names to the values they have.
            nodes: the nodes whose parameters they are.
            source: who changes it.

        Raises:
            OSError: it cannot be stored; nothing has changed.

        """
        self._prune()
        record = Record(
            config_id=f'config-{uuid.uuid4().hex[:12]}',
            version=self._next_version(),
            stamp=self._now(),
            source=source,
            nodes=nodes,
            before=before,
            values=self.in_force.values | changes,
            status=PENDING,
        )
        self._write(record)
        self._records.append(record)
        return record

    def confirm(self, record: Record) -> Record:
        """Put a record in force; return it with its new status.

        Raises:
            OSError: it cannot be stored; give the record up with `fail`.

        """
        return self._settle(record, APPLIED)

    def fail(self, record: Record) -> Record:
        """Give a record up; return it with its new status.

        Raises:
            OSError: it cannot be stored. The record is given up all the same, now and at the
                next start.

        """
        try:
            return self._settle(record, FAILED)
        except OSError:
            self._replace(record, replace(record, status=FAILED))
            raise

    def _prune(self) -> None:
        """Remove old records, so that there are KEPT with the next one, but none still needed."""
        needed = {self.in_force.version} | {
            self.version_of(node) for record in self._records for node in record.nodes
        }
        for record in self._records[: 1 - KEPT]:
            if record.version not in needed and record.status != PENDING:
                remove(self._path(record.version))
                self._records.remove(record)

    def _settle(self, record: Record, status: str) -> Record:
        settled = replace(record, status=status)
        self._write(settled)
        self._replace(record, settled)
        return settled

    def _replace(self, record: Record, settled: Record) -> None:
        self._records[self._records.index(record)] = settled

    def _next_version(self) -> str:
        newest = self._records[-1].version if self._records else self._initial.version
        major, minor, patch = _key(newest)
        if self._table > (major, minor):
            return f'{self._table[0]}.{self._table[1]}.0'
        return f'{major}.{minor}.{patch + 1}'

    def _path(self, version: str) -> Path:
        return self._directory / f'{version}.json'

    def _write(self, record: Record) -> None:
        content = json.dumps(asdict(record), indent=1, allow_nan=False) + '\n'
        replace_file(self._path(record.version), content.encode())

    def _load(self) -> list[Record]:
        records = []
        for path in self._directory.iterdir():
            if path.suffix == '.new':
                path.unlink()  # of a write that did not come to its end
            elif path.suffix == '.json':
                records.append(self._read(path))
        records.sort(key=lambda record: _key(record.version))
        if records and _key(records[-1].version)[0] != self._table[0]:
            raise StoreError(
                f'{self._directory}: holds version {records[-1].version}, but what may be '
                f'configured is of version {self._table[0]}; move the directory away to start '
                'with the values of the parameter files'
            )
        return records

    def _read(self, path: Path) -> Record:
        try:
            record = Record(**json.loads(path.read_text()))
            sound = (
                VERSION.fullmatch(record.version) is not None
                and path == self._path(record.version)
                and record.status in STATUSES
                and isinstance(record.nodes, list)
                and set(record.before) <= set(record.values)
            )
        except (ValueError, TypeError):
            sound = False
        if not sound:
            raise StoreError(
                f'{path}: is not a record of the configuration; restore it from a backup, or '
                'remove it to go without this change'
            )
        return record


def _key(version: str) -> tuple[int, int, int]:
    major, minor, patch = version.split('.')
    return int(major), int(minor), int(patch)
