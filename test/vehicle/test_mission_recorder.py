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
"""The record of a mission: the order of writing and reporting, and disks that fail."""

import math
from dataclasses import replace

import pytest

from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.mission_recorder import LOST_PATIENCE
from oht50_bridge.vehicle.mission_recorder import MissionRecorder
from oht50_bridge.vehicle.refusal import RefusedError

RECORD = MissionRecord('m', 'transport', 5.0, 1.0, 2.0, 0, duration=4.0)
ENDED = replace(RECORD, status='success', duration=3.0)


class Output:
    """Notes what is reported, and what is on disk at that moment."""

    def __init__(self, journal):
        self.journal = journal
        self.completed_, self.errors = [], []

    def completed(self, record):
        self.completed_.append((record, self.journal.load()))

    def error(self, text):
        self.errors.append(text)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / 'mission.json')


def make(journal, now=100.0):
    output = Output(journal)
    return MissionRecorder(journal, output, now), output


def test_an_end_is_on_disk_while_it_is_reported_and_gone_afterwards(journal):
    recorder, output = make(journal)
    recorder.begin(RECORD)
    assert journal.load() == RECORD
    recorder.checkpoint(replace(RECORD, travelled=2.0))
    assert journal.load().travelled == 2.0
    recorder.finish(ENDED)
    assert output.completed_ == [(ENDED, ENDED)]
    assert journal.load() is None


# The next process: on the same clock, after a restart of the computer, and much later.
@pytest.mark.parametrize('now', [100.0, 0.3, 3.0e6])
def test_a_mission_whose_process_died_has_failed(journal, now):
    journal.save(RECORD)
    recorder, output = make(journal, now)
    assert recorder.lost_id == 'm'
    recorder.report_lost(6.5)
    ((lost, _),) = output.completed_
    assert (lost.status, lost.errors, lost.position) == ('failed', 1, 6.5)
    assert (lost.travelled, lost.duration) == (2.5, 4.0)
    recorder.report_lost(6.5)
    assert len(output.completed_) == 1
    assert (recorder.lost_id, journal.load()) == ('', None)


@pytest.mark.parametrize(('place', 'known'), [(5.0, math.nan), (math.nan, 6.5)])
def test_a_place_that_is_not_known_adds_no_way(journal, place, known):
    journal.save(replace(RECORD, position=place))
    recorder, output = make(journal)
    recorder.report_lost(known)
    ((lost, _),) = output.completed_
    assert (lost.position, lost.travelled) == (pytest.approx(known, nan_ok=True), 1.0)


def test_the_outcome_is_on_disk_before_the_vehicle_stands(journal):
    recorder, output = make(journal)
    recorder.begin(RECORD)
    recorder.end(ENDED)
    assert (journal.load(), output.completed_) == (ENDED, [])


def test_a_mission_that_had_ended_is_reported_as_it_ended(journal):
    journal.save(ENDED)
    recorder, output = make(journal)
    recorder.report_lost(6.5)
    assert output.completed_[0][0] == ENDED
    assert output.errors == []


def test_the_report_of_a_lost_mission_does_not_wait_for_ever(journal):
    recorder, _ = make(journal, now=100.0)
    assert not recorder.impatient(100.0 + LOST_PATIENCE)
    assert recorder.impatient(100.1 + LOST_PATIENCE)


def test_a_disk_that_fails_refuses_a_start_and_is_logged_later(tmp_path):
    recorder, output = make(Journal(tmp_path / 'absent' / 'mission.json'))
    with pytest.raises(RefusedError, match='make room in state_dir'):
        recorder.begin(RECORD)
    recorder.finish(ENDED)
    assert output.completed_[0][0] == ENDED, 'it is reported all the same'
    assert 'its end would be lost' in output.errors[0]
