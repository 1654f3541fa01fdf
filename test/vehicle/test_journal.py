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

from dataclasses import replace

import pytest

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


@pytest.mark.parametrize('content', ['', '{', '[]', '{"mission_id": "x"}', '\x00', '1'])
def test_record_that_cannot_be_understood_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / 'mission.json').write_text(content)
    with pytest.raises(ValueError):
        Journal(tmp_path / 'mission.json').load()
