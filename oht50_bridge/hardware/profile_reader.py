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
"""Register profiles: what a board's registers mean, as data.

A profile is a YAML file of `config/modules`. Drivers know registers by their semantic names only,
so that a board with another layout needs another file and no code.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import yaml

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.paths import config_dir

Scalar = float | int | bool | str
Value = Scalar | tuple[Scalar, ...]

KINDS = ('power', 'safety', 'travel_motor', 'dock')
_TYPES = {
    'u16': (0, 0xFFFF),
    'i16': (-0x8000, 0x7FFF),
    'u8': (0, 0xFF),
    'i8': (-0x80, 0x7F),
    'bool': (0, 1),
    'enum': (0, 0xFFFF),
}
_ACCESS = ('r', 'rw', 'w1')
_MAX_BLOCK = 125  # registers one request may read
_TIMING = {'timeout': 0.1, 'retries': 2, 'gap': 0.004, 'offline_after': 1.0}
_QUIRKS = {
    'tick': 0.010,  # s, period at which the board looks at its receive buffer
    'cycle': 0.0,  # s, load-process-save cycle that may overwrite a write
    'loss': 0.0,  # probability that a request is lost
    'overwrite': 0.0,  # probability that a write is overwritten by the cycle
    'quiet_before': 0.0,  # s of silence without which the board misses a request
    'ram_size': 0,  # registers below this address exist, whatever the layout says
    'unknown_read': 'refuse',  # or 'zero'
    'unknown_write': 'refuse',  # or 'store'
    'protect_read_only': True,
}
_DRIVE_REQUIRED = ('enable', 'speed', 'direction', 'actual_speed')
_DRIVE_OPTIONAL = ('accel', 'decel', 'position', 'full_speed', 'hard_stop')


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

    def decode(self, raw: Sequence[int]) -> Value:
        """Turn `count` words of the wire into a value in `unit`, a tuple where count > 1."""
        decoded = tuple(self._decode_one(word) for word in raw)
        return decoded if self.count > 1 else decoded[0]

    def _decode_one(self, word: int) -> Scalar:
        if self.type == 'bool':
            return word != 0
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
            return math.nan
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
        low, high = _TYPES[self.type]
        if not low <= raw <= high:
            raise ValueError(f'{self.name}={value}: does not fit {self.type}')
        if self.write_values is not None and raw not in self.write_values:
            raise ValueError(f'{self.name}={value}: only {list(self.write_values)} may be written')
        return raw & 0xFFFF


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
        lowest, highest = _TYPES[register.type]
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
class Drive:
    """Which registers of a motor board drive it, by role; see the motor driver."""

    enable: str
    speed: str
    direction: str
    actual_speed: str
    accel: str | None = None
    decel: str | None = None
    position: str | None = None
    full_speed: str | None = None
    hard_stop: str | None = None
    setup: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """How to talk to a board.

    Attributes:
        timeout: s to wait for the beginning of a reply.
        retries: further tries of one request.
        gap: s of silence on the line before the board is addressed.
        offline_after: s without a reply after which a failed poll means offline.
    """

    timeout: float
    retries: int
    gap: float
    offline_after: float


@dataclass(frozen=True)
class Profile:
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
    drive: Drive | None = None

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


def available(directory: Path | None = None) -> list[str]:
    """Names of the profiles in `config/modules`, sorted."""
    return sorted(path.stem for path in _modules(directory).glob('*.yaml'))


def load(name: str, directory: Path | None = None) -> Profile:
    """Read and validate one profile.

    Args:
        name: file name without its ending.
        directory: folder of profiles; `config/modules` when left out.

    Raises:
        HardwareConfigError: unknown profile, or a fault in it, with file, register and remedy.
    """
    return _load(name, _modules(directory))


def _modules(directory: Path | None) -> Path:
    return directory or config_dir() / 'modules'


@functools.lru_cache(maxsize=64)
def _load(name: str, directory: Path) -> Profile:
    path = directory / f'{name}.yaml'
    if not path.is_file():
        raise HardwareConfigError(
            f'profile {name!r} does not exist: choose one of {available(directory)}'
        )
    return _Reader(path).profile()


class _Reader:
    """Strict reading of one profile file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, where: str, remedy: str) -> HardwareConfigError:
        return HardwareConfigError(f'{self.path.name}: {where}: {remedy}')

    def profile(self) -> Profile:
        data = self._parse(self.path)
        self._keys(
            'profile',
            data,
            (
                'name',
                'kind',
                'description',
                'include',
                'defaults',
                'identity',
                'signature',
                'timing',
                'quirks',
                'polls',
                'registers',
                'drive',
            ),
            ('name', 'kind', 'description', 'identity', 'signature', 'polls', 'registers'),
        )
        if data['name'] != self.path.stem:
            raise self.fail('name', f'must be the file name {self.path.stem!r}')
        if data['kind'] not in KINDS:
            raise self.fail('kind', f'{data["kind"]!r} is unknown, choose one of {list(KINDS)}')
        registers = self._registers(data)
        self._keys('identity', data['identity'], ('type_codes',), ('type_codes',))
        codes = data['identity']['type_codes']
        if (
            not isinstance(codes, list)
            or not codes
            or not all(isinstance(code, int) for code in codes)
        ):
            raise self.fail('identity.type_codes', 'give a list of numbers')
        quirks = {**_QUIRKS, **self._table('quirks', data.get('quirks', {}), _QUIRKS)}
        timing = Timing(**{**_TIMING, **self._table('timing', data.get('timing', {}), _TIMING)})
        profile = Profile(
            data['name'],
            data['kind'],
            data['description'],
            tuple(codes),
            self._signature(data['signature'], registers),
            timing,
            quirks,
            registers,
            (),
            self._drive(data, registers),
        )
        polls = tuple(self._poll(profile, entry, registers) for entry in data['polls'])
        if not polls:
            raise self.fail('polls', 'give at least one block')
        return Profile(**{**profile.__dict__, 'polls': polls})

    def _parse(self, path: Path) -> dict[str, Any]:
        loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
        try:
            data = yaml.load(path.read_text(encoding='utf-8'), Loader=loader)  # noqa: S506 - a safe loader
        except OSError as error:
            raise self.fail(
                'include', f'{path} cannot be read ({error.strerror}), correct the name'
            ) from error
        except yaml.YAMLError as error:
            raise HardwareConfigError(f'{path.name}: not valid YAML: {error}') from error
        if not isinstance(data, dict):
            raise HardwareConfigError(f'{path.name}: must be a mapping')
        return data

    def _keys(
        self, where: str, data: Any, allowed: Iterable[str], required: Iterable[str] = ()
    ) -> None:
        if not isinstance(data, dict):
            raise self.fail(where, 'must be a mapping')
        for key in data:
            if key not in allowed:
                raise self.fail(where, f'unknown key {key!r}, choose from {sorted(allowed)}')
        for key in required:
            if key not in data:
                raise self.fail(where, f'{key!r} is missing, add it')

    def _table(self, where: str, data: Any, known: Mapping[str, Any]) -> dict[str, Any]:
        self._keys(where, data, known)
        for key, value in data.items():
            expected = type(known[key])
            accepted = (int, float) if expected is float else expected
            if not isinstance(value, accepted) or (
                isinstance(value, bool) and expected is not bool
            ):
                raise self.fail(f'{where}.{key}', f'{value!r} must be of type {expected.__name__}')
            if isinstance(value, (int, float)) and value < 0:
                raise self.fail(f'{where}.{key}', f'{value!r} must not be negative')
        return data

    def _registers(self, data: dict[str, Any]) -> dict[str, Register]:
        raw: dict[str, Any] = {}
        for name in data.get('include', []):
            part = self._parse(self.path.parent / name)
            self._keys(f'include {name}', part, ('registers',), ('registers',))
            raw.update(part['registers'])
        for name, entry in data['registers'].items():
            if name in raw:
                raise self.fail(
                    f'register {name}',
                    'defined twice, remove one (use defaults to change a power-up value)',
                )
            raw[name] = entry
        for name, value in data.get('defaults', {}).items():
            if name not in raw:
                raise self.fail(f'defaults.{name}', 'no such register, correct the name')
            raw[name] = {**raw[name], 'default': value}
        registers = {name: self._register(name, entry) for name, entry in raw.items()}
        taken: dict[int, str] = {}
        for register in registers.values():
            for address in range(register.address, register.end):
                if address in taken:
                    raise self.fail(
                        f'register {register.name}',
                        f'address 0x{address:04X} belongs to {taken[address]}, correct one',
                    )
                taken[address] = register.name
        return registers

    def _register(self, name: str, entry: Any) -> Register:
        where = f'register {name}'
        self._keys(
            where,
            entry,
            (
                'address',
                'type',
                'count',
                'scale',
                'unit',
                'access',
                'range',
                'valid',
                'values',
                'write_values',
                'default',
                'description',
            ),
            ('address', 'type', 'access', 'description'),
        )
        kind, count, scale = entry['type'], entry.get('count', 1), entry.get('scale', 1)
        if kind not in _TYPES:
            raise self.fail(where, f'type {kind!r} is unknown, choose one of {sorted(_TYPES)}')
        if entry['access'] not in _ACCESS:
            raise self.fail(
                where, f'access {entry["access"]!r} is unknown, choose one of {list(_ACCESS)}'
            )
        if not isinstance(count, int) or not 1 <= count <= _MAX_BLOCK:
            raise self.fail(where, f'count {count!r} must be 1..{_MAX_BLOCK}')
        if not isinstance(entry['address'], int) or not 0 <= entry['address'] <= 0x10000 - count:
            raise self.fail(where, f'address {entry["address"]!r} must be 0..0xFFFF')
        if not isinstance(scale, (int, float)) or not scale > 0:
            raise self.fail(where, f'scale {scale!r} must be greater than 0')
        values = entry.get('values', {})
        if (kind == 'enum') != bool(values):
            raise self.fail(where, 'values belong to type enum, and an enum needs them')
        default = entry.get('default', 0)
        if kind == 'enum' and 'default' not in entry:
            default = min(values)
        defaults = tuple(default) if isinstance(default, list) else (default,) * count
        if len(defaults) != count or not all(
            isinstance(item, int) and 0 <= item <= 0xFFFF for item in defaults
        ):
            raise self.fail(where, f'default must be {count} raw word(s) 0..65535')
        only = entry.get('write_values')
        return Register(
            name,
            entry['address'],
            kind,
            count,
            scale,
            entry.get('unit', ''),
            entry['access'],
            self._pair(where, entry.get('range')),
            self._pair(where, entry.get('valid')),
            values,
            None if only is None else tuple(only),
            defaults,
            entry['description'],
        )

    def _pair(self, where: str, pair: Any) -> tuple[float, float] | None:
        if pair is None:
            return None
        if not isinstance(pair, list) or len(pair) != 2 or not pair[0] < pair[1]:
            raise self.fail(where, f'{pair!r} must be [low, high]')
        return pair[0], pair[1]

    def _signature(self, entries: Any, registers: Mapping[str, Register]) -> tuple[Check, ...]:
        checks = []
        for entry in entries:
            self._keys('signature', entry, ('register', 'values', 'range'), ('register',))
            name = entry['register']
            if name not in registers:
                raise self.fail('signature', f'no register {name!r}, correct the name')
            if ('values' in entry) == ('range' in entry):
                raise self.fail(f'signature {name}', 'give either values or range')
            values = tuple(entry['values']) if 'values' in entry else None
            checks.append(Check(name, values, self._pair(f'signature {name}', entry.get('range'))))
        if not checks:
            raise self.fail('signature', 'give at least one condition')
        return tuple(checks)

    def _poll(self, profile: Profile, entry: Any, registers: Mapping[str, Register]) -> Block:
        self._keys(
            'polls',
            entry,
            ('name', 'first', 'last', 'period'),
            ('name', 'first', 'last', 'period'),
        )
        for key in ('first', 'last'):
            if entry[key] not in registers:
                raise self.fail(
                    f'polls {entry["name"]}', f'no register {entry[key]!r}, correct the name'
                )
        if not isinstance(entry['period'], (int, float)) or not entry['period'] > 0:
            raise self.fail(f'polls {entry["name"]}', 'period must be greater than 0 s')
        block = profile.block((entry['first'], entry['last']), entry['name'], entry['period'])
        if block.count > _MAX_BLOCK:
            raise self.fail(
                f'polls {entry["name"]}',
                f'{block.count} registers, at most {_MAX_BLOCK}: split it',
            )
        return block

    def _drive(self, data: dict[str, Any], registers: Mapping[str, Register]) -> Drive | None:
        if data['kind'] != 'travel_motor':
            if 'drive' in data:
                raise self.fail('drive', 'belongs to kind travel_motor, remove it')
            return None
        entry = data.get('drive', {})
        self._keys('drive', entry, (*_DRIVE_REQUIRED, *_DRIVE_OPTIONAL, 'setup'), _DRIVE_REQUIRED)
        roles = {role: name for role, name in entry.items() if role != 'setup'}
        for name in (*roles.values(), *entry.get('setup', {})):
            if name not in registers:
                raise self.fail('drive', f'no register {name!r}, correct the name')
        directions = set(registers[entry['direction']].values.values())
        if not {'idle', 'forward', 'reverse'} <= directions:
            raise self.fail(
                f'register {entry["direction"]}',
                'a direction needs the values idle, forward and reverse',
            )
        return Drive(**roles, setup=entry.get('setup', {}))
