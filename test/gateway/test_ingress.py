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
import threading

import pytest

from oht50_bridge.gateway.ingress import Ingress
from oht50_bridge.gateway.ingress import IngressFullError
from oht50_bridge.gateway.journal import Origin


async def test_one_wake_up_per_batch_and_the_newest_value_at_its_new_place(event):
    got = []
    ingress = Ingress(asyncio.get_running_loop(), lambda each, origin: got.append(each))
    old, new = event('telemetry.realtime'), event('telemetry.realtime')
    stops = [event('safety.estop', estop_id=str(n)) for n in range(3)]
    sent = [old, stops[0], stops[1], new, stops[2]]
    thread = threading.Thread(target=lambda: [ingress.put(each) for each in sent])
    thread.start()
    thread.join()
    assert got == []
    await asyncio.sleep(0)
    assert [id(each) for each in got] == [id(each) for each in (*stops[:2], new, stops[2])]


async def test_events_are_refused_aloud_rather_than_dropped(event):
    got = []
    ingress = Ingress(
        asyncio.get_running_loop(), lambda each, origin: got.append((each, origin)), capacity=2
    )
    origin = Origin('safety/estop', 'process', 1)
    ingress.put(event('safety.estop'), origin)
    ingress.put(event('safety.estop'))
    for _ in range(5):
        ingress.put(event('telemetry.realtime'))
    with pytest.raises(IngressFullError, match=r'safety\.estop'):
        ingress.put(event('safety.estop'))
    await asyncio.sleep(0)
    assert [each[1] for each in got] == [origin, None, None]
    ingress.put(event('safety.estop'))
    ingress.close()
    ingress.put(event('safety.estop'))
    await asyncio.sleep(0)
    assert len(got) == 3


async def test_a_bad_event_does_not_take_the_others_along(event, caplog):
    got = []

    def deliver(each, origin):
        if each.data.estop_id == 'bad':
            raise ValueError('bad')
        got.append(each.data.estop_id)

    ingress = Ingress(asyncio.get_running_loop(), deliver)
    for name in ('a', 'bad', 'b'):
        ingress.put(event('safety.estop', estop_id=name))
    await asyncio.sleep(0)
    assert got == ['a', 'b']
    assert 'safety.estop could not be published' in caplog.text


async def test_events_from_another_thread_arrive_completely_and_in_order(serving, event):
    async with serving() as server:
        peer = await server.enter('safety.*')
        events = [event('safety.estop', estop_id=str(n)) for n in range(500)]
        thread = threading.Thread(
            target=lambda: [server.gateway.publish_threadsafe(each) for each in events]
        )
        thread.start()
        got = [(await peer.receive())['data']['estop_id'] for _ in range(500)]
        thread.join()
        assert got == [str(n) for n in range(500)]
    server.gateway.publish_threadsafe(events[0])  # after the end: nothing, and no error
