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
"""The active mission on disk, so that a mission lost by a crash is known afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file


@dataclass(frozen=True)
class MissionRecord:
    """A mission as it is kept on disk; status is empty until it has ended.

    Attributes:
        position: m, of the vehicle at the time of the record.
        travelled: m.
        energy: J.
        duration: s, from its start to the record, on a steady clock.

    """

    mission_id: str
    mission_type: str
    position: float
    travelled: float
    energy: float
    errors: int
    status: str = ''
    duration: float = 0.0


class Journal:
    """The record of the active mission.

    Args:
        path: its file; the directory exists.

    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> MissionRecord | None:
        """Return the record that was not cleared, None without one.

        Raises:
            ValueError: the file cannot be understood.
            OSError: it cannot be read.

        """
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return None
        try:
            return MissionRecord(**json.loads(text))
        except TypeError as error:
            raise ValueError(f'{self._path}: {error}') from error

    def save(self, record: MissionRecord, *, durable: bool = True) -> None:
        """Write a record completely or not at all; `durable` waits for the disk.

        Without waiting it survives the end of the process but not a loss of power.

        Raises:
            OSError: it could not be written.

        """
        replace_file(self._path, json.dumps(asdict(record)).encode(), durable=durable)

    def clear(self) -> None:
        """Remove the record.

        Raises:
            OSError: it could not be removed.

        """
        remove(self._path)
