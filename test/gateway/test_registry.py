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
"""How many clients may be connected."""


async def test_a_client_beyond_the_limit_is_refused_and_closed_1013(serving):
    async with serving(max_connections=3) as server:
        peers = [await server.enter() for _ in range(3)]
        code, _, (error,) = await (await server.connect()).ended()
        assert (code, error['error_code'], error['temporary']) == (1013, 'WS-007', True)
        await peers[0].websocket.close()
        await server.until(lambda: server.gateway.stats().connections == 2)
        await server.enter()
