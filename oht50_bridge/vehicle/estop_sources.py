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
"""Sources of the emergency stop: what triggers it, and when it may be cleared."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass

from oht50_bridge.vehicle.board_reports import BoardReport
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.board_starts import BoardStarts
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.refusal import RefusedError

# Boards without which the vehicle must not move: their loss is an emergency stop.
VITAL_KINDS = ('safety', 'travel_motor')
# The safety board reports that it tripped before it reports why.
CAUSE_DELAY = 0.2  # s
# The states of the boards are published at 1 Hz.
BOARDS_LIFETIME = 3.0  # s
# The inputs are published at 10 Hz: an older report does not show a button pressed since.
INPUTS_LIFETIME = 0.5  # s
# A contact that opens counts at once, one that closes counts when it has stopped bouncing.
DEBOUNCE = 0.05  # s
# hardware_node releases the safety board when the latch was cleared. A board that holds its relay
# for longer has tripped again, or cannot be released.
RELEASE_TIME = 2.0  # s

_BUTTON = 'estop_button'
_LINE = 'estop_line'
_DANGER = 'safety_board'


@dataclass
class Readings:
    """When a source was read since the newest stop.

    The first report since then may have waited in a queue since before the stop. So a source was
    read since the stop when a second one has come.
    """

    counter: int = -1  # of the newest stop at the last report
    first: float = math.inf  # s, receipt of the first report since that stop
    last: float = -math.inf  # s, reading of the last report

    def add(self, counter: int, now: float, read_at: float | None = None) -> None:
        """Note a report.

        Args:
            counter: of the newest stop.
            now: s.
            read_at: s, when its source was read; as a rule `now`.

        """
        if counter != self.counter:
            self.counter = counter
            self.first = now
        self.last = now if read_at is None else read_at

    def since_stop(self, counter: int, delay: float = 0.0) -> bool:
        """Return whether it was read since a stop, over at least `delay` s."""
        return (
            self.counter == counter
            and self.last > self.first
            and (self.last >= self.first + delay)
        )

    def recent(self, lifetime: float, now: float) -> bool:
        """Return whether the last reading is at most `lifetime` s old."""
        return now - self.last <= lifetime


class EstopSources:
    """Turns reports into triggers and causes of the latch, and judges a clear.

    A clear needs reports of every source from after the newest stop and from after the start:
    what was read before tells nothing of a button that was pressed since.

    All times `now` are in s on one monotonic clock, because a stamp that follows the date could
    make an old report look new. Each update returns the new stop, or None when nothing new was
    latched.

    Args:
        latch: the latch.
        has_estop_input: a GPIO line of the host carries an emergency stop chain as well.
        neighbour: returns which other vehicle reports its boards in the same namespace, if any.
            Then what alternates between the reports of two boards is latched once, not at each
            report; nothing can be cleared meanwhile.

    """

    def __init__(
        self,
        latch: EstopLatch,
        *,
        has_estop_input: bool = False,
        neighbour: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._latch = latch
        self._neighbour = neighbour
        self._has_estop_input = has_estop_input
        self._line_closed_at = math.inf
        self._line_was_closed = False  # since the start
        self._line = Readings()
        self._inputs = Readings()
        self._boards = Readings()
        self._input_causes: set[str] = set()  # of the safety board's inputs
        self._board_latched = False
        self._tripped_at = -math.inf  # s
        self._dangers: int | None = None  # that were counted by the last report
        self._release_by = -math.inf
        self._starts = BoardStarts()
        self._absent: list[str] = []  # vital boards that were not online by the last report

    def update_inputs(
        self, report: InputsReport, now: float, read_at: float | None = None
    ) -> Estop | None:
        """Use a report of the safety board, which was read at `read_at`, s; as a rule `now`."""
        present = _input_causes(report)
        if report.configured and self._neighbour() is None:
            for name in self._input_causes - present.keys():
                self._latch.drop_cause(name, TriggerType.HARDWARE)
            self._input_causes.clear()
        self._input_causes |= present.keys()
        estop = self._latch.set_causes(present, TriggerType.HARDWARE)
        # On the edge only: after a clear the board holds its relay until it is released.
        tripped = report.latched and not self._board_latched
        kept = report.latched and self._latch.estop is None and now > self._release_by
        if tripped:
            self._tripped_at = now
        missed = self._missed_danger(report)
        # What a present input explains is no stop besides that of the input.
        if (tripped or kept) and not self._input_causes:
            text = 'the safety board tripped' if tripped else 'the safety board does not release'
            estop = self._trigger(text)
        elif missed and not present and now - self._tripped_at > CAUSE_DELAY:
            text = 'the safety board reported danger that is over now'
            estop = self._trigger(text)
        self._board_latched = report.latched
        if report.configured:
            self._inputs.add(self._counter, now, read_at)
        return estop

    def _trigger(self, reason: str) -> Estop | None:
        """Latch a stop by the safety board."""
        known = any(stop.source == _DANGER and stop.reason == reason for stop in self._latch.stops)
        if known and self._neighbour() is not None:
            return None
        return self._latch.trigger(TriggerType.HARDWARE, reason, _DANGER)

    def _missed_danger(self, report: InputsReport) -> bool:
        """Return whether a danger began that no safety_node has received in a report."""
        before, self._dangers = self._dangers, report.dangers
        if before is None:
            before = report.received
        return report.dangers > (before if report.dangers >= before else 0)  # counted anew

    @property
    def dangers(self) -> int | None:
        """How many dangers the last report counted, None before the first."""
        return self._dangers

    def update_boards(self, boards: Iterable[BoardReport], now: float) -> Estop | None:
        """Use a report of the states of all boards."""
        present = {}
        self._absent = []
        unreported = set(VITAL_KINDS)
        for board in boards:
            if board.kind not in VITAL_KINDS:
                continue
            unreported.discard(board.kind)
            starting = self._starts.may_be_starting(board, now)
            if board.online:
                if self._neighbour() is None:
                    self._latch.drop_cause(board.module_id, TriggerType.SOFTWARE)
                continue
            self._absent.append(board.module_id)
            if board.error and not starting:  # without an error it has not been asked yet
                present[board.module_id] = f'{board.module_id} is {board.status}: {board.error}'
        self._absent += sorted(unreported)  # nobody can say that they are well
        estop = self._latch.set_causes(present, TriggerType.SOFTWARE)
        self._boards.add(self._counter, now)
        return estop

    def update_estop_input(self, pressed: bool, now: float) -> Estop | None:
        """Use a reading of the GPIO line that carries an emergency stop chain."""
        estop = None
        if pressed:
            self._line_closed_at = math.inf
            estop = self._latch.set_causes(
                {_LINE: 'the emergency stop line is open'}, TriggerType.HARDWARE
            )
        else:
            self._line_closed_at = min(self._line_closed_at, now)
            if now - self._line_closed_at >= DEBOUNCE:
                self._line_was_closed = True
                self._latch.drop_cause(_LINE, TriggerType.HARDWARE)
        self._line.add(self._counter, now)
        return estop

    @property
    def _counter(self) -> int:
        """Counter of the newest stop."""
        return self._latch.counter

    def clear(self, estop_id: str, now: float, next_action: str = '') -> None:
        """Clear the latch.

        Args:
            estop_id: the stop that is meant; it must be the newest.
            now: s.
            next_action: what the one who clears intends, one of SafetyClear.NEXT_*.

        Raises:
            RefusedError: another stop is the newest, a cause is present, or a source was not
                read; it stays latched.
            OSError: the file of the latch could not be written; it stays latched.

        """
        estop = self._latch.estop
        if estop is None:
            return
        if estop_id != estop.estop_id:
            latched = '; '.join(map(str, reversed(self._latch.stops)))
            problem = f'is not {estop_id}' if estop_id else 'must be named by estop_id'
            raise RefusedError(f'the newest stop {problem}; latched, newest first: {latched}')
        self._check_clear(now)
        self._latch.clear(estop_id, next_action)
        self._release_by = now + RELEASE_TIME

    def _check_clear(self, now: float) -> None:
        if self._latch.causes:
            raise RefusedError('still present: ' + '; '.join(self._latch.causes))
        self._check_readings(now)

    def hindrances(self, now: float) -> list[str]:
        """Return what forbids to clear the latch at a time, s; empty when nothing does."""
        if self._latch.causes:
            return self._latch.causes
        try:
            self._check_readings(now)
        except RefusedError as refusal:
            return [str(refusal)]
        return []

    def _check_readings(self, now: float) -> None:
        if not self._inputs.since_stop(self._counter, CAUSE_DELAY):
            raise RefusedError('the safety board was not read since the stop; try again')
        if not self._inputs.recent(INPUTS_LIFETIME, now):
            raise RefusedError(
                'the safety board was not read recently; try again, or check hardware_node'
            )
        if not self._boards.since_stop(self._counter):
            raise RefusedError('the boards were not reported since the stop; try again')
        if not self._boards.recent(BOARDS_LIFETIME, now):
            raise RefusedError(
                'the boards were not reported recently; try again, or check hardware_node'
            )
        if self._absent:
            raise RefusedError(f'not online: {", ".join(self._absent)}; try again')
        if self._has_estop_input and not (
            self._line_was_closed
            and self._line.since_stop(self._counter)
            and self._line.recent(INPUTS_LIFETIME, now)
        ):
            raise RefusedError('the emergency stop line was not read closed recently; try again')


def _input_causes(report: InputsReport) -> dict[str, str]:
    """Return what the inputs of the safety board show to be present, reason by name.

    Any enabled input trips the board (Safety_Module 202c605 Safety_Monitor.c:121). While it is
    latched its judgement is frozen (:119), its inputs are not (:82). A board without a latch shows
    by its judgement that the danger is still there.
    """
    present = {}
    if report.estop_pressed:
        present[_BUTTON] = 'the emergency stop button is pressed'
    if not report.configured:
        return present
    if report.alarm and not report.latched:
        present[_DANGER] = 'the safety board reports danger or a fault'
    active = [number for number, is_active in enumerate(report.digital_inputs, 1) if is_active]
    if report.estop_pressed and len(active) == 1:
        active = []  # it is the button
    if report.estop_pressed or report.alarm or report.latched:
        for number in active:
            present[f'digital_input_{number}'] = (
                f'digital input {number} of the safety board is active'
            )
    return present
