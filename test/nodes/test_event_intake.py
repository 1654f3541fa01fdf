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
"""Which events of the nodes are passed on: each once, and none from before a new epoch."""

import pytest

from oht50_bridge.gateway.journal import Past
from oht50_bridge.msg import EventNumber
from oht50_bridge.msg import NodePresence
from oht50_bridge.msg import SystemError
from oht50_bridge.nodes import event_intake
from oht50_bridge.nodes.event_intake import EventIntake
from oht50_bridge.nodes.stamps import NS
from oht50_bridge.nodes.stamps import to_stamp

STARTED = 1000 * NS
ERROR, STOP, CLEAR = 'system/error', 'safety/estop', 'safety/clear'
PAST = Past('epoch', [], {(ERROR, 'p'): 2, (STOP, 's'): 1}, {'system_node': 'p'})


def error(number, seconds=1001, publisher='p'):
    message = SystemError(error_code=f'{publisher}{number}')
    message.header.stamp = to_stamp(round(seconds * NS))
    message.event_number = EventNumber(publisher=publisher, number=number)
    return message


def presence(last, publisher='p'):
    return NodePresence(
        node='system_node', instance=publisher, event_topics=[ERROR], last_numbers=[last]
    )


@pytest.fixture
def skipped():
    """Return where the events come from that an intake did not publish."""
    return []


@pytest.fixture
def make(skipped):
    """Return an intake and what it publishes."""

    def make(past=None):
        published = []
        intake = EventIntake(
            lambda message, origin: published.append((message.error_code, origin and origin[2])),
            skipped.append,
            past,
            STARTED,
        )
        return intake, published

    return make


def test_each_event_is_published_once(make):
    intake, published = make()
    for number in (1, 2, 2, 1, 3):
        intake.take(ERROR, error(number))
    intake.take(ERROR, error(1, publisher='q'))
    assert published == [('p1', 1), ('p2', 2), ('p3', 3), ('q1', 1)]


def test_what_is_from_before_the_start_is_not_new(make):
    intake, published = make()
    for number, seconds in ((1, 990), (2, 999.9), (3, 1000.0), (4, 1001)):
        intake.take(ERROR, error(number, seconds))
    assert published == [('p3', 3), ('p4', 4)]


def test_later_on_a_date_that_was_set_back_loses_no_event(make, monkeypatch):
    intake, published = make()
    monkeypatch.setattr(event_intake, 'EARLIER_WITHIN', -1.0)
    intake.take(ERROR, error(1, seconds=10))
    assert published == [('p1', 1)]


def test_what_was_dropped_at_the_start_is_not_new_when_it_comes_again(make, skipped, monkeypatch):
    """As a node sends it again when the network was away for long."""
    intake, published = make()
    intake.take(ERROR, error(1, seconds=10))
    intake.take(ERROR, error(2, seconds=20))
    monkeypatch.setattr(event_intake, 'EARLIER_WITHIN', -1.0)
    intake.take(ERROR, error(1, seconds=10))
    intake.take(ERROR, error(2, seconds=20))
    assert published == []
    assert {origin.number for origin in skipped} == {1, 2}
    intake.take(ERROR, error(3, seconds=15))
    assert published == [('p3', 3)]


def test_an_event_without_a_number_is_published_as_it_comes(make):
    intake, published = make()
    intake.take(ERROR, error(0, seconds=1))
    intake.take(ERROR, error(0, seconds=1))
    assert published == [('p0', None), ('p0', None)]


def test_nothing_is_published_before_it_is_released(make):
    intake, published = make(PAST)
    intake.take(ERROR, error(3))
    assert not intake.decided
    intake.presence(presence(3))
    assert intake.decided
    assert published == []
    assert intake.outcome() == ''
    intake.release(whole=True)
    assert published == [('p3', 3)]
    intake.take(ERROR, error(3))
    intake.take(ERROR, error(4))
    assert published == [('p3', 3), ('p4', 4)]


def test_what_cannot_be_continued_says_why_and_publishes_only_what_is_newer_than_the_start(make):
    intake, published = make(PAST)
    intake.take(ERROR, error(1, 990, 'q'))
    intake.take(ERROR, error(2, 1001, 'q'))
    intake.presence(presence(2, 'q'))
    assert intake.decided
    assert intake.outcome() == 'system_node was started again meanwhile'
    intake.release(whole=False)
    assert published == [('q2', 2)]


