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
"""Counters and response times of a module, load of a line."""

import math
import threading

import pytest

from oht50_bridge.hardware import statistics as statistics_module
from oht50_bridge.hardware.statistics import Load
from oht50_bridge.hardware.statistics import Statistics


def test_before_the_first_reply_times_are_nan_and_counters_zero():
    snapshot = Statistics().snapshot()
    assert (snapshot.requests, snapshot.replies, snapshot.last_error) == (0, 0, '')
    assert math.isnan(snapshot.response_time_mean)
    assert math.isnan(snapshot.response_time_p99)


def test_counters_and_the_last_error():
    statistics = Statistics()
    for name in ('requests', 'requests', 'timeouts', 'crc_errors', 'exceptions', 'retries'):
        statistics.count(name)
    statistics.error('first')
    statistics.error('second')
    found = statistics.snapshot()
    assert (found.requests, found.timeouts, found.crc_errors) == (2, 1, 1)
    assert (found.exceptions, found.retries, found.last_error) == (1, 1, 'second')
    with pytest.raises(KeyError):
        statistics.count('unknown')


def test_response_times_of_100_replies():
    statistics = Statistics()
    for milliseconds in range(100, 0, -1):
        statistics.reply(milliseconds / 1000)
    found = statistics.snapshot()
    assert found.replies == 100
    assert found.response_time_min == 0.001
    assert found.response_time_max == 0.1
    assert found.response_time_mean == pytest.approx(0.0505)
    assert found.response_time_p99 == 0.1


def test_only_the_last_512_response_times_count():
    statistics = Statistics()
    statistics.reply(9.0)
    for _ in range(512):
        statistics.reply(0.01)
    found = statistics.snapshot()
    assert (found.replies, found.response_time_max) == (513, 0.01)


def test_a_snapshot_does_not_change():
    statistics = Statistics()
    before = statistics.snapshot()
    statistics.count('requests')
    assert before.requests == 0


def test_no_count_of_several_threads_is_lost():
    statistics = Statistics()
    threads = [
        threading.Thread(target=lambda: [statistics.count('requests') for _ in range(5000)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statistics.snapshot().requests == 20000


@pytest.fixture
def clock(monkeypatch):
    """A monotonic clock that a test sets, in s."""

    class Clock:
        now = 1000.0

        @classmethod
        def monotonic(cls):
            return cls.now

    monkeypatch.setattr(statistics_module, 'time', Clock)
    return Clock


def test_load_is_the_busy_share_of_the_time_since_the_start(clock):
    load = Load()
    assert load.utilisation() == 0.0
    load.add(1000.0, 1001.0)
    clock.now = 1004.0
    assert load.utilisation() == pytest.approx(0.25)


def test_load_forgets_what_is_older_than_10_s(clock):
    load = Load()
    load.add(1000.0, 1005.0)
    load.add(1014.0, 1015.0)
    clock.now = 1016.0
    assert load.utilisation() == pytest.approx(0.1)
    clock.now = 1030.0
    assert load.utilisation() == 0.0


def test_load_is_at_most_1(clock):
    load = Load()
    load.add(1000.0, 1002.0)
    clock.now = 1001.0
    assert load.utilisation() == 1.0
