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
"""The hash chain of the audit log: its records, its files and its anchor.

A log is a file of JSON lines. Each record holds its number (`n`), the hash of the record before
it (`prev`) and its own hash (`hash`), so that a record that is removed, changed or moved breaks
the chain. The anchor is a small file beside the log that holds the number and the hash of the last
record: without it, records could be removed at the end without a trace.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oht50_bridge.enums import StrEnum
from oht50_bridge.regular_file import read_regular

AUDIT_FILE = 'audit.jsonl'
FIRST_HASH = '0' * 64
ANCHOR_BYTES = 192  # less than a sector, so that the disk holds either the old or the new anchor
RETRY_PAUSE = 0.01  # s, before a file that is being written is read again


class ChainRecord(StrEnum):
    """Records that the log writes about itself, by their `what`."""

    PRUNED = 'audit.pruned'  # the oldest files were removed
    LOST = 'audit.lost'  # records were lost, since the disk refused them
    TORN = 'audit.torn'  # the process died while it wrote a line
    UNANCHORED = 'audit.unanchored'  # the anchor was missing when the log was opened


@dataclass(frozen=True)
class LogPosition:
    """A position in the chain: the number of a record and its hash."""

    records: int = 0
    hash: str = FIRST_HASH


def encode(record: Mapping[str, Any], after: LogPosition) -> tuple[bytes, LogPosition]:
    """Return the line of a record that follows a position, and the position of the record.

    Args:
        record: its fields without `n`, `prev` and `hash`.
        after: the position of the record before it.

    """
    body = json.dumps(
        {**record, 'n': after.records + 1, 'prev': after.hash},
        sort_keys=True,
        separators=(',', ':'),
        default=str,
    )
    digest = hashlib.sha256(body.encode()).hexdigest()
    return (f'{body[:-1]},"hash":"{digest}"}}\n'.encode(), LogPosition(after.records + 1, digest))


def parse(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, its hash unchecked; None if the line is not a record."""
    try:
        record = json.loads(line)
        if type(record['n']) is int and all(
            isinstance(record[name], str) for name in ('hash', 'prev', 'what', 'time')
        ):
            return dict(record)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def older_files(path: Path) -> list[tuple[int, Path]]:
    """Return the older files of a log with their numbers, the oldest first."""
    found = []
    for candidate in path.parent.glob(f'{path.name}.*'):
        suffix = candidate.name[len(path.name) + 1 :]
        if suffix.isdecimal():
            found.append((int(suffix), candidate))
    return sorted(found)


def log_files(path: Path) -> list[Path]:
    """Return the files of a log, the oldest first."""
    return [*(older for _, older in older_files(path)), path]


def last_position(paths: list[Path]) -> LogPosition:
    """Return the position of the last record in these files; skip lines that are not records.

    Raises:
        OSError: a file cannot be read.

    """
    for path in reversed(paths):
        for line in reversed(path.read_bytes().split(b'\n')):
            record = parse(line)
            if record is not None:
                return LogPosition(record['n'], record['hash'])
    return LogPosition()


def anchor_path(path: Path) -> Path:
    """Return the file of the anchor of a log."""
    return path.with_name(f'{path.name}.anchor')


def encode_anchor(position: LogPosition) -> bytes:
    """Return the content of an anchor, always ANCHOR_BYTES long."""
    content = json.dumps(
        {'records': position.records, 'hash': position.hash, 'check': _checksum(position)}
    )
    return content.encode().ljust(ANCHOR_BYTES - 1) + b'\n'


def read_anchor(path: Path, attempts: int = 1) -> LogPosition | None:
    """Return the position that the anchor of a log holds; None if it is missing or damaged.

    Args:
        path: the log.
        attempts: how often to read it; the log may be in use and the anchor half written.

    """
    for left in reversed(range(attempts)):
        try:
            text = read_regular(anchor_path(path))
            if text is None:
                break
            content = json.loads(text)
            anchor = LogPosition(int(content['records']), str(content['hash']))
            if content['check'] == _checksum(anchor):
                return anchor
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            pass
        if left:
            time.sleep(RETRY_PAUSE)
    return None


def _checksum(anchor: LogPosition) -> str:
    """Return the checksum that an anchor which is half written does not match."""
    return hashlib.sha256(f'{anchor.records} {anchor.hash}'.encode()).hexdigest()[:16]
