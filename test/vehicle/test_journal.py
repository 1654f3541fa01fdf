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
"""The record of the active mission on disk."""

import json
import math
from dataclasses import asdict
from dataclasses import replace

import pytest

from oht50_bridge.state_file import UnreadableError
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.journal import MissionRecord

RECORD = MissionRecord('m', 'transport', 5.0, 1.0, 2.0, 0)


def test_record_outlives_the_process_until_it_is_cleared(tmp_path):
    journal = Journal(tmp_path / 'mission.json')
    assert journal.load() is None
    journal.save(RECORD)
    assert Journal(tmp_path / 'mission.json').load() == RECORD
    journal.save(replace(RECORD, travelled=3.0), durable=False)
    assert Journal(tmp_path / 'mission.json').load().travelled == 3.0
    journal.clear()
    assert Journal(tmp_path / 'mission.json').load() is None
    journal.clear()


def test_what_is_not_known_is_kept_as_not_known(tmp_path):
    journal = Journal(tmp_path / 'mission.json')
    journal.save(replace(RECORD, position=math.nan))
    assert 'NaN' not in (tmp_path / 'mission.json').read_text(), 'which is no JSON'
    assert math.isnan(journal.load().position)


STORED = asdict(RECORD)


# As versions before 1.1 wrote it: the date was a day ahead and set back over a power cut, was not
# set since the supply came, or was set ahead by years during the mission.
@pytest.mark.parametrize(
    ('started', 'duration'),
    [(1_900_000_000_000_000_000, 0.0), (0, 1.7e9), (1_500_000_000_000_000_000, 2.5e8)],
)
def test_a_duration_that_was_measured_by_the_date_is_not_reported(tmp_path, started, duration):
    record = {**STORED, 'started': started, 'duration': -86390.9}
    (tmp_path / 'mission.json').write_text(json.dumps({**record, 'duration': duration}))
    loaded = Journal(tmp_path / 'mission.json').load()
    assert loaded.mission_id == 'm'
    assert math.isnan(loaded.duration)
    (tmp_path / 'mission.json').write_text(json.dumps(record))
    with pytest.raises(UnreadableError, match='duration'):
        Journal(tmp_path / 'mission.json').load()


@pytest.mark.parametrize(
    'content',
    [
        '',
        '{',
        '[]',
        '{"mission_id": "x"}',
        '\x00',
        '1',
        *(
            json.dumps({**STORED, **change})
            for change in (
                {'duration': -0.1},
                {'energy': -1},
                {'travelled': '1'},
                {'errors': 2**31},
                {'errors': True},
                {'mission_id': ''},
                {'mission_id': '\ud800'},
                {'status': 'perhaps'},
                {'position': [1.0]},
                {'position': 10**400},
                {'more': 1},
            )
        ),
        json.dumps({**STORED, 'position': math.nan}),
    ],
)
def test_record_that_is_wrong_is_put_aside(tmp_path, content):
    (tmp_path / 'mission.json').write_text(content)
    with pytest.raises(UnreadableError, match=r'kept as mission\.json\.unreadable-1'):
        Journal(tmp_path / 'mission.json').load()
    assert (tmp_path / 'mission.json.unreadable-1').read_text() == content
    assert Journal(tmp_path / 'mission.json').load() is None
