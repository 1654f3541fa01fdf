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
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.protocol import codec
from oht50_bridge.protocol import commands
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.errors import ProtocolError
from oht50_bridge.protocol.events import Position
from oht50_bridge.protocol.events import SafetyClear
from oht50_bridge.protocol.events import SafetyClearData
from oht50_bridge.protocol.replies import CommandResult
from oht50_bridge.protocol.replies import CommandResultData


def clear(x, **keys):
    return SafetyClear(
        timestamp='2024-12-19T10:30:00Z',
        **keys,
        data=SafetyClearData(
            cleared_by='operator', next_action='resume', position=Position(x=x, y=0, z=0)
        ),
    )


def refused(text):
    with pytest.raises(ProtocolError) as caught:
        codec.command(codec.parse(text))
    return caught.value


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_non_finite_numbers_go_out_as_null_and_are_counted(value):
    encoder = codec.Encoder()
    assert json.loads(encoder.encode(clear(value)))['data']['position'] == {
        'x': None,
        'y': 0.0,
        'z': 0.0,
    }
    assert encoder.non_finite == 1
    encoder.encode(clear(1.0))
    assert encoder.non_finite == 1


def test_the_words_nan_and_infinity_in_text_are_left_alone():
    encoder = codec.Encoder()
    result = CommandResult(
        timestamp='2024-12-19T10:30:00Z',
        data=CommandResultData(command='x', accepted=False, message='NaN is not Infinity'),
    )
    assert json.loads(encoder.encode(result))['data']['message'] == 'NaN is not Infinity'
    assert encoder.non_finite == 0


def test_request_id_and_seq_are_on_the_wire_only_when_set():
    encoder = codec.Encoder()
    assert set(json.loads(encoder.encode(clear(1)))) == {'type', 'timestamp', 'data'}
    sent = json.loads(encoder.encode(clear(1, request_id='a"b', seq=7)))
    assert (sent['request_id'], sent['seq']) == ('a"b', 7)


@given(st.floats(), st.text(st.characters(exclude_categories=['Cs']), max_size=20))
def test_every_payload_is_strict_json(x, request_id):
    def no_constant(text):
        raise AssertionError(text)

    payload = codec.Encoder().encode(clear(x, request_id=request_id))
    assert json.loads(payload, parse_constant=no_constant)['request_id'] == request_id


@pytest.mark.parametrize(
    ('text', 'word'),
    [
        ('', 'not JSON'),
        ('{', 'not JSON'),
        ('[1]', 'object'),
        ('null', 'object'),
        ('{}', 'type'),
        ('{"type":5}', 'type'),
        ('{"type":"ping","type":"ping"}', 'type'),
        ('{"type":"ping","x":{"a":1,"b":2,"a":3}}', 'a'),
        ('{"type":"ping","x":NaN}', 'NaN'),
        ('{"type":"ping","x":-Infinity}', 'Infinity'),
        ('{"type":"ping","x":1e999}', 'range'),
        ('{"type":"ping","x":' + '9' * 5000 + '}', 'digits'),
        ('[' * 8000 + ']' * 8000, 'nested'),
        ('{"type":"ping","x":' + '[' * 20 + ']' * 20 + '}', 'nested'),
        ('{"type":"ping","surplus":1}', 'surplus'),
        ('{"type":"auth"}', 'token'),
        ('{"type":"auth","token":5}', 'token'),
        ('{"type":"subscribe","events":"*"}', 'events'),
        ('{"type":"subscribe","events":[]}', 'events'),
        ('{"type":"subscribe","events":["*"],"rate":0}', 'rate'),
        ('{"type":"subscribe","events":["*"],"rate":true}', 'rate'),
        ('{"type":"set_telemetry_rate","rate":10.5}', 'rate'),
        ('{"type":"set_telemetry_rate","rate":"5"}', 'rate'),
        ('{"type":"start_mission","mission_type":"transport"}', 'target_position'),
        ('{"type":"resume","epoch":"a","after":-1}', 'after'),
        ('{"type":"ping","request_id":"\\ud800"}', 'surrogate'),
        ('{"type":"update_config","changes":{"x":{"\\uDC00":1}}}', 'surrogate'),
        (b'{"type":"ping"}', 'binary'),
    ],
)
def test_what_is_wrong_is_named(text, word):
    violation = refused(text)
    assert violation.error is ErrorCode.INVALID_MESSAGE
    assert word in violation.description


def test_whole_characters_may_be_escaped():
    value = codec.parse(r'{"type":"ping","request_id":"\ud83d\ude9a\u1ebf"}')
    assert codec.command(value).request_id == '🚚ế'


def test_no_description_repeats_a_value():
    violation = refused('{"type":"auth","token":{"secret":"eyJhbGciOi"}}')
    assert 'eyJ' not in violation.description


def test_an_unknown_command_is_ws_002_and_keeps_its_request_id():
    violation = refused('{"type":"fly","request_id":"r1"}')
    assert violation.error is ErrorCode.INVALID_EVENT_TYPE
    assert violation.request_id == 'r1'


def test_sixteen_kibibytes_are_taken_and_one_more_is_not():
    text = '{"type":"ping","request_id":""}'
    assert codec.parse(text + ' ' * (16 * 1024 - len(text)))
    for message in (text + ' ' * (16 * 1024 - len(text) + 1), '"' + 'ế' * 6000 + '"'):
        assert refused(message).error is ErrorCode.PAYLOAD_TOO_LARGE


@given(
    st.text(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(['type', 'events', 'rate', 'token', 'request_id', 'x']), inner
            )
        ),
        max_leaves=20,
    ).map(json.dumps)
)
def test_any_text_is_a_command_or_a_violation(text):
    try:
        assert isinstance(codec.command(codec.parse(text)), commands.Command)
    except ProtocolError as violation:
        assert violation.description
