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

import contextlib
import json
import math
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Literal

from pydantic import AfterValidator
from pydantic import Field
from pydantic import model_validator

from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file
from oht50_bridge.atomic_file import sync_directory
from oht50_bridge.paths import make_private
from oht50_bridge.regular_file import ASIDE
from oht50_bridge.regular_file import aside_names
from oht50_bridge.regular_file import put_aside
from oht50_bridge.state_file import StateModel
from oht50_bridge.state_file import UnreadableError
from oht50_bridge.state_file import load_state

PENDING = 'pending'  # stored, not confirmed
APPLIED = 'applied'
FAILED = 'failed'
KEPT = 100  # newest records; each of them that was in force can be gone back to

VERSION = re.compile(r'(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})')


LOST = re.compile(rf'({VERSION.pattern})\.json({ASIDE}\d+)?')


def _check_value(value: Any) -> Any:
    """Return a value that a parameter can have; pydantic would take an integer for a float.

    Raises:
        ValueError: it is another one.

    """
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, str):
            element.encode()
        elif not (
            type(element) is bool
            or (type(element) is int and -(2**63) <= element < 2**63)
            or (type(element) is float and math.isfinite(element))
        ):
            raise ValueError('no value of a parameter')
    return value


Values = dict[str, Annotated[Any, AfterValidator(_check_value)]]


class StoreError(Exception):
    """The store cannot be used; the message names the file and the remedy."""


class StoredVersion(StateModel):
    """The content of the file of a version; see `Record`."""

    config_id: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=f'^{VERSION.pattern}$')]
    stamp: Annotated[int, Field(ge=0, lt=2**63)]
    source: str
    nodes: list[str]
    before: Values
    values: Values
    status: Literal['pending', 'applied', 'failed']

    @model_validator(mode='after')
    def _is_whole(self) -> StoredVersion:
        if not set(self.before) <= set(self.values):
            raise ValueError('it changes what it does not configure')
        return self


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
        status: PENDING, APPLIED or FAILED.

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

    A record that cannot be read is put aside. If it may have been the one in force, it is not
    known what is: see `doubt`.

    Args:
        directory: where the records are; made if it is not there.
        table_version: MAJOR.MINOR of the table.
        now: clock, ns since 1970-01-01 UTC.

    Attributes:
        faults: what is wrong with the records, and where they are kept; for a person.

    Raises:
        StoreError: the directory cannot be made, or the records are of another major version.

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
        self.faults: list[str] = []
        self._lost: set[str] = set()  # versions whose records cannot be read
        self._unread = False  # the directory cannot be read
        self._records = self._load()

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

    @property
    def doubt(self) -> str:
        """Why it is not known which version was in force, and the remedy; empty if it is known.

        It lasts, beyond a restart too, until a version is put in force after it.
        """
        lost = max(self._lost, key=_key, default='')
        applied = any(record.status == APPLIED for record in self._records)
        if lost and _key(lost) > _key(self.in_force.version):
            what = f'the record of version {lost} cannot be read'
        elif self._unread or (not applied and self._directory_was_put_aside()):
            what = 'its records cannot be read'
        else:
            return ''
        return (
            f'the configuration in force is not known: {what}. Roll back to a version that is '
            f'known, such as {self.in_force.version}, or repair the record and restart'
        )

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
        if record is None or any(
            _key(version) < _key(lost) < _key(self.in_force.version) for lost in self._lost
        ):
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
        self._unread = self._unread and status != APPLIED
        self._replace(record, settled)
        return settled

    def _replace(self, record: Record, settled: Record) -> None:
        self._records[self._records.index(record)] = settled

    def _next_version(self) -> str:
        used = [record.version for record in self._records[-1:]]
        major, minor, patch = max(map(_key, [*used, *self._lost, self._initial.version]))
        if self._table > (major, minor):
            return f'{self._table[0]}.{self._table[1]}.0'
        return f'{major}.{minor}.{patch + 1}'

    def _path(self, version: str) -> Path:
        return self._directory / f'{version}.json'

    def _write(self, record: Record) -> None:
        content = json.dumps(asdict(record), indent=1, allow_nan=False) + '\n'
        replace_file(self._path(record.version), content.encode())

    def _directory_was_put_aside(self) -> bool:
        try:
            return bool(aside_names(self._directory))
        except OSError:
            return True

    def _load(self) -> list[Record]:
        records = []
        for path in self._open_directory():
            if path.suffix == '.new':
                with contextlib.suppress(OSError):  # of a write that did not come to its end
                    path.unlink()
            elif path.suffix == '.json':
                try:
                    records.append(self._read(path))
                except UnreadableError as error:
                    self.faults.append(f'{error}; it is no record of the configuration')
                    self._note_lost(path.name)
            else:
                self._note_lost(path.name)
        records.sort(key=lambda record: _key(record.version))
        if records and _key(records[-1].version)[0] != self._table[0]:
            raise StoreError(
                f'{self._directory}: holds version {records[-1].version}, but what may be '
                f'configured is of version {self._table[0]}; move the directory away to start '
                'with the values of the parameter files'
            )
        self._lost -= {record.version for record in records}  # repaired
        return records

    def _open_directory(self) -> list[Path]:
        """Return the files of the directory, which is made if it is not there.

        Raises:
            StoreError: it cannot be made.

        """
        try:
            return sorted(self._directory.iterdir())
        except FileNotFoundError:
            pass
        except OSError as error:
            self._unread = True
            self.faults.append(f'{self._directory}: {error.strerror}{put_aside(self._directory)}')
        try:
            make_private(self._directory)
            sync_directory(self._directory.parent)
        except OSError as error:
            if not self._directory.parent.is_dir():
                raise StoreError(
                    f'{self._directory}: {error.strerror}; make it readable and writable'
                ) from error
            self.faults.append(f'{self._directory}: {error.strerror}; no change can be stored')
        return []

    def _note_lost(self, name: str) -> None:
        match = LOST.fullmatch(name)
        if match:
            self._lost.add(match[1])

    def _read(self, path: Path) -> Record:
        stored = load_state(path, StoredVersion)
        if stored is None:
            raise UnreadableError(f'{path}: removed meanwhile')
        if path != self._path(stored.version):
            raise UnreadableError(
                f'{path}: holds version {stored.version} by another name{put_aside(path)}'
            )
        return Record(**stored.model_dump())


def _key(version: str) -> tuple[int, int, int]:
    major, minor, patch = version.split('.')
    return int(major), int(minor), int(patch)
