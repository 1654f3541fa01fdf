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
from itertools import product
from pathlib import Path

import pytest
from pydantic import ValidationError

from oht50_bridge.protocol.base import timestamp_from_nanoseconds
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.codec import Encoder

# The specification's own examples; 'a|b' there stands for one of a and b.
EXAMPLES = [
    json.loads(line)
    for line in (Path(__file__).parent / 'data' / 'events.jsonl').read_text().splitlines()]


def alternatives(value):
    """Every reading of an example, one alternative at each place."""
    if isinstance(value, dict):
        for items in product(*(list(alternatives(item)) for item in value.values())):
            yield dict(zip(value, items, strict=True))
    elif isinstance(value, str) and '|' in value:
        yield from value.split('|')
    else:
        yield value


def test_the_examples_cover_every_event():
    assert sorted(example['type'] for example in EXAMPLES) == sorted(EVENTS)


@pytest.mark.parametrize('example', EXAMPLES, ids=lambda example: example['type'])
def test_every_reading_of_an_example_survives_the_round_trip(example):
    readings = list(alternatives(example))
    for reading in readings:
        event = EVENTS[example['type']].model.model_validate(reading)
        assert json.loads(Encoder().encode(event)) == reading


@pytest.mark.parametrize('example', EXAMPLES, ids=lambda example: example['type'])
def test_the_unread_example_with_alternatives_is_refused(example):
    if len(list(alternatives(example))) > 1:
        with pytest.raises(ValidationError):
            EVENTS[example['type']].model.model_validate(example)


@pytest.mark.parametrize('example', EXAMPLES, ids=lambda example: example['type'])
def test_extra_missing_and_converted_fields_are_refused(example):
    model = EVENTS[example['type']].model
    reading = next(alternatives(example))
    model.model_validate(reading)
    with pytest.raises(ValidationError, match='extra'):
        model.model_validate({**reading, 'extra': 1})
    with pytest.raises(ValidationError, match='extra'):
        model.model_validate({**reading, 'data': {**reading['data'], 'extra': 1}})
    for field, value in reading['data'].items():
        rest = {key: item for key, item in reading['data'].items() if key != field}
        with pytest.raises(ValidationError, match=field):
            model.model_validate({**reading, 'data': rest})
        if isinstance(value, int | float):
            with pytest.raises(ValidationError, match=field):
                model.model_validate({**reading, 'data': {**rest, field: str(value)}})


def test_a_timestamp_is_utc_with_z():
    model = EVENTS['safety.clear'].model
    reading = next(alternatives(next(e for e in EXAMPLES if e['type'] == 'safety.clear')))
    for bad in ('2024-12-19T10:30:00', '2024-12-19T10:30:00+07:00', '2024-12-19 10:30:00Z', 1):
        with pytest.raises(ValidationError, match='timestamp'):
            model.model_validate({**reading, 'timestamp': bad})


def test_timestamps_have_milliseconds_and_cut_the_rest():
    assert timestamp_from_nanoseconds(1_734_604_200_000_999_999) == '2024-12-19T10:30:00.000Z'
    assert timestamp_from_nanoseconds(1_734_604_200_001_000_000) == '2024-12-19T10:30:00.001Z'
    assert timestamp_from_seconds(1_734_604_200.25) == '2024-12-19T10:30:00.250Z'
