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
"""The audit log: append-only JSON lines in which each record holds the hash of the one before.

A cut or an edit shows. The writing is done by a thread of its own: a slow or full disk never
holds up the caller. What could not be written is counted, and the count is the first thing
written once the disk takes records again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import BinaryIO

from oht50_bridge.protocol.base import timestamp_from_seconds

FIRST = '0' * 64

_log = logging.getLogger(__name__)


def _line(record: Mapping[str, Any], previous: str) -> tuple[bytes, str]:
    body = json.dumps({**record, 'prev': previous}, sort_keys=True, separators=(',', ':'))
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f'{body[:-1]},"hash":"{digest}"}}\n'.encode(), digest


def _now() -> str:
    return timestamp_from_seconds(time.time())


class Audit:
    """Writes records to a file, in order, from any thread.

    Args:
        path: the file; older ones are `<name>.1`, `<name>.2`, ..., the highest the newest.
        max_bytes: size at which a new file is begun; the chain goes on in it.
        capacity: records that may wait for the disk.
        stamp: returns the time of now as it stands in a record.

    Raises:
        OSError: the file cannot be opened.

    """

    def __init__(
        self, path: Path, *, stamp: Callable[[], str] = _now,
        max_bytes: int = 16 * 1024 * 1024, capacity: int = 10_000,
    ) -> None:
        self.path = path
        self.lost = 0
        self._stamp = stamp
        self._max_bytes = max_bytes
        self._capacity = capacity
        self._waiting: deque[dict[str, Any]] = deque()
        self._unreported = 0
        self._wake = threading.Condition()
        self._closing = False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        self._previous = self._last_hash()
        self._thread = threading.Thread(target=self._run, name='audit', daemon=True)
        self._thread.start()

    def record(self, what: str, **fields: Any) -> None:
        """Put a record in line; never waits for the disk and never fails."""
        with self._wake:
            if len(self._waiting) >= self._capacity:
                self.lost += 1
                self._unreported += 1
                return
            self._waiting.append({'time': self._stamp(), 'what': what, **fields})
            self._wake.notify()

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, then end the thread and close the file.

        A thread that hangs in the disk after `timeout` seconds is left to die with the process.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(timeout)

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
            if unreported:
                records.insert(0, {
                    'time': self._stamp(), 'what': 'audit.lost', 'records': unreported})
            self._write(records, unreported)
        self._file.close()

    def _write(self, records: list[dict[str, Any]], reporting: int) -> None:
        lines, previous = [], self._previous
        for record in records:
            line, previous = _line(record, previous)
            lines.append(line)
        try:
            if self._file.tell() >= self._max_bytes:
                self._rotate()
            start = self._file.tell()
            try:
                rest = b''.join(lines)
                while rest:  # a disk that fills up takes a part first, and fails the next time
                    rest = rest[self._file.write(rest):]
                os.fdatasync(self._file.fileno())
            except OSError:
                # Half a line would break the chain of all that follows.
                self._reopen(start)
                raise
        except OSError as error:
            failed = len(records) - (1 if reporting else 0)
            with self._wake:
                if not self._unreported:
                    _log.error('audit log %s cannot be written: %s; records are lost until it can',
                               self.path, error.strerror)
                self.lost += failed
                self._unreported += failed
            return
        self._previous = previous
        with self._wake:
            self._unreported -= reporting

    def _open(self) -> BinaryIO:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(descriptor, 'ab', buffering=0)
        file.seek(0, os.SEEK_END)
        return file

    def _reopen(self, size: int) -> None:
        os.ftruncate(self._file.fileno(), size)
        self._file.seek(size)

    def _rotate(self) -> None:
        number = max((number for number, _ in _older(self.path)), default=0) + 1
        os.rename(self.path, self.path.with_name(f'{self.path.name}.{number}'))
        file = self._open()
        self._file.close()
        self._file = file

    def _last_hash(self) -> str:
        for path in reversed([*(path for _, path in _older(self.path)), self.path]):
            content = path.read_bytes()
            if not content:
                continue
            if not content.endswith(b'\n'):
                # The process died within a write: the torn line stays, as what it is.
                self._file.write(b'\n')
            for line in reversed(content.splitlines()):
                try:
                    return str(json.loads(line)['hash'])
                except (ValueError, KeyError, TypeError):
                    continue
        return FIRST


def _older(path: Path) -> list[tuple[int, Path]]:
    found = []
    for candidate in path.parent.glob(f'{path.name}.*'):
        suffix = candidate.name[len(path.name) + 1:]
        if suffix.isdecimal():
            found.append((int(suffix), candidate))
    return sorted(found)


def verify(path: Path) -> list[str]:
    """Return what is wrong with an audit log and its older files; empty: the chain is whole.

    It shows edits, insertions, and cuts within. That the newest records were cut off at the end
    shows only against a hash kept elsewhere.

    Raises:
        OSError: a file cannot be read.

    """
    problems = []
    previous = FIRST
    for file in [*(older for _, older in _older(path)), path]:
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            where = f'{file.name} line {number}'
            try:
                record = json.loads(line)
                claimed, linked = record.pop('hash'), record.pop('prev')
            except (ValueError, KeyError, AttributeError, TypeError):
                problems.append(f'{where}: not a record')
                continue
            if linked != previous:
                problems.append(f'{where}: does not follow the record before it')
            if _line(record, linked)[1] != claimed:
                problems.append(f'{where}: changed after it was written')
            previous = claimed
    return problems
