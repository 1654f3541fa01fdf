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
import asyncio

import pytest

from oht50_bridge.client.reports import LinkState
from oht50_bridge.client.waiters import Waiters

ERROR = OSError('refused')


async def test_who_waits_is_answered_by_live_or_by_the_end():
    waiters = Waiters()
    for state, error in (('live', None), ('denied', ERROR), ('closed', ERROR)):
        waiting = asyncio.ensure_future(waiters.wait(None))
        await asyncio.sleep(0)
        for other in ('connecting', 'lost', 'waiting', state, state):
            waiters.entered(LinkState(other), ERROR)
        (result,) = await asyncio.gather(waiting, return_exceptions=True)
        assert result is error


async def test_who_waits_for_some_attempts_is_given_the_error_of_the_last():
    waiters = Waiters()
    waiting = asyncio.ensure_future(waiters.wait(2))
    await asyncio.sleep(0)
    waiters.entered(LinkState('waiting'), ValueError('the first'))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiters.entered(LinkState('waiting'), ERROR)
    with pytest.raises(OSError, match='refused'):
        await waiting
    waiters.entered(LinkState('live'), ERROR)


async def test_who_stops_waiting_is_forgotten():
    waiters = Waiters()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(waiters.wait(None), 0.001)
    waiters.entered(LinkState('live'), ERROR)
    assert waiters._waiting == []
