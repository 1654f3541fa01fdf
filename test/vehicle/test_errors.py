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

import math

import pytest

from oht50_bridge.vehicle.errors import CATALOGUE
from oht50_bridge.vehicle.errors import HOST_THRESHOLDS
from oht50_bridge.vehicle.errors import MODULE_ERRORS
from oht50_bridge.vehicle.errors import Alarm
from oht50_bridge.vehicle.errors import Severity
from oht50_bridge.vehicle.errors import ThresholdAlarm
from oht50_bridge.vehicle.errors import Thresholds
from oht50_bridge.vehicle.errors import battery_fault
from oht50_bridge.vehicle.errors import module_error


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_thresholds_and_module_errors_are_in_the_catalogue():
    assert {thresholds.code for thresholds in HOST_THRESHOLDS.values()} <= set(CATALOGUE)
    assert set(MODULE_ERRORS.values()) <= set(CATALOGUE)
    assert all(code == entry.code for code, entry in CATALOGUE.items())


def test_lost_board_is_a_communication_error_and_a_wrong_one_a_discovery_error():
    assert (module_error('MOD-001').code, module_error('MOD-001').severity) == ('NET-002', 'P1')
    assert module_error('MOD-004').code == 'INT-003'


def test_alarm_is_reported_once_and_again_only_after_its_recovery(clock):
    alarm = Alarm(recovery=5.0, clock=clock)
    reported = []
    for second in range(30):
        clock.now = float(second)
        wrong = second in range(2, 8) or second in (10, 12) or second == 20
        if alarm.update(wrong):
            reported.append(second)
    assert reported == [2, 20]


def test_alarm_waits_until_it_has_lasted(clock):
    alarm = Alarm(hold=3.0, clock=clock)
    reported = []
    for second in range(20):
        clock.now = float(second)
        if alarm.update(second in (1, 2, 3) or second >= 5):
            reported.append(second)
    assert reported == [8], 'a second of absence restarts the wait'


def test_threshold_is_reported_once_at_each_grade_in_spite_of_noise(clock):
    alarm = ThresholdAlarm(Thresholds('SYS-002', 0.85, 0.95, 0.02, 0.0), clock=clock)
    reported = []
    values = [0.5, 0.86, 0.84, 0.86, 0.96, 0.94, 0.96, 0.90, 0.86, math.nan]
    for second, value in enumerate(values):
        clock.now = float(second)
        severity = alarm.update(value)
        if severity:
            reported.append((value, severity))
    assert reported == [(0.86, 'P2'), (0.96, 'P1')]
    assert alarm.active == 'P1', 'not recovered for long enough yet'
    for _ in range(6):
        clock.now += 1.0
        alarm.update(0.5)
    assert alarm.active is None
    assert alarm.update(0.99) == 'P1'


def test_value_just_below_its_threshold_is_no_recovery(clock):
    alarm = ThresholdAlarm(Thresholds('SYS-002', 0.85, 0.95, 0.02, 0.0), clock=clock)
    assert alarm.update(0.86) == 'P2'
    for _ in range(20):
        clock.now += 1.0
        assert alarm.update(0.84) is None
    assert alarm.update(0.86) is None


def test_milder_severity_is_one_grade_below():
    assert [severity.milder for severity in Severity] == ['P1', 'P2', 'P3', 'P3']


def test_what_is_not_measured_neither_raises_nor_clears_an_alarm(clock):
    alarm = ThresholdAlarm(Thresholds('SYS-002', 0.85, 0.95, 0.02, 0.0), clock=clock)
    assert alarm.update(math.nan) is None and alarm.active is None
    alarm.update(0.9)
    active = alarm.active
    for second in range(100):
        clock.now = float(second)
        assert alarm.update(math.nan) is None
    assert active is not None and alarm.active == active


@pytest.mark.parametrize(
    ('fault', 'flags', 'said'),
    [(False, 0, ''), (True, 0x40, '0x0040'), (True, 0, 'short circuit')],
)
def test_a_fault_of_the_battery_is_named_as_far_as_it_is_known(fault, flags, said):
    assert said in battery_fault(fault, flags)
    assert bool(battery_fault(fault, flags)) == fault
