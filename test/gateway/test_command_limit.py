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
"""How many commands a client may give."""

import contextlib

from websockets.exceptions import ConnectionClosed


async def test_too_many_commands_are_ws_003_then_4429(serving):
    async with serving(commands_per_second=0.001, command_burst=5) as server:
        peer = await server.enter()
        for _ in range(20):
            with contextlib.suppress(ConnectionClosed):
                await peer.send('ping')
        code, _, seen = await peer.ended()
        assert code == 4429
        assert [message.get('error_code', 'pong') for message in seen] == (
            ['pong'] * 4 + ['WS-003'] * 10
        )


async def test_the_emergency_stop_is_exempt_from_the_limit(serving):
    async with serving(commands_per_second=0.001, command_burst=1) as server:
        peer = await server.enter()
        for _ in range(100):
            await peer.send('emergency_stop')
        for _ in range(100):
            assert (await peer.receive())['type'] == 'command.result'
