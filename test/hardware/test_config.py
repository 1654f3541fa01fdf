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
"""The configuration of lines and modules: what is read, and how a fault is reported."""

from __future__ import annotations

import copy

import pytest
from hardware.two_boards import CONFIG

from oht50_bridge.hardware.config import read_lines
from oht50_bridge.hardware.config import read_module
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.hardware import Hardware


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda c: c['modules'][0].update(profile='nope'), 'modules.m.profile: .*choose one of'),
        (lambda c: c['modules'][0].update(line='c'), "modules.m.line: 'c' is unknown"),
        (lambda c: c['modules'][0].update(address=0), 'modules.m.address: 0 must be 1..247'),
        (
            lambda c: (c['modules'][0].update(address=5), c['modules'][1].update(line='a')),
            'modules.s.address: 5 .*belongs to m',
        ),
        (
            lambda c: c['modules'][1].update(line='a'),
            'modules.s.line: .*m would be on its line: give it a serial line of its own',
        ),
        (
            lambda c: c['lines']['b'].update(baudrate=9600),
            'lines.b.baudrate: 9600 .* break at 9600, which s needs',
        ),
        (lambda c: c['modules'][1].update(id='m'), 'modules.m: id used twice'),
        (lambda c: c['modules'][1].update(kind='dock'), 'modules.s.profile: .*kind safety'),
        (lambda c: c['modules'][0].pop('address'), 'modules.m.address: missing'),
        (lambda c: c['modules'][0].update(adress=4), 'modules.m.adress: unknown'),
        (lambda c: c['modules'][0].update(timeout=-1), 'modules.m.timeout: -1 must'),
        (lambda c: c['modules'][0].update(polls={'drive': 0}), 'modules.m.polls.drive'),
        (lambda c: c['modules'][0].update(polls={'nope': 1}), 'modules.m.polls.nope'),
        (lambda c: c['modules'][0].update(options={'max_sped': 1}), 'modules.m.options.max_sped'),
        (
            lambda c: c['modules'][0].update(options={'max_speed': 0}),
            'modules.m.options.max_speed',
        ),
        (
            lambda c: c['modules'][1].update(options={'estop_input': 2}),
            'modules.s.options.estop_input',
        ),
        (
            lambda c: c['modules'][1].update(options={'zones': [9, 9, 9, 9, 9]}),
            'modules.s.options.zones',
        ),
        (
            lambda c: c['modules'][1].update(options={'zones': [0.3, 0.5, 0.6, 0.0]}),
            r'modules.s.options.zones: .*=0.0: stay within 0.01..1.0 m',
        ),
        (
            lambda c: c['modules'][1].update(options={'zones': [0.3, 0.5, 0.6, 2.0]}),
            r'modules.s.options.zones: .*=2.0: stay within 0.01..1.0 m',
        ),
        (lambda c: c['lines']['b'].update(device='/dev/none-a'), 'lines.b.device: .*another line'),
        (lambda c: c['lines']['b'].update(parity='X'), 'lines.b.parity'),
        (lambda c: c['lines']['b'].pop('device'), 'lines.b.device'),
        (lambda c: c.pop('lines'), 'lines: give'),
    ],
)
def test_a_fault_in_the_configuration_names_field_and_remedy(change, words):
    config = copy.deepcopy(CONFIG)
    Hardware(config)
    change(config)
    with pytest.raises(HardwareConfigError, match=words):
        Hardware(config)


@pytest.mark.parametrize(
    ('kind', 'profile', 'other'),
    [
        ('travel_motor', 'driver_2_motor', 'driver_2_motor'),
        ('safety', 'oht_v2_safety', 'oht_v2_safety'),
        ('safety', 'safety_module_fw', 'oht_v2_safety'),
        ('dock', 'oht_v2_dock', 'dock_location_fw'),
        ('power', 'stm32_power', 'stm32_power'),
    ],
)
def test_a_second_board_of_a_kind_is_refused(kind, profile, other):
    """What they report names no board."""
    lines = {name: {'device': f'/dev/none-{name}'} for name in 'abc'}
    motor = CONFIG['modules'][0]
    entries = [] if kind == 'travel_motor' else [motor]
    for number, name in enumerate((profile, other), 5):
        address = 5 if name == 'safety_module_fw' else number
        address = 3 if kind == 'travel_motor' else address
        entries.append(
            {'id': f'm{number}', 'kind': kind, 'profile': name, 'line': 'abc'[number - 4],
             'address': address}
        )  # fmt: skip
    Hardware({'lines': lines, 'modules': entries[:-1]})
    with pytest.raises(HardwareConfigError) as error:
        Hardware({'lines': lines, 'modules': entries})
    assert str(error.value) == (
        f'modules: m5 and m6 are both of kind {kind}, and a vehicle has one of each: remove one '
        'from the list'
    )


def test_a_module_has_the_timing_of_its_profile_where_it_gives_none():
    lines = read_lines(CONFIG['lines'])
    entry = CONFIG['modules'][0]
    plain = read_module(entry, lines)
    assert plain.timing == plain.profile.timing
    assert read_module(entry | {'timeout': 0.5}, lines).timing.timeout == 0.5
    assert read_module(entry | {'timeout': 0.5}, lines).timing.retries == plain.timing.retries


def test_a_line_is_115200_8n1_where_nothing_else_is_given():
    line = read_lines(CONFIG['lines'])['a']
    assert (line.name, line.device, line.baudrate) == ('a', '/dev/none-a', 115200)


def test_a_safety_board_at_another_address_is_refused():
    lines = read_lines(CONFIG['lines'])
    assert read_module(CONFIG['modules'][1], lines).address == 5
    with pytest.raises(HardwareConfigError, match=r'modules\.s\.address: 3 .*always at 5'):
        read_module(CONFIG['modules'][1] | {'address': 3}, lines)
    other = {'id': 's', 'profile': 'oht_v2_safety', 'line': 'b', 'address': 3}
    assert read_module(other, lines).address == 3  # whose address can be changed
