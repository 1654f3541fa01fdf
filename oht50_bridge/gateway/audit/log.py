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
"""The audit log: JSON lines, each with its number and the hash of the one before.

A cut, an edit or a swap shows. The writing is done by a thread of its own: a slow or full disk
never holds up the caller. What could not be written is counted, and the count is the first thing
written once the disk takes records again.

Beside the log lies its anchor, which says how many records there are and the hash of the last:
without it a cut at the end would not show.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import BinaryIO

from oht50_bridge.atomic_file import sync_directory
from oht50_bridge.protocol.base import timestamp_from_seconds

AUDIT_FILE = 'audit.jsonl'
FIRST = '0' * 64
ATTEMPTS, PAUSE = 50, 0.01  # s, to find the files between two rotations
ANCHOR_BYTES = 192  # less than a sector: the anchor is the old or the new one, whole

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Position:
    """A place in the chain: how many records there are up to it, and the hash of the last."""

    records: int = 0
    hash: str = FIRST


def _line(record: Mapping[str, Any], after: Position) -> tuple[bytes, Position]:
    body = json.dumps(
        {**record, 'n': after.records + 1, 'prev': after.hash},
        sort_keys=True,
        separators=(',', ':'),
        default=str,
    )
    digest = hashlib.sha256(body.encode()).hexdigest()
    return (f'{body[:-1]},"hash":"{digest}"}}\n'.encode(), Position(after.records + 1, digest))


def _now() -> str:
    return timestamp_from_seconds(time.time())


class Audit:
    """Writes records to a file, in order, from any thread.

    Args:
        path: the file; older ones are `<name>.1`, `<name>.2`, ..., the highest the newest.
        max_bytes: size at which a new file is begun; the chain goes on in it.
        max_files: older files that are kept. When one is removed, a record says up to where.
        capacity: records that may wait for the disk.
        stamp: returns the time of now as it stands in a record.

    Raises:
        OSError: the file cannot be opened, or another process writes it.

    """

    def __init__(
        self,
        path: Path,
        *,
        stamp: Callable[[], str] = _now,
        max_bytes: int = 16 * 1024 * 1024,
        max_files: int = 32,
        capacity: int = 10_000,
    ) -> None:
        self.path = path
        self.lost = 0
        self._stamp = stamp
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._capacity = capacity
        self._waiting: deque[dict[str, Any]] = deque()
        self._unreported = 0
        self._wake = threading.Condition()
        self._closing = False
        self._half = False  # whether the file may end with half a line
        self._anchored = True
        self._prune_due = True
        path.parent.mkdir(parents=True, exist_ok=True)
        self._anchor_file = os.open(
            _anchor_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._anchor_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._anchor_file)
            raise OSError(
                errno.EAGAIN, 'another process writes this audit log, end it first', str(path)
            ) from None
        self._file = self._open()
        self._last = self._recover()
        self._size = self._file.tell()
        self._thread = threading.Thread(target=self._run, name='audit', daemon=True)
        self._thread.start()

    def record(self, what: str, **fields: Any) -> None:
        """Put a record in line; never waits for the disk and never fails."""
        with self._wake:
            if len(self._waiting) >= self._capacity:
                self.lost += 1
                self._unreported += 1
                return
            self._waiting.append(self._record(what, **fields))
            self._wake.notify()

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, then end the thread and close the file.

        A thread that hangs in the disk after `timeout` seconds is left to die with the process.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(timeout)

    def _record(self, what: str, **fields: Any) -> dict[str, Any]:
        return {'time': self._stamp(), 'what': what, **fields}

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closing:
                    self._wake.wait()
                records = list(self._waiting)
                self._waiting.clear()
                unreported = self._unreported
                if not records:
                    break
            self._write(records, unreported)
        self._file.close()
        os.close(self._anchor_file)

    def _write(self, records: list[dict[str, Any]], unreported: int) -> None:
        failed = len(records)
        try:
            if self._half:
                os.ftruncate(self._file.fileno(), self._size)
                self._file.seek(self._size)
                self._half = False
            if self._size >= self._max_bytes:
                self._rotate()
            pruned = self._prunable()
            if pruned:
                end = _last_of(pruned)
                records.insert(
                    0,
                    self._record(
                        'audit.pruned',
                        files=[path.name for path in pruned],
                        records=end.records,
                        last=end.hash,
                    ),
                )
            if unreported:
                records.insert(0, self._record('audit.lost', records=unreported))
            lines, last = [], self._last
            for record in records:
                line, last = _line(record, last)
                lines.append(line)
            rest = b''.join(lines)
            self._half = True
            while rest:  # a disk that fills up takes a part first, and fails the next time
                rest = rest[self._file.write(rest) :]
            os.fdatasync(self._file.fileno())
        except OSError as error:
            with self._wake:
                if not self._unreported:
                    _log.error(
                        'audit log %s cannot be written: %s; records are lost until it can',
                        self.path,
                        error.strerror,
                    )
                self.lost += failed
                self._unreported += failed
            return
        self._half = False
        self._size = self._file.tell()
        self._last = last
        if unreported:
            _log.warning(
                'audit log %s is written again; %d records were lost', self.path, unreported
            )
        with self._wake:
            self._unreported -= unreported
        self._anchor()
        self._prune_due = False
        for path in pruned:
            path.unlink(missing_ok=True)

    def _anchor(self) -> None:
        """Say where the chain ends, after the records are safe: never more than there are."""
        content = json.dumps(
            {'records': self._last.records, 'hash': self._last.hash, 'check': _check(self._last)}
        )
        try:
            os.pwrite(self._anchor_file, content.encode().ljust(ANCHOR_BYTES - 1) + b'\n', 0)
            os.fdatasync(self._anchor_file)
        except OSError as error:
            if self._anchored:
                _log.error(
                    'anchor %s cannot be written: %s; a cut at the end of the audit log '
                    'would not show',
                    _anchor_path(self.path),
                    error.strerror,
                )
            self._anchored = False
            return
        self._anchored = True

    def _open(self) -> BinaryIO:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, 'ab', buffering=0)
        file.seek(0, os.SEEK_END)
        return file

    def _rotate(self) -> None:
        if self.path.exists():  # else a full disk kept the new file from being made
            number = max((number for number, _ in _older(self.path)), default=0) + 1
            os.rename(self.path, self.path.with_name(f'{self.path.name}.{number}'))
        file = self._open()
        self._file.close()
        self._file = file
        self._size = file.tell()
        self._prune_due = True
        sync_directory(self.path.parent)

    def _prunable(self) -> list[Path]:
        if not self._prune_due:
            return []
        older = [path for _, path in _older(self.path)]
        return older[: max(0, len(older) - self._max_files)]

    def _recover(self) -> Position:
        """Return where the chain goes on, and put in line what must be said of how it was left."""
        content = self.path.read_bytes()
        end = content.rfind(b'\n') + 1
        if end < len(content):
            # The process died within a write, before that record was safe.
            self._waiting.append(
                self._record('audit.torn', text=content[end:].decode(errors='replace'))
            )
            os.ftruncate(self._file.fileno(), end)
            self._file.seek(end)
        last, anchor = _last_of(_files(self.path)), _read_anchor(self.path)
        if anchor is None:
            if last.records:
                _log.error('the anchor of audit log %s is missing', self.path)
                self._waiting.append(self._record('audit.unanchored'))
            return last
        if last.records > anchor.records or last == anchor:
            return last
        # From where it should be: so the gap stays to be seen.
        _log.error(
            'audit log %s ends at record %d of %d: it was cut or changed',
            self.path,
            last.records,
            anchor.records,
        )
        return anchor


def _anchor_path(path: Path) -> Path:
    return path.with_name(f'{path.name}.anchor')


def _check(anchor: Position) -> str:
    """Return by what an anchor that is read while it is written is told from a whole one."""
    return hashlib.sha256(f'{anchor.records} {anchor.hash}'.encode()).hexdigest()[:16]


def _read_anchor(path: Path, attempts: int = 1) -> Position | None:
    for left in reversed(range(attempts)):
        try:
            content = json.loads(_anchor_path(path).read_bytes())
            anchor = Position(int(content['records']), str(content['hash']))
            if content['check'] == _check(anchor):
                return anchor
        except FileNotFoundError:
            break
        except (ValueError, KeyError, TypeError):
            pass
        if left:
            time.sleep(PAUSE)
    return None


def _older(path: Path) -> list[tuple[int, Path]]:
    found = []
    for candidate in path.parent.glob(f'{path.name}.*'):
        suffix = candidate.name[len(path.name) + 1 :]
        if suffix.isdecimal():
            found.append((int(suffix), candidate))
    return sorted(found)


def _files(path: Path) -> list[Path]:
    """Return the files of a log, the oldest first."""
    return [*(older for _, older in _older(path)), path]


def _last_of(paths: list[Path]) -> Position:
    """Return where the chain in these files ends; what is no record is passed over."""
    for path in reversed(paths):
        for line in reversed(path.read_bytes().split(b'\n')):
            record = _parse(line)
            if record is not None:
                return Position(record['n'], record['hash'])
    return Position()


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
        if type(record['n']) is int and all(
            isinstance(record[name], str) for name in ('hash', 'prev', 'what', 'time')
        ):
            return dict(record)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


@dataclass(frozen=True)
class LogLine:
    """A line of a log; `record` is None when it is none."""

    path: Path
    number: int
    text: bytes
    record: dict[str, Any] | None

    def __str__(self) -> str:
        return f'{self.path} line {self.number}'


def read(path: Path, newest: int | None = None) -> Iterator[LogLine]:
    """Yield the lines of a log, the oldest first; a last line that has no end yet is left out.

    The log may be in use: what is yielded is as it was at one moment, or newer at the end.

    Args:
        path: the log.
        newest: so many of its files, the newest, alone.

    Raises:
        OSError: a file cannot be read.

    """
    with contextlib.ExitStack() as stack:
        for name, file in _open_all(path, newest, stack):
            lines = file.read().split(b'\n')
            for number, text in enumerate(lines[:-1], 1):
                yield LogLine(name, number, text, _parse(text))


def _open_all(
    path: Path, newest: int | None, stack: contextlib.ExitStack
) -> list[tuple[Path, BinaryIO]]:
    """Open the files of a log as they are at one moment, between two rotations."""
    for left in reversed(range(ATTEMPTS)):
        try:
            with contextlib.ExitStack() as attempt:
                names = _files(path)[-newest if newest else None :]
                files = [(name, attempt.enter_context(name.open('rb'))) for name in names]
                if names == _files(path)[-newest if newest else None :] and all(
                    os.path.samestat(name.stat(), os.fstat(file.fileno())) for name, file in files
                ):
                    stack.push(attempt.pop_all())
                    return files
        except FileNotFoundError:
            if not left:
                raise
        time.sleep(PAUSE)
    raise OSError(errno.EAGAIN, 'files come and go too fast to be read', str(path))


@dataclass(frozen=True)
class Report:
    """What became of a log: where it ends, and what is wrong; empty: the chain is whole."""

    end: Position
    problems: list[str]


def examine(path: Path, expected: Position | None = None) -> Report:
    """Check the chain of an audit log, its older files and its anchor; it may be in use.

    It shows edits, swaps, insertions and cuts by whoever did not make the chain anew with its
    anchor; against that, give a position that was noted elsewhere.

    Args:
        path: the log.
        expected: a position that the chain must hold.

    Raises:
        OSError: a file cannot be read.

    """
    # The anchor first: the log is never behind it.
    anchor = _read_anchor(path, ATTEMPTS)
    problems: list[str] = []
    at: Position | None = None
    start: tuple[LogLine, Position] | None = None
    pruned = {Position()}
    wanted = [
        (name, position)
        for name, position in (('the anchor', anchor), ('the position given', expected))
        if position is not None
    ]
    for line in read(path):
        record = line.record
        if record is None:
            problems.append(f'{line}: not a record')
            continue
        before = Position(record['n'] - 1, record['prev'])
        bare = {key: value for key, value in record.items() if key not in ('n', 'prev', 'hash')}
        if _line(bare, before) != (line.text + b'\n', Position(record['n'], record['hash'])):
            problems.append(f'{line}: changed after it was written')
        elif record['what'] == 'audit.pruned':
            pruned.add(Position(record.get('records', 0), record.get('last', '')))
        elif record['what'] == 'audit.unanchored':
            problems.append(
                f'{line}: the anchor was missing at this start of the bridge; '
                'whether records before it were cut off cannot be told'
            )
        if at is None:
            start = line, before
        elif before.records > at.records:
            problems.append(
                f'{line}: records {at.records + 1} to {before.records} before it are missing'
            )
        elif before.records < at.records:
            problems.append(
                f'{line}: record {record["n"]} stands where record {at.records + 1} belongs'
            )
        elif before.hash != at.hash:
            problems.append(f'{line}: does not follow the record before it')
        at = Position(record['n'], record['hash'])
        for name, position in wanted:
            if position.records == at.records and position.hash != at.hash:
                problems.append(f'{line}: not what it was by {name}')
    if start is not None and start[1] not in pruned:
        problems.insert(0, f'{start[0]}: the records before it are missing')
    end = at or Position()
    for name, position in wanted:
        if position.records > end.records:
            problems.append(
                f'{path}: ends at record {end.records}, but by {name} there are '
                f'{position.records}: the newest were cut off'
            )
    if expected is not None and start is not None and expected.records < start[1].records:
        problems.append(f'{path}: the position given is older than the oldest record kept')
    if anchor is None and end.records:
        problems.append(
            f'{_anchor_path(path)}: missing or damaged; whether the newest records '
            'were cut off cannot be told'
        )
    return Report(end, problems)


def verify(path: Path) -> list[str]:
    """Return what `examine` finds wrong; empty: the chain is whole.

    Raises:
        OSError: a file cannot be read.

    """
    return examine(path).problems
