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
"""Reads the configuration of lines and modules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from oht50_bridge.hardware.bus import SerialLine
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.module import ModuleSpec
from oht50_bridge.hardware.profile_reader import KINDS
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.registers import Timing

_LINE_KEYS = ('device', 'baudrate', 'parity', 'stop_bits')
_MODULE_KEYS = (
    'id', 'kind', 'profile', 'line', 'address', 'polls', 'timeout', 'retries', 'gap',
    'foreign_gap',
    'offline_after',
    'options',
)  # fmt: skip


def check_keys(where: str, entry: Any, allowed: tuple[str, ...]) -> None:
    """Check that an entry is a mapping with allowed keys only.

    Raises:
        HardwareConfigError: it is not.

    """
    if not isinstance(entry, Mapping):
        raise HardwareConfigError(f'{where}: must be a mapping')
    for key in entry:
        if key not in allowed:
            raise HardwareConfigError(f'{where}.{key}: unknown, choose from {list(allowed)}')


def read_lines(entries: Any) -> dict[str, SerialLine]:
    """Return the serial lines of a configuration by name, not started.

    Raises:
        HardwareConfigError: a fault in it, naming the field and the remedy.

    """
    if not isinstance(entries, Mapping) or not entries:
        raise HardwareConfigError('lines: give at least one line')
    lines: dict[str, SerialLine] = {}
    for name, entry in entries.items():
        where = f'lines.{name}'
        check_keys(where, entry, _LINE_KEYS)
        device = entry.get('device')
        if not isinstance(device, str) or not device:
            raise HardwareConfigError(f'{where}.device: give the path of a serial port')
        baudrate = entry.get('baudrate', 115200)
        if not isinstance(baudrate, int) or baudrate < 1200:
            raise HardwareConfigError(f'{where}.baudrate: {baudrate!r} must be at least 1200')
        parity, stop_bits = entry.get('parity', 'N'), entry.get('stop_bits', 1)
        if parity not in ('N', 'E', 'O'):
            raise HardwareConfigError(f'{where}.parity: {parity!r} must be N, E or O')
        if stop_bits not in (1, 2):
            raise HardwareConfigError(f'{where}.stop_bits: {stop_bits!r} must be 1 or 2')
        if device in (line.device for line in lines.values()):
            raise HardwareConfigError(f'{where}.device: {device} is used by another line')
        lines[str(name)] = SerialLine(str(name), device, baudrate, parity, stop_bits)
    return lines


def read_module(entry: Any, lines: Mapping[str, SerialLine]) -> ModuleSpec:
    """Return the specification of a module of a configuration.

    Raises:
        HardwareConfigError: a fault in it, naming the field and the remedy.

    """
    name = entry.get('id') if isinstance(entry, Mapping) else None
    if not isinstance(name, str) or not name:
        raise HardwareConfigError('modules: each module needs an id')
    where = f'modules.{name}'
    check_keys(where, entry, _MODULE_KEYS)
    for key in ('profile', 'line', 'address'):
        if key not in entry:
            raise HardwareConfigError(f'{where}.{key}: missing, add it')
    try:
        profile = load(entry['profile'])
    except HardwareConfigError as error:
        raise HardwareConfigError(f'{where}.profile: {error}') from error
    kind = entry.get('kind', profile.kind)
    if kind not in KINDS:
        raise HardwareConfigError(f'{where}.kind: {kind!r} is unknown, choose from {list(KINDS)}')
    if kind != profile.kind:
        raise HardwareConfigError(
            f'{where}.profile: {profile.name} is of kind {profile.kind}, not {kind}'
        )
    if entry['line'] not in lines:
        raise HardwareConfigError(
            f'{where}.line: {entry["line"]!r} is unknown, choose from {sorted(lines)}'
        )
    address = entry['address']
    if not isinstance(address, int) or not 1 <= address <= 247:
        raise HardwareConfigError(f'{where}.address: {address!r} must be 1..247')
    if profile.fixed_address is not None and address != profile.fixed_address:
        raise HardwareConfigError(
            f'{where}.address: {address} cannot be: a board of profile {profile.name} is always'
            f' at {profile.fixed_address}, set that'
        )
    timing = asdict(profile.timing)
    for key in timing:
        timing[key] = _number(f'{where}.{key}', entry.get(key, timing[key]))
    if not isinstance(timing['retries'], int):
        raise HardwareConfigError(f'{where}.retries: must be a whole number')
    line = lines[entry['line']]
    if timing['break_baudrate'] >= line.baudrate:
        raise HardwareConfigError(
            f'lines.{line.name}.baudrate: {line.baudrate} leaves no room for a break at'
            f' {timing["break_baudrate"]}, which {name} needs, set that of the board'
        )
    blocks = [block.name for block in profile.polls]
    polls = entry.get('polls', {})
    check_keys(f'{where}.polls', polls, tuple(blocks))
    for key, period in polls.items():
        if not _number(f'{where}.polls.{key}', period) > 0:
            raise HardwareConfigError(f'{where}.polls.{key}: must be greater than 0 s')
    options = entry.get('options', {})
    if not isinstance(options, Mapping):
        raise HardwareConfigError(f'{where}.options: must be a mapping')
    return ModuleSpec(
        name, kind, profile, entry['line'], address, Timing(**timing), polls, options
    )


def _number(where: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise HardwareConfigError(f'{where}: {value!r} must be a number, not negative')
    return value
