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
"""The order of emergency stops and clears."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.estop_order import EstopOrder
from oht50_bridge.vehicle.estop_order import LatchEvent


def stop(counter):
    return LatchEvent(counter, True, f'stop {counter}')


def clear(counter):
    return LatchEvent(counter, False, f'clear {counter}')


def started(*events):
    """Return an order to which events from before its start came, and what it reported."""
    order = EstopOrder()
    reported = [message for event in events for message in order.add(event)]
    assert reported == []
    return order, order.settle()


def test_of_the_events_before_the_start_those_that_hold_are_reported_in_any_order_of_arrival():
    events = [stop(1), clear(2), stop(3), stop(4)]
    for permutation in itertools.permutations(events):
        assert started(*permutation)[1] == ['stop 3', 'stop 4']
    for permutation in itertools.permutations(events[:2]):
        assert started(*permutation)[1] == ['clear 2']
    assert started()[1] == []


def test_events_before_the_start_are_reported_once_the_last_of_them_has_arrived():
    order = EstopOrder()
    assert order.add(stop(3)) == []
    assert order.update(4, latched=True) == []
    assert order.add(clear(2)) == []
    assert order.add(stop(4)) == ['stop 3', 'stop 4']
    assert order.settle() == []
    assert order.add(clear(5)) == ['clear 5']


def test_a_latch_that_never_stopped_is_not_waited_for():
    order = EstopOrder()
    assert order.update(0, latched=False) == []
    assert order.add(stop(1)) == ['stop 1']


def test_a_stop_of_which_the_state_says_that_it_was_cleared_is_not_reported():
    order = EstopOrder()
    order.add(stop(3))
    order.update(4, latched=False)
    assert order.settle() == []


def test_a_clear_that_a_newer_stop_overtook_is_not_reported():
    order, _ = started()
    assert order.add(stop(1)) == ['stop 1']
    assert order.add(stop(3)) == ['stop 3']
    assert order.add(clear(2)) == []
    assert order.add(clear(4)) == ['clear 4']


def test_a_stop_that_its_clear_overtook_is_followed_by_the_clear():
    order, _ = started()
    assert order.update(2, latched=False) == []
    assert order.add(clear(2)) == ['clear 2']
    assert order.add(stop(1)) == ['stop 1', 'clear 2']
    # A newer stop whose state comes later is no such stop.
    assert order.add(stop(3)) == ['stop 3']
    assert order.update(3, latched=True) == []


def test_a_clear_that_is_published_again_is_reported_once():
    order, _ = started()
    assert order.add(stop(1)) == ['stop 1']
    assert order.add(clear(2)) == ['clear 2']
    assert order.update(2, latched=False) == []
    assert order.add(clear(2)) == []


def test_a_latch_that_counts_anew_and_whose_state_comes_late_ends_as_the_latch_is():
    order, _ = started()
    order.update(8, latched=False)
    assert order.add(clear(8)) == ['clear 8']
    assert order.add(stop(1))[0] == 'stop 1'
    assert order.update(1, latched=True) == ['stop 1']


def test_a_latch_that_counts_anew_is_reported():
    order, _ = started(stop(7))
    assert order.add(stop(1)) == ['stop 1']
    assert order.add(clear(2)) == ['clear 2']


@given(st.lists(st.sampled_from(('stop', 'clear')), max_size=8), st.randoms())
def test_the_last_report_is_the_state_of_the_latch(steps, random):
    events, latched = [], False
    for step in steps:
        if step == 'clear' and not latched:
            continue
        latched = step == 'stop'
        events.append((stop if latched else clear)(len(events) + 1))
    arrived = events.copy()
    random.shuffle(arrived)
    order, reported = EstopOrder(), []
    for event in arrived:
        reported += order.add(event)
    reported += order.settle()
    if events:
        assert reported[-1] == events[-1].message
        assert all(message.startswith('stop') for message in reported) == latched
    # After the start the two topics keep their own order only.
    order, reported = EstopOrder(), []
    order.settle()
    states = [(event.counter, event.stop) for event in events]
    queues = [[e for e in events if e.stop], [e for e in events if not e.stop], states]
    while any(queues):
        queue = random.choice([queue for queue in queues if queue])
        if queue is states:
            counter, stops = queue.pop(0)
            reported += order.update(counter, latched=stops)
        else:
            reported += order.add(queue.pop(0))
    if events:
        assert reported[-1] == events[-1].message
    stops = [message for message in reported if message.startswith('stop')]
    first = list(dict.fromkeys(stops))
    assert first == [event.message for event in events if event.stop], 'no stop is missed'
