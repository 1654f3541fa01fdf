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

Inputs are numbered as the terminals of the board; the profile has the order of the registers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.registers import Block
from oht50_bridge.hardware.registers import Value
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.hardware.requests import Request
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.hardware.requests import Write
from oht50_bridge.hardware.requests import write_verified

CHANNELS = 4
WARNING_ZONES = 3  # zones in which the board warns; in the first of them it trips


@dataclass(frozen=True)
class SafetySample:
    """Inputs and judgement of the safety board.

    Attributes:
        configured: every configured input is enabled on the board, as read back.
        status: ok, warning, critical, error, estop or unknown: the board's own judgement; error
            also where a distance input in use has no reading, which this board may hide.
        latched: the board holds its safety relay tripped.
        estop_pressed: the emergency stop chain is open.
        estop: motion must stop: pressed, latched, critical, in error, or not configured.
        distances: m by terminal; NaN where disabled, out of range or in error.
        digital_inputs: True when active.
        dangers: how often since the start the chain was opened, or the board began to judge its
            inputs critical or faulty without a latch of its own.

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
    dangers: int


class SafetyModule(Module):
    """Driver of the safety board.

    Options:
        digital_inputs: {channel 1..4: high or low}, the active level of each input in use;
            default {1: low}, a chain that is closed and high while safe.
        estop_input: channel of the emergency stop chain, default 1; it must be in use.
        distance_inputs: terminals 1..4 of distance inputs in use, default none.
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
        self._danger = False
        self._dangers = 0

    def _configuration(self) -> dict[str, Value]:
        """Registers this vehicle needs where the layout has them; levels and zones before enables.

        Of the enables, the distances come last: each of them makes the board lose more writes.
        """
        channels = range(1, CHANNELS + 1)
        terminals = self.profile.distance_terminals
        wanted: dict[str, Value] = {}
        zones = self.spec.options.get('zones')
        if zones is not None:
            register = self.profile.registers['zone_threshold']
            try:
                raw = register.encode(tuple(zones))
            except (TypeError, ValueError) as error:
                raise self.config_error('options.zones', str(error)) from error
            wanted['zone_threshold'] = register.decode(raw)
        wanted |= {
            'di_active_level': tuple(self._levels.get(c) == 'high' for c in channels),
            'di_enable': tuple(c in self._levels for c in channels),
            'analog_enable': tuple(terminal in self._distances for terminal in terminals),
        }
        return {name: value for name, value in wanted.items() if self.profile.has(name)}

    def setup(self) -> Steps:
        """Enable the configured inputs and no others, read back."""
        for name, value in self._wanted.items():
            register = self.profile.registers[name]
            yield from write_verified(
                self.endpoint,
                register.address,
                tuple(register.encode(value)),
                self.spec.timing.write_attempts,
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
                if self._failures:
                    yield from self.empty_receiver()
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
        """Write 0 to the latch, once, and only when the board will keep it.

        Each write of 0 lets the board evaluate its inputs anew. While one of them is in error it
        drops the safety relay for a moment before it trips again. After an error, while one
        warns, it releases the latch and leaves the relay tripped.

        Returns:
            True when nothing is latched any more; False when a cause persists.

        Raises:
            ModuleError: the board did not answer.
        """
        status, inputs = self.profile.polls[0], self._inputs
        yield from self.read_block(status)
        yield from self.read_block(inputs)
        if self.values['latch'] is False:
            self._publish()
            return True
        if self._release_refused():
            self._publish()
            return False
        register = self.profile.registers['latch']
        # Nothing is repeated: a reply that is lost does not mean that the write was.
        try:
            yield Write(self.endpoint, register.address, tuple(register.encode(0)), retries=0)
        except (CommunicationTimeoutError, FrameError):
            yield from self.empty_receiver()
        for _ in range(2):  # the board evaluates its inputs between the two
            yield from self.read_block(status)
        self._publish()
        return self.values['latch'] is False

    def _release_refused(self) -> bool:
        """Tell whether the inputs, as just read, make the board refuse a release.

        Its status only tells why it tripped: it is frozen while the board is latched.
        """
        if not self.configured or any(self._active_inputs()):
            return True
        if not self.profile.has('analog_enable', 'zone_threshold'):
            return False
        zones = self._numbers('zone_threshold')[:WARNING_ZONES]
        nearest = zones[0] if self.value('status') == 'critical' else max(zones)
        return not all(
            distance > nearest + 1e-9  # not so either when it is NaN
            for channel, distance in enumerate(self._terminal_distances(), 1)
            if channel in self._distances
        )

    @property
    def _inputs(self) -> Block:
        """What the board judges its inputs by."""
        names = ('distance', 'di_status', 'zone_threshold', *self._wanted)
        return self.profile.block(name for name in names if self.profile.has(name))

    def _active_inputs(self) -> tuple[bool, ...]:
        """Tell of each digital input whether it is in use and active, or without a reading.

        A board that was given the active levels compares them itself; another one reports levels.
        """
        found = self.value('di_status', None)
        if found is None:
            return tuple(c in self._levels for c in range(1, CHANNELS + 1))
        if self.profile.has('di_active_level'):
            return tuple(c in self._levels and found[c - 1] for c in range(1, CHANNELS + 1))
        return tuple(
            c in self._levels and found[c - 1] == (self._levels[c] == 'high')
            for c in range(1, CHANNELS + 1)
        )

    def _numbers(self, name: str) -> tuple[float, ...]:
        return tuple(float(item) for item in self.value(name, (math.nan,) * CHANNELS))

    def _terminal_distances(self) -> tuple[float, ...]:
        """Return the distances by terminal, m; NaN where there is no reading.

        To a board that was given which inputs are in use, one out of range is in error, also when
        its path is clear; to another one it is infinite then.
        """
        found = dict(zip(self.profile.distance_terminals, self._numbers('distance'), strict=True))
        if not self.profile.has('analog_enable'):
            return tuple(found[c] for c in range(1, CHANNELS + 1))
        return tuple(
            found[c] if c in self._distances and math.isfinite(found[c]) else math.nan
            for c in range(1, CHANNELS + 1)
        )

    def _publish(self) -> None:
        inputs, distances = self._active_inputs(), self._terminal_distances()
        status = self.value('status', 'unknown')
        if self.profile.has('analog_enable'):
            # To this board a distance out of range is an error. It forgets it when an input that
            # it evaluates later warns, and without the error nobody would miss the reading.
            if any(math.isnan(distances[c - 1]) for c in self._distances):
                status = 'error' if status in ('ok', 'warning') else status
            # It does not say which input is in error, and one that is unplugged keeps its value.
            if status == 'error':
                distances = (math.nan,) * CHANNELS
        latched = self.value('latch', False)
        pressed = inputs[self._estop_input - 1] or self.value('estop', False)
        configured = self.configured
        estop = pressed or latched or not configured or status not in ('ok', 'warning')
        self.on_estop(estop)
        # What a board with a latch tripped for it holds by itself.
        danger = pressed or (configured and not latched and status not in ('ok', 'warning'))
        self._dangers += danger and not self._danger
        self._danger = danger
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
                dangers=self._dangers,
            ),
        )
