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
"""Keeps the record of the active mission, and reports a mission whose process died."""

from __future__ import annotations

import math
from dataclasses import replace

from oht50_bridge.state_file import UnreadableError
from oht50_bridge.text import reason_text
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.mission import MissionOutcome
from oht50_bridge.vehicle.mission_reports import EndReport
from oht50_bridge.vehicle.mission_reports import MissionOutput
from oht50_bridge.vehicle.refusal import RefusedError

LOST = 'the mission node ended during it'
LOST_PATIENCE = 10.0  # s, that the report of a lost mission waits for a subscriber


class MissionRecorder:
    """The journal, and what is logged when it cannot be written or read.

    Args:
        journal: the record on disk.
        output: receives the reports of ends and errors.
        now: s, monotonic.

    """

    def __init__(self, journal: Journal, output: MissionOutput, now: float) -> None:
        self._journal = journal
        self._output = output
        self._since = now
        self._lost = self._load()

    @property
    def lost_id(self) -> str:
        """Name of the mission whose process died, empty without one or when it was reported."""
        return '' if self._lost is None else self._lost.mission_id

    @property
    def lost(self) -> EndReport:
        """How the mission whose process died ended, empty without one or when it was reported."""
        lost = self._lost
        if lost is None:
            return EndReport()
        if lost.status:
            return EndReport(lost.mission_id, lost.status, reason_text(lost.reason))
        return EndReport(lost.mission_id, MissionOutcome.FAILED.value, LOST)

    def impatient(self, now: float) -> bool:
        """Return whether the report of a lost mission must not wait any longer."""
        return now - self._since > LOST_PATIENCE

    def begin(self, record: MissionRecord) -> None:
        """Record a mission before it starts.

        Raises:
            RefusedError: it cannot be recorded.

        """
        try:
            self._journal.save(record)
        except OSError as error:
            raise RefusedError(
                f'the mission cannot be recorded: {error}; make room in state_dir'
            ) from error

    def checkpoint(self, record: MissionRecord) -> None:
        """Record how far a mission has come, without waiting for the disk."""
        self._save(record, durable=False)

    def end(self, record: MissionRecord) -> None:
        """Record how a mission ended, before its end is reported."""
        self._save(record, durable=True)

    def finish(self, record: MissionRecord) -> None:
        """Record where a mission ended, report its end, and remove the record.

        In this order: after a crash in between, the end is reported at the next start.
        """
        self._save(record, durable=True)
        self._output.completed(record)
        self._clear()

    def report_lost(self, position: float) -> None:
        """Report the lost mission, if there is one.

        Its duration and its energy are those of its last record, from at most a second before its
        process ended: no clock tells how long ago that was, as the date may have been set since.

        Args:
            position: m, where the vehicle is; NaN when it is not known.

        """
        lost, self._lost = self._lost, None
        if lost is None:
            return
        if not lost.status:
            moved = abs(position - lost.position)
            lost = replace(
                lost,
                position=position,
                travelled=lost.travelled + (0.0 if math.isnan(moved) else moved),
                errors=lost.errors + 1,
                status=MissionOutcome.FAILED.value,
                reason=LOST,
            )
            self._output.error(f'mission {lost.mission_id}: failed, {LOST}')
        self._output.completed(lost)
        self._clear()

    def _load(self) -> MissionRecord | None:
        try:
            return self._journal.load()
        except UnreadableError as error:
            self._output.error(
                f'the record of the last mission is wrong ({error}); how it ended is not known'
            )
            return None

    def _save(self, record: MissionRecord, *, durable: bool) -> None:
        try:
            self._journal.save(record, durable=durable)
        except OSError as error:
            self._output.error(
                f'the mission cannot be recorded ({error}); after a crash its end would be lost'
            )

    def _clear(self) -> None:
        try:
            self._journal.clear()
        except OSError as error:
            self._output.error(
                f'the record of the mission cannot be removed ({error}); its end is reported '
                'again after a restart'
            )
