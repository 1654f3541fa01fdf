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
"""When the rope forbids travel."""

import math

import pytest

from oht50_bridge.vehicle.hoist import ChannelSettings
from oht50_bridge.vehicle.hoist import Hoist
from oht50_bridge.vehicle.hoist import HoistReport
from oht50_bridge.vehicle.hoist import HoistSettings

NOW = 100.0  # s


def hoist(channel=2):
    return Hoist(ChannelSettings(hoist_channel=channel), HoistSettings())


def reason(hoist, now=NOW):
    limit = hoist.limit(now)
    if limit is None:
        return None
    assert limit.speed == 0.0
    assert not limit.hold, 'rope does not wind itself up'
    return limit.reason


@pytest.mark.parametrize('channel', [1, 2])
def test_one_motor_is_not_for_both(channel):
    with pytest.raises(ValueError, match=f'hoist_channel {channel}: that motor is travel_channel'):
        ChannelSettings(channel, channel)


@pytest.mark.parametrize(
    'report', [None, HoistReport(False, math.nan, 'restarted'), HoistReport(True, 2.0)]
)
def test_without_a_hoist_nothing_changes(report):
    none = hoist(channel=0)
    if report is not None:
        none.update(report, NOW)
    assert reason(none) is None


def test_travel_is_forbidden_before_the_first_report():
    assert reason(hoist()) == 'no fresh report of the hoist'


def test_travel_is_forbidden_without_a_recent_report():
    rope = hoist()
    rope.update(HoistReport(True, 0.0), NOW)
    assert reason(rope, NOW + 0.5) is None
    assert reason(rope, NOW + 0.51) == 'no fresh report of the hoist'


@pytest.mark.parametrize(
    ('length', 'expected'),
    [
        (0.0, None),
        (0.1, None),
        (0.11, 'up to 0.11 m of rope are out, at most 0.1 m'),
        (2.5, 'up to 2.50 m of rope are out'),
        (math.nan, 'up to nan m of rope are out'),
    ],
)
def test_travel_is_forbidden_while_more_than_the_limit_is_out(length, expected):
    rope = hoist()
    rope.update(HoistReport(True, length), NOW)
    found = reason(rope)
    assert found is None if expected is None else expected in found


def test_travel_is_forbidden_while_the_hoist_is_not_referenced_whatever_it_reports():
    rope = hoist()
    rope.update(HoistReport(False, 0.0, 'the board may have restarted'), NOW)
    assert reason(rope) == (
        'the hoist is not referenced: the board may have restarted; wind its rope up to the input'
    )
