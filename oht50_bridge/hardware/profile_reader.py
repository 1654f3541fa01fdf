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
"""Reads register profiles, which describe the registers of a board as data.

A profile is a YAML file of `config/modules`. Drivers know registers only by their semantic names,
so a board with another layout needs another file and no code.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.registers import TYPES
from oht50_bridge.hardware.registers import Block
from oht50_bridge.hardware.registers import Check
from oht50_bridge.hardware.registers import DriveRoles
from oht50_bridge.hardware.registers import HoistRoles
from oht50_bridge.hardware.registers import Register
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.hardware.registers import Timing
from oht50_bridge.paths import config_dir
from oht50_bridge.strict_yaml import YamlError
from oht50_bridge.strict_yaml import read_yaml

KINDS = ('power', 'safety', 'travel_motor', 'dock')
_ACCESS = ('r', 'rw', 'w1')
_MAX_BLOCK = 125  # registers one request may read
_TIMING = {
    'timeout': 0.1,
    'retries': 2,
    'gap': 0.004,
    'offline_after': 1.0,
    'foreign_gap': 0.0,
    'boot': 0.15,
    'write_attempts': 3,
    'break_baudrate': 0,
}
_QUIRKS = {
    'tick': 0.010,  # s, period at which the board looks at its receive buffer
    'cycle': 0.0,  # s, load-process-save cycle that may overwrite a write
    'loss': 0.0,  # probability that a request is lost
    'overwrite': 0.0,  # probability that a write is overwritten by the cycle
    'quiet_before': 0.0,  # s of silence without which the board misses a request
    'quiet_after': 0.0,  # s after its own reply in which it receives nothing
    'ram_size': 0,  # registers below this address exist, whatever the layout says
    'unknown_read': 'refuse',  # or 'zero'
    'unknown_write': 'refuse',  # or 'store'
    'protect_read_only': True,
    'own_line': False,  # it stops answering once it receives the traffic of other boards
    'bms_timeout': 0.0,  # s the counter bms_life may stand still; 0: there is none
    'battery_fault_bits': 0,  # of system_error: a fault of the battery
    'delay': 0.0,  # s from the end of a request to the reply, besides the tick
    'write_loss': [],  # probability that an enable is not kept, by number of distance inputs on
    'receive_buffer': 0,  # bytes of one that keeps what is not a good request; 0: it drops that
    'receive_timeout': 0.0,  # s without a byte after which that buffer is emptied
    'checksum_time': 0.0,  # s for each byte in that buffer, during which nothing is received
}
_DRIVE_REQUIRED = ('enable', 'speed', 'direction', 'actual_speed')
_DRIVE_OPTIONAL = ('accel', 'decel', 'full_speed', 'hard_stop')
_FAULTS = ('error_code', 'fault', 'emergency_stopped')  # where a board has them
_HOIST_REGISTERS = ('length', 'pulses', 'reference')
_HOIST_NUMBERS = ('pulse_length', 'longest')  # m
HOIST_POLL = 'hoist'  # block that holds the registers of the hoist
_DRIVE_VALUES = ('setup', 'stop', 'mark')  # values of further registers by name


def available(directory: Path | None = None) -> list[str]:
    """Names of the profiles in `config/modules`, sorted."""
    return sorted(path.stem for path in _modules(directory).glob('*.yaml'))


def load(name: str, directory: Path | None = None) -> RegisterProfile:
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
def _load(name: str, directory: Path) -> RegisterProfile:
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

    def profile(self) -> RegisterProfile:
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
                'second_drive',
                'hoist',
                'distance_terminals',
            ),
            ('name', 'kind', 'description', 'identity', 'signature', 'polls', 'registers'),
        )
        if data['name'] != self.path.stem:
            raise self.fail('name', f'must be the file name {self.path.stem!r}')
        if data['kind'] not in KINDS:
            raise self.fail('kind', f'{data["kind"]!r} is unknown, choose one of {list(KINDS)}')
        registers = self._registers(data)
        self._keys('identity', data['identity'], ('type_codes', 'fixed_address'), ('type_codes',))
        codes = data['identity']['type_codes']
        if (
            not isinstance(codes, list)
            or not codes
            or not all(isinstance(code, int) for code in codes)
        ):
            raise self.fail('identity.type_codes', 'give a list of numbers')
        quirks = {**_QUIRKS, **self._table('quirks', data.get('quirks', {}), _QUIRKS)}
        timing = Timing(**{**_TIMING, **self._table('timing', data.get('timing', {}), _TIMING)})
        profile = RegisterProfile(
            data['name'],
            data['kind'],
            data['description'],
            tuple(codes),
            self._signature(data['signature'], registers),
            timing,
            quirks,
            registers,
            (),
            self._drive(data, 'drive', registers),
            self._fixed_address(data),
            self._distance_terminals(data, registers),
            self._drive(data, 'second_drive', registers) if 'second_drive' in data else None,
            self._hoist(data, registers),
        )
        entries = self._list('polls', data['polls'])
        polls = tuple(self._poll(profile, entry, registers) for entry in entries)
        if not polls:
            raise self.fail('polls', 'give at least one block')
        if profile.hoist is not None and HOIST_POLL not in (poll.name for poll in polls):
            raise self.fail('polls', f'give a block {HOIST_POLL} with the registers of the hoist')
        return RegisterProfile(**{**profile.__dict__, 'polls': polls})

    def _parse(self, path: Path) -> dict[str, Any]:
        try:
            data = read_yaml(path)
        except OSError as error:
            raise self.fail(
                'include', f'{path} cannot be read ({error.strerror}), correct the name'
            ) from error
        except YamlError as error:
            raise HardwareConfigError(f'{path.name}: {error}') from error
        if not isinstance(data, dict):
            raise HardwareConfigError(f'{path.name}: must be a mapping')
        return data

    def _keys(
        self, where: str, data: Any, allowed: Iterable[str], required: Iterable[str] = ()
    ) -> None:
        for key in self._mapping(where, data):
            if key not in allowed:
                raise self.fail(where, f'unknown key {key!r}, choose from {sorted(allowed)}')
        for key in required:
            if key not in data:
                raise self.fail(where, f'{key!r} is missing, add it')

    def _mapping(self, where: str, data: Any) -> dict[Any, Any]:
        if not isinstance(data, dict):
            raise self.fail(where, 'must be a mapping')
        return data

    def _list(self, where: str, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise self.fail(where, f'{data!r} must be a list')
        return data

    def _known(self, where: str, name: Any, registers: Mapping[str, Register]) -> str:
        if not isinstance(name, str) or name not in registers:
            raise self.fail(where, f'no register {name!r}, correct the name')
        return name

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
        return dict(data)

    def _registers(self, data: dict[str, Any]) -> dict[str, Register]:
        raw: dict[str, Any] = {}
        for name in self._list('include', data.get('include', [])):
            part = self._parse(self.path.parent / str(name))
            self._keys(f'include {name}', part, ('registers',), ('registers',))
            raw.update(self._mapping(f'include {name}', part['registers']))
        for name, entry in self._mapping('registers', data['registers']).items():
            if name in raw:
                raise self.fail(
                    f'register {name}',
                    'defined twice, remove one (use defaults to change a power-up value)',
                )
            raw[name] = entry
        for name, value in self._mapping('defaults', data.get('defaults', {})).items():
            if name not in raw:
                raise self.fail(f'defaults.{name}', 'no such register, correct the name')
            raw[name] = {**self._mapping(f'register {name}', raw[name]), 'default': value}
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
        if kind not in list(TYPES):
            raise self.fail(where, f'type {kind!r} is unknown, choose one of {sorted(TYPES)}')
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
        values = self._mapping(f'{where}: values', entry.get('values', {}))
        if not all(isinstance(raw, int) for raw in values):
            raise self.fail(where, 'values must be names by raw value')
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
        if only is not None:
            self._list(f'{where}: write_values', only)
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
        numbers = [item for item in self._list(where, pair) if isinstance(item, (int, float))]
        if len(pair) != 2 or len(numbers) != 2 or not pair[0] < pair[1]:
            raise self.fail(where, f'{pair!r} must be [low, high]')
        return pair[0], pair[1]

    def _fixed_address(self, data: dict[str, Any]) -> int | None:
        address = data['identity'].get('fixed_address')
        if address is not None and (not isinstance(address, int) or not 1 <= address <= 247):
            raise self.fail('identity.fixed_address', f'{address!r} must be 1..247')
        return address

    def _distance_terminals(
        self, data: dict[str, Any], registers: Mapping[str, Register]
    ) -> tuple[int, ...]:
        count = registers['distance'].count if 'distance' in registers else 0
        given = data.get('distance_terminals', list(range(1, count + 1)))
        terminals = self._list('distance_terminals', given)
        if len(terminals) != count or any(n not in terminals for n in range(1, count + 1)):
            raise self.fail(
                'distance_terminals', f'give each terminal 1..{count} once, by register'
            )
        return tuple(terminals)

    def _signature(self, entries: Any, registers: Mapping[str, Register]) -> tuple[Check, ...]:
        checks = []
        for entry in self._list('signature', entries):
            self._keys('signature', entry, ('register', 'values', 'range'), ('register',))
            name = self._known('signature', entry['register'], registers)
            where = f'signature {name}'
            if (entry.get('values') is None) == (entry.get('range') is None):
                raise self.fail(where, 'give either values or range')
            values = tuple(self._list(where, entry['values'])) if 'values' in entry else None
            checks.append(Check(name, values, self._pair(where, entry.get('range'))))
        if not checks:
            raise self.fail('signature', 'give at least one condition')
        return tuple(checks)

    def _poll(
        self, profile: RegisterProfile, entry: Any, registers: Mapping[str, Register]
    ) -> Block:
        self._keys(
            'polls',
            entry,
            ('name', 'first', 'last', 'period'),
            ('name', 'first', 'last', 'period'),
        )
        if not isinstance(entry['name'], str):
            raise self.fail('polls', f'name {entry["name"]!r} must be a text')
        for key in ('first', 'last'):
            self._known(f'polls {entry["name"]}', entry[key], registers)
        if not isinstance(entry['period'], (int, float)) or not entry['period'] > 0:
            raise self.fail(f'polls {entry["name"]}', 'period must be greater than 0 s')
        block = profile.block((entry['first'], entry['last']), entry['name'], entry['period'])
        if block.count > _MAX_BLOCK:
            raise self.fail(
                f'polls {entry["name"]}',
                f'{block.count} registers, at most {_MAX_BLOCK}: split it',
            )
        return block

    def _drive(
        self, data: dict[str, Any], key: str, registers: Mapping[str, Register]
    ) -> DriveRoles | None:
        if data['kind'] != 'travel_motor':
            if key in data:
                raise self.fail(key, 'belongs to kind travel_motor, remove it')
            return None
        entry = data.get(key, {})
        allowed = (*_DRIVE_REQUIRED, *_DRIVE_OPTIONAL, *_DRIVE_VALUES, 'duty_factor', 'faults')
        self._keys(key, entry, allowed, _DRIVE_REQUIRED)
        roles = {
            role: entry[role] for role in (*_DRIVE_REQUIRED, *_DRIVE_OPTIONAL) if role in entry
        }
        values: dict[str, Any] = {
            each: self._mapping(f'{key}.{each}', entry.get(each, {})) for each in _DRIVE_VALUES
        }
        usual = [name for name in _FAULTS if name in registers]
        faults = tuple(self._list(f'{key}.faults', entry.get('faults', usual)))
        for name in (*roles.values(), *faults):
            self._known(key, name, registers)
        for each, wanted in values.items():
            for name, value in wanted.items():
                register = registers[self._known(f'{key}.{each}', name, registers)]
                try:
                    kept = register.decode(register.encode(value)) == value
                except (TypeError, ValueError):
                    kept = False
                if not kept:
                    raise self.fail(f'{key}.{each}', f'{value!r} is no value of {name}')
        for name, value in values['mark'].items():
            if tuple(registers[name].encode(value)) == registers[name].default:
                raise self.fail(f'{key}.mark', f'{value!r} is what {name} has at power-up')
        factor = entry.get('duty_factor', 0.0)
        if not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise self.fail(f'{key}.duty_factor', f'{factor!r} must be 0..1')
        directions = set(registers[entry['direction']].values.values())
        if not {'idle', 'forward', 'reverse'} <= directions:
            raise self.fail(
                f'register {entry["direction"]}',
                'a direction needs the values idle, forward and reverse',
            )
        return DriveRoles(**roles, **values, duty_factor=factor, faults=faults)

    def _hoist(self, data: dict[str, Any], registers: Mapping[str, Register]) -> HoistRoles | None:
        if 'hoist' not in data:
            return None
        if data['kind'] != 'travel_motor':
            raise self.fail('hoist', 'belongs to kind travel_motor, remove it')
        entry = data['hoist']
        allowed = (*_HOIST_REGISTERS, *_HOIST_NUMBERS)
        self._keys('hoist', entry, allowed, allowed)
        for role in _HOIST_REGISTERS:
            self._known(f'hoist.{role}', entry[role], registers)
        for number in _HOIST_NUMBERS:
            if not isinstance(entry[number], (int, float)) or not entry[number] > 0:
                raise self.fail(f'hoist.{number}', f'{entry[number]!r} must be greater than 0 m')
        if not data['drive'].get('mark'):
            raise self.fail('hoist', 'a restart of the board must be seen: give drive.mark')
        return HoistRoles(**entry)
