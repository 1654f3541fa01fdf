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
"""Reads audit logs and checks their chain; the log may be in use meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import BinaryIO

from oht50_bridge.gateway.audit.chain import RETRY_PAUSE
from oht50_bridge.gateway.audit.chain import ChainRecord
from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.gateway.audit.chain import anchor_path
from oht50_bridge.gateway.audit.chain import encode
from oht50_bridge.gateway.audit.chain import log_files
from oht50_bridge.gateway.audit.chain import parse
from oht50_bridge.gateway.audit.chain import read_anchor

POLL_PERIOD = 0.2  # s, between two checks for new records
ATTEMPTS = 50  # to open the files between two rotations, RETRY_PAUSE apart


@dataclass(frozen=True)
class LogLine:
    """A line of a log; `record` is None if the line is not a record."""

    path: Path
    number: int
    text: bytes
    record: dict[str, Any] | None

    def __str__(self) -> str:
        return f'{self.path} line {self.number}'


def read(path: Path, newest: int | None = None) -> Iterator[LogLine]:
    """Yield the lines of a log, the oldest first, without a last line that is still incomplete.

    Args:
        path: the log.
        newest: how many of its newest files to read; None: all.

    Raises:
        OSError: a file cannot be read.

    """
    with contextlib.ExitStack() as stack:
        for name, file in _open_all(path, newest, stack):
            lines = file.read().split(b'\n')
            for number, text in enumerate(lines[:-1], 1):
                yield LogLine(name, number, text, parse(text))


def follow(path: Path) -> Iterator[LogLine]:
    """Yield the lines of a log, then the new records as they are written, without end.

    Args:
        path: the log.

    Raises:
        OSError: a file cannot be read.

    """
    last = 0
    before = _file_state(path)
    for line in read(path):
        if line.record is not None:
            last = line.record['n']
        yield line
    while True:
        while _file_state(path) == before:
            time.sleep(POLL_PERIOD)
        before = _file_state(path)
        # The older files are needed only if the newest does not continue from the last record.
        for newest in (1, None):
            lines = [line for line in read(path, newest) if line.record is not None]
            if lines and _number(lines[0]) <= last + 1:
                break
        for line in lines:
            if _number(line) > last:
                last = _number(line)
                yield line


def _number(line: LogLine) -> int:
    assert line.record is not None
    return int(line.record['n'])


def _file_state(path: Path) -> tuple[int, int] | None:
    """Return a value that changes when the log grows or is rotated."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None  # between the two steps of a rotation
    return status.st_ino, status.st_size


def _open_all(
    path: Path, newest: int | None, stack: contextlib.ExitStack
) -> list[tuple[Path, BinaryIO]]:
    """Open the files of a log as they are at one moment, between two rotations."""
    for left in reversed(range(ATTEMPTS)):
        try:
            with contextlib.ExitStack() as attempt:
                names = _newest_files(path, newest)
                files: list[tuple[Path, BinaryIO]] = [
                    (name, attempt.enter_context(open(name, 'rb', opener=_open_now)))
                    for name in names
                ]
                if names == _newest_files(path, newest) and all(
                    os.path.samestat(name.stat(), os.fstat(file.fileno())) for name, file in files
                ):
                    stack.push(attempt.pop_all())
                    return files
        except FileNotFoundError:
            if not left:
                raise
        time.sleep(RETRY_PAUSE)
    raise OSError(errno.EAGAIN, 'the files are replaced too fast to be read', str(path))


