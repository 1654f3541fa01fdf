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
import pytest

from oht50_bridge.client.errors import BadFrameError
from oht50_bridge.client.errors import NotSent
from oht50_bridge.client.messages import check_event
from oht50_bridge.client.messages import encoded
from oht50_bridge.client.messages import parsed


@pytest.mark.parametrize(
    'frame',
    [
        '',
        '{',
        '[]',
        '5',
        'null',
        '{}',
        '{"type": 5}',
        '{"type": "x", "data": []}',
        '{"type": "x", "data": NaN}',
        b'{"type": "x"}',
        '[' * 100_000,
    ],
)
def test_what_is_no_message(frame):
    with pytest.raises(BadFrameError, match='no message of the protocol') as caught:
        parsed(frame)
    assert len(str(caught.value)) < 400


def test_what_is_a_message():
    assert parsed('{"type": "x", "data": {"a": null}}') == {'type': 'x', 'data': {'a': None}}
    check_event({'type': 'x', 'timestamp': 't', 'data': {}})


@pytest.mark.parametrize(
    'message',
    [
        {'data': {}},
        {'timestamp': 5, 'data': {}},
        {'timestamp': ''},
        {'timestamp': '', 'data': {}, 'seq': '1'},
    ],
)
def test_an_event_has_a_timestamp_and_data(message):
    with pytest.raises(BadFrameError):
        check_event({'type': 'x', **message})


def test_what_the_bridge_would_not_take_is_not_sent():
    text = encoded({'type': 'x', 'data': 'a' * 16_359})
    assert len(text) == 16_384
    with pytest.raises(NotSent, match='16385 bytes'):
        encoded({'type': 'x', 'data': 'a' * 16_360})
    with pytest.raises(ValueError):
        encoded({'type': 'x', 'data': float('nan')})
    with pytest.raises(TypeError):
        encoded({'type': 'x', 'data': {1}})
    # Characters that take more bytes are escaped.
    assert encoded({'type': 'ö'}).isascii()
