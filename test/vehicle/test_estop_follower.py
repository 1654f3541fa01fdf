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
"""Emergency stops that were cleared before their state was seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.estop_follower import EstopFollower


def follow(*states):
    """Return what each state (counter, latched) is judged to be."""
    follower = EstopFollower()
    return [follower.update(counter, latched=latched) for counter, latched in states]


@pytest.mark.parametrize(
    ('states', 'stopped'),
    [
        ([(0, False), (0, False)], [False, False]),
        ([(0, False), (1, True), (2, False)], [False, True, False]),
        ([(5, True), (5, True), (6, False), (6, False)], [True, False, False, False]),
        ([(2, False), (4, False)], [False, True]),  # a stop and its clear between the two
        ([(1, True), (2, True)], [True, True]),  # another stop
        ([(1, True), (4, False)], [True, True]),  # cleared, stopped and cleared again
        ([(9, False), (0, False)], [False, True]),  # another latch
    ],
)
def test_a_stop_between_two_states_is_seen(states, stopped):
    assert follow(*states) == stopped


@given(st.lists(st.tuples(st.sampled_from(('stop', 'clear')), st.booleans()), max_size=40))
def test_no_stop_is_missed_whatever_states_are(steps):
    follower, counter, latched, unseen = EstopFollower(), 0, False, False
    follower.update(0, latched=False)
    for step, seen in steps:
        if step == 'stop':
            counter, latched, unseen = counter + 1, True, True
        elif latched:
            counter, latched = counter + 1, False
        if seen:
            assert follower.update(counter, latched=latched) == unseen
            unseen = False
