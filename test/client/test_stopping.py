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
"""Emergency stops over connections that do not work; test_scenarios has more of them."""

import asyncio

import pytest
from gateway.serving import Serving

from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.errors import NotSent
from oht50_bridge.client.reports import Tokens
from oht50_bridge.client.stopping import Stopping


def stopping(server, token):
    async def given(is_refused):
        return None if token is None else Tokens(token)

    return Stopping(server.url, {'reason': 'drill'}, given, None)


async def test_what_cannot_be_sent_on_the_connection_goes_another_way():
    async def fail():
        raise NotSent('too large')

    async with Serving() as server:
        made = stopping(server, server.token())
        result = await made.run(10.0, fail)
        await made.closed()
        assert result.confirmed and result.after < 0.5
        assert [command.reason for command, _ in server.commands] == ['drill']


async def test_without_the_right_to_stop_it_ends_at_once():
    async with Serving() as server:
        made = stopping(server, server.token('viewer'))
        with pytest.raises(BridgeError, match='WS-006'):
            await made.run(10.0, None)
        await made.closed()


@pytest.mark.parametrize('token', [None, 'wrong'])
async def test_without_a_token_it_says_so(token):
    async with Serving(failure_delay=0.0) as server:
        made = stopping(server, token)
        result = await made.run(0.3, None)
        await made.closed()
        assert not result.confirmed
        assert ('no token' if token is None else 'WS-001') in result.message


async def test_nothing_is_sent_after_its_end():
    async with Serving(answers={'emergency_stop': None}, command_timeout=60.0) as server:
        made = stopping(server, server.token())
        waiting = asyncio.create_task(made.run(10.0, None))
        await server.until(lambda: server.commands)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await made.closed()
        assert made._tasks == set()
        await server.until(lambda: server.gateway.stats().connections == 0)
