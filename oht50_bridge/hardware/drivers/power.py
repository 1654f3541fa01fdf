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
"""Power module: battery, charger and supply rails.

The board charges while its register `charge_request` is set and the charger gives power. The
register keeps its value when nobody asks any more, so the driver sets it only for as long as the
request is repeated, and calls the charger engaged until it has read that it is not.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.module import ONLINE
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.registers import Block
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.hardware.requests import write_verified

CHARGE_TIMEOUT = 3.0  # s, a request that is not repeated ends
_REQUEST = 'charge_request'  # registers
_STATE = 'charge_state'


@dataclass(frozen=True)
class PowerSample:
    """Battery and supply, in V, A, degC, Ah and ratio 0..1; NaN where unknown or stale.

    Attributes:
        current: negative when discharging; the board does not specify its sign, so it follows
            `state`.
        state: unknown, idle, charging, discharging or offline.
        charge_requested: the board is asked to charge, as read back.
        charge_state: unknown, idle, waiting or charging.
    """

    stamp: int
    read_at: float
    voltage: float
    current: float
    soc: float
    temperature: float
    temperatures: tuple[float, ...]
    cell_voltages: tuple[float, ...]
    residual_capacity: float
    state: str
    bms_connected: bool
    charger_present: bool
    charge_requested: bool
    charge_state: str
    charger_voltage: float
    charger_current: float
    charger_temperature: float
    rail_voltages: tuple[float, float, float]
    fault_flags: int


class PowerModule(Module):
    """Driver of the power board.

    Attributes:
        may_charge: asked before the charger is engaged.
        on_charger: called with whether the charger is engaged.
    """

    kind = 'power'

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.may_charge: Callable[[], bool] = lambda: True
        self.on_charger: Callable[[bool], None] = lambda engaged: None
        self._charge_until = -math.inf
        self._judging = threading.Lock()

    # --- for any thread ---

    def request_charge(self, wanted: bool, age: float = 0.0) -> bool:
        """Ask for charging, to be repeated within CHARGE_TIMEOUT, or let go of the charger.

        Args:
            wanted: whether to charge.
            age: s since it was asked for.

        Returns:
            False when charging is refused.
        """
        if wanted and not (self.profile.has(_REQUEST) and self.may_charge()):
            return False
        before = self._wanted
        self._charge_until = time.monotonic() + CHARGE_TIMEOUT - age if wanted else -math.inf
        if self._wanted != before:
            self._judge()
            self.line.wake(self)
        return True

    @property
    def charging(self) -> bool:
        """Whether the board is there and may be charging."""
        return (
            self.status == ONLINE
            and self.profile.has(_REQUEST)
            and (self.values.get(_REQUEST) is not False)
        )

    @property
    def _wanted(self) -> bool:
        return time.monotonic() < self._charge_until

    # --- the line's thread ---

    def setup(self) -> Steps:
        """Find out whether the charger is engaged."""
        if self.profile.has(_REQUEST):
            yield from self.read_block(self.profile.block((_STATE, _REQUEST)))
        self._judge()

    def steps(self) -> Steps:
        """Engage the charger or let go of it, then as any module."""
        if self.status == ONLINE and self._differs():
            try:
                yield from self._write_request()
            except ModuleError as error:
                self.note_failure(error)
        due = yield from super().steps()
        return min(due, self._charge_until) if self._wanted else due

    def _differs(self) -> bool:
        wanted = self._wanted
        if not self.profile.has(_REQUEST) or self.values.get(_REQUEST) == wanted:
            return False
        return not wanted or self.may_charge()

    def _write_request(self) -> Steps:
        register = self.profile.registers[_REQUEST]
        words = tuple(register.encode(self._wanted))
        self.values.pop(_REQUEST, None)  # whatever becomes of this round, until it is read again
        yield from write_verified(self.endpoint, register.address, words)
        yield from self.read_block(self.profile.block((_STATE, _REQUEST)))
        self._judge()
        self._publish()

    def _judge(self) -> None:
        """Tell whether the charger is engaged; what was never read counts as engaged."""
        with self._judging:
            idle = not self.profile.has(_REQUEST) or (
                self.values.get(_REQUEST) is False and self.values.get(_STATE) != 'charging'
            )
            self.on_charger(self._wanted or not idle)

    def on_block(self, block: Block) -> None:
        """Publish after the block that holds the state of charge."""
        names = {register.name for register in block.registers}
        if _REQUEST in names:
            self._judge()
        if 'soc' in names:
            self._publish()

    def _publish(self) -> None:
        state = self.value('pack_state', 'unknown')
        current = self.value('pack_current')
        if state in ('charging', 'discharging') and not math.isnan(current):
            current = math.copysign(current, 1.0 if state == 'charging' else -1.0)
        cells = self.value('cell_voltage', ())
        count = self.value('cell_count', len(cells))
        self.observer.sample(
            self.spec.id,
            PowerSample(
                stamp=self.stamp,
                read_at=self.read_at,
                voltage=self.value('pack_voltage'),
                current=current,
                soc=self.value('soc'),
                temperature=float(self.value('temperature')),
                temperatures=tuple(map(float, self.value('pack_temperature', ()))),
                cell_voltages=cells[:count],
                residual_capacity=self.value('residual_capacity'),
                state=state,
                bms_connected=self.value('bms_connected', False),
                charger_present=self.value('charger_present', False),
                charge_requested=self.value(_REQUEST, False),
                charge_state=self.value(_STATE, 'unknown'),
                charger_voltage=self.value('charger_voltage'),
                charger_current=self.value('charger_current'),
                charger_temperature=float(self.value('charger_temperature')),
                rail_voltages=(
                    self.value('rail_12v_voltage'),
                    self.value('rail_5v_voltage'),
                    self.value('rail_3v3_voltage'),
                ),
                fault_flags=self.value('fault_flags', 0),
            ),
        )
