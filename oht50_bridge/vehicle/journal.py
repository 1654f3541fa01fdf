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
import math
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Literal

from pydantic import Field

from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file
from oht50_bridge.state_file import StateModel
from oht50_bridge.state_file import load_state


@dataclass(frozen=True)
class MissionRecord:
    """A mission as it is kept on disk; status is empty until it has ended.

    Attributes:
        reason: why it did not succeed, for a person.
        position: m, of the vehicle at the time of the record.
        travelled: m.
        energy: J.
        duration: s, from its start to the record, on a steady clock; NaN when it is not known.

    """

    mission_id: str
    mission_type: str
    position: float
    travelled: float
    energy: float
    errors: int
    status: str = ''
    duration: float = 0.0
    reason: str = ''


#: NaN is written as null: what is not known.
Quantity = Annotated[float, Field(ge=0.0)]


class StoredMission(StateModel):
    """The content of the file; see `MissionRecord`."""

    mission_id: Annotated[str, Field(min_length=1)]
    mission_type: str
    position: float | None
    travelled: Quantity | None
    energy: Quantity | None
    errors: Annotated[int, Field(ge=0, lt=2**31)]
    status: Literal['', 'success', 'failed', 'cancelled']
    duration: Quantity | None = None
    reason: str = ''
    #: Of an earlier version, whose duration was measured by the date: it is not reported.
    started: int | None = None


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
            UnreadableError: the file is wrong or cannot be read. It was put aside.

        """
        stored = load_state(self._path, StoredMission)
        if stored is None:
            return None
        fields: dict[str, Any] = {
            name: math.nan if value is None else value
            for name, value in stored.model_dump(exclude={'started'}).items()
        }
        if stored.started is not None:
            fields['duration'] = math.nan
        return MissionRecord(**fields)

    def save(self, record: MissionRecord, *, durable: bool = True) -> None:
        """Write a record completely or not at all; `durable` waits for the disk.

        Without waiting it survives the end of the process but not a loss of power.

        Raises:
            OSError: it could not be written.

        """
        fields = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(record).items()
        }
        content = json.dumps(fields, allow_nan=False)
        replace_file(self._path, content.encode(), durable=durable)

    def clear(self) -> None:
        """Remove the record.

        Raises:
            OSError: it could not be removed.

        """
        remove(self._path)
