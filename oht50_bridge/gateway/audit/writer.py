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
"""Writes the audit log: JSON lines that form a hash chain.

A thread of its own writes, so that a slow or full disk never delays the caller. The writer counts
the records that it could not write, and records the count first when the disk accepts records
again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import BinaryIO

from oht50_bridge.atomic_file import sync_directory
from oht50_bridge.gateway.audit.chain import ANCHOR_BYTES
from oht50_bridge.gateway.audit.chain import ChainRecord
from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.gateway.audit.chain import anchor_path
from oht50_bridge.gateway.audit.chain import encode
from oht50_bridge.gateway.audit.chain import encode_anchor
from oht50_bridge.gateway.audit.chain import last_position
from oht50_bridge.gateway.audit.chain import log_files
from oht50_bridge.gateway.audit.chain import older_files
from oht50_bridge.gateway.audit.chain import read_anchor
from oht50_bridge.paths import make_private
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.regular_file import copy_aside
from oht50_bridge.regular_file import put_aside
from oht50_bridge.regular_file import read_regular

logger = logging.getLogger(__name__)


def _now() -> str:
    return timestamp_from_seconds(time.time())


class AuditWriter:
    """Writes records to a file, in order, from any thread.

    Args:
        path: the file; older ones are `<name>.1`, `<name>.2`, ..., the highest the newest.
        stamp: returns the present time as the text of a record's `time`.
        max_bytes: size at which a new file begins; the chain continues in it.
        max_files: how many older files to keep. Before one is removed, a record states up to
            which position records were removed.
        capacity: how many records may wait for the disk.

    Attributes:
        path: the file.
        lost: how many records could not be written so far.

    Raises:
        OSError: another process writes the file.

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
        self._incomplete = False  # whether the file may end with a part of a line
        self._anchored = True
        self._prune_due = True
        self._file: BinaryIO | None = None  # None: it cannot be opened yet
        self._anchor_file = -1
        self._last = LogPosition()
        self._size = 0
        try:
            self._begin()
        except BlockingIOError:
            raise OSError(
                errno.EAGAIN, 'another process writes this audit log, end it first', str(path)
            ) from None
        except OSError as error:
            # As while it runs: a disk that refuses never keeps clients out.
            logger.error(
                'audit log %s cannot be opened: %s; records are lost until it can be',
                path,
                error.strerror,
            )
        self._thread = threading.Thread(target=self._run, name='audit', daemon=True)
        self._thread.start()

    def record(self, what: str, **fields: Any) -> None:
        """Queue a record. It never waits for the disk and never fails."""
        with self._wake:
            if len(self._waiting) >= self._capacity:
                self.lost += 1
                self._unreported += 1
                return
            self._waiting.append(self._record(what, **fields))
            self._wake.notify()

    def close(self, timeout: float = 5.0) -> None:
        """Write the records that wait, then end the thread and close the file.

        A thread that still waits for the disk after `timeout` seconds ends with the process.
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
        if self._file is not None:
            self._file.close()
            os.close(self._anchor_file)

    def _begin(self) -> None:
        """Open anchor and log, and find where the chain continues.

        Raises:
            BlockingIOError: another process writes the log.
            OSError: one of them cannot be opened.

        """
        make_private(self.path.parent)
        for path in (anchor_path(self.path), *log_files(self.path)):
            if os.path.lexists(path) and not path.is_file():
                logger.error('%s: not a regular file%s', path, put_aside(path))
        anchor = os.open(anchor_path(self.path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(anchor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file = self._open()
            try:
                self._last = self._recover(file)
            except OSError:
                file.close()
                raise
        except OSError:
            os.close(anchor)
            raise
        self._anchor_file, self._file, self._size = anchor, file, file.tell()

    def _write(self, records: list[dict[str, Any]], unreported: int) -> None:
        failed = len(records)
        try:
            if self._file is None:
                self._begin()
            assert self._file is not None
            if self._incomplete:
                os.ftruncate(self._file.fileno(), self._size)
                self._file.seek(self._size)
                self._incomplete = False
            if self._size >= self._max_bytes:
                self._rotate()
            pruned, end = self._prunable()
            if pruned:
                records.insert(
                    0,
                    self._record(
                        ChainRecord.PRUNED,
                        files=[path.name for path in pruned],
                        records=end.records,
                        last=end.hash,
                    ),
                )
            if unreported:
                records.insert(0, self._record(ChainRecord.LOST, records=unreported))
            lines, last = [], self._last
            for record in records:
                line, last = encode(record, last)
                lines.append(line)
            rest = b''.join(lines)
            self._incomplete = True
            while rest:  # a disk that fills up accepts a part first, and fails the next time
                rest = rest[self._file.write(rest) :]
            os.fdatasync(self._file.fileno())
        except OSError as error:
            with self._wake:
                if not self._unreported:
                    logger.error(
                        'audit log %s cannot be written: %s; records are lost until it can be',
                        self.path,
                        error.strerror,
                    )
                self.lost += failed
                self._unreported += failed
            return
        self._incomplete = False
        self._size = self._file.tell()
        self._last = last
        if unreported:
            logger.warning(
                'audit log %s is written again; %d records were lost', self.path, unreported
            )
        with self._wake:
            self._unreported -= unreported
        self._anchor()
        self._prune_due = False
        self._remove(pruned)

    def _anchor(self) -> None:
        """Write the anchor, after the records are on the disk: it never counts more than those."""
        try:
            os.pwrite(self._anchor_file, encode_anchor(self._last), 0)
            os.ftruncate(self._anchor_file, ANCHOR_BYTES)  # what was there may have been longer
            os.fdatasync(self._anchor_file)
        except OSError as error:
            if self._anchored:
                logger.error(
                    'anchor %s cannot be written: %s; removal of the newest records would not '
                    'be noticed',
                    anchor_path(self.path),
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
        assert self._file is not None
        if self.path.exists():  # it is missing if a full disk prevented the new file
            number = max((number for number, _ in older_files(self.path)), default=0) + 1
            self.path.rename(self.path.with_name(f'{self.path.name}.{number}'))
        file = self._open()
        self._file.close()
        self._file = file
        self._size = file.tell()
        self._prune_due = True
        sync_directory(self.path.parent)

    def _prunable(self) -> tuple[list[Path], LogPosition]:
        """Return the oldest files, which are too many, and the position of their end."""
        older = [path for _, path in older_files(self.path)] if self._prune_due else []
        pruned = older[: max(0, len(older) - self._max_files)]
        try:
            return pruned, last_position(pruned)
        except OSError as error:
            self._report_kept(error)
            return [], LogPosition()

    def _remove(self, pruned: list[Path]) -> None:
        try:
            for path in pruned:
                path.unlink(missing_ok=True)
        except OSError as error:
            # Newer ones stay with it: the gap behind it would look like one that somebody made.
            self._report_kept(error)

    def _report_kept(self, error: OSError) -> None:
        logger.error(
            'old audit log %s cannot be removed: %s; until it can be, none is',
            error.filename or self.path,
            error.strerror,
        )

    def _recover(self, file: BinaryIO) -> LogPosition:
        """Return where the chain continues, and queue records about the state it was left in."""
        content = self.path.read_bytes()
        end = content.rfind(b'\n') + 1
        if end < len(content):
            # The process died while it wrote this record, before the record was on the disk.
            self._waiting.append(
                self._record(ChainRecord.TORN, text=content[end:].decode(errors='replace'))
            )
            os.ftruncate(file.fileno(), end)
            file.seek(end)
        last, anchor = last_position(log_files(self.path)), read_anchor(self.path)
        if anchor is None:
            wrong = None
            with contextlib.suppress(ValueError):  # it is too long to be kept
                wrong = read_regular(anchor_path(self.path))
            if wrong:
                kept = copy_aside(anchor_path(self.path), wrong)
                logger.error('%s: not an anchor%s', anchor_path(self.path), kept)
            if last.records:
                logger.error('the anchor of audit log %s is missing', self.path)
                self._waiting.append(self._record(ChainRecord.UNANCHORED))
            return last
        if last.records > anchor.records or last == anchor:
            return last
        # Continue from the position that it should have, so that the gap remains visible.
        logger.error(
            'audit log %s ends at record %d of %d: records were removed or changed',
            self.path,
            last.records,
            anchor.records,
        )
        return anchor
