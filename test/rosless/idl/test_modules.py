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
"""The classes of generated modules."""

from __future__ import annotations

import pytest
from contract import rosless_only

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
pytestmark = rosless_only


def test_defaults_and_constants(sample):
    outer = sample.msg.Outer()
    assert (outer.enabled, outer.gain, outer.offset, outer.label) == (True, 1.5, -3, 'hello')
    assert list(outer.triple) == [1, 2, 3]
    assert outer.names == ['a', 'b']
    assert (outer.letter, outer.octet) == (0, b'\0')
    assert len(outer.two) == 2 and outer.many == []
    assert (outer.OFF, outer.ON, outer.NAME, outer.FLAG, outer.RATIO) == (
        0,
        1,
        'a name',
        b'\7',
        0.5,
    )
    assert (outer.BARE, outer.QUOTED) == ('none', 'a b')
    first, second = sample.msg.Outer(), sample.msg.Outer()
    first.names.append('c')
    assert second.names == ['a', 'b']


def test_bounds(sample):
    outer = sample.msg.Outer()
    for field, value in (
        ('short', 'toolong'),
        ('few', [1.0, 2.0, 3.0]),
        ('triple', [1, 2]),
        ('two', []),
    ):
        with pytest.raises(AssertionError, match=f"'{field}'"):
            setattr(outer, field, value)


def test_field_types(sample):
    types = sample.msg.Outer.get_fields_and_field_types()
    assert types['short'] == 'string<5>'
    assert types['few'] == 'sequence<float, 2>'
    assert types['triple'] == 'int32[3]'
    assert types['many'] == 'sequence<sample_pkg/Inner>'
    assert (types['letter'], types['octet'], types['enabled']) == ('uint8', 'octet', 'boolean')


def test_field_names_do_not_collide_with_names_of_the_module(sample):
    fields = sample.msg.Fields(scalar=1, sequence=2, array=3, out=4)
    out = bytearray(b'\0\1\0\0')
    fields._write(out)
    assert sample.msg.Fields._read(bytes(out)) == fields


def test_services(sample):
    ask = sample.srv.Ask
    assert ask.Request.KIND == 3
    assert ask.Request(question='why').question == 'why'
    assert ask.Response().answers == []
    assert ask.Request._type_name == 'sample_pkg::srv::dds_::Ask_Request_'
