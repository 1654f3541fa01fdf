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
"""Registers: decoding, encoding, checks and blocks."""

from __future__ import annotations

import math

import pytest

from oht50_bridge.hardware import profile_reader
from oht50_bridge.hardware.registers import Check
from oht50_bridge.hardware.registers import Register

NAMES = profile_reader.available()


@pytest.mark.parametrize('name', NAMES)
def test_every_register_round_trips_its_power_up_value(name):
    for register in profile_reader.load(name).registers.values():
        if register.write_values is not None and register.default != register.write_values:
            continue
        value = register.decode(register.default)
        items = value if isinstance(value, tuple) else (value,)
        if any(isinstance(item, float) and not math.isfinite(item) for item in items):
            continue
        if register.range and not all(
            register.range[0] <= item <= register.range[1] for item in items
        ):
            continue
        assert tuple(register.encode(value)) == register.default, register.name


@pytest.mark.parametrize('name', NAMES)
def test_blocks_fit_one_request_and_hold_their_registers(name):
    for block in profile_reader.load(name).polls:
        assert 0 < block.count <= 125
        decoded = block.decode([0] * block.count)
        assert set(decoded) == {register.name for register in block.registers}


def test_negative_values_decode():
    power = profile_reader.load('stm32_power').registers
    assert power['pack_current'].decode([0xFFF6]) == -1.0
    assert power['temperature'].decode([0x00F6]) == -10
    assert power['soc'].decode([852]) == 0.852


def test_distance_beyond_its_range_is_infinite_and_below_it_is_no_reading():
    distance = profile_reader.load('safety_module_fw').registers['distance']
    near, far, low, high = distance.decode([10, 95, 9, 96])
    assert (near, far, high) == (0.10, 0.95, math.inf)
    assert math.isnan(low)
    assert all(math.isnan(value) for value in distance.decode([0xFFFF] * 4)), 'every bit set'


def test_latch_can_never_be_set():
    latch = profile_reader.load('safety_module_fw').registers['latch']
    assert latch.encode(0) == [0]
    with pytest.raises(ValueError, match='only'):
        latch.encode(1)


@pytest.mark.parametrize('value', [math.nan, math.inf, -0.01, 1.01])
def test_speed_refuses_what_is_no_ratio(value):
    with pytest.raises(ValueError, match='command_speed'):
        profile_reader.load('driver_2_motor').registers['command_speed'].encode(value)


@pytest.mark.parametrize(
    ('register', 'value', 'message'),
    [
        (Register('r', 0, 'u16', count=2), 1, 'r takes 2 values, got 1'),
        (Register('r', 0, 'u8'), 256, 'r=256: does not fit u8'),
        (Register('r', 0, 'enum', values={1: 'on'}), 'of', r"r='of': choose one of \['on'\]"),
    ],
)
def test_a_value_that_does_not_fit_names_register_and_remedy(register, value, message):
    with pytest.raises(ValueError, match=message):
        register.encode(value)


def test_an_enumeration_decodes_to_its_names_and_to_unknown():
    mode = Register('mode', 0, 'enum', values={1: 'on', 2: 'off'})
    assert [mode.decode([word]) for word in (1, 2, 3)] == ['on', 'off', 'unknown']
    assert mode.encode('off') == [2]


@pytest.mark.parametrize('name', [name for name in NAMES if name.endswith('motor')])
def test_a_check_and_its_words_agree(name):
    profile = profile_reader.load(name)
    for check in profile.signature:
        register = profile.registers[check.register]
        ranges = check.words(register)
        for word in {*range(0x500), *range(0, 0x10000, 251), *range(0xFFF0, 0x10000)}:
            inside = any(low <= word <= high for low, high in ranges)
            one = register.decode([word] * register.count)
            assert check.holds(one) == inside, (register.name, word)


def test_a_check_of_several_registers_holds_only_for_all():
    check = Check('r', range=(0.0, 10.0))
    assert check.holds((0, 10)) and not check.holds((0, 11))


def test_a_block_spans_what_lies_between_its_registers():
    profile = profile_reader.load('driver_2_motor')
    block = profile.block(['enable', 'direction'])
    assert (block.start, block.count) == (1, 4)
    assert [register.name for register in block.registers] == [
        'enable',
        'command_speed',
        'actual_speed',
        'direction',
    ]
    assert block.decode([1, 25, 20, 2]) == {
        'enable': True,
        'command_speed': 0.25,
        'actual_speed': 0.2,
        'direction': 'reverse',
    }
