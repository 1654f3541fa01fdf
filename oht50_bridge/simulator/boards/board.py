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
"""The boards: register stores made from the profiles, with the habits of the real ones.

Each habit is a field of `Misbehaviour`; a profile's `quirks` give its start value, a
configuration or a test another.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.registers import Register
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.simulator.physics import World

ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
MOST_REGISTERS = 125  # that a read may ask for
_LIMITS = {'i16': (-0x8000, 0x7FFF), 'i8': (-0x80, 0x7F), 'u8': (0, 0xFF)}


@dataclass
class Misbehaviour:
    """How a board differs from a perfect one.

    Attributes:
        tick: s, period at which it looks at its receive buffer.
        loss: probability that a request is lost.
        corrupt: probability that a reply has a wrong checksum.
        delay: s added to each reply.
        overwrite: probability that a write is undone at the end of the board's cycle.
        cycle: s, period of that cycle.
        quiet_before: s of silence of other traffic without which a request is lost.
        quiet_after: s after its own reply in which it receives nothing.
        boot: s a board is silent after a reboot.
        write_loss: probability that a write of an input's enable is not kept, by the number of
            distance inputs that are enabled.
        receive_buffer: bytes of a buffer that keeps what is not a good request of its own; 0: the
            board drops that.
        receive_timeout: s without a byte after which that buffer is emptied.
        checksum_time: s for each byte in that buffer, during which nothing more is received.
        absent: pulled off the line.
        stale: sensors keep their last reading.
        bms_silent: the battery management does not answer the power board.
        bms_faults: its 48 fault bits.
    """

    tick: float = 0.010
    loss: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    overwrite: float = 0.0
    cycle: float = 0.0
    quiet_before: float = 0.0
    quiet_after: float = 0.0
    boot: float = 0.0
    write_loss: Sequence[float] = ()
    receive_buffer: int = 0
    receive_timeout: float = 0.0
    checksum_time: float = 0.0
    absent: bool = False
    stale: bool = False
    bms_silent: bool = False
    bms_faults: int = 0


class Board:
    """One slave: registers, requests, and a model that ties them to the world.

    Args:
        on_change: called with (board id, register name, raw words) at each change of a register.

    Attributes:
        outputs: what else changes and can be read and watched, beside the registers.
    """

    #: Names of what the board drives, reported beside registers.
    outputs: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        address: int,
        profile: RegisterProfile,
        world: World,
        misbehaviour: dict[str, Any],
        rng: random.Random,
        on_change: Callable[[str, str, list[int]], None],
    ) -> None:
        self.name = name
        self.address = address
        self.profile = profile
        self.world = world
        quirks = {k: v for k, v in profile.quirks.items() if k in Misbehaviour.__annotations__}
        habits = {'boot': profile.timing.boot, **quirks, **misbehaviour}
        self.misbehaviour = Misbehaviour(**habits)
        self.rng = rng
        self.phase = rng.random()  # of the tick
        self.silent_until = -math.inf
        self._on_change = on_change
        self._by_address: dict[int, Register] = {}
        for register in profile.registers.values():
            for address_ in range(register.address, register.end):
                self._by_address[address_] = register
        self.words: dict[int, int] = {}
        self._undo: dict[int, tuple[float, int]] = {}  # address: when, word before
        self.power_up()

    # --- registers ---

    def power_up(self) -> None:
        """Set every register to its power-up value."""
        self._undo.clear()
        for register in self.profile.registers.values():
            for offset, word in enumerate(register.default):
                self._store(register.address + offset, word)
        self._store(self.profile.registers['device_id'].address, self.address)

    def reboot(self, now: float) -> None:
        """Lose everything, be silent while starting."""
        self.silent_until = now + self.misbehaviour.boot
        self.power_up()

    def get(self, name: str) -> Any:
        """Value of a register in its unit, without the mark for out of range."""
        register = self.profile.registers[name]
        words = [self.words[a] for a in range(register.address, register.end)]
        if register.valid is not None:
            values = tuple(word * register.scale for word in words)
            return values if register.count > 1 else values[0]
        return register.decode(words)

    def word(self, name: str) -> int:
        """First word of a register."""
        return self.words[self.profile.registers[name].address]

    def set_words(self, name: str, words: list[int]) -> None:
        """Set the words of a register."""
        for offset, word in enumerate(words):
            self._store(self.profile.registers[name].address + offset, word)

    def put(self, name: str, value: Any) -> None:
        """Set a register the board computes, if the layout has it; clipped to what fits."""
        register = self.profile.registers.get(name)
        if register is None:
            return
        values = value if isinstance(value, (tuple, list)) else (value,)
        for offset, item in enumerate(values[: register.count]):
            if isinstance(item, str):
                raw = next((r for r, n in register.values.items() if n == item), 0)
            else:
                low, high = _LIMITS.get(register.type, (0, 0xFFFF))
                raw = round(max(low, min(high, item / register.scale)))
            self._store(
                register.address + offset, raw & (0xFF if register.type == 'i8' else 0xFFFF)
            )

    def _store(self, address: int, word: int) -> None:
        before = self.words.get(address)
        self.words[address] = word
        register = self._by_address.get(address)
        if word != before and register is not None:
            words = [self.words.get(a, 0) for a in range(register.address, register.end)]
            self._on_change(self.name, register.name, words)

    # --- requests ---

    def handle(self, pdu: bytes, now: float) -> bytes:
        """Answer a protocol data unit as the board does."""
        self.update(now)
        function = pdu[0]
        if function in (3, 4):
            address, count = struct.unpack('>HH', pdu[1:5])
            return self._read(function, address, count)
        if function == 6:
            address, word = struct.unpack('>HH', pdu[1:5])
            error = self._write(address, word, now)
            self.update(now)
            return pdu[:5] if error is None else bytes([function | 0x80, error])
        if function == 16:
            address, count = struct.unpack('>HH', pdu[1:5])
            for offset in range(count):  # a bad register leaves the earlier ones written
                word = struct.unpack_from('>H', pdu, 6 + 2 * offset)[0]
                error = self._write(address + offset, word, now)
                if error is not None:
                    return bytes([function | 0x80, error])
            self.update(now)
            return pdu[:5]
        return bytes([function | 0x80, 1])

    def _exists(self, address: int) -> bool:
        return address in self._by_address or address < self.profile.quirks['ram_size']

    def _read(self, function: int, address: int, count: int) -> bytes:
        refuse = self.profile.quirks['unknown_read'] == 'refuse'
        if not 1 <= count <= MOST_REGISTERS:
            return bytes([function | 0x80, ILLEGAL_VALUE])
        if refuse and not all(self._exists(a) for a in range(address, address + count)):
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        words = [self.words.get(a, 0) for a in range(address, address + count)]
        return bytes([function, 2 * count]) + struct.pack(f'>{count}H', *words)

    def _write(self, address: int, word: int, now: float) -> int | None:
        quirks = self.profile.quirks
        register = self._by_address.get(address)
        if not self._exists(address) and quirks['unknown_write'] == 'refuse':
            return ILLEGAL_ADDRESS
        if register is not None and quirks['protect_read_only']:
            if register.access == 'r':
                return ILLEGAL_ADDRESS
            if (
                register.range
                and not register.range[0] <= word * register.scale <= register.range[1] + 1e-9
            ):
                return ILLEGAL_VALUE
        if register is not None and register.access == 'w1':
            self.command(register.name, word)
            return None
        habit = self.misbehaviour
        if habit.cycle > 0 and self.rng.random() < habit.overwrite:
            ends = now + habit.cycle - now % habit.cycle
            self._undo[address] = (ends, self.words.get(address, 0))
        else:
            self._undo.pop(address, None)
        self._store(address, word)
        return None

    # --- model ---

    def command(self, name: str, word: int) -> None:
        """Act on a register that is a command."""

    def update(self, now: float) -> None:
        """Bring the registers up to `now`."""
        for address, (when, word) in list(self._undo.items()):
            if when <= now:
                del self._undo[address]
                self._store(address, word)
        self.world.advance(now)
        self.model()

    def model(self) -> None:
        """Tie registers to the world."""
