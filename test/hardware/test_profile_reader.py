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

import copy
import functools
import operator
import re
import shutil
from pathlib import Path

import pytest
import yaml

from oht50_bridge.hardware import profile_reader
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.paths import config_dir
from oht50_bridge.vehicle.hoist import ChannelSettings

NAMES = profile_reader.available()


def test_every_kind_has_its_layouts():
    kinds = [profile_reader.load(name).kind for name in NAMES]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        'power': 1, 'safety': 2, 'travel_motor': 3, 'dock': 3,
    }  # fmt: skip


def _broken(tmp_path, change):
    source = yaml.safe_load((profile_reader._modules(None) / 'driver_2_motor.yaml').read_text())
    source['name'] = 'broken'
    change(source)
    (tmp_path / 'broken.yaml').write_text(yaml.safe_dump(source))
    with pytest.raises(HardwareConfigError) as caught:
        profile_reader.load('broken', tmp_path)
    return str(caught.value)


#: Names in comments of profiles that are parameters of hardware_node, by their class.
PARAMETERS = set(ChannelSettings.__dataclass_fields__)
NAME = re.compile(r'\b[a-z0-9]+(?:_[a-z0-9]+)+\b')


def keys_of(data):
    """Yield every key of a profile, also the nested ones."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from keys_of(value)


def texts_of(source):
    """Return the comments and descriptions of a profile."""
    found = re.findall(r'(?:^|\s)#(.*)|description: (.*)', source)
    return re.sub(r'\S+\.[ch]\b', '', '\n'.join(map(''.join, found)))


def unknown_names(source, registers):
    """Return the names in comments and descriptions that nothing has."""
    known = {name for register in registers for name in (register.name, *register.values.values())}
    known |= set(keys_of(yaml.safe_load(source))) | PARAMETERS
    known |= set(profile_reader._TIMING) | set(profile_reader._QUIRKS)
    return sorted(set(NAME.findall(texts_of(source))) - known)


@pytest.mark.parametrize('name', NAMES)
def test_each_name_in_a_comment_of_a_profile_exists(name):
    source = (profile_reader._modules(None) / f'{name}.yaml').read_text()
    assert unknown_names(source, profile_reader.load(name).registers.values()) == []


@pytest.mark.parametrize('text', ['reset_nothing', 'unrolled_lenght', 'write_los'])
def test_a_name_that_nothing_has_is_found(text):
    profile = profile_reader.load('driver_2_motor')
    source = f'timing: {{}}  # as unrolled_length and {text} say (main.c:3)'
    assert unknown_names(source, profile.registers.values()) == [text]


#: What the firmware of a board does with registers that every board has, by the profile.
OWN = {
    'driver_2_motor': {'device_id': 'RAM', 'baud_code': 'at once', 'reset_board': 'power-up'},
    'safety_module_fw': {'device_id': 'ignored', 'baud_code': '10 s', 'clear_errors': 'not known'},
    'stm32_power': {
        'device_id': 'read-only',
        'baud_code': 'not applied',
        'clear_errors': 'no eff',
    },
}


@pytest.mark.parametrize(('name', 'rows'), OWN.items())
def test_the_common_registers_of_a_board_say_what_its_firmware_does(name, rows):
    registers = profile_reader.load(name).registers
    for register, text in rows.items():
        assert text in registers[register].description
    resets = [found.name for found in registers.values() if found.address == 0x0109]
    assert resets == [list(rows)[-1]]


def shipped():
    """Return the modules of config/vehicle.yaml by name."""
    parameters = yaml.safe_load((config_dir() / 'vehicle.yaml').read_text())
    return parameters['/**/hardware_node']['ros__parameters']['module']


@pytest.mark.parametrize('name', shipped())
def test_the_address_of_each_board_is_documented(name):
    module = shipped()[name]
    text = (Path(__file__).resolve().parent.parent.parent / 'docs' / 'hardware.md').read_text()
    board = rf'{name.replace("_", " ")} \(`{module["profile"]}`\)'
    (found,) = re.findall(
        rf'^\| {board} \| {module["address"]} \| (.+?) \| (.*)\|$', text, re.MULTILINE
    )
    fixed = profile_reader.load(module['profile']).fixed_address
    assert ('no: a constant' in found[0]) == (fixed is not None)
    access = profile_reader.load(module['profile']).registers['device_id'].access
    assert ('no: read-only' in found[0]) == (access == 'r')


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
        (lambda d: d['second_drive'].update(speed='sped'), ('second_drive', "'sped'")),
        (lambda d: d['second_drive'].pop('enable'), ('second_drive', "'enable' is missing")),
        (lambda d: d['hoist'].pop('pulses'), ('hoist', "'pulses' is missing")),
        (lambda d: d['hoist'].update(reference='nope'), ('hoist.reference', "'nope'")),
        (lambda d: d['hoist'].update(pulse_length=0), ('hoist.pulse_length', 'greater than 0')),
        (lambda d: d['drive'].pop('mark'), ('hoist', 'drive.mark')),
        (lambda d: d['polls'].pop(), ('polls', 'block hoist')),
        (lambda d: d.update(kind='rocket'), ('kind', 'rocket')),
        (lambda d: d['timing'].update(timeout='long'), ('timing.timeout', 'float')),
        (lambda d: d['quirks'].update(loss=-1), ('quirks.loss', 'negative')),
        (lambda d: d['identity'].update(fixed_address=300), ('identity.fixed_address', '1..247')),
        (lambda d: d.update(distance_terminals=[2, 1]), ('distance_terminals', '1..0 once')),
        (lambda d: d.update(signature=None), ('signature', 'None must be a list')),
        (lambda d: d.update(include='common'), ('include', "'common' must be a list")),
        (lambda d: d.update(defaults=None), ('defaults', 'must be a mapping')),
        (lambda d: d['drive'].update(setup={'mode': 5}), ('drive.setup', '5 is no value of mode')),
        (
            lambda d: d['drive'].update(mark={'min_speed': 5}),
            ('drive.mark', '5 is no value of min_speed'),
        ),
    ],
)
def test_a_fault_is_named_with_file_register_and_remedy(tmp_path, change, words):
    message = _broken(tmp_path, change)
    for word in ('broken.yaml', *words):
        assert word in message, message


@pytest.mark.parametrize(
    ('line', 'words'), [('kind: dock\n', r"'kind' is there twice"), ('kind: [\n', 'not YAML')]
)
def test_a_file_that_cannot_be_read_as_a_profile_is_named(tmp_path, line, words):
    folder = tmp_path / 'modules'
    shutil.copytree(config_dir() / 'modules', folder)
    path = folder / 'stm32_power.yaml'
    path.write_text(path.read_text() + line)
    with pytest.raises(HardwareConfigError, match=rf'stm32_power\.yaml: .*{words}'):
        profile_reader.load('stm32_power', folder)


def _places(node, path=()):
    """Yield the path to everything in a profile; of its registers to a few."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if path == ('registers',) and key not in ('mode', 'distance', 'min_speed', 'reset_board'):
            continue
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from _places(value, (*path, key))


