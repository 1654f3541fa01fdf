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
"""Profiles are data: every one loads, round-trips, and a fault is named."""

from __future__ import annotations

import math

import pytest
import yaml

from oht50_bridge.hardware import profile_reader
from oht50_bridge.hardware.errors import HardwareConfigError

NAMES = profile_reader.available()


def test_every_kind_has_its_layouts():
    kinds = [profile_reader.load(name).kind for name in NAMES]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        'power': 1, 'safety': 2, 'travel_motor': 3, 'dock': 3,
    }  # fmt: skip


@pytest.mark.parametrize('name', NAMES)
def test_every_register_round_trips_its_power_up_value(name):
    for register in profile_reader.load(name).registers.values():
        if register.write_values is not None and register.default != register.write_values:
            continue
        value = register.decode(register.default)
        items = value if isinstance(value, tuple) else (value,)
        if any(isinstance(item, float) and math.isnan(item) for item in items):
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


def test_distance_out_of_range_is_nan():
    distance = profile_reader.load('safety_module_fw').registers['distance']
    near, far, low, high = distance.decode([10, 95, 9, 96])
    assert (near, far) == (0.10, 0.95)
    assert math.isnan(low) and math.isnan(high)


def test_latch_can_never_be_set():
    latch = profile_reader.load('safety_module_fw').registers['latch']
    assert latch.encode(0) == [0]
    with pytest.raises(ValueError, match='only'):
        latch.encode(1)


@pytest.mark.parametrize('value', [math.nan, math.inf, -0.01, 1.01])
def test_speed_refuses_what_is_no_ratio(value):
    with pytest.raises(ValueError, match='command_speed'):
        profile_reader.load('driver_2_motor').registers['command_speed'].encode(value)


def _broken(tmp_path, change):
    source = yaml.safe_load((profile_reader._modules(None) / 'driver_2_motor.yaml').read_text())
    source['name'] = 'broken'
    source.pop('include')
    source['signature'] = [
        entry for entry in source['signature'] if entry['register'] != 'baud_code'
    ]
    source.pop('defaults')
    change(source)
    (tmp_path / 'broken.yaml').write_text(yaml.safe_dump(source))
    with pytest.raises(HardwareConfigError) as caught:
        profile_reader.load('broken', tmp_path)
    return str(caught.value)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda d: d['registers']['mode'].update(type='u23'), ('register mode', 'u23')),
        (
            lambda d: d['registers']['enable'].update(address=0),
            ('register', '0x0000', 'belongs to'),
        ),
        (lambda d: d['registers']['kp'].update(sclae=2), ('register kp', "'sclae'")),
        (lambda d: d['registers']['kp'].update(scale=0), ('register kp', 'scale')),
        (lambda d: d['registers']['kp'].update(range=[3, 1]), ('register kp', 'low, high')),
        (lambda d: d['drive'].update(speed='sped'), ('drive', "'sped'")),
        (lambda d: d['drive'].pop('enable'), ('drive', "'enable' is missing")),
        (
            lambda d: d['signature'].append({'register': 'nope', 'values': [1]}),
            ('signature', 'nope'),
        ),
        (lambda d: d['polls'][0].update(last='nope'), ('polls drive', 'nope')),
        (lambda d: d.update(kind='rocket'), ('kind', 'rocket')),
        (lambda d: d['timing'].update(timeout='long'), ('timing.timeout', 'float')),
        (lambda d: d['quirks'].update(loss=-1), ('quirks.loss', 'negative')),
    ],
)
def test_a_fault_is_named_with_file_register_and_remedy(tmp_path, change, words):
    message = _broken(tmp_path, change)
    for word in ('broken.yaml', *words):
        assert word in message, message


def test_unknown_profile_lists_the_known():
    with pytest.raises(HardwareConfigError, match='stm32_power'):
        profile_reader.load('stm33_power')


@pytest.mark.parametrize('name', [n for n in NAMES if n.endswith('motor')])
def test_a_check_and_its_words_agree(name):
    profile = profile_reader.load(name)
    for check in profile.signature:
        register = profile.registers[check.register]
        ranges = check.words(register)
        for word in {*range(0x500), *range(0, 0x10000, 251), *range(0xFFF0, 0x10000)}:
            inside = any(low <= word <= high for low, high in ranges)
            one = register.decode([word] * register.count)
            assert check.holds(one) == inside, (register.name, word)
