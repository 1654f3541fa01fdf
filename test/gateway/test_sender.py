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
"""What one client is sent, at which rate, and what happens if it does not read."""

import asyncio
import os
import time

from gateway.serving import CODE_4503
from gateway.serving import read_to_end
from gateway.serving import silent_client

from oht50_bridge.protocol.rates import SLOWEST
from oht50_bridge.protocol.rates import Slot


async def test_a_client_gets_its_rate_and_the_newest_value_in_the_end(serving, event):
    async with serving() as server:
        fast = await server.enter('telemetry.realtime')
        slow = await server.enter('telemetry.realtime', rate=2)
        started = time.monotonic()
        for n in range(100):
            server.gateway.publish(event('telemetry.status'))
            server.gateway.publish(
                event(
                    'telemetry.realtime',
                    sensors={'battery': n, 'temperature': 1, 'humidity': None},
                )
            )
            await asyncio.sleep(0.01)
        for peer, rate in ((fast, 10), (slow, 2)):
            count, last = 0, -1
            while last != 99:
                message = await peer.receive()
                assert message['type'] == 'telemetry.realtime'
                assert message['data']['sensors']['battery'] > last
                count, last = count + 1, message['data']['sensors']['battery']
            most = (time.monotonic() - started) * rate + 1.0 + Slot.EARLY
            assert 2 <= count <= most


async def test_extreme_rates_do_not_disturb_the_timers_of_the_gateway(serving, event):
    # A period of infinity made a due time that is no number; among those no order holds, and
    # whatever waited for its time waited for ever: a connection was never accepted.
    async with serving() as server:
        for rate in [5e-324, 1e-320, 1e-308, 1e308] * 8:
            peer = await server.enter('telemetry.realtime', rate=rate)
            (granted,) = peer.confirmed['data']['rates'].values()
            assert granted == min(max(rate, SLOWEST), 10)
            for _ in range(3):
                server.gateway.publish(event('telemetry.realtime'))
                await peer.send('subscribe', events=['telemetry.realtime'], rate=rate)


async def test_a_client_that_stops_reading_is_closed_and_delays_nobody(serving, event):
    async with serving(outbox_age=0.5) as server:
        stuck = await silent_client(server, '*')
        await server.until(lambda: server.gateway.stats().clients == 1)
        (blocked,) = server.gateway.clients
        peer = await server.enter('safety.estop', 'module.discovered')
        worst, peak, number = 0.0, 0, 0
        while server.gateway.stats().slow_consumers == 0:
            number += 1
            assert number < 5000
            begin = time.perf_counter()
            server.gateway.publish(event('safety.estop', estop_id=f'{number}-' + 'x' * 2000))
            worst = max(worst, time.perf_counter() - begin)
            assert (await peer.receive())['data']['estop_id'].startswith(f'{number}-')
            peak = max(peak, blocked.connection.transport.get_write_buffer_size())
        assert peak < 64 * 1024
        assert worst < 1.0  # it is never waited for: a wait would be half a second each
        received = await asyncio.to_thread(read_to_end, stuck, CODE_4503)
        assert b'WS-010' in received
        assert CODE_4503 in received[received.index(b'WS-010') :]
        await server.until(lambda: server.gateway.stats().connections == 1)


async def test_a_client_whose_outbox_overflows_is_closed(serving, event):
    async with serving(outbox_capacity=20) as server:
        stuck = await silent_client(server, '*')
        await server.until(lambda: server.gateway.stats().clients == 1)
        for number in range(2000):
            server.gateway.publish(event('safety.estop', estop_id=f'{number}-' + 'x' * 2000))
            if server.gateway.stats().slow_consumers:
                break
        received = await asyncio.to_thread(read_to_end, stuck, CODE_4503)
        assert b'messages are queued, at most 20' in received


async def test_a_stop_overtakes_the_outbox_of_a_slow_reader(serving, event):
    async with serving(outbox_age=60) as server:
        stuck = await silent_client(server, '*')
        await server.until(lambda: server.gateway.stats().clients == 1)
        (client,) = server.gateway.clients
        for number in range(300):
            server.gateway.publish(event('mission.started', mission_id=f'{number}-' + 'x' * 100))
            server.gateway.publish(event('mission.started', mission_id='y' * 100))
        for _ in range(300):
            server.gateway.publish(event('mission.started', mission_id=os.urandom(60).hex()))
        assert client.connection.write_paused
        waiting = len(client.sender.outbox)
        server.gateway.publish(event('safety.estop', estop_id='now'))
        reading = asyncio.create_task(asyncio.to_thread(read_to_end, stuck))
        await server.until(lambda: len(client.sender.outbox) == 0)
        await server.gateway.close()
        received = await reading
        after_stop = received[received.index(b'"now"') :].count(b'mission.started')
        assert waiting > 50
        assert after_stop >= waiting


async def test_a_client_that_stops_reading_keeps_one_state_value(serving, event):
    """State class alone never makes a slow consumer, and never piles up."""
    async with serving(rates={'telemetry.realtime': 0}, max_deliveries=0) as server:
        stuck = await silent_client(server, 'telemetry.realtime')
        await server.until(lambda: server.gateway.stats().clients == 1)
        (client,) = server.gateway.clients

        def fill():
            for _ in range(5000):
                server.gateway.publish(event('telemetry.realtime'))
            return client.connection.write_paused

        await server.until(fill)
        assert server.gateway.stats().waiting == 1
        assert client.connection.transport.get_write_buffer_size() < 64 * 1024
        assert server.gateway.stats().replaced > 1000
        stuck.close()
