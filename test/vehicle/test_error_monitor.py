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
"""Which errors are reported, and how often."""

import math

import pytest

from oht50_bridge.vehicle.error_monitor import ABSENCE
from oht50_bridge.vehicle.error_monitor import SILENCE
from oht50_bridge.vehicle.error_monitor import ErrorMonitor
from oht50_bridge.vehicle.error_monitor import ModuleHealth
from oht50_bridge.vehicle.estop import UNREADABLE

HOST = {'cpu': 0.1, 'memory': 0.2, 'disk': 0.3, 'temperature': 40.0}


class World:
    """A monitor with a clock that the test sets."""

    def __init__(self):
        self.now = 100.0
        self.reports = []
        self.monitor = ErrorMonitor(self.reports.append, lambda: self.now)

    def check(self, seconds=1.0, silent=(), absent=(), disk_fault='', **host):
        """Check once a second."""
        for _ in range(round(seconds)):
            self.monitor.check(
                {**HOST, **host},
                {name: name in silent for name in SILENCE},
                {name: name in absent for name in ABSENCE},
                disk_fault,
            )
            self.now += 1.0

    def codes(self):
        codes = [report.error.code for report in self.reports]
        self.reports.clear()
        return codes


@pytest.fixture
def world():
    return World()


def test_a_disk_that_turns_read_only_is_reported_once(world):
    world.check(3, disk_fault='/state is mounted read-only')
    assert '/state is mounted read-only' in world.reports[0].description
    assert world.codes() == ['SYS-003']
    world.check(10)
    world.check(1, disk_fault='/state is mounted read-only')
    assert world.codes() == ['SYS-003']


def test_nothing_wrong_reports_nothing(world):
    world.check(30)
    world.monitor.on_battery(0.85, '', silent=False)
    world.monitor.on_modules([ModuleHealth('power', 'sense/2', '', '')])
    world.monitor.on_estop('', '')
    assert world.codes() == []
    assert world.monitor.host_alarms == {}


@pytest.mark.parametrize(
    ('module_code', 'code'),
    [('MOD-001', 'NET-002'), ('MOD-004', 'INT-003'), ('MOD-006', 'INT-002')],
)
def test_a_faulty_board_is_reported_once_until_it_was_well_for_5_s(world, module_code, code):
    faulty = ModuleHealth('power', 'sense/2', module_code, 'no reply')
    well = ModuleHealth('power', 'sense/2', '', '')
    for _ in range(5):
        world.monitor.on_modules([faulty])
        world.now += 1.0
    (report,) = world.reports
    assert (report.error.code, report.affected) == (code, ('power',))
    assert report.description == f'power on sense/2: {module_code} no reply'
    world.reports.clear()
    world.monitor.on_modules([well])
    world.now += 4.0
    world.monitor.on_modules([faulty])
    assert world.codes() == []
    world.monitor.on_modules([well])
    world.now += 5.0
    world.monitor.on_modules([well])
    world.monitor.on_modules([faulty])
    assert world.codes() == [code]


@pytest.mark.parametrize(('name', 'code'), [(name, code) for name, (code, _) in SILENCE.items()])
def test_a_silent_node_is_reported_once(world, name, code):
    world.check(5, silent=[name])
    assert [report.affected for report in world.reports] == [(name,)]
    assert world.codes() == [code]


@pytest.mark.parametrize(('name', 'code'), [(name, code) for name, (code, _) in ABSENCE.items()])
def test_an_absent_node_is_reported_after_5_s(world, name, code):
    world.check(5, absent=[name])
    assert world.codes() == []
    world.check(5, absent=[name])
    assert world.codes() == [code]


def test_the_battery_is_reported_at_each_grade(world):
    def hold(percentage, fault=''):
        for _ in range(10):
            world.monitor.on_battery(percentage, fault, silent=False)
            world.now += 1.0
        severities = [(report.error.code, report.severity) for report in world.reports]
        world.reports.clear()
        return severities

    assert hold(0.5) == []
    assert hold(0.29) == [('SYS-008', 'P2')]
    assert hold(0.19) == [('SYS-008', 'P1')]
    assert hold(math.nan) == []
    assert hold(0.19) == [], 'what was not known had not recovered'
    assert hold(0.5, 'fault flags 0x0004') == [('SYS-009', 'P1')]


def test_a_silent_battery_management_is_reported_once_it_has_lasted(world):
    def observe(seconds, silent):
        for _ in range(seconds):
            world.monitor.on_battery(math.nan if silent else 0.5, '', silent=silent)
            world.now += 1.0
        return [(report.error.code, report.description) for report in world.reports]

    assert observe(2, True) == [], 'a board that has just started'
    assert observe(1, False) == []
    ((code, text),) = observe(20, True)
    assert code == 'SYS-009' and 'does not answer' in text and 'no mission starts' in text


def test_a_loaded_host_is_reported_with_its_severity(world):
    world.check(15, cpu=0.85)
    (report,) = world.reports
    assert (report.error.code, report.severity) == ('SYS-006', 'P2')
    assert report.description == 'cpu of the host: 85%'
    assert world.monitor.host_alarms == {'cpu': 'P2'}
    world.check(15, cpu=0.97)
    assert world.reports[-1].severity == 'P1'


def test_slow_consumers_are_reported_from_the_second_count_on(world):
    world.monitor.on_slow_consumers(3)
    world.monitor.on_slow_consumers(3)
    assert world.codes() == []
    world.monitor.on_slow_consumers(4)
    assert world.codes() == ['NET-003']


def test_an_unreadable_latch_that_was_cleared_is_over_without_another_report_of_it(world):
    world.monitor.on_estop(f'{UNREADABLE}-1', 'the file is damaged')
    world.check(10)
    assert UNREADABLE in world.monitor.standing
    world.monitor.on_estop('', '')
    world.check(4)
    assert UNREADABLE in world.monitor.standing
    world.check(3)
    assert world.monitor.standing == {}


def test_an_unreadable_latch_and_a_refused_configuration_are_reported(world):
    world.monitor.on_estop(f'{UNREADABLE}-1', 'the file is damaged')
    world.monitor.on_estop(f'{UNREADABLE}-1', 'the file is damaged')
    assert [report.description for report in world.reports] == ['the file is damaged']
    assert world.codes() == ['DATA-003']
    world.monitor.on_refused_configuration('max_velocity 0.5 to 0.4 m/s')
    assert world.codes() == ['APP-001']
