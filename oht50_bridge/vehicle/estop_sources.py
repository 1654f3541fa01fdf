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
"""Sources of an emergency stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass

from oht50_bridge.vehicle.estop import HARDWARE
from oht50_bridge.vehicle.estop import SOFTWARE
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch

# Boards without which the vehicle must not move: their loss is an emergency stop.
VITAL_KINDS = ('safety', 'travel_motor')
# For so long after a start a vital board that has not answered yet may be starting too: nothing
# moves without it, and that is no emergency yet.
MEETING_TIME = 5.0  # s
# The safety board reports that it tripped before it reports why.
CAUSE_DELAY = 0.2  # s
# The boards' states are published at 1 Hz.
MODULES_AGE = 3.0  # s
# The inputs are published at 10 Hz: an older report tells nothing of a button pressed since.
INPUTS_AGE = 0.5  # s
# A contact that opens counts at once, one that closes when it has stopped bouncing.
DEBOUNCE = 0.05  # s


@dataclass(frozen=True)
class Board:
    """State of one board as reported: online, or the description of its error."""

    module_id: str
    kind: str
    online: bool
    status: str
    error: str


class EstopSources:
    """Turns what is reported into triggers and causes of the latch, and judges a clear.

    A clear needs a report of every source from after the stop and from after the start: after a
    restart nothing is known of a button that is still pressed.

    Args:
        latch: the latch.
        has_line: a GPIO line of the host carries an emergency stop chain too.
        clock: s that only rise.

    """

    def __init__(
        self,
        latch: EstopLatch,
        *,
        has_line: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._latch = latch
        self._clock = clock
        self._has_line = has_line
        self._line_was_closed = False  # since the start
        self._line_closed_at = math.inf
        self._line_at = -math.inf
        self._inputs_at = -math.inf
        self._stop_known = ''  # id of the stop that was latched at the last report of the inputs
        self._stop_known_at = math.inf
        self._board_latched = False
        self._modules_at = -math.inf
        self._met: set[str] = set()  # vital boards that were online since the start
        self._missed_since: dict[str, float] = {}  # the others, by their first report
        self._absent: list[str] = []  # vital boards that were not online in the last report

    def inputs(self, pressed: bool, latched: bool, configured: bool) -> Estop | None:
        """Take a report of the safety board.

        Args:
            pressed: the emergency stop chain is open.
            latched: the board holds its relay.
            configured: the inputs are enabled: what a disabled one reports may be pressed.

        Returns:
            The new stop, or None when nothing new was latched; as do the other sources.

        """
        estop = None
        if pressed:
            estop = self._latch.set_cause(
                'estop_button', HARDWARE, 'the emergency stop button is pressed'
            )
        elif configured:
            self._latch.drop_cause('estop_button')
        # On the edge only: after a clear the board holds its relay until it is released.
        if latched and not self._board_latched:
            estop = (
                self._latch.trigger(HARDWARE, 'the safety board tripped', 'safety_board') or estop
            )
        self._board_latched = latched
        if not configured:
            return estop
        # By a clock that no date moves: a stamp could make an old report look new.
        self._inputs_at = self._clock()
        if self._latch.estop is not None and self._latch.estop.estop_id != self._stop_known:
            self._stop_known = self._latch.estop.estop_id
            self._stop_known_at = self._inputs_at
        return estop

    def boards(self, boards: Iterable[Board]) -> Estop | None:
        """Take a report of the states of the boards."""
        now = self._modules_at = self._clock()
        estop = None
        self._absent = []
        for board in boards:
            if board.kind not in VITAL_KINDS:
                continue
            if board.online:
                self._met.add(board.module_id)
                self._latch.drop_cause(board.module_id)
                continue
            self._absent.append(board.module_id)
            starting = (
                board.module_id not in self._met
                and board.status == 'offline'
                and now - self._missed_since.setdefault(board.module_id, now) < MEETING_TIME
            )
            if board.error and not starting:  # without one it has not been asked yet
                estop = (
                    self._latch.set_cause(
                        board.module_id,
                        SOFTWARE,
                        f'{board.module_id} is {board.status}: {board.error}',
                    )
                    or estop
                )
        return estop

    def line(self, pressed: bool) -> Estop | None:
        """Take a reading of the GPIO line."""
        now = self._line_at = self._clock()
        if pressed:
            self._line_closed_at = math.inf
            return self._latch.set_cause('estop_line', HARDWARE, 'the emergency stop line is open')
        self._line_closed_at = min(self._line_closed_at, now)
        if now - self._line_closed_at >= DEBOUNCE:
            self._line_was_closed = True
            self._latch.drop_cause('estop_line')
        return None

    def clear(self) -> str:
        """Open the latch.

        Returns:
            Why it stays latched; empty when it is open.

        Raises:
            OSError: the latch could not be opened on disk; it stays latched.

        """
        estop = self._latch.estop
        if estop is None:
            return ''
        if self._latch.causes:
            return 'still present: ' + '; '.join(self._latch.causes)
        if (
            estop.estop_id != self._stop_known
            or self._inputs_at < self._stop_known_at + CAUSE_DELAY
        ):
            return 'the safety board was not read since the stop; try again'
        now = self._clock()
        if now - self._inputs_at > INPUTS_AGE:
            return 'the safety board was not read lately; try again, or look at hardware_node'
        if now - self._modules_at > MODULES_AGE:
            return 'the boards were not reported lately; try again, or look at hardware_node'
        if self._absent:
            return f'not online: {", ".join(self._absent)}; try again'
        if self._has_line and (not self._line_was_closed or now - self._line_at > INPUTS_AGE):
            return 'the emergency stop line was not read closed lately; try again'
        self._latch.clear()
        return ''
