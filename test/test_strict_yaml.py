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
"""YAML files in which each name is there once."""

import pytest

from oht50_bridge.strict_yaml import YamlError
from oht50_bridge.strict_yaml import read_yaml


@pytest.mark.parametrize(
    'content', [b'a: [', b'a: 1 # \xe9', b'a: 2001-13-45', b'[' * 5000, b'a: !!python/name:os.x']
)
def test_what_is_not_yaml_is_refused(tmp_path, content):
    path = tmp_path / 'a.yaml'
    path.write_bytes(content)
    with pytest.raises(YamlError, match=r'^not YAML: '):
        read_yaml(path)


@pytest.mark.parametrize(
    ('content', 'line', 'name'),
    [
        ('a: 1\nb: 2\na: 3\n', 3, 'a'),
        ('a: {level: viewer}\nb: {c: 1, d: 2,\n  c: 1}', 3, 'c'),
        ('- {a: 1, "a": 2}', 1, 'a'),
    ],
)
def test_a_name_that_is_there_twice_is_refused(tmp_path, content, line, name):
    path = tmp_path / 'a.yaml'
    path.write_text(content)
    with pytest.raises(YamlError, match=rf"^line {line}: '{name}' is there twice$"):
        read_yaml(path)


def test_the_same_name_in_two_mappings_is_read(tmp_path):
    path = tmp_path / 'a.yaml'
    path.write_text('a: {c: 1}\nb: {c: [2, c]}\n')
    assert read_yaml(path) == {'a': {'c': 1}, 'b': {'c': [2, 'c']}}
