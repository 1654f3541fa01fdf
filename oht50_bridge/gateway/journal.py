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
"""The events of one epoch on disk, so that clients resume over a restart of the bridge.

It outlives the process, not the computer: nothing is synchronised to the disk, and what another
start of the computer left is dropped. While it cannot be written there is none, and a restart
begins a new epoch.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import NamedTuple
from typing import TypeVar

from oht50_bridge.identity import BOOT_ID
from oht50_bridge.paths import make_private
from oht50_bridge.text import shown

VERSION = 1  # of the tables
TRIM_EACH = 1000  # events, after which those that nobody can ask for any more are removed

_TABLES = """
CREATE TABLE life (epoch TEXT, boot TEXT);
CREATE TABLE events (seq INTEGER PRIMARY KEY, payload BLOB);
CREATE TABLE numbers (topic TEXT, publisher TEXT, number INTEGER, PRIMARY KEY (topic, publisher));
CREATE TABLE nodes (node TEXT PRIMARY KEY, publisher TEXT);
"""

_log = logging.getLogger(__name__)
_Result = TypeVar('_Result')


class Origin(NamedTuple):
    """Where an event comes from.

    Attributes:
        topic: name of its topic.
        publisher: unique name of the process that published it.
        number: among the events of that process on that topic, from 1.

    """

    topic: str
    publisher: str
    number: int


@dataclass(frozen=True)
class Past:
    """What the process before has left.

    Attributes:
        epoch: its epoch.
        events: number and payload of the newest events, in their order.
        numbers: of the last event of each topic and publisher.
        nodes: the publisher that each node was.

    """

    epoch: str
    events: list[tuple[int, bytes]] = field(default_factory=list)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)


class EventJournal:
    """Keeps the events of one epoch in a file.

    All methods belong to one thread.

    Args:
        path: of the file; who else has it open keeps it.
        capacity: events kept.

    Attributes:
        past: what the process before has left; None without anything to continue.

    """

    def __init__(self, path: Path, capacity: int) -> None:
        self._path = path
        self._capacity = capacity
        self._database: sqlite3.Connection | None = None
        self.past = self._attempt(self._open)

    def _open(self) -> Past | None:
        make_private(self._path.parent)
        try:
            return self._load()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # it is in use, or the disk is full
                raise
            self._close()
            self._remove()
            _log.warning(
                '%s is damaged (%s): clients cannot resume', shown(str(self._path)), error
            )
            return self._load()

    def _load(self) -> Past | None:
        self._database = database = sqlite3.connect(
            self._path, timeout=0.0, isolation_level=None, check_same_thread=False
        )
        for pragma in ('locking_mode = EXCLUSIVE', 'journal_mode = WAL', 'synchronous = OFF'):
            database.execute(f'PRAGMA {pragma}')
        (version,) = database.execute('PRAGMA user_version').fetchone()
        lives = database.execute('SELECT epoch, boot FROM life').fetchall() if version else []
        boot = BOOT_ID.read_text().strip()
        database.execute('BEGIN IMMEDIATE')  # also sees whether it can be written
        if version == VERSION and len(lives) == 1 and lives[0][1] == boot:
            database.execute('UPDATE life SET boot = boot')
            past = Past(
                lives[0][0],
                database.execute('SELECT seq, payload FROM events ORDER BY seq').fetchall(),
                {(t, p): n for t, p, n in database.execute('SELECT * FROM numbers')},
                dict(database.execute('SELECT node, publisher FROM nodes')),
            )
        else:
            past = None
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                database.execute(f'DROP TABLE {name}')
            for table in _TABLES.strip().splitlines():
                database.execute(table)
            database.execute(f'PRAGMA user_version = {VERSION}')
        database.execute('COMMIT')
        return past

    @property
    def open(self) -> bool:
        """Whether it keeps events."""
        return self._database is not None

    def begin(self, epoch: str) -> None:
        """Begin an epoch, and forget what was kept of another."""
        self.past = None

        def begin(database: sqlite3.Connection) -> None:
            database.execute('BEGIN')
            for table in ('life', 'events', 'numbers', 'nodes'):
                database.execute(f'DELETE FROM {table}')  # noqa: S608 - names of ours
            database.execute(
                'INSERT INTO life VALUES (?, ?)', (epoch, BOOT_ID.read_text().strip())
            )
            database.execute('COMMIT')

        self._write(begin)

    def append(self, seq: int, payload: bytes, origin: Origin | None) -> None:
        """Keep an event before it is sent."""

        def append(database: sqlite3.Connection) -> None:
            database.execute('BEGIN')
            database.execute('INSERT INTO events VALUES (?, ?)', (seq, payload))
            if origin is not None:
                database.execute('INSERT OR REPLACE INTO numbers VALUES (?, ?, ?)', origin_row)
            if seq % TRIM_EACH == 0:
                database.execute('DELETE FROM events WHERE seq <= ?', (seq - self._capacity,))
            database.execute('COMMIT')

        origin_row = () if origin is None else (origin.topic, origin.publisher, origin.number)
        self._write(append)

    def skip(self, origin: Origin) -> None:
        """Note an event that is not published: to the next process it is no missed one."""

        def skip(database: sqlite3.Connection) -> None:
            database.execute(
                'INSERT INTO numbers VALUES (?, ?, ?) ON CONFLICT DO UPDATE'
                ' SET number = max(number, excluded.number)',
                (origin.topic, origin.publisher, origin.number),
            )

        self._write(skip)

    def note(self, node: str, publisher: str) -> None:
        """Note which publisher a node is."""

        def note(database: sqlite3.Connection) -> None:
            database.execute('INSERT OR REPLACE INTO nodes VALUES (?, ?)', (node, publisher))

        self._write(note)

    def close(self) -> None:
        """End in order: the next process begins a new epoch."""
        if self._database is not None:
            self._close()
            with contextlib.suppress(OSError):
                self._remove()

    def _write(self, write: Callable[[sqlite3.Connection], None]) -> None:
        if self._database is not None:
            database = self._database
            self._attempt(lambda: write(database))

    def _attempt(self, work: Callable[[], _Result]) -> _Result | None:
        """Do some work; where that fails, keep nothing any more, so that no gap is continued."""
        try:
            return work()
        except (OSError, sqlite3.Error) as error:
            _log.error(
                '%s: %s: clients cannot resume over a restart of the bridge',
                shown(str(self._path)),
                error,
            )
            self._close()
            with contextlib.suppress(OSError):
                # Of another process that has it open it is that process's own.
                if 'locked' not in str(error):
                    self._remove()
            return None

    def _close(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _remove(self) -> None:
        for suffix in ('', '-wal', '-shm'):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