def test_a_stop_that_was_published_before_is_not_reported_again_after_a_restart(make):
    intake, published = make(PAST)
    intake.collect(STOP, error(1, publisher='s'))
    intake.report(STOP, error(1, publisher='s'))
    intake.presence(presence(2))
    intake.release(whole=True)
    assert published == []
    intake.report(STOP, error(2, publisher='s'))
    assert published == [('s2', 2)]


def test_a_stop_and_its_clear_while_no_bridge_ran_are_both_missed(make):
    intake, published = make(PAST)
    for number in (1, 2, 3):  # of these only the last is what holds now
        intake.collect(STOP, error(number, publisher='s'))
    intake.report(STOP, error(3, publisher='s'))
    intake.presence(presence(2))
    intake.release(whole=True)
    assert published == [('s2', 2), ('s3', 3)]


def test_where_nothing_is_continued_the_stop_that_holds_is_reported_however_old(make):
    intake, published = make(PAST)
    intake.collect(STOP, error(1, 10, 's'))
    intake.report(STOP, error(1, 10, 's'))
    intake.presence(presence(2, 'q'))
    intake.release(whole=False)
    assert published == [('s1', 1)]


def test_where_nothing_is_continued_a_stop_after_the_start_is_not_followed_by_the_clear_before(
    make,
):
    """As when safety_node and the bridge are killed, and both know of a stop that is latched."""
    intake, published = make(PAST)
    for topic, message in ((CLEAR, error(1, 10, 'c')), (STOP, error(1, 1001, 't'))):
        intake.collect(topic, message)
        intake.report(topic, message)
    intake.presence(presence(2, 'q'))
    intake.release(whole=False)
    assert published == [('c1', 1), ('t1', 1)]


def test_a_stop_is_reported_once_more_where_it_holds_after_all(make):
    intake, published = make()
    intake.collect(STOP, error(1, publisher='s'))
    intake.report(STOP, error(1, publisher='s'))
    intake.report(STOP, error(2, publisher='s'))
    intake.report(STOP, error(1, publisher='s'))
    assert published == [('s1', 1), ('s2', 2), ('s1', None)]


def test_what_the_bridge_before_has_published_is_repeated_only_where_another_one_was_since(make):
    """As when it is reported, and then a stop from before it arrives."""
    intake, published = make(PAST)
    intake.presence(presence(2))
    intake.release(whole=True)
    intake.report(STOP, error(1, publisher='s'))
    intake.report(STOP, error(1, publisher='s'))
    assert published == []
    intake.report(STOP, error(2, publisher='s'))
    intake.report(STOP, error(1, publisher='s'))
    intake.report(STOP, error(1, publisher='s'))
    assert published == [('s2', 2), ('s1', None)]


def test_what_is_from_before_the_start_is_not_missed_by_the_bridge_after_this_one(make, skipped):
    intake, published = make()
    intake.take(ERROR, error(1, 990))
    intake.take(ERROR, error(2, 991))
    assert (published, skipped) == ([], [(ERROR, 'p', 1), (ERROR, 'p', 2)])
    intake.take(ERROR, error(3))
    intake.take(ERROR, error(2, 991))
    assert (published, len(skipped)) == ([('p3', 3)], 2)


@pytest.mark.parametrize('past', [None, PAST], ids=['first', 'not continued'])
def test_of_stops_from_before_the_start_only_those_are_skipped_that_are_not_reported(
    make, skipped, past
):
    intake, published = make(past)
    for number in (1, 2):
        intake.collect(STOP, error(number, 10 + number, 's'))
    assert skipped == [], 'the second one may be what holds'
    if past is not None:
        intake.presence(presence(2, 'q'))
        intake.release(whole=False)
    intake.report(STOP, error(2, 12, 's'))
    intake.settle()
    assert published == [('s2', 2)]
    assert [origin for origin in skipped if origin.topic == STOP] == [(STOP, 's', 1)]
    assert past is None or set(past.numbers.items()) <= {(each[:2], each[2]) for each in skipped}
    known = len(skipped)
    intake.collect(STOP, error(3, publisher='s'))
    assert len(skipped) == known
