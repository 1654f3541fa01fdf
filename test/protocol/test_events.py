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

from oht50_bridge.protocol.base import timestamp_from_nanoseconds
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.examples import EXAMPLES


@pytest.mark.parametrize('kind', EVENTS)
def test_extra_missing_and_converted_fields_are_refused(kind):
    model, reading = EVENTS[kind].model, EXAMPLES[kind]
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
    reading = EXAMPLES['safety.clear']
    for bad in ('2024-12-19T10:30:00', '2024-12-19T10:30:00+07:00', '2024-12-19 10:30:00Z', 1):
        with pytest.raises(ValidationError, match='timestamp'):
            model.model_validate({**reading, 'timestamp': bad})


def test_timestamps_have_milliseconds_and_cut_the_rest():
    assert timestamp_from_nanoseconds(1_734_604_200_000_999_999) == '2024-12-19T10:30:00.000Z'
    assert timestamp_from_nanoseconds(1_734_604_200_001_000_000) == '2024-12-19T10:30:00.001Z'
    assert timestamp_from_seconds(1_734_604_200.25) == '2024-12-19T10:30:00.250Z'
