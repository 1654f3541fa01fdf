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
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.protocol.rates import Slot
from oht50_bridge.protocol.rates import TokenBucket

GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=200)
RATES = st.sampled_from([0.1, 1.0, 5.0, 10.0, 20.0])


def times_taken(limiter, gaps, start=100.0):
    now, taken = start, []
    for gap in gaps:
        now += gap
        if limiter.take(now):
            taken.append(now)
    return taken


def most(taken, allowed):
    """Assert that within every window no more were taken than `allowed(its length)`."""
    for i, first in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= allowed(taken[j] - first) + 1e-3


@given(GAPS, RATES, st.integers(1, 40))
def test_a_bucket_never_gives_more_than_burst_and_rate_in_any_window(gaps, rate, burst):
    most(times_taken(TokenBucket(rate, burst), gaps), lambda window: burst + rate * window)


@given(GAPS, RATES)
def test_a_slot_never_gives_more_than_its_rate_in_any_window(gaps, rate):
    most(times_taken(Slot(rate), gaps), lambda window: window * rate + 0.3 + 1)


@given(GAPS, RATES, st.integers(1, 5))
def test_both_keep_their_word_on_when(gaps, rate, burst):
    bucket, slot, now = TokenBucket(rate, burst), Slot(rate), 5000.0
    for gap in gaps:
        now += gap
        if not bucket.take(now):
            assert now < bucket.ready_at(now) <= now + 1 / rate + 1e-9
            now = bucket.ready_at(now)
            assert bucket.take(now)
        if not slot.take(now):
            assert now < slot.ready_at()
            now = slot.ready_at()
            assert slot.take(now)


def test_a_source_at_the_limit_passes_whole_in_spite_of_jitter():
    slot = Slot(10)
    assert all(slot.take(100 + k / 10 + (0.029 if k % 2 else 0.0)) for k in range(1000))


def test_a_rate_of_zero_lifts_the_limit():
    bucket, slot = TokenBucket(0, 1), Slot(0)
    assert all(bucket.take(1.0) and slot.take(1.0) for _ in range(1000))
    assert bucket.ready_at(1.0) == 1.0 and slot.ready_at() <= 1.0


def test_a_debt_is_paid_back_and_is_bounded():
    bucket = TokenBucket(10, 5)
    for _ in range(100):
        bucket.charge(0.0)
    assert not bucket.take(0.55)
    assert bucket.ready_at(0.55) == pytest.approx(0.6)
    assert bucket.take(0.6)


def test_a_faster_rate_does_not_open_a_slot_before_its_new_period():
    slot = Slot(1)
    assert slot.take(10.0)
    slot.change(10)
    assert not slot.take(10.05)
    assert slot.take(10.1)
    assert not math.isinf(slot.ready_at())


def test_coming_early_every_time_gains_nothing_in_the_long_run():
    slot = Slot(10)
    assert sum(slot.take(100 + k * 0.0705) for k in range(1000)) <= 70.5 * 10 + 1.3
