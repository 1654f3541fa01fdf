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
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.gateway.auth.private_files import READ_BY_OTHERS
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import check_status
from oht50_bridge.state_file import StateModel
from oht50_bridge.state_file import UnreadableError
from oht50_bridge.state_file import load_state

RETRY = 1.0  # s, after a write failed

logger = logging.getLogger(__name__)

Moment = Annotated[float, Field(ge=0.0, le=2.0**53)]


class StoredFamilies(StateModel):
    """The content of the file."""

    not_before: Moment
    families: dict[str, Annotated[tuple[str | None, Moment], Field(strict=False)]]


@lru_cache(maxsize=1024)
def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class RefreshStore:
    """The families of refresh tokens; all methods return at once.

    Args:
        path: the file; None: the store is kept in memory only.
        wall: clock, seconds since the Unix epoch.

    Attributes:
        not_before: refresh tokens issued before this time must be refused, since the file was
            damaged or others could read it, and their use is unknown; seconds since the Unix
            epoch.

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
            stored = load_state(path, StoredFamilies, check=check_privacy, lasting=True)
        except UnreadableError as error:
            self.not_before = self._wall()
            self._changes = 1
            logger.error(
                '%s: damaged; refresh tokens issued until now are refused, clients need new '
                'tokens',
                error,
            )
            return
        if stored is not None:
            self.not_before = stored.not_before
            self._families = dict(stored.families)


def check_privacy(path: Path, status: os.stat_result) -> None:
    """Check that nobody else can read the file; ValueError if somebody can."""
    try:
        check_status(path, status, READ_BY_OTHERS)
    except TokenFileError as error:
        raise ValueError(str(error)) from error
