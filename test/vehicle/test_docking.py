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
"""Docking: attempts, alignment, charger, retries."""

import math

import pytest

from oht50_bridge.vehicle.docking import Docking
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.docking import DockReading

SETTINGS = DockingSettings(retries=3, timeout=30.0, contact_time=3.0)
NOTHING = DockReading(math.nan, False, False)
DOCKED = DockReading(0.0, True, True)


def run(docking, seconds, position, arrived, reading):
    """Step until the target changes, it is done or the time is over; return the time used."""
    target, failures = docking.target, docking.failures
    for step in range(round(seconds / 0.1)):
        docking.step(0.1, position, arrived, reading)
        if docking.docked or docking.failures != failures or docking.target != target:
            return (step + 1) * 0.1
    return seconds


def test_it_begins_and_slows_by_distance():
    docking = Docking(1.0, 1.0, SETTINGS)
    assert not docking.begins_at(1.51)
    assert docking.begins_at(1.5)
    approach, final = docking.zones
    assert (approach.start, approach.end, approach.speed_limit) == (0.5, 1.5, 0.1)
    assert (final.start, final.end, final.speed_limit) == (0.9, 1.1, 0.05)


def test_it_is_docked_when_in_place_aligned_and_at_the_charger():
    docking = Docking(1.0, 1.0, SETTINGS)
    docking.step(0.1, 1.2, False, DOCKED)
    assert not docking.docked
    docking.step(0.1, 1.0, True, DockReading(0.0, True, False))
    docking.step(0.1, 1.0, True, DockReading(0.0, False, True))
    assert not docking.docked
    docking.step(0.1, 1.0, True, DOCKED)
    assert docking.docked
    assert docking.failures == 0


@pytest.mark.parametrize(
    ('reading', 'failure'),
    [
        (DockReading(0.0, False, True), 'no alignment'),
        (DockReading(0.0, True, False), 'no charger'),
    ],
)
def test_contact_that_does_not_come_fails_the_attempt(reading, failure):
    docking = Docking(1.0, 1.0, SETTINGS)
    assert run(docking, 10.0, 1.0, True, reading) == pytest.approx(3.1, abs=0.15)
    assert docking.failures == 1
    assert failure in docking.failure
    assert docking.target == 1.2, 'it backs off to the side it came from'


def test_attempt_takes_30_s_at_most():
    docking = Docking(1.0, -1.0, SETTINGS)
    assert run(docking, 60.0, 0.7, False, NOTHING) == pytest.approx(30.1, abs=0.15)
    assert docking.failures == 1
    assert 'within 30 s' in docking.failure
    assert docking.target == 0.8


def test_after_three_retries_it_is_given_up():
    docking = Docking(1.0, 1.0, SETTINGS)
    for attempt in range(4):
        assert not docking.failed
        assert run(docking, 10.0, 1.0, True, NOTHING) == pytest.approx(3.1, abs=0.15)
        assert docking.failures == attempt + 1
        run(docking, 0.1, 1.2, True, NOTHING)
    assert docking.failed
    assert not docking.docked


@pytest.mark.parametrize(
    ('side', 'at', 'distance', 'target'),
    [
        (1.0, 1.2, 0.23, 0.97),  # the dock is 30 mm off its station
        (-1.0, 0.8, 0.17, 0.97),
        (1.0, 1.2, 5.0, 1.0),  # that is another dock
        (1.0, 1.2, math.nan, 1.0),
    ],
)
def test_retry_goes_where_the_dock_is_seen(side, at, distance, target):
    docking = Docking(1.0, side, SETTINGS)
    run(docking, 10.0, 1.0, True, NOTHING)
    docking.step(0.1, at, True, DockReading(distance, False, False))
    assert docking.target == pytest.approx(target)


def test_backing_off_has_its_time_too():
    docking = Docking(1.0, 1.0, SETTINGS)
    run(docking, 10.0, 1.0, True, NOTHING)
    assert run(docking, 60.0, 1.1, False, NOTHING) == pytest.approx(30.1, abs=0.15)
    assert docking.failures == 2


@pytest.mark.parametrize('side', [1.0, -1.0])
def test_the_direction_into_the_dock_is_none_while_it_backs_off(side):
    docking = Docking(1.0, side, SETTINGS)
    assert docking.direction == -side
    run(docking, 10.0, 1.0, True, NOTHING)
    for away in (0.0, 0.05, 0.09):
        docking.step(0.1, 1.0 + side * away, False, NOTHING)
        assert docking.direction == 0
    docking.step(0.1, 1.0 + side * 0.2, True, NOTHING)
    assert docking.direction == -side
    docking.step(0.1, 1.0, True, DOCKED)
    assert docking.direction == 0, 'it is in the dock'


@pytest.mark.parametrize('side', [1.0, -1.0])
def test_the_first_attempt_may_come_from_the_side_that_it_does_not_back_off_to(side):
    docking = Docking(1.0, side, SETTINGS, first_side=-side)
    assert docking.direction == side
    run(docking, 10.0, 1.0, True, NOTHING)
    docking.step(0.1, 1.0 + side * 0.2, True, NOTHING)
    assert docking.direction == -side
