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
"""Registers of a board: their encoding, their blocks, and what identifies a layout."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

Scalar = float | int | bool | str
Value = Scalar | tuple[Scalar, ...]

#: Range of the raw values of each type.
TYPES = {
    'u16': (0, 0xFFFF),
    'i16': (-0x8000, 0x7FFF),
    'u8': (0, 0xFF),
    'i8': (-0x80, 0x7F),
    'bool': (0, 1),
    'enum': (0, 0xFFFF),
}


@dataclass(frozen=True)
class Register:
    """One register, or `count` neighbouring ones of the same meaning.

    Attributes:
        valid: values outside decode to NaN (the sensor has no reading).
        range: values outside are refused when writing.
        write_values: the only raw values that may be written, where a board punishes others.
        default: raw value(s) at power-up.
    """

    name: str
    address: int
    type: str
    count: int = 1
    scale: float = 1
    unit: str = ''
    access: str = 'r'
    range: tuple[float, float] | None = None
    valid: tuple[float, float] | None = None
    values: Mapping[int, str] = field(default_factory=dict)
    write_values: tuple[int, ...] | None = None
    default: tuple[int, ...] = (0,)
    description: str = ''

    @property
    def end(self) -> int:
        """Address after the last register."""
        return self.address + self.count

    @property
    def greatest(self) -> float:
        """Greatest value that one word holds, in `unit`."""
        highest = TYPES[self.type][1] * self.scale
        return min(highest, self.valid[1]) if self.valid else highest

    def decode(self, raw: Sequence[int]) -> Value:
        """Turn `count` words of the wire into a value in `unit`, a tuple where count > 1."""
        decoded = tuple(self._decode_one(word) for word in raw)
        return decoded if self.count > 1 else decoded[0]

    def _decode_one(self, word: int) -> Scalar:
        if self.type == 'bool':
            # Another word is neither: it counts as true and differs from whatever was written.
            return word == 1 if word in (0, 1) else word
        if self.type == 'enum':
            return self.values.get(word, 'unknown')
        if self.type == 'u8':
            word &= 0xFF
        elif self.type == 'i8':
            word &= 0xFF
            word -= 0x100 if word & 0x80 else 0
        elif self.type == 'i16' and word & 0x8000:
            word -= 0x10000
        if self.scale == 1 and self.valid is None:
            return word
        value = round(word * self.scale, 9)  # 33 * 0.1 is 3.3
        if self.valid and not self.valid[0] - 1e-9 <= value <= self.valid[1] + 1e-9:
            # Beyond the range there is nothing; below it, or with every bit set, no reading.
            beyond = value > self.valid[1] and word & 0xFFFF != 0xFFFF
            return math.inf if beyond else math.nan
        return value

    def encode(self, value: Value) -> list[int]:
        """Turn a value in `unit` into words for the wire.

        Raises:
            ValueError: not a number, outside the range, or a value the board must never be given.
        """
        items = list(value) if isinstance(value, (tuple, list)) else [value]
        if len(items) != self.count:
            raise ValueError(f'{self.name} takes {self.count} values, got {len(items)}')
        return [self._encode_one(item) for item in items]

    def _encode_one(self, value: Any) -> int:
        if self.type == 'enum' and isinstance(value, str):
            matches = [raw for raw, name in self.values.items() if name == value]
            if not matches:
                raise ValueError(
                    f'{self.name}={value!r}: choose one of {sorted(self.values.values())}'
                )
            return matches[0]
        if not math.isfinite(value):
            raise ValueError(f'{self.name}={value}: give a finite number')
        if self.range and not self.range[0] - 1e-9 <= value <= self.range[1] + 1e-9:
            raise ValueError(
                f'{self.name}={value}: stay within {self.range[0]}..{self.range[1]} {self.unit}'
            )
        raw = round(value / self.scale)
        low, high = TYPES[self.type]
        if not low <= raw <= high:
            raise ValueError(f'{self.name}={value}: does not fit {self.type}')
        if self.write_values is not None and raw not in self.write_values:
            raise ValueError(f'{self.name}={value}: only {list(self.write_values)} may be written')
        return int(raw & 0xFFFF)


@dataclass(frozen=True)
class Check:
    """A condition that must hold on the board for the layout to be confirmed."""

    register: str
    values: tuple[Any, ...] | None = None
    range: tuple[float, float] | None = None

    def holds(self, value: Value) -> bool:
        """Tell whether a decoded value (each one, of several) satisfies the condition."""
        items = value if isinstance(value, tuple) else (value,)
        if self.values is not None:
            return all(item in self.values for item in items)
        assert self.range is not None
        low, high = self.range
        return all(
            not isinstance(item, str) and low - 1e-9 <= item <= high + 1e-9 for item in items
        )

    def words(self, register: Register) -> list[tuple[int, int]]:
        """Ranges (lowest, highest) of words, sent as `register` is, that satisfy the condition."""
        if self.range is None:
            assert self.values is not None
            words = [
                [word for word, name in register.values.items() if name == value]
                if register.values
                else register.encode((value,) * register.count)[:1]
                for value in self.values
            ]
            return [(word, word) for group in words for word in group]
        lowest, highest = TYPES[register.type]
        low = max(lowest, math.ceil(self.range[0] / register.scale - 1e-6))
        high = min(highest, math.floor(self.range[1] / register.scale + 1e-6))
        if low < 0 <= high:
            return [(low & 0xFFFF, 0xFFFF), (0, high)]
        return [(low & 0xFFFF, high & 0xFFFF)]


@dataclass(frozen=True)
class Block:
    """Registers read in one request; `period` (s) where the read repeats."""

    name: str
    start: int
    count: int
    period: float
    registers: tuple[Register, ...]

    def decode(self, words: Sequence[int]) -> dict[str, Value]:
        """Turn the words of the whole block into values by register name."""
        start = self.start
        return {
            register.name: register.decode(words[register.address - start : register.end - start])
            for register in self.registers
        }


@dataclass(frozen=True)
class DriveRoles:
    """Which registers of a motor board drive it, by role; see the motor driver.

    Attributes:
        duty_factor: the board multiplies the commanded ratio by it and cuts the duty off to whole
            percent; 0: it drives what is commanded.
        setup: values of further registers, kept while the board is in use.
        stop: values of further registers that stop what else the board drives; part of each stop
            and kept.
        mark: values of registers without effect that differ from those at power-up: when they are
            lost, the board has restarted.
        faults: registers in which the board reports a fault of its own, read in each round.
    """

    enable: str
    speed: str
    direction: str
    actual_speed: str
    accel: str | None = None
    decel: str | None = None
    full_speed: str | None = None
    hard_stop: str | None = None
    duty_factor: float = 0.0
    setup: Mapping[str, Any] = field(default_factory=dict)
    stop: Mapping[str, Any] = field(default_factory=dict)
    mark: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class HoistRoles:
    """Which registers of a motor board count the rope of a hoist, by role; see `RopeCounter`.

    Attributes:
        length: m unrolled, as the board has it.
        pulses: of the encoder since the reference, in whichever direction it turned.
        reference: true while the reference input is active, which it is with the rope wound up.
        pulse_length: m of rope that one pulse is at most.
        longest: m at which the board counts no further.
    """

    length: str
    pulses: str
    reference: str
    pulse_length: float
    longest: float


@dataclass(frozen=True)
class Timing:
    """How to talk to a board.

    Attributes:
        timeout: s to wait for the beginning of a reply.
        retries: further tries of one request.
        gap: s of silence on the line before the board is addressed.
        foreign_gap: s of it when another board was addressed last, where that is longer.
        offline_after: s without a reply after which a failed poll means offline.
        boot: s from power-up until the board can answer.
        write_attempts: how often a configuration is written until it reads back.
        break_baudrate: bit/s at which one 0x00 empties the receive buffer of a board that does
            not answer; 0: the board does not need it. A board that does must be alone on its
            line, where nothing waits meanwhile.
    """

    timeout: float
    retries: int
    gap: float
    offline_after: float
    foreign_gap: float = 0.0
    boot: float = 0.15
    write_attempts: int = 3
    break_baudrate: int = 0


@dataclass(frozen=True)
class RegisterProfile:
    """Everything known of one register layout."""

    name: str
    kind: str
    description: str
    type_codes: tuple[int, ...]
    signature: tuple[Check, ...]
    timing: Timing
    quirks: Mapping[str, Any]
    registers: Mapping[str, Register]
    polls: tuple[Block, ...]
    drive: DriveRoles | None = None
    fixed_address: int | None = None  # unit address that the board cannot change
    distance_terminals: tuple[int, ...] = ()  # terminal of each distance register, from the first
    second_drive: DriveRoles | None = None  # the same with motor 2 of the board as the driven one
    hoist: HoistRoles | None = None

    def has(self, *names: str) -> bool:
        """Tell whether the layout has all these registers."""
        return all(name in self.registers for name in names)

    def block(self, names: Iterable[str], name: str = 'block', period: float = 0.0) -> Block:
        """Smallest block that holds the named registers, with all others inside it."""
        chosen = [self.registers[item] for item in names]
        start = min(register.address for register in chosen)
        end = max(register.end for register in chosen)
        inside = tuple(
            r
            for r in self.registers.values()
            if r.address >= start and r.end <= end and r.access != 'w1'
        )
        return Block(name, start, end - start, period, inside)