@pytest.mark.parametrize('name', ['driver_2_motor', 'safety_module_fw'])
def test_whatever_stands_in_a_profile_is_read_or_refused_with_the_file(monkeypatch, name):
    source = yaml.safe_load((profile_reader._modules(None) / f'{name}.yaml').read_text())
    for path in _places(source):
        for value in (None, 5, 'x', [], [None, 1], {}, {1: 2}):
            changed = copy.deepcopy(source)
            *above, last = path
            functools.reduce(operator.getitem, above, changed)[last] = value
            reader = profile_reader._Reader(Path(f'{name}.yaml'))
            monkeypatch.setattr(reader, '_parse', lambda _, data=changed: data)
            try:
                reader.profile()
            except HardwareConfigError as error:
                assert f'{name}.yaml: ' in str(error)
            except Exception as error:
                pytest.fail(f'{value!r} in {path}: {error!r}')


def test_unknown_profile_lists_the_known():
    with pytest.raises(HardwareConfigError, match='stm32_power'):
        profile_reader.load('stm33_power')


def test_the_terminals_of_distances_are_in_their_order_where_a_profile_gives_no_other():
    assert profile_reader.load('safety_module_fw').distance_terminals == (4, 3, 2, 1)
    assert profile_reader.load('oht_v2_safety').distance_terminals == (1, 2, 3, 4)
    assert profile_reader.load('driver_2_motor').distance_terminals == ()


def test_only_the_board_whose_address_is_a_constant_has_a_fixed_one():
    fixed = {name: profile_reader.load(name).fixed_address for name in NAMES}
    assert {name for name, address in fixed.items() if address} == {'safety_module_fw'}


@pytest.mark.parametrize('name', NAMES)
def test_what_a_parameter_makes_a_driver_write_leaves_the_board_one_that_is_recognised(name):
    profile = profile_reader.load(name)
    written = {'zone_threshold'}
    if profile.drive is not None:
        written |= {profile.drive.accel, profile.drive.decel}
    for check in profile.signature:
        if check.register in written:
            accepted = profile.registers[check.register].range
            assert accepted is not None, check
            assert all(map(check.holds, accepted)), check
