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
"""Power module: battery, charger and supply rails."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.profiles import Block


@dataclass(frozen=True)
class PowerSample:
    """
    Battery and supply, in V, A, degC, Ah and ratio 0..1; NaN where unknown or stale.

    Attributes:
        current: negative when discharging; the board does not specify its sign, so it follows
            `state`.
        state: unknown, idle, charging, discharging or offline.
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
    charge_state: str
    charger_voltage: float
    charger_current: float
    charger_temperature: float
    rail_voltages: tuple[float, float, float]
    fault_flags: int


class PowerModule(Module):
    """Driver of the power board."""

    kind = 'power'

    def on_block(self, block: Block) -> None:
        """Publish after the block that holds the state of charge."""
        if not any(register.name == 'soc' for register in block.registers):
            return
        state = self.value('pack_state', 'unknown')
        current = self.value('pack_current')
        if state in ('charging', 'discharging') and not math.isnan(current):
            current = math.copysign(current, 1.0 if state == 'charging' else -1.0)
        cells = self.value('cell_voltage', ())
        count = self.value('cell_count', len(cells))
        self.listener.sample(
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
                charge_state=self.value('charge_state', 'unknown'),
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
