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
"""Safety module: emergency stop chain, distances, latch.

Every input of the board is disabled at power-up, so its status `ok` alone means nothing: the
driver enables what is configured, reads it back at each poll and calls a board that lost its
configuration unsafe until it is configured again. By default digital input 1 is the emergency
stop chain and no distance input is enabled, since the board takes a clear path for a fault.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.registers import Block
from oht50_bridge.hardware.registers import Value
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.hardware.requests import Request
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.hardware.requests import write_verified

CHANNELS = 4


@dataclass(frozen=True)
class SafetySample:
    """Inputs and judgement of the safety board.

    Attributes:
        configured: every configured input is enabled on the board, as read back.
        status: ok, warning, critical, error, estop or unknown: the board's own judgement.
        latched: the board holds its safety relay tripped.
        estop_pressed: the emergency stop chain is open.
        estop: motion must stop: pressed, latched, critical, in error, or not configured.
        distances: m; NaN where disabled or out of range.
        digital_inputs: True when active.
    """

    stamp: int
    read_at: float
    configured: bool
    status: str
    latched: bool
    estop_pressed: bool
    estop: bool
    distances: tuple[float, ...]
    digital_inputs: tuple[bool, ...]


class SafetyModule(Module):
    """Driver of the safety board.

    Options:
        digital_inputs: {channel 1..4: high or low}, the active level of each input in use;
            default {1: low}, a chain that is closed and high while safe.
        estop_input: channel of the emergency stop chain, default 1; it must be in use.
        distance_inputs: channels 1..4 of distance inputs in use, default none.
        zones: four thresholds in m; left as the board has them when not given.
    """

    kind = 'safety'
    options = ('digital_inputs', 'estop_input', 'distance_inputs', 'zones')

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.on_estop: Callable[[bool], None] = lambda estop: None
        options = self.spec.options
        self._levels = dict(options.get('digital_inputs', {1: 'low'}))
        self._estop_input = options.get('estop_input', 1)
        self._distances = tuple(options.get('distance_inputs', ()))
        for channel, level in self._levels.items():
            if channel not in range(1, CHANNELS + 1) or level not in ('high', 'low'):
                raise self.config_error('options.digital_inputs', 'give channel 1..4: high or low')
        if self._estop_input not in self._levels:
            raise self.config_error('options.estop_input', 'choose a channel of digital_inputs')
        if any(channel not in range(1, CHANNELS + 1) for channel in self._distances):
            raise self.config_error('options.distance_inputs', 'give channels 1..4')
        self._wanted = self._configuration()
        self._sent: tuple[Any, ...] = ()

    def _configuration(self) -> dict[str, Value]:
        """Registers this vehicle needs where the layout has them; levels before enables."""
        channels = range(1, CHANNELS + 1)
        wanted: dict[str, Value] = {
            'di_active_level': tuple(self._levels.get(c) == 'high' for c in channels),
            'analog_enable': tuple(c in self._distances for c in channels),
            'di_enable': tuple(c in self._levels for c in channels),
        }
        zones = self.spec.options.get('zones')
        if zones is not None:
            register = self.profile.registers['zone_threshold']
            try:
                raw = register.encode(tuple(zones))
            except (TypeError, ValueError) as error:
                raise self.config_error('options.zones', str(error)) from error
            wanted['zone_threshold'] = register.decode(raw)
        return {name: value for name, value in wanted.items() if self.profile.has(name)}

    def setup(self) -> Steps:
        """Enable the configured inputs and no others, read back."""
        for name, value in self._wanted.items():
            register = self.profile.registers[name]
            yield from write_verified(
                self.endpoint, register.address, tuple(register.encode(value))
            )
            self.values[name] = value
        yield from self.read_block(self.profile.polls[0])
        yield from self.read_block(self.profile.block(('distance', 'di_status', *self._wanted)))
        self._publish()

    def on_block(self, block: Block) -> None:
        """Publish each round of inputs, and at once what changes the judgement."""
        polled = {register.name for register in block.registers}
        judgement = (self.values.get('status'), self.values.get('latch'), self.values.get('estop'))
        if 'di_status' in polled or judgement != self._sent:
            self._sent = judgement
            self._publish()

    def on_lost(self, error: ModuleError) -> None:
        """A safety board that is lost is an emergency stop."""
        self.on_estop(True)

    def steps(self) -> Steps:
        """Configure again a board that has lost its configuration, otherwise as any module."""
        if self.status == 'online' and not self.configured:
            try:
                yield from self.setup()
            except ModuleError as error:
                self.note_failure(error)
            return time.monotonic() + self._polls[0].period
        return (yield from super().steps())

    @property
    def configured(self) -> bool:
        """Whether the board holds the wanted configuration, as last read."""
        return all(self.values.get(name) == value for name, value in self._wanted.items())

    def release_latch(self) -> Generator[Request, Reply, bool]:
        """Write 0 to the latch and see whether it stays.

        Returns:
            True when the board has released; False when it latched again because the cause
            persists.
        """
        register = self.profile.registers['latch']
        try:
            yield from write_verified(self.endpoint, register.address, tuple(register.encode(0)))
        except ModuleError as error:
            if error.code != 'MOD-002':
                raise
            return False
        for _ in range(2):  # the board evaluates its inputs between the two
            yield from self.read_block(self.profile.polls[0])
        self._publish()
        return self.values['latch'] is False

    def _publish(self) -> None:
        levels = self.value('di_status', (False,) * CHANNELS)
        inputs = tuple(
            c in self._levels and levels[c - 1] == (self._levels[c] == 'high')
            for c in range(1, CHANNELS + 1)
        )
        distances = tuple(
            float(d) if not self.profile.has('analog_enable') or c in self._distances else math.nan
            for c, d in enumerate(self.value('distance', (math.nan,) * CHANNELS), 1)
        )
        status = self.value('status', 'unknown')
        latched = self.value('latch', False)
        pressed = inputs[self._estop_input - 1] or self.value('estop', False)
        configured = self.configured
        estop = pressed or latched or not configured or status not in ('ok', 'warning')
        self.on_estop(estop)
        self.observer.sample(
            self.spec.id,
            SafetySample(
                stamp=self.stamp,
                read_at=self.read_at,
                configured=configured,
                status=status,
                latched=latched,
                estop_pressed=pressed,
                estop=estop,
                distances=distances,
                digital_inputs=inputs,
            ),
        )
