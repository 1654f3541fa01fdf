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
"""Commands of one client in progress."""

import asyncio

from oht50_bridge.gateway.commands import CommandOutcome


async def test_a_stop_is_carried_out_after_its_sender_left_while_other_commands_hang(serving):
    stopped, release = asyncio.Event(), asyncio.Event()

    async def handler(command, caller):
        if command.type == 'emergency_stop':
            await asyncio.sleep(0.05)
            stopped.set()
        else:
            await release.wait()
        return CommandOutcome()

    async with serving(handler=handler, command_timeout=5) as server:
        peer = await server.enter()
        for _ in range(35):
            await peer.send('get_config')
        assert 'in progress' in (await peer.receive('error'))['description']
        other = await server.enter()
        await other.send('emergency_stop')
        other.websocket.transport.abort()
        await asyncio.wait_for(stopped.wait(), 10)
        release.set()
