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
from collections.abc import Iterable

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


class EstopSources:
    """Turns reports into triggers and causes of the latch, and judges a clear.

    A clear needs a report of every source from after the stop and from after the start: after a
    restart nothing is known of a button that is still pressed.

    All times `now` are in s on one monotonic clock, because a stamp that follows the date could
    make an old report look new. Each update returns the new stop, or None when nothing new was
    latched.

    Args:
        latch: the latch.
        has_estop_input: a GPIO line of the host carries an emergency stop chain as well.

    """

    def __init__(self, latch: EstopLatch, *, has_estop_input: bool = False) -> None:
        self._latch = latch
        self._has_estop_input = has_estop_input
        self._input_was_closed = False  # since the start
        self._input_closed_at = math.inf
        self._input_at = -math.inf
        self._inputs_at = -math.inf
        self._stop_known = ''  # id of the stop that was latched at the last report of the inputs
        self._stop_known_at = math.inf
        self._board_latched = False
        self._boards_at = -math.inf
        self._starts = BoardStarts()
        self._absent: list[str] = []  # vital boards that were not online in the last report

    def update_inputs(self, report: InputsReport, now: float) -> Estop | None:
        """Use a report of the safety board."""
        estop = None
        if report.estop_pressed:
            estop = self._latch.set_cause(
                'estop_button', TriggerType.HARDWARE, 'the emergency stop button is pressed'
            )
        elif report.configured:
            self._latch.drop_cause('estop_button')
        # On the edge only: after a clear the board holds its relay until it is released.
        if report.latched and not self._board_latched:
            tripped = self._latch.trigger(
                TriggerType.HARDWARE, 'the safety board tripped', 'safety_board'
            )
            estop = tripped or estop
        self._board_latched = report.latched
        if not report.configured:
            return estop
        self._inputs_at = now
        if self._latch.estop is not None and self._latch.estop.estop_id != self._stop_known:
            self._stop_known = self._latch.estop.estop_id
            self._stop_known_at = now
        return estop

    def update_boards(self, boards: Iterable[BoardReport], now: float) -> Estop | None:
        """Use a report of the states of all boards."""
        self._boards_at = now
        estop = None
        self._absent = []
        for board in boards:
            if board.kind not in VITAL_KINDS:
                continue
            starting = self._starts.may_be_starting(board, now)
            if board.online:
                self._latch.drop_cause(board.module_id)
                continue
            self._absent.append(board.module_id)
            if board.error and not starting:  # without an error it has not been asked yet
                lost = self._latch.set_cause(
                    board.module_id,
                    TriggerType.SOFTWARE,
                    f'{board.module_id} is {board.status}: {board.error}',
                )
                estop = lost or estop
        return estop

    def update_estop_input(self, pressed: bool, now: float) -> Estop | None:
        """Use a reading of the GPIO line that carries an emergency stop chain."""
        self._input_at = now
        if pressed:
            self._input_closed_at = math.inf
            return self._latch.set_cause(
                'estop_line', TriggerType.HARDWARE, 'the emergency stop line is open'
            )
        self._input_closed_at = min(self._input_closed_at, now)
        if now - self._input_closed_at >= DEBOUNCE:
            self._input_was_closed = True
            self._latch.drop_cause('estop_line')
        return None

    def clear(self, now: float) -> None:
        """Clear the latch.

        Raises:
            RefusedError: a cause is present, or a source was not read; it stays latched.
            OSError: the file of the latch could not be removed; it stays latched.

        """
        if self._latch.estop is None:
            return
        self._check_clear(self._latch.estop, now)
        self._latch.clear()

    def _check_clear(self, estop: Estop, now: float) -> None:
        if self._latch.causes:
            raise RefusedError('still present: ' + '; '.join(self._latch.causes))
        if estop.estop_id != self._stop_known or (
            self._inputs_at < self._stop_known_at + CAUSE_DELAY
        ):
            raise RefusedError('the safety board was not read since the stop; try again')
        if now - self._inputs_at > INPUTS_LIFETIME:
            raise RefusedError(
                'the safety board was not read recently; try again, or check hardware_node'
            )
        if now - self._boards_at > BOARDS_LIFETIME:
            raise RefusedError(
                'the boards were not reported recently; try again, or check hardware_node'
            )
        if self._absent:
            raise RefusedError(f'not online: {", ".join(self._absent)}; try again')
        if self._has_estop_input and (
            not self._input_was_closed or now - self._input_at > INPUTS_LIFETIME
        ):
            raise RefusedError('the emergency stop line was not read closed recently; try again')
