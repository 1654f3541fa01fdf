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
"""Parameter files: what is read from them, and what is refused with its line."""

import math
import os

import pytest

from oht50_bridge.bringup.parameter_reader import MAXIMUM_SIZE
from oht50_bridge.bringup.parameter_reader import ParameterFileError
from oht50_bridge.bringup.parameter_reader import Scalar
from oht50_bridge.bringup.parameter_reader import ValueList
from oht50_bridge.bringup.parameter_reader import applies_to
from oht50_bridge.bringup.parameter_reader import read_parameter_file
from oht50_bridge.bringup.parameter_reader import shortened
from oht50_bridge.text import shown


def read(tmp_path, content):
    path = tmp_path / 'params.yaml'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_parameter_file(path)


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('1', 1), ('-7', -7), ('0x1F', 31), ('1.', 1.0), ('.5', 0.5), ('1e3', 1000.0),
        ('-.inf', -math.inf), ('N', False), ('yes', True), ('Off', False), ('true', True),
        ('~', None), ('', None), ('null', None), ('1:30', '1:30'), ('1_000', '1_000'),
        ('2026-01-01', '2026-01-01'), ('low', 'low'), ('0o17', '0o17'),
    ],
)  # fmt: skip
def test_a_scalar_without_quotes_is_what_rcl_takes_it_for(text, value):
    assert Scalar(text, plain=True, line=1).value == value
    assert type(Scalar(text, plain=True, line=1).value) is type(value)
    assert Scalar(text, plain=False, line=1).value == text


def test_every_way_to_write_a_name_is_read_with_its_line(tmp_path):
    given = read(
        tmp_path,
        '/**:\n  ros__parameters:\n    dock: {retries: 3}\n    dock.timeout: 2.0\n'
        'oht50:\n  safety_node:\n    ros__parameters:\n      zone_names: [a,\n        "b"]\n'
        '---\n/**:\n  ros__parameters: {rate: 1}\n',
    )
    assert [(each.section, each.name, each.value.line) for each in given] == [
        ('/**', 'dock.retries', 3),
        ('/**', 'dock.timeout', 4),
        ('oht50/safety_node', 'zone_names', 8),
        ('/**', 'rate', 12),
    ]
    zones = given[2].value
    assert isinstance(zones, ValueList)
    assert [(item.text, item.plain) for item in zones.items] == [('a', True), ('b', False)]


@pytest.mark.parametrize('content', ['', '# nothing\n', '---\n', '\ufeff', 'null\n'])
def test_an_empty_file_gives_nothing(tmp_path, content):
    assert read(tmp_path, content) == []


VALUES = '/**:\n  ros__parameters:\n    '


@pytest.mark.parametrize(
    ('content', 'line', 'said'),
    [
        ('{', 1, 'not valid YAML'),
        ('/**:\n\tros__parameters:\n', 2, 'not valid YAML'),
        ('[]', 1, 'must be a map'),
        ('a: 1', 1, 'a must be a map: name of a node, ros__parameters, names and values'),
        ('/**:\n  wrong: {}', 2, 'ros__parameters is missing'),
        ('ros__parameters: {a: 1}', 1, 'inside the name of a node'),
        ('/**: {ros__parameters: 5}', 1, 'must be a map'),
        ('/**:\n  ros_parameters: {a: 1}', 2, 'write ros__parameters, with two underscores'),
        (VALUES + 'a: &x 1\n', 3, 'no anchors'),
        (VALUES + 'a: 1\n    b: *a\n', 4, 'not valid YAML|no anchors'),
        (VALUES + 'a: !!float 1\n', 3, 'no tags'),
        (VALUES + 'a: [[1]]\n', 3, 'may not hold lists'),
        (VALUES + 'a: [{b: 1}]\n', 3, 'may not hold lists or maps'),
        (VALUES + '? [a]\n    : 1\n', 3, 'name is missing'),
        (VALUES + '"": 1\n', 3, 'name is missing'),
        (b'/**:\n  a: \xff\n', 2, 'byte 0xff is not UTF-8; save the file in UTF-8'),
        ('/**:\n  a: \0\n', 2, r'character U\+0000 is not allowed'),
        (VALUES + 'a: "\\UFFFFFFFF"\n', 0, 'not valid YAML'),
        ('{a: ' * 30, 1, 'more than 16'),
        ('[' * 100_000, 1, 'may not|more than 16|not valid'),
        (b'#' * (MAXIMUM_SIZE + 1), 0, 'longer than'),
    ],
)
def test_what_is_no_parameter_file_is_refused_with_its_line(tmp_path, content, line, said):
    with pytest.raises(ParameterFileError, match=said) as error:
        read(tmp_path, content)
    assert error.value.line == line
    assert '\n' not in str(error.value) and str(error.value).isprintable()


def test_only_a_file_is_read(tmp_path):
    """A pipe that nobody writes to would never end, and /dev/zero neither."""
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, '/dev/zero'):
        with pytest.raises(ParameterFileError, match='not a file'):
            read_parameter_file(tmp_path / path)
    for path in ('missing', 'a\0b', 'x' * 300):
        with pytest.raises(ParameterFileError, match='name a file'):
            read_parameter_file(tmp_path / path)


@pytest.mark.parametrize(
    ('section', 'matches'),
    [
        ('/**', True), ('**', True), ('/**/safety_node', True), ('/oht50/safety_node', True),
        ('oht50/safety_node', True), ('/oht50/*', True), ('/oht50/**', True), ('/*', False),
        ('safety_node', False), ('/safety_node', False), ('/oht51/safety_node', False),
        ('/**/mission_node', False), ('/oht50/safety.node', False), ('/(', False),
        ('/***', False), ('/****', False), ('a**', False), ('/oht50**', False), ('*/*', True),
        ('/oht50/safety_node*', False), ('/+*', False),
    ],
)  # fmt: skip
def test_a_section_is_for_the_nodes_that_rcl_matches(section, matches):
    assert applies_to(section, '/oht50/safety_node') is matches


def test_what_is_shown_is_bounded_and_printable():
    assert shortened('a' * 100) == 'a' * 57 + '...'
    assert shown('\x1b]52;c\x07\r\n\x9b\u202e\udcff\xe4') == (
        '\\x1b]52;c\\x07\\r\\n\\x9b\\u202e\\udcff\xe4'
    )
