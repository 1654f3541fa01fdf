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
"""Which refresh token of each family is the one that may be used next.

A family is what came from one login. Kept in a file of hashes, so that a token that was used
stays used after a restart. The file is written by a thread of its own: a slow or full disk never
holds up the caller.
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

RETRY = 1.0  # s, after the disk refused

_log = logging.getLogger(__name__)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class RefreshStore:
    """The families of refresh tokens; all methods return at once.

    Args:
        path: the file; None: kept in memory alone.
        wall: clock, seconds since the Unix epoch.

    Attributes:
        not_before: refresh tokens issued earlier must not be taken: what became of them is not
            known, since the file was damaged.

    Raises:
        TokenFileError: others may read the file, or it is not ours.
        OSError: it cannot be read.

    """

    def __init__(self, path: Path | None = None, *, wall: Callable[[], float] = time.time) -> None:
        self.not_before = 0.0
        self._path = path
        self._wall = wall
        # Of a family: its current token, None when it is revoked, and when it can be forgotten.
        self._families: dict[str, tuple[str | None, float]] = {}
        self._wake = threading.Condition()
        self._told = self._written = 0  # changes, and up to which of them the disk has them
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
        """Return whether a refresh token was not used yet; the first of a family is not known."""
        known = self._families.get(_hash(family))
        return known is None or known[0] == _hash(token_id)

    def is_revoked(self, family: str) -> bool:
        """Return whether a family was revoked."""
        known = self._families.get(_hash(family))
        return known is not None and known[0] is None

    def rotate(self, family: str, token_id: str, until: float) -> None:
        """Make a token the current one of its family; whatever was before is used up.

        Args:
            family: the family.
            token_id: the new token.
            until: when no token of the family lives any more.

        """
        self._put(family, _hash(token_id), until)

    def revoke(self, family: str, until: float) -> None:
        """Take no token of a family any more; `until` as in `rotate`."""
        self._put(family, None, until)

    def saved(self) -> Future[None]:
        """Return what is done once the disk holds all that was told so far, or refuses it."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        with self._wake:
            if self._written < self._told and self._thread is not None:
                self._waiting.append((self._told, future))
                return future
        future.set_result(None)
        return future

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits and end the thread; one that hangs in the disk is left behind."""
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
            self._told += 1
            self._wake.notify()

    def _run(self, path: Path) -> None:
        failed = False
        while True:
            with self._wake:
                if failed and not self._closing:
                    self._wake.wait(RETRY)
                while self._written == self._told and not self._closing:
                    self._wake.wait()
                if self._written == self._told:
                    return
                closing, told = self._closing, self._told
                content = json.dumps({'not_before': self.not_before, 'families': self._families})
            try:
                replace_file(path, content.encode(), mode=0o600)
                if failed:
                    _log.warning('%s is written again', path)
                failed = False
            except OSError as error:
                if not failed:
                    _log.error(
                        '%s cannot be written: %s; were the bridge started again now, refresh '
                        'tokens used since would be taken once more',
                        path,
                        error.strerror,
                    )
                failed = True
            with self._wake:
                if not failed:
                    self._written = told
                done = [future for change, future in self._waiting if change <= told]
                self._waiting = [entry for entry in self._waiting if entry[0] > told]
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
            self._told = 1
            _log.error(
                '%s is damaged: refresh tokens issued until now are refused, clients '
                'must bring new tokens',
                path,
            )
