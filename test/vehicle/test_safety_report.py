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
import time

import pytest

from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.safety_report import LISTED_STOPS
from oht50_bridge.vehicle.safety_report import SafetyReport
from oht50_bridge.vehicle.safety_report import safety_report
from oht50_bridge.vehicle.speed_limits import DirectedLimits
from oht50_bridge.vehicle.speed_limits import Limit

FREE = Limit(0.5, 'near a zone')
OBSTACLE = Limit(0.0, 'obstacle at 0.30 m', hold=True)


def test_what_slows_is_no_hindrance_and_each_direction_has_its_own(tmp_path):
    latch = EstopLatch(tmp_path / 'estop.json', time.time_ns)
    assert safety_report(latch, [], DirectedLimits(FREE, FREE), '') == SafetyReport()
    report = safety_report(latch, [], DirectedLimits(OBSTACLE, FREE), 'drive_fault')
    assert report == SafetyReport(forward='obstacle at 0.30 m', motor='drive_fault')
    report = safety_report(latch, [], DirectedLimits(FREE, OBSTACLE), '')
    assert report == SafetyReport(backward='obstacle at 0.30 m')


def test_of_many_stops_the_first_and_the_newest_are_listed_and_the_others_counted(tmp_path):
    latch = EstopLatch(tmp_path / 'estop.json', time.time_ns)
    latch.trigger(TriggerType.REMOTE, 'cleared', 'ann')
    latch.clear(latch.estop.estop_id)
    first = latch.trigger(TriggerType.HARDWARE, 'button', 'estop_button')
    assert safety_report(latch, ['button'], DirectedLimits(FREE, FREE), '').stops == (first,)
    for number in range(99):
        newest = latch.trigger(TriggerType.REMOTE, f'drill {number}', 'bob')
    report = safety_report(latch, ['button'], DirectedLimits(FREE, FREE), '')
    assert (report.stops[0], report.stops[-1]) == (first, newest)
    assert len(report.stops) == LISTED_STOPS
    assert report.more_stops == 100 - LISTED_STOPS
    assert report.reset == ('button',)


@pytest.mark.parametrize('character', ['\U0001f6d1', '\x1b', '\u2028', '"', '\\'])
def test_it_fits_into_a_message_whatever_the_reasons_are(tmp_path, character):
    latch = EstopLatch(tmp_path / 'estop.json', time.time_ns)
    long = character * 512
    for _ in range(20):
        latch.trigger(TriggerType.REMOTE, long, long)
    limit = Limit(0.0, f'emergency stop: {latch.reason}')
    report = safety_report(latch, [long] * 20, DirectedLimits(limit, limit), '')
    texts = [
        *(stop.reason + stop.source for stop in report.stops),
        *report.reset,
        report.forward,
        report.backward,
    ]
    ids_and_names = 250  # bytes, of a stop
    size = len(json.dumps(texts, ensure_ascii=False).encode()) + ids_and_names * LISTED_STOPS
    assert size < 16_384
