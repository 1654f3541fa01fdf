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
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.protocol.stop_request import read_stop

STOP = '"type":"emergency_stop"'


@pytest.mark.parametrize(
    ('message', 'reason', 'ignored'),
    [
        (f'{{{STOP}}}', '', ()),
        (f'{{{STOP},"reason":"fire","request_id":null}}', 'fire', ()),
        (f'{{{STOP},"reason":null}}', '', ('reason: not a text',)),
        (f'{{{STOP},"reason":911}}', '', ('reason: not a text',)),
        (f'{{{STOP},"reason":NaN}}', '', ('reason: not a text',)),
        (f'{{{STOP},"request_id":5}}', '', ('request_id: not a text',)),
        (
            f'{{{STOP},"request_id":"{"x" * 129}"}}',
            '',
            ('request_id: 129 characters, at most 128 are allowed',),
        ),
        (
            f'{{{STOP},"request_id":"\\ud800"}}',
            '',
            ('request_id: not valid Unicode: UTF-8 cannot encode it',),
        ),
        (f'{{"timestamp":1,{STOP}}}', '', ('timestamp: not a field of emergency_stop',)),
        (f'{{{STOP},"reason":"{"x" * 513}"}}', 'x' * 512, ('reason: beyond 512 characters',)),
        (f'{{{STOP},"reason":"a\\ud800"}}', 'a\\ud800', ()),
        (f'{{{STOP},"reason":"a\\r\\n[WARN]\\u001b]52"}}', 'a\\r\\n[WARN]\\x1b]52', ()),
        (f'{{"reason":"a","reason":"b",{STOP}}}', 'a', ('reason: occurs more than once',)),
        (f'{{"type":"ping",{STOP}}}', '', ('type: occurs more than once',)),
        (f'{{{STOP},"type":"ping"}}', '', ('type: occurs more than once',)),
        ('{"ty\\u0070e":"emergency\\u005fstop"}', '', ()),
        ('\ufeff{"type" : "emergency_stop"}', '', ()),
        (
            f'{{{STOP},"x":{"[" * 9000}}}',
            '',
            ('what is not JSON', 'x: not a field of emergency_stop'),
        ),
        (f'{{{STOP}', '', ('what is not JSON',)),
        (f'{{{STOP},}} trailing', '', ('what is not JSON',)),
        (f'{{{STOP}}}{{"type":"ping"}}', '', ('what is not JSON',)),
        (f'{{5,{STOP}}}', '', ('what is not JSON',)),
        (f'{{{STOP}}}'.encode(), '', ('the frame is binary',)),
    ],
)
def test_a_stop_is_judged_by_its_type_and_the_rest_is_named(message, reason, ignored):
    stop = read_stop(message)
    assert stop is not None
    assert (stop.command.type, stop.command.reason) == ('emergency_stop', reason)
    assert stop.ignored == ignored


@pytest.mark.parametrize(
    'message',
    [
        '',
        '"emergency_stop"',
        'emergency_stop',
        '[{"type":"emergency_stop"}]',
        '{"type":"ping"}{"type":"emergency_stop"}',
        '{"x":{"type":"emergency_stop"}}',
        '{"x":[{"type":"emergency_stop"}],"type":"ping"}',
        '{"type":"Emergency_stop"}',
        '{"type":["emergency_stop"]}',
        '{"reason":"\\"type\\":\\"emergency_stop\\"","type":"ping"}',
        '{"emergency_stop":"type"}',
        b'\xff\xfe',
    ],
)
def test_another_message_is_no_stop(message):
    assert read_stop(message) is None


def test_many_faults_are_named_in_few_words():
    fields = ','.join(f'"{"n" * 100}{number}":{number}' for number in range(500))
    stop = read_stop(f'{{{fields},{STOP}}}')
    assert len(stop.ignored) == 9
    assert stop.ignored[-1] == '493 more'
    assert all(len(text) < 110 for text in stop.ignored)


@pytest.mark.parametrize('piece', ['{"', '"\\', '[', '\\"', '"a":', ',', '\\u0061', '{', ' '])
def test_no_message_costs_more_than_its_length(piece):
    text = f'{{{STOP},"x":' + piece * (60_000 // len(piece))
    assert read_stop(text) is not None


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(st.text() | st.sampled_from(['reason', 'request_id']), VALUES, max_size=6),
    st.text(max_size=20),
)
def test_whatever_else_is_in_the_object_a_stop_is_a_stop(fields, rest):
    fields['type'] = 'emergency_stop'
    stop = read_stop(json.dumps(fields) + rest)
    assert stop is not None
    stop.command.model_dump_json().encode()
    assert len(stop.command.reason) <= 512


@given(st.text(alphabet='{}[]",:\\u0065type mrgncy_so\n\x00\ud800') | st.binary())
def test_nothing_raises(message):
    assert read_stop(message) is None or 'type' in str(message) or '\\u00' in str(message)
