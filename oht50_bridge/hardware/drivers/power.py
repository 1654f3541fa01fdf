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

When its battery management falls silent, the board keeps reporting the last values of the pack.
They are used only while the battery management is alive: connected, and counting. Whether the
pack is charged is judged by the pack, because the board reports `charging` also with a charger
that has been unplugged.
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
from oht50_bridge.hardware.module import Part
from oht50_bridge.hardware.registers import Block
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.hardware.requests import write_verified

CHARGE_TIMEOUT = 3.0  # s, a request that is not repeated ends
_WRITE_LIMIT = 2.0  # s the charge request may fail to be written
_REQUEST = 'charge_request'  # registers
_STATE = 'charge_state'
_LIFE = 'bms_life'


@dataclass(frozen=True)
class PowerSample:
    """Battery and supply, in V, A, degC, Ah and ratio 0..1.

    NaN where unknown or stale; all of the pack while its battery management is not alive.

    Attributes:
        current: negative when discharging; the board does not specify its sign, so it follows
            `state`.
        state: unknown, idle, charging, discharging or offline.
        bms_alive: the battery management answers the board, and its counter goes on.
        charger_present: the battery management sees a charger.
        charge_requested: the board is asked to charge, as read back.
        charge_state: unknown, idle, waiting or charging; charging only while the pack is charged.
        fault_flags: as the profile describes them; the last ones where they are no longer read.
        battery_fault: the battery management reports a fault, also one beyond the fault flags.
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
    bms_alive: bool
    charger_present: bool
    charge_requested: bool
    charge_state: str
    rail_voltages: tuple[float, float, float]
    fault_flags: int
    battery_fault: bool


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
        self._request = Part('the charge request', _WRITE_LIMIT)
        self._life: Any = None  # counter of the battery management, and when it last moved
        self._life_at = -math.inf

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
        if self._request.broken:
            yield from self.attempt(self._request, self._write_request())

    def steps(self) -> Steps:
        """Engage the charger or let go of it, then as any module."""
        if self.status == ONLINE and self._differs():
            try:
                yield from self.attempt(self._request, self._write_request())
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
        if _LIFE in names and self.values[_LIFE] != self._life:
            self._life, self._life_at = self.values[_LIFE], time.monotonic()
        if 'soc' in names:
            self._publish()

    def _bms_alive(self) -> bool:
        if not self.value('bms_connected', False):
            return False
        limit = float(self.profile.quirks['bms_timeout'])
        return not limit or time.monotonic() - self._life_at <= limit

    def _publish(self) -> None:
        alive = self._bms_alive()

        def pack(name: str, default: Any = math.nan) -> Any:
            return self.value(name, default) if alive else default

        state = pack('pack_state', 'unknown') if alive else 'offline'
        current = pack('pack_current')
        if state in ('charging', 'discharging') and not math.isnan(current):
            current = math.copysign(current, 1.0 if state == 'charging' else -1.0)
        cells = pack('cell_voltage', ())
        count = pack('cell_count', len(cells))
        flags = self.value('fault_flags', 0)
        fault_bits = int(self.profile.quirks['battery_fault_bits'])
        self.observer.sample(
            self.spec.id,
            PowerSample(
                stamp=self.stamp,
                read_at=self.read_at,
                voltage=pack('pack_voltage'),
                current=current,
                soc=pack('soc'),
                temperature=float(pack('temperature')),
                temperatures=tuple(map(float, pack('pack_temperature', ()))),
                cell_voltages=cells[:count],
                residual_capacity=pack('residual_capacity'),
                state=state,
                bms_alive=alive,
                charger_present=pack('charger_present', False),
                charge_requested=self.value(_REQUEST, False),
                charge_state=self._charge_state(alive, state, current),
                rail_voltages=(
                    self.value('rail_12v_voltage'),
                    self.value('rail_5v_voltage'),
                    self.value('rail_3v3_voltage'),
                ),
                fault_flags=flags,
                battery_fault=bool(flags or self.value('system_error', 0) & fault_bits),
            ),
        )

    def _charge_state(self, alive: bool, state: str, current: float) -> str:
        """What the board says; charging only where the pack confirms it."""
        reported = str(self.value(_STATE, 'unknown'))
        if reported != 'charging':
            return reported
        if not alive:
            return 'unknown'
        return reported if state == 'charging' and current > 0.0 else 'waiting'
