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
from client.bridge_side import stop_event

from oht50_bridge.client.errors import Denied
from oht50_bridge.client.errors import SlowReader
from oht50_bridge.client.reports import Gap
from oht50_bridge.client.streams import EventStream

GAP = Gap('a', 'b')


def stream(*patterns, capacity=3):
    ended = []
    return EventStream(patterns or ('*',), capacity, ended.append), ended


async def test_it_yields_its_events_and_all_gaps_in_order():
    made, ended = stream('mission.*', 'safety.estop')
    made.put({'type': 'telemetry.realtime'})
    made.put(stop_event(1))
    made.put(GAP)
    assert [await anext(made), await anext(made)] == [stop_event(1), GAP]
    made.end()
    made.put(stop_event(2))
    assert [item async for item in made] == [] and ended == [made]


async def test_a_full_queue_ends_it_after_what_it_holds():
    made, ended = stream()
    for number in range(5):
        made.put(stop_event(number))
    assert ended == [made]
    got = []
    with pytest.raises(SlowReader, match='3 items'):
        async for item in made:
            got.append(item['data']['estop_id'])
    assert got == ['e0', 'e1', 'e2']


async def test_a_reader_that_waits_gets_what_comes():
    made, _ = stream()
    reading = asyncio.create_task(anext(made))
    await asyncio.sleep(0)
    made.put(stop_event(1))
    made.put(stop_event(2))
    assert await reading == stop_event(1)
    assert await anext(made) == stop_event(2)
    reading = asyncio.create_task(anext(made))
    await asyncio.sleep(0)
    made.end(Denied('no token'))
    with pytest.raises(Denied):
        await reading


async def test_to_stop_waiting_loses_nothing():
    made, _ = stream()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(made), 0.001)
    made.put(stop_event(1))
    assert await anext(made) == stop_event(1)


async def test_all_that_is_there_is_read_at_once():
    made, _ = stream()
    reading = asyncio.create_task(made.read())
    await asyncio.sleep(0)
    made.put(stop_event(1))
    made.put(stop_event(2))
    assert await reading == [stop_event(1), stop_event(2)]
    made.put(stop_event(3))
    made.end()
    assert await made.read() == [stop_event(3)]
    assert await made.read() == []


async def test_closing_drops_what_is_there():
    made, ended = stream()
    made.put(stop_event(1))
    await made.aclose()
    await made.aclose()
    assert [item async for item in made] == [] and ended == [made]
