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
from pydantic import ValidationError

from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.base import timestamp_from_nanoseconds
from oht50_bridge.protocol.base import timestamp_from_seconds


@pytest.mark.parametrize(
    ('nanoseconds', 'text'),
    [
        (0, '1970-01-01T00:00:00.000Z'),
        (1_734_604_200_000_000_000, '2024-12-19T10:30:00.000Z'),
        (1_734_604_200_001_999_999, '2024-12-19T10:30:00.001Z'),
        (1_734_604_200_999_999_999, '2024-12-19T10:30:00.999Z'),
    ],
)
def test_digits_below_a_millisecond_are_cut_off(nanoseconds, text):
    assert timestamp_from_nanoseconds(nanoseconds) == text


def test_seconds_are_rounded_to_milliseconds():
    assert timestamp_from_seconds(1_734_604_200.0014) == '2024-12-19T10:30:00.001Z'
    assert timestamp_from_seconds(1_734_604_200.9996) == '2024-12-19T10:30:01.000Z'


@pytest.mark.parametrize(
    'timestamp',
    ['2024-12-19T10:30:00Z', '2024-12-19T10:30:00.1Z', '2024-12-19T10:30:00.123456789Z'],
)
def test_a_message_accepts_any_fraction_of_a_second(timestamp):
    assert Message(type='x', timestamp=timestamp).timestamp == timestamp


@pytest.mark.parametrize(
    'fields',
    [
        {'timestamp': '2024-12-19T10:30:00+00:00'},
        {'timestamp': '2024-12-19 10:30:00Z'},
        {'type': 1},
        {'unknown': 1},
        {'seq': '1'},
    ],
)
def test_a_message_is_strict(fields):
    with pytest.raises(ValidationError):
        Message(**{'type': 'x', 'timestamp': '2024-12-19T10:30:00Z', **fields})
