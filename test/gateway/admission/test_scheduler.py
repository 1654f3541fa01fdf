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
"""Work of unauthenticated peers in short slices."""

import asyncio
import time

import pytest

from oht50_bridge.gateway.admission.scheduler import SLICE
from oht50_bridge.gateway.admission.scheduler import FairScheduler


async def test_a_slice_is_short_and_followed_by_a_pause():
    loop = asyncio.get_running_loop()
    scheduler, done, longest = FairScheduler(loop), [], 0.0

    def work():
        end = time.perf_counter() + SLICE / 4
        while time.perf_counter() < end:
            pass
        done.append(None)

    for _ in range(100):
        scheduler.submit('a', work)
    turns = 0
    while len(done) < 100:
        before = len(done)
        await asyncio.sleep(0)
        longest = max(longest, len(done) - before)
        turns += 1
    assert longest <= 4  # of SLICE / 4 each
    assert turns > 100  # it paused: the loop went round for others


async def test_the_stated_cost_of_work_uses_up_the_slice():
    scheduler, done = FairScheduler(asyncio.get_running_loop()), []
    for _ in range(10):
        scheduler.submit('a', lambda: done.append(None), cost=SLICE)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(done) == 1


async def test_addresses_take_turns():
    scheduler, done = FairScheduler(asyncio.get_running_loop()), []
    for name in 'aaaaabba':
        scheduler.submit(name, lambda name=name: done.append(name))
    scheduler.submit('c', lambda: done.append('c'))
    await scheduler.call('d', lambda: done.append('d'))
    assert ''.join(done[:4]) == 'abcd'


async def test_an_exception_in_submitted_work_is_logged_and_the_next_work_runs(caplog):
    scheduler = FairScheduler(asyncio.get_running_loop())
    scheduler.submit('a', lambda: 1 / 0)
    assert await scheduler.call('a', lambda: 'next') == 'next'
    with pytest.raises(ZeroDivisionError):
        await scheduler.call('a', lambda: 1 / 0)
    assert 'defect' in caplog.text
