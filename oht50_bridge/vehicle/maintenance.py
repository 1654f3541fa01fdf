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
"""The maintenance lock: nothing moves while somebody is at work on the vehicle."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.paths import make_private
from oht50_bridge.state_file import StateModel
from oht50_bridge.state_file import UnreadableError
from oht50_bridge.state_file import load_state
from oht50_bridge.vehicle.refusal import RefusedError

MAINTENANCE_FILE = 'maintenance.json'
UNREADABLE = 'unreadable-file'  # owner of the lock that an unreadable file stands for
MAXIMUM_OWNERS = 32


class StoredLocks(StateModel):
    """The content of the file."""

    owners: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MAXIMUM_OWNERS)]


class MaintenanceLock:
    """Who is at work on the vehicle; motion is forbidden while somebody is.

    Each person has a lock of his own, as with padlocks on a switch: the last one who releases his
    permits motion. The locks are kept in a file of their own, apart from the configuration, so
    that no rollback of the configuration releases one. A file that cannot be understood is a lock
    without an owner, which only an override releases.

    Args:
        path: file of the locks; its directory is made when it is written.
        look: only look at the file: one that is wrong stays where it is.

    Attributes:
        fault: what is wrong with the file and where it is kept, empty when it could be read.

    """

    def __init__(self, path: Path, *, look: bool = False) -> None:
        self.fault = ''
        self._path = path
        self._owners = self._load(aside=not look)
        if self.fault and not look:
            # Best at once. What is missing beside a file that was put aside counts as locked too.
            with contextlib.suppress(OSError):
                self._write(self._owners)

    @property
    def owners(self) -> tuple[str, ...]:
        """Who has a lock, in the order of locking; motion is forbidden while there is one."""
        return self._owners

    @property
    def locked(self) -> bool:
        """Whether motion is forbidden."""
        return bool(self._owners)

    def lock(self, owner: str) -> None:
        """Lock, in memory first. Repeating it has no effect.

        Raises:
            RefusedError: the owner has no name, or there are too many.
            OSError: the file could not be written; it is locked until a restart all the same.

        """
        if not owner:
            raise RefusedError('source: a maintenance lock needs an owner')
        if owner not in self._owners:
            if len(self._owners) >= MAXIMUM_OWNERS:
                raise RefusedError(f'locked by {MAXIMUM_OWNERS} already: {self._names()}')
            self._owners = (*self._owners, owner)
        self._write(self._owners)

    def release(self, owner: str, *, override: bool = False) -> None:
        """Release the lock of an owner, on disk first.

        Args:
            owner: who releases.
            override: release the locks of all others too.

        Raises:
            RefusedError: others have a lock, but this owner has none.
            OSError: the file could not be written; what was locked stays locked.

        """
        if owner not in self._owners and self._owners and not override:
            raise RefusedError(
                f'locked by {self._names()}; only the owner releases his lock, or, when it is '
                'certain that nobody is at work on the vehicle, anyone with override'
            )
        left = () if override else tuple(name for name in self._owners if name != owner)
        if left != self._owners:
            try:
                self._write(left)
            except OSError:
                # The file may be replaced even if that fails: a restart would release it.
                with contextlib.suppress(OSError):
                    self._write(self._owners)
                raise
            self._owners = left

    def _names(self) -> str:
        return ', '.join(map(repr, self._owners))

    def _write(self, owners: tuple[str, ...]) -> None:
        make_private(self._path.parent)
        replace_file(self._path, json.dumps({'owners': owners}).encode())

    def _load(self, *, aside: bool) -> tuple[str, ...]:
        try:
            stored = load_state(self._path, StoredLocks, lasting=True, aside=aside)
        except UnreadableError as error:
            self.fault = str(error)
            return (UNREADABLE,)
        return () if stored is None else tuple(stored.owners)
