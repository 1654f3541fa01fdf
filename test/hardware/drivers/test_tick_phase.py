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
"""Polls end just before the tick of a board, so that a stop waits for their reply no longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.hardware.drivers.tick_phase import LEAD
from oht50_bridge.hardware.drivers.tick_phase import TickPhase

TICK = 0.010  # s
REQUEST = 0.0007  # s on the wire
PERIOD = 0.040  # s
JITTER = 0.0005  # s


def waits(phase, lateness, first_tick=0.0, tick=TICK, late_replies=(0.0,)):
    """Poll a board once for each lateness, s; return how long each request waited for the tick."""
    waited, due = [], 100.0
    for number, late in enumerate(lateness):
        complete = due + late + REQUEST
        since = (complete - first_tick) % tick
        answered = complete + tick - since
        waited.append(tick - since)
        phase.replied(answered + late_replies[number % len(late_replies)])
        due = phase.align(due + PERIOD)
    return waited


@given(
    first_tick=st.floats(0.0, TICK),
    lateness=st.lists(st.floats(0.0, JITTER), min_size=40, max_size=60),
    drift=st.floats(-200e-6, 200e-6),
)
def test_requests_wait_for_the_tick_no_longer_than_the_lead(first_tick, lateness, drift):
    waited = waits(TickPhase(TICK, REQUEST), lateness, first_tick, TICK * (1 + drift))
    assert max(waited[20:]) < LEAD + JITTER, waited


def test_a_request_that_was_late_once_does_not_move_the_polls():
    lateness = [0.0] * 20 + [0.004] + [0.0] * 5
    waited = waits(TickPhase(TICK, REQUEST), lateness)
    assert waited[20] > TICK / 2
    assert waited[21:] == pytest.approx([LEAD] * 5)


def test_replies_that_are_seen_late_move_the_polls_little():
    waited = waits(TickPhase(TICK, REQUEST), [0.0] * 60, late_replies=(0.0, 0.0, 0.002))
    assert min(waited[20:]) > LEAD / 2


def test_a_poll_is_moved_by_half_a_tick_at_most():
    phase = TickPhase(TICK, REQUEST)
    for offset in range(1, 50):
        phase.replied(100.0 + offset * 0.0013)
        assert abs(phase.align(200.0) - 200.0) <= TICK / 2 + 1e-9


def test_the_polls_of_a_board_without_a_tick_stay():
    phase = TickPhase(0.0, REQUEST)
    phase.replied(100.003)
    phase.replied(100.047)
    assert phase.align(200.0) == 200.0


def test_the_first_poll_stays():
    assert TickPhase(TICK, REQUEST).align(200.0) == 200.0


@given(now=st.floats(100.0, 200.0))
def test_the_next_moment_is_within_a_tick(now):
    phase = TickPhase(TICK, REQUEST)
    phase.replied(100.003)
    moment = phase.next(now)
    assert now - LEAD / 2 <= moment <= now + TICK - LEAD / 2 + 1e-9
    assert (100.003 - moment - REQUEST - LEAD) / TICK == pytest.approx(
        round((100.003 - moment - REQUEST - LEAD) / TICK), abs=1e-6
    )
