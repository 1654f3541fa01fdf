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
"""Stores which refresh token of each family may be used next.

A family is all tokens of one login. The store is a file of hashes, so that a used token stays used
after a restart. A thread of its own writes the file: a slow or full disk never delays the caller.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.gateway.auth.private_files import read_private

RETRY = 1.0  # s, after a write failed

logger = logging.getLogger(__name__)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class RefreshStore:
    """The families of refresh tokens; all methods return at once.

    Args:
        path: the file; None: the store is kept in memory only.
        wall: clock, seconds since the Unix epoch.

    Attributes:
        not_before: refresh tokens issued before this time must be refused, since the file was
            damaged and their use is unknown; seconds since the Unix epoch.

    Raises:
        TokenFileError: other users may read the file, or it belongs to another user.
        OSError: the file cannot be read.

    """

    def __init__(self, path: Path | None = None, *, wall: Callable[[], float] = time.time) -> None:
        self.not_before = 0.0
        self._path = path
        self._wall = wall
        # By family: its current token, or None if it is revoked, and the time to forget it.
        self._families: dict[str, tuple[str | None, float]] = {}
        self._wake = threading.Condition()
        self._changes = self._written = 0  # changes made, and how many of them are on the disk
        self._waiting: list[tuple[int, Future[None]]] = []
        self._closing = False
        self._thread: threading.Thread | None = None
        if path is not None:
            self._load(path)
            self._thread = threading.Thread(
                target=self._run, args=(path,), name='refresh-store', daemon=True
            )
            self._thread.start()

    def is_current(self, family: str, token_id: str) -> bool:
        """Return whether a refresh token is unused, as one of an unknown family is."""
        known = self._families.get(_hash(family))
        return known is None or known[0] == _hash(token_id)

    def is_revoked(self, family: str) -> bool:
        """Return whether a family was revoked."""
        known = self._families.get(_hash(family))
        return known is not None and known[0] is None

    def rotate(self, family: str, token_id: str, until: float) -> None:
        """Make a token the current one of its family, so that earlier ones count as used.

        Args:
            family: id of the family.
            token_id: id of the new token.
            until: when the last token of the family expires, seconds since the Unix epoch.

        """
        self._put(family, _hash(token_id), until)

    def revoke(self, family: str, until: float) -> None:
        """Revoke every token of a family; `until` as in `rotate`."""
        self._put(family, None, until)

    def saved(self) -> Future[None]:
        """Return a future that is done when the disk has the changes so far, or a write failed."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        with self._wake:
            if self._written < self._changes and self._thread is not None:
                self._waiting.append((self._changes, future))
                return future
        future.set_result(None)
        return future

    def close(self, timeout: float = 5.0) -> None:
        """Write the changes that wait and end the thread.

        A thread that still waits for the disk after `timeout` seconds ends with the process.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _put(self, family: str, current: str | None, until: float) -> None:
        now = self._wall()
        with self._wake:
            for name in [name for name, (_, end) in self._families.items() if end <= now]:
                del self._families[name]
            self._families[_hash(family)] = (current, until)
            self._changes += 1
            self._wake.notify()

    def _run(self, path: Path) -> None:
        failed = False
        while True:
            with self._wake:
                if failed and not self._closing:
                    self._wake.wait(RETRY)
                while self._written == self._changes and not self._closing:
                    self._wake.wait()
                if self._written == self._changes:
                    return
                closing, changes = self._closing, self._changes
                content = json.dumps({'not_before': self.not_before, 'families': self._families})
            try:
                replace_file(path, content.encode(), mode=0o600)
                if failed:
                    logger.warning('%s is written again', path)
                failed = False
            except OSError as error:
                if not failed:
                    logger.error(
                        '%s cannot be written: %s; after a restart of the bridge, refresh tokens '
                        'used since then would be accepted once more',
                        path,
                        error.strerror,
                    )
                failed = True
            with self._wake:
                if not failed:
                    self._written = changes
                done = [future for change, future in self._waiting if change <= changes]
                self._waiting = [entry for entry in self._waiting if entry[0] > changes]
            for future in done:
                future.set_result(None)
            if failed and closing:
                return

    def _load(self, path: Path) -> None:
        try:
            content = read_private(path)
        except FileNotFoundError:
            return
        try:
            document = json.loads(content)
            self.not_before = float(document['not_before'])
            self._families = {
                str(family): (current if current is None else str(current), float(until))
                for family, (current, until) in document['families'].items()
            }
        except (ValueError, TypeError, KeyError, AttributeError):
            self.not_before = self._wall()
            self._changes = 1
            logger.error(
                '%s is damaged: refresh tokens issued until now are refused, clients '
                'need new tokens',
                path,
            )
