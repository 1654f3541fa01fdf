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

from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.states import SystemAlarms
from oht50_bridge.vehicle.alarms import MAX_ALARMS
from oht50_bridge.vehicle.alarms import AlarmBook
from oht50_bridge.vehicle.alarms import Facts
from oht50_bridge.vehicle.alarms import VehicleAlarms
from oht50_bridge.vehicle.error_monitor import ErrorMonitor
from oht50_bridge.vehicle.error_monitor import ModuleHealth
from oht50_bridge.vehicle.errors import Severity
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneType

LOST = Facts('NET-002', 'RS485 Communication Error', Severity.HIGH, 'dock is lost', 'dock')


def standing(*names, severity=Severity.HIGH):
    return dict.fromkeys(names, severity)


@pytest.fixture
def book():
    return AlarmBook()


def only(book):
    (entry,), more = book.listed()
    assert more == 0
    return entry


def test_an_alarm_stands_until_it_is_gone_and_stays_until_it_is_acknowledged(book):
    book.report('error', 'dock', LOST, 100)
    book.report('error', 'dock', LOST, 101)
    book.settle('error', standing('dock'), 102)
    entry = only(book)
    assert (entry.since, entry.gone, entry.count, entry.facts) == (100, None, 1, LOST)
    book.settle('error', {}, 103)
    book.settle('error', {}, 104)
    assert (only(book).alarm_id, only(book).gone) == (entry.alarm_id, 103)
    assert 'NET-002' in book.acknowledge(entry.alarm_id, 'ann', 105)
    assert book.listed() == ((), 0)


def test_an_acknowledged_alarm_says_by_whom_and_leaves_with_its_condition(book):
    book.report('error', 'dock', LOST, 100)
    entry = only(book)
    book.acknowledge(entry.alarm_id, 'ann', 101)
    assert "acknowledged by 'ann' already" in book.acknowledge(entry.alarm_id, 'bob', 102)
    assert (only(book).acknowledged_by, only(book).acknowledged) == ('ann', 101)
    book.report('error', 'dock', LOST, 103)
    assert only(book).acknowledged_by == 'ann', 'it is still the same'
    book.settle('error', {}, 104)
    assert book.listed() == ((), 0)
    book.report('error', 'dock', LOST, 105)
    assert (only(book).since, only(book).acknowledged_by) == (105, '')


def test_an_alarm_that_occurs_again_is_another_one_and_counts(book):
    book.report('error', 'dock', LOST, 100)
    first = only(book)
    book.settle('error', {}, 101)
    book.report('error', 'dock', LOST, 102)
    again = only(book)
    assert (again.since, again.gone, again.count) == (100, None, 2)
    with pytest.raises(RefusedError, match='has occurred again'):
        book.acknowledge(first.alarm_id, 'ann', 103)
    assert only(book).acknowledged_by == ''


def test_a_new_stop_while_one_is_latched_is_to_be_acknowledged_too(book):
    book.report('latch', '', LOST, 100, occurrence='estop-1')
    book.acknowledge(only(book).alarm_id, 'ann', 101)
    book.report('latch', '', LOST, 102, occurrence='estop-2')
    assert (only(book).acknowledged_by, only(book).since, only(book).count) == ('', 102, 1)


def test_what_gets_worse_is_a_new_alarm_and_what_gets_milder_is_not(book):
    mild = Facts('SYS-008', 'Battery Low', Severity.MEDIUM, '29% left', 'power')
    bad = Facts('SYS-008', 'Battery Low', Severity.HIGH, '19% left', 'power')
    book.report('error', 'charge', mild, 100)
    book.acknowledge(only(book).alarm_id, 'ann', 101)
    book.report('error', 'charge', bad, 102)
    worse = only(book)
    assert (worse.facts, worse.acknowledged_by) == (bad, '')
    book.settle('error', standing('charge', severity=Severity.MEDIUM), 103)
    assert only(book).alarm_id == worse.alarm_id
    assert only(book).facts.severity is Severity.MEDIUM


def test_what_is_over_at_once_waits_for_its_acknowledgement(book):
    book.report('mission', '', LOST, 100, stands=False)
    book.settle('mission', {}, 101)
    assert only(book).gone == 100
    book.report('mission', '', LOST, 102, stands=False)
    assert (only(book).gone, only(book).since, only(book).count) == (102, 100, 2)
    book.acknowledge(only(book).alarm_id, 'ann', 103)
    assert len(book) == 0


def test_the_number_is_bounded_and_the_worst_stay(book):
    worst = Facts('ESTOP', 'Emergency Stop', Severity.CRITICAL, 'button', 'safety_node')
    book.report('latch', '', worst, 1)
    for number in range(200):
        book.report('zone', str(number), LOST, 100 + number)
        book.settle('zone', {}, 100 + number)
    book.report('error', 'dock', LOST, 500)
    assert len(book) == MAX_ALARMS
    entries, more = book.listed()
    assert entries[0].facts == worst
    assert len(entries) + more == MAX_ALARMS
    with pytest.raises(RefusedError):
        book.acknowledge('alarm-unknown\x1b', 'ann', 501)


