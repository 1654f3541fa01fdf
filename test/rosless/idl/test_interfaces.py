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
"""Definitions are parsed as rosidl parses them."""

from __future__ import annotations

import pytest

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
from rosless.idl.interfaces import GenerationError
from rosless.idl.interfaces import module_name
from rosless.idl.interfaces import parse_message
from rosless.idl.interfaces import parse_service


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('wstring text', 'wstring'),
        ('int32 a b c', 'pkg/msg/Bad'),
        ('int32[2] a 5', 'default'),
        ('string[2] a 5', 'default'),
    ],
)
def test_errors_name_the_definition(text, reason):
    with pytest.raises(GenerationError, match=reason) as raised:
        parse_message(text, 'pkg/msg/Bad')
    assert 'pkg/msg/Bad' in str(raised.value)


@pytest.mark.parametrize('text', ['string a', '---\n---', ''])
def test_a_service_has_two_halves(text):
    with pytest.raises(GenerationError, match='exactly one line "---"'):
        parse_service(text, 'pkg/srv/Bad')


def test_a_service_exports_its_halves():
    service = parse_service('bool a\n---\nbool b\n', 'pkg/srv/Ask')
    assert service.exports == ['Ask', 'Ask_Request', 'Ask_Response']
    assert [[f.name for f in half.fields] for half in service.interfaces] == [['a'], ['b']]


@pytest.mark.parametrize(
    ('name', 'module'),
    [
        ('String', '_string'),
        ('SetBool_Request', '_set_bool'),
        ('UInt8MultiArray', '_u_int8_multi_array'),
        ('TFMessage', '_tf_message'),
    ],
)
def test_modules_are_named_as_by_rosidl(name, module):
    assert module_name(name) == module