def _open_now(path: str, flags: int) -> int:
    """Open a file without waiting for the writer of a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK)


def _newest_files(path: Path, count: int | None) -> list[Path]:
    return log_files(path)[-count if count else None :]


@dataclass(frozen=True)
class AuditReport:
    """The result of a check.

    Attributes:
        end: the position of the last record.
        problems: what is wrong, with file and line; empty if the chain is intact.

    """

    end: LogPosition
    problems: list[str]


def examine(path: Path, expected: LogPosition | None = None) -> AuditReport:
    """Check the chain of a log, its older files and its anchor.

    The check finds records that were changed, moved, inserted or removed. It does not find a
    chain that was computed anew together with its anchor, unless `expected` is given.

    Args:
        path: the log.
        expected: a position, noted elsewhere, that the chain must hold.

    Raises:
        OSError: a file cannot be read.

    """
    # The anchor is read first, since the log may grow meanwhile: the log is never behind it.
    examination = _Examination(path, read_anchor(path, ATTEMPTS), expected)
    for line in read(path):
        examination.check(line)
    return examination.report()


def verify(path: Path) -> list[str]:
    """Return the problems that `examine` finds; empty if the chain is intact.

    Raises:
        OSError: a file cannot be read.

    """
    return examine(path).problems


class _Examination:
    """The check of one log, line by line."""

    def __init__(
        self, path: Path, anchor: LogPosition | None, expected: LogPosition | None
    ) -> None:
        self._path = path
        self._anchor = anchor
        self._expected = expected
        self._known = [
            (name, position)
            for name, position in (('the anchor', anchor), ('the position given', expected))
            if position is not None
        ]
        self._problems: list[str] = []
        self._pruned = {LogPosition()}  # positions up to which records may be missing
        self._first: LogLine | None = None
        self._before_first = LogPosition()
        self._end = LogPosition()

    def check(self, line: LogLine) -> None:
        """Check the next line by itself and against the one before it."""
        record = line.record
        if record is None:
            self._report(line, 'not a record')
            return
        before = LogPosition(record['n'] - 1, record['prev'])
        position = LogPosition(record['n'], record['hash'])
        self._check_content(line, record, before, position)
        if self._first is None:
            self._first, self._before_first = line, before
        else:
            self._check_order(line, before)
        self._end = position
        for name, known in self._known:
            if known.records == position.records and known.hash != position.hash:
                self._report(line, f'differs from {name}')

    def _check_content(
        self, line: LogLine, record: dict[str, Any], before: LogPosition, position: LogPosition
    ) -> None:
        bare = {key: value for key, value in record.items() if key not in ('n', 'prev', 'hash')}
        if encode(bare, before) != (line.text + b'\n', position):
            self._report(line, 'changed after it was written')
        elif record['what'] == ChainRecord.PRUNED:
            self._pruned.add(LogPosition(record.get('records', 0), record.get('last', '')))
        elif record['what'] == ChainRecord.UNANCHORED:
            self._report(
                line,
                'the anchor was missing at this start of the bridge; '
                'it is unknown whether records before it were removed',
            )

    def _check_order(self, line: LogLine, before: LogPosition) -> None:
        end = self._end
        if before.records > end.records:
            self._report(
                line, f'records {end.records + 1} to {before.records} before it are missing'
            )
        elif before.records < end.records:
            self._report(
                line, f'record {before.records + 1} stands where record {end.records + 1} belongs'
            )
        elif before.hash != end.hash:
            self._report(line, 'does not follow the record before it')

    def report(self) -> AuditReport:
        """Return the result, after the last line."""
        if self._first is not None and self._before_first not in self._pruned:
            self._problems.insert(0, f'{self._first}: the records before it are missing')
        for name, position in self._known:
            if position.records > self._end.records:
                self._report(
                    self._path,
                    f'ends at record {self._end.records}, but according to {name} there are '
                    f'{position.records}: the newest were removed',
                )
        if (
            self._expected is not None
            and self._first is not None
            and self._expected.records < self._before_first.records
        ):
            self._report(self._path, 'the position given is older than the oldest record kept')
        if self._anchor is None and self._end.records:
            self._report(
                anchor_path(self._path),
                'missing or damaged; it is unknown whether the newest records were removed',
            )
        return AuditReport(self._end, self._problems)

    def _report(self, place: LogLine | Path, problem: str) -> None:
        self._problems.append(f'{place}: {problem}')
