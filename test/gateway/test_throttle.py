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
"""The limit of deliveries of the whole server."""

import asyncio
import time


async def test_above_the_limit_state_events_are_thinned_out_and_others_are_not(serving, event):
    async with serving(max_deliveries=50, rates={'telemetry.realtime': 0}) as server:
        peers = [await server.enter('telemetry.realtime', 'module.*') for _ in range(5)]
        started = time.monotonic()
        for n in range(60):
            server.gateway.publish(
                event(
                    'telemetry.realtime', sensors={'battery': n, 'temperature': 1, 'humidity': 1}
                )
            )
            if n % 20 == 0:
                server.gateway.publish(event('module.discovered', module_id=str(n)))
            await asyncio.sleep(0.01)
        counts = []
        for peer in peers:
            seen, last = [], -1
            while last != 59 or [m for m in seen if m['type'] == 'module.discovered'][2:] == []:
                seen.append(await peer.receive())
                if seen[-1]['type'] == 'telemetry.realtime':
                    last = seen[-1]['data']['sensors']['battery']
            events = [m['data']['module_id'] for m in seen if m['type'] == 'module.discovered']
            assert events == ['0', '20', '40']
            counts.append(len(seen) - 3)
        elapsed = time.monotonic() - started
        assert sum(counts) <= 50 * elapsed + 5 + 1
        assert max(counts) <= min(counts) + 3  # every client gets its share


async def test_a_client_that_had_to_wait_is_served_first(serving, event):
    async with serving(max_deliveries=20, rates={'telemetry.realtime': 0}) as server:
        for _ in range(4):
            await server.enter('telemetry.realtime')
        server.gateway.publish(event('telemetry.realtime'))
        assert server.gateway.stats().deliveries == 2
        time.sleep(0.2)  # the limit recovers while nobody can be served
        server.gateway.publish(event('telemetry.realtime'))
        assert server.gateway.stats().deliveries == 2
        await server.until(lambda: server.gateway.stats().deliveries == 6)
