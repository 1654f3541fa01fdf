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
"""The fan-out."""


async def test_last_values_and_the_latched_stop_are_sent_once_on_subscribing(serving, event):
    async with serving() as server:
        publish = server.gateway.publish
        for mission in ('m-1', 'm-2'):
            publish(event('mission.progress', mission_id=mission))
        publish(event('mission.completed', mission_id='m-1'))
        publish(event('telemetry.realtime'))
        publish(event('safety.clear'))
        publish(event('safety.estop', estop_id='e9'))
        publish(event('module.discovered'))
        peer = await server.enter('*')
        seen = await peer.barrier()
        await server.until(lambda: server.gateway.stats().waiting == 0)
        seen += await peer.barrier()
        assert sorted(message['type'] for message in seen) == [
            'mission.progress',
            'safety.estop',
            'telemetry.realtime',
        ]
        await peer.send('subscribe', events=['*'], rate=5)
        assert [m['type'] for m in await peer.barrier()] == ['subscription.confirmed']
        publish(event('safety.clear'))
        other = await server.enter('safety.*')
        assert [m['type'] for m in await other.barrier()] == ['safety.clear']