@pytest.mark.parametrize('character', ['a', '\U0001f6d1', '"', '\x1b'])
def test_what_is_listed_fits_into_a_message(book, character):
    text = character * 300
    for number in range(MAX_ALARMS):
        facts = Facts(LOST.code, LOST.name, Severity.LOW, text, f'{number}{text[:120]}')
        book.report('zone', str(number), facts, number)
        book.acknowledge(book.listed()[0][-1].alarm_id, text[:120], number)
    entries, more = book.listed()
    assert entries and more == MAX_ALARMS - len(entries)
    moment = '2024-12-19T10:30:00.000Z'
    alarms = [
        {
            'alarm_id': entry.alarm_id,
            'code': entry.facts.code,
            'name': entry.facts.name,
            'severity': entry.facts.severity.value,
            'description': entry.facts.description,
            'source': entry.facts.source,
            'since': moment,
            'gone': moment,
            'count': 2**32 - 1,
            'acknowledged_by': entry.acknowledged_by,
            'acknowledged_at': moment,
        }
        for entry in entries
    ]
    event = SystemAlarms(timestamp=moment, data={'alarms': alarms, 'more_alarms': more})
    assert len(Encoder().encode(event)) < 16_384


# What of the vehicle is an alarm


class World:
    """The alarms of a vehicle, with clocks that the test sets."""

    def __init__(self):
        self.now = 100
        self.alarms = VehicleAlarms(lambda: self.now)
        self.monitor = ErrorMonitor(self.alarms.on_error, lambda: float(self.now))

    def boards(self, code=''):
        self.monitor.on_modules([ModuleHealth('dock', 'sense/5', code, 'lost' if code else '')])
        self.alarms.on_errors(self.monitor.standing)

    def shown(self):
        return [
            (entry.facts.code, entry.facts.severity.value, entry.gone)
            for entry in self.alarms.book.listed()[0]
        ]


@pytest.fixture
def world():
    return World()


def test_a_lost_board_is_an_alarm_until_it_is_back_for_five_seconds(world):
    world.boards('MOD-001')
    assert world.shown() == [('NET-002', 'P1', None)]
    for _ in range(5):
        world.now += 1
        world.boards()
    assert world.shown() == [('NET-002', 'P1', None)]
    world.now += 1
    world.boards()
    assert world.shown() == [('NET-002', 'P1', 106)]


def test_an_error_without_an_end_is_over_at_once(world):
    world.monitor.on_slow_consumers(0)
    world.monitor.on_slow_consumers(1)
    world.monitor.on_refused_configuration('speed_limit 1 -> 2')
    world.alarms.on_errors(world.monitor.standing)
    assert world.shown() == [('NET-003', 'P2', 100), ('APP-001', 'P2', 100)]


def test_the_latch_is_an_alarm_until_it_is_cleared(world):
    world.alarms.on_latch('', '')
    assert world.shown() == []
    world.alarms.on_latch('estop-1', 'drill')
    assert world.shown() == [('ESTOP', 'P0', None)]
    world.now += 1
    world.alarms.on_latch('', '')
    assert world.shown() == [('ESTOP', 'P0', 101)]


def test_a_failed_mission_is_an_alarm_once(world):
    for ended in (('', '', ''), ('m1', 'success', ''), ('m2', 'cancelled', 'by ann')):
        world.alarms.on_mission(*ended)
    assert world.shown() == []
    world.alarms.on_mission('m3', 'failed', 'a guard is open')
    assert world.shown() == [('MISSION_FAILED', 'P2', 100)]
    (entry,), _ = world.alarms.book.listed()
    assert entry.facts.description == 'mission m3: a guard is open'
    world.alarms.book.acknowledge(entry.alarm_id, 'ann', 101)
    world.alarms.on_mission('m3', 'failed', 'a guard is open')
    assert world.shown() == [], 'its state is repeated, the mission failed once'
    world.alarms.on_mission('m4', 'failed', 'a guard is open')
    assert world.shown() == [('MISSION_FAILED', 'P2', 100)]


def test_a_stop_zone_is_an_alarm_while_the_vehicle_is_in_it(world):
    zone = Zone('gate', ZoneType.RESTRICTED, ZoneAction.STOP, 3.0, 4.0, 0.1)
    world.alarms.on_zones([zone])
    world.alarms.on_zones([zone])
    assert world.shown() == [('ZONE_STOP', 'P2', None)]
    world.now += 1
    world.alarms.on_zones([])
    assert world.shown() == [('ZONE_STOP', 'P2', 101)]
