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
"""The rope of the hoist, as the motor board counts it. Nothing here drives the hoist.

The length that the board reports cannot be used alone: a filter keeps it behind the rope, and it
falls when the rope comes out while the direction of motor 1 is reverse (docs/hardware.md). The
pulses of its encoder know no direction, so that as many pulses of rope are out at most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass

from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PartError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.module import FRESH_PERIODS
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.module import Part
from oht50_bridge.hardware.profile_reader import HOIST_POLL
from oht50_bridge.hardware.registers import HoistRoles
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.hardware.registers import Value
from oht50_bridge.hardware.requests import Steps

IDENTIFIED_ANEW = 'the reference was not seen since the board was identified'
RESTARTED = 'the board may have restarted'
WENT_BACK = 'the count of the rope went back without the reference'


@dataclass(frozen=True)
class HoistSample:
    """The rope as the motor board reports it.

    Attributes:
        stamp: ns since 1970-01-01 UTC, of the reading.
        read_at: s, monotonic, of the reading.
        at_reference: the reference input is active.
        length: m, unrolled at most; NaN while `unknown` says why.
        unknown: why the length is not known; empty while it is.
    """

    stamp: int
    read_at: float
    at_reference: bool
    length: float
    unknown: str


class RopeCounter:
    """Decides how much rope is out at most, and whether that is known.

    The length is known from the moment at which the reference input was active, until the board
    may have restarted, its count goes back by itself, or reaches the end of what it counts.

    Args:
        roles: registers of the hoist.
        step: m, smallest step of the register of the length.

    """

    def __init__(self, roles: HoistRoles, step: float) -> None:
        self._roles = roles
        self._step = step
        self._pulses = 0
        self._unknown = IDENTIFIED_ANEW

    def forget(self) -> None:
        """Know nothing of a board that was just identified: it may have lost its supply."""
        self._unknown = IDENTIFIED_ANEW

    def look(self, values: Mapping[str, Value], marked: bool) -> tuple[float, str]:
        """Return the greatest length that can be out, m, and why it is not known.

        Args:
            values: of the registers.
            marked: the board has what a restart would take from it; without, one is not seen.

        """
        roles = self._roles
        pulses, length = values[roles.pulses], values[roles.length]
        assert isinstance(pulses, int)
        assert isinstance(length, float)
        if not marked:
            self._unknown = RESTARTED
        elif values[roles.reference] is True:
            self._unknown = ''
        elif not self._unknown and pulses < self._pulses:
            self._unknown = WENT_BACK
        self._pulses = pulses
        out = max(length, pulses * roles.pulse_length)
        if not self._unknown and out + self._step >= roles.longest - 1e-9:
            self._unknown = f'{roles.longest:g} m of rope or more are out, which is not counted'
        return (math.nan if self._unknown else out), self._unknown


class HoistReader:
    """Reads the rope between the rounds of the drive.

    Args:
        module: the motor board.
        profile: its layout, which has a hoist.
        marked: whether a restart of the board would be seen, see `RopeCounter.look`.

    Attributes:
        fault: the block has failed for longer than it may; None once it was read again.

    """

    def __init__(
        self, module: Module, profile: RegisterProfile, marked: Callable[[], bool]
    ) -> None:
        assert profile.hoist is not None
        self._module = module
        self._roles = profile.hoist
        self._marked = marked
        self._block = next(poll for poll in profile.polls if poll.name == HOIST_POLL)
        self._period = module.spec.polls.get(HOIST_POLL, self._block.period)
        self._due = -math.inf
        limit = max(FRESH_PERIODS * self._period, module.spec.timing.offline_after)
        self._part = Part(f'block {self._block.name}', limit)
        self.fault: PartError | None = None
        self._counter = RopeCounter(profile.hoist, profile.registers[profile.hoist.length].scale)

    def forget(self) -> None:
        """Know nothing of a board that was just identified."""
        self._counter.forget()

    def steps(self) -> Steps:
        """Read and report the rope when it is due.

        A reading that fails is not reported: the last one grows old, and is refused where it is
        needed. Whether the board is lost is found out by the rounds of the drive, whether this
        block alone is by `fault`: it must not keep a stop back.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + self._period
        module = self._module
        try:
            yield from module.attempt(self._part, module.read_block(self._block, retries=0))
        except PortLostError:
            raise
        except PartError as error:
            self.fault = error
            return
        except ModuleError:
            return
        self.fault = None
        length, unknown = self._counter.look(module.values, self._marked())
        at_reference = module.values[self._roles.reference] is True
        module.observer.sample(
            module.spec.id,
            HoistSample(module.stamp, module.read_at, at_reference, length, unknown),
        )
