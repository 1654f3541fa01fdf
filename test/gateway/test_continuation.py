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
"""What must be there before the events of the bridge before are continued."""

import random

import pytest

from oht50_bridge.gateway.continuation import Continuation
from oht50_bridge.gateway.journal import Origin
from oht50_bridge.gateway.journal import Past

A, B = 'safety/estop', 'mission/started'
PAST = Past('epoch', [], {(A, 'p1'): 2, (B, 'p2'): 5}, {'safety_node': 'p1', 'mission_node': 'p2'})


@pytest.fixture
def continuation():
    return Continuation(PAST)


def numbers(continuation):
    return [origin for _, origin in continuation.missed()]


def test_without_a_sign_of_life_of_every_node_it_is_not_whole(continuation):
    continuation.presence('safety_node', 'p1', {A: 2})
    assert not continuation.whole
    assert continuation.lacking == 'mission_node gave no sign of life'
    continuation.presence('mission_node', 'p2', {B: 5})
    assert continuation.whole
    assert continuation.missed() == []


def test_every_event_that_a_node_has_published_must_be_there(continuation):
    continuation.presence('mission_node', 'p2', {B: 5})
    continuation.presence('safety_node', 'p1', {A: 4})
    assert continuation.lacking == f'2 events of {A} are not kept'
    continuation.add(Origin(A, 'p1', 4), 40, 'four')
    assert not continuation.whole
    continuation.add(Origin(A, 'p1', 3), 30, 'three')
    assert continuation.whole
    assert continuation.missed() == [('three', Origin(A, 'p1', 3)), ('four', Origin(A, 'p1', 4))]


def test_what_the_bridge_before_had_is_not_missed(continuation):
    for number in (1, 2, 3):
        continuation.add(Origin(A, 'p1', number), number, number)
    assert numbers(continuation) == [Origin(A, 'p1', 3)]


def test_an_event_counts_once(continuation):
    continuation.add(Origin(A, 'p1', 3), 1, 'first')
    continuation.add(Origin(A, 'p1', 3), 1, 'again')
    assert [event for event, _ in continuation.missed()] == ['first']


def test_a_node_that_was_started_again_has_lost_what_it_had_published(continuation):
    continuation.presence('mission_node', 'p2', {B: 5})
    continuation.presence('safety_node', 'p9', {A: 0})
    assert continuation.broken == 'safety_node was started again meanwhile'
    assert not continuation.whole


def test_a_node_that_was_not_there_before_breaks_nothing(continuation):
    continuation.presence('safety_node', 'p1', {A: 2})
    continuation.presence('mission_node', 'p2', {B: 5})
    continuation.presence('config_node', 'p3', {'config/updated': 1})
    assert not continuation.whole
    continuation.add(Origin('config/updated', 'p3', 1), 1, 'new')
    assert continuation.whole


def test_without_any_node_nothing_is_certain():
    assert Continuation(Past('epoch')).broken


def test_each_topic_keeps_its_order_and_stamps_decide_among_topics():
    generator = random.Random(7)
    for _ in range(200):
        continuation = Continuation(PAST)
        events = [
            (Origin(topic, publisher, PAST.numbers[topic, publisher] + number), stamp)
            for topic, publisher in PAST.numbers
            for number, stamp in enumerate(sorted(generator.choices(range(9), k=5)), 1)
        ]
        if generator.random() < 0.3:  # the date was set back meanwhile
            events[3] = (events[3][0], -100)
        for origin, stamp in generator.sample(events, len(events)):
            continuation.add(origin, stamp, stamp)
        result = continuation.missed()
        assert sorted(origin for _, origin in result) == sorted(origin for origin, _ in events)
        for topic in (A, B):
            own = [origin.number for _, origin in result if origin.topic == topic]
            assert own == sorted(own)
        if all(stamp >= 0 for _, stamp in events):
            assert [stamp for stamp, _ in result] == sorted(stamp for _, stamp in events)
