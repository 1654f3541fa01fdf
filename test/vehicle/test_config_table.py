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
"""What may be configured."""

import math

import pytest

from oht50_bridge.vehicle.config_table import MAXIMUM_LENGTH
from oht50_bridge.vehicle.config_table import ConfigError
from oht50_bridge.vehicle.config_table import ConfigTable
from oht50_bridge.vehicle.config_table import Item
from oht50_bridge.vehicle.config_table import describe

TABLE = ConfigTable(
    [
        Item('telemetry_rate', 'telemetry_node', 'rate', 'double', 'Hz', 0.1, 10.0),
        Item('max_retries', 'mission_node', 'retries', 'integer', '', 0, 5),
        Item('zone_names', 'safety_node', 'names', 'string_array'),
        Item('zone_limits', 'safety_node', 'limits', 'double_array', 'm/s', 0.0, 2.0),
        Item('patrol', 'mission_node', 'patrol', 'bool'),
    ]
)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('telemetry_rate', 0.1),
        ('telemetry_rate', 10.0),
        ('max_retries', 5),
        ('zone_names', []),
        ('zone_names', ['a', 'b']),
        ('zone_limits', [0.0, 2.0]),
        ('patrol', True),
    ],
)
def test_value_within_type_and_range_is_taken(name, value):
    assert TABLE.check({name: value}) == {name: value}


def test_whole_number_stands_for_a_double():
    values = TABLE.check({'telemetry_rate': 5, 'zone_limits': [1]})
    assert type(values['telemetry_rate']) is float
    assert type(values['zone_limits'][0]) is float


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('telemetry_rate', 10.01, 'within 0.1 and 10 Hz'),
        ('telemetry_rate', math.nan, 'finite'),
        ('telemetry_rate', math.inf, 'finite'),
        ('telemetry_rate', True, 'must be double'),
        ('telemetry_rate', '5', 'must be double'),
        ('telemetry_rate', None, 'must be double'),
        ('telemetry_rate', 10**400, 'must be double'),
        ('max_retries', 6, 'within 0 and 5'),
        ('max_retries', 1.0, 'must be integer'),
        ('max_retries', False, 'must be integer'),
        ('zone_names', 'a', 'array of string'),
        ('zone_names', ['a', 1], 'must be string'),
        ('zone_names', ['a'] * 257, 'at most 256'),
        ('zone_names', ['a' * 257], 'at most 256'),
        ('zone_limits', [0.5, 2.1], 'within 0 and 2 m/s'),
        ('patrol', 1, 'must be bool'),
    ],
)
def test_value_of_another_type_or_out_of_range_is_refused_by_name(name, value, reason):
    with pytest.raises(ConfigError, match=f'{name}.*{reason}'):
        TABLE.check({name: value})


def test_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r'warp: .*max_retries'):
        TABLE.check({'telemetry_rate': 5.0, 'warp': 9})


@pytest.mark.parametrize('values', [None, [], 'telemetry_rate', 5])
def test_changes_that_are_no_object_are_refused(values):
    with pytest.raises(ConfigError, match='changes'):
        TABLE.check(values)


@pytest.mark.parametrize(
    'name',
    [
        'jwt_secret',
        'API_KEY',
        'apikey',
        'admin_password',
        'passphrase',
        'token',
        'wifi.key',
        'private_value',
        'credentials',
    ],
)
def test_secret_is_refused_by_its_name_and_never_repeated(name):
    with pytest.raises(ConfigError, match=name) as caught:
        TABLE.check({name: 'hunter2'})
    assert 'secret must not be' in str(caught.value)
    assert 'hunter2' not in str(caught.value)
    with pytest.raises(ConfigError, match='secret'):
        Item(name, 'node', 'p', 'string')
    with pytest.raises(ConfigError, match='secret'):
        Item('harmless', 'node', name, 'string')


def test_names_that_only_resemble_secrets_are_allowed():
    Item('keyboard_layout', 'node', 'monkey', 'string')


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        ({'type': 'float'}, 'type'),
        ({'node': ''}, 'node'),
        ({'minimum': 2.0, 'maximum': 1.0}, 'minimum'),
    ],
)
def test_item_that_makes_no_sense_is_refused(fields, reason):
    with pytest.raises(ConfigError, match=f'speed: {reason}'):
        Item(**{'name': 'speed', 'node': 'n', 'parameter': 'p', 'type': 'double', **fields})


def test_two_names_of_one_parameter_are_refused():
    with pytest.raises(ConfigError, match='b: is also the parameter of a'):
        ConfigTable([Item('a', 'n', 'p', 'bool'), Item('b', 'n', 'p', 'bool')])
    with pytest.raises(ConfigError, match='a: occurs twice'):
        ConfigTable([Item('a', 'n', 'p', 'bool'), Item('a', 'n', 'q', 'bool')])


def test_nodes_are_set_once_each():
    assert TABLE.nodes() == ['telemetry_node', 'mission_node', 'safety_node']
    assert TABLE.nodes(['zone_limits', 'zone_names']) == ['safety_node']
    assert [item.name for item in TABLE.of_node('mission_node')] == ['max_retries', 'patrol']


@pytest.mark.parametrize(
    ('old', 'new', 'text'),
    [
        (1.5, 2.0, '1.5 -> 2.0'),
        (1, 2, '1 -> 2'),
        (True, False, 'true -> false'),
        ('', 'dock', "'' -> dock"),
        ([], ['zone-001'], 'added zone-001'),
        ([''], ['zone-001'], 'added zone-001'),
        (['zone-001'], [], 'removed zone-001'),
        (['a', 'b'], ['b', 'c', 'd'], 'added c, d; removed a'),
        (['a', 'b'], ['b', 'a'], '[a, b] -> [b, a]'),
        ([0.5, 0.2], [0.5, 0.3], '[0.5, 0.2] -> [0.5, 0.3]'),
    ],
)
def test_change_reads_as_a_person_says_it(old, new, text):
    assert describe(old, new) == text


def test_a_long_change_is_cut_so_that_its_event_is_not_too_large():
    text = describe([0.0] * MAXIMUM_LENGTH, [1.0] * MAXIMUM_LENGTH)
    assert len(text) == 300 and text.startswith('[0.0, 0.0') and text.endswith('…')
