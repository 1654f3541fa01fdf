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
"""A hundred clients whose bridge was killed come back at different moments, and all of them."""

import asyncio
import time

import pytest

from oht50_bridge.client import Client

pytestmark = [pytest.mark.processes, pytest.mark.no_cover]

CLIENTS = 100
SPREAD, ALL = 0.5, 35.0  # s
TOO_MANY = 4429  # close code


async def test_a_herd_comes_back_spread_out_and_whole(controller):
    states = [[] for _ in range(CLIENTS)]  # with the moment, of each client

    def newest():
        return [seen[-1][1] for seen in states]

    async def act(name, **fields):
        return await asyncio.to_thread(controller.act, {'act': name, **fields})

    async def enter(number):
        pair = await act('token', subject=f'client-{number}')
        client = Client(controller.url, pair['token'])
        client.on('state', lambda state: states[number].append((time.monotonic(), state)))
        await client.connect()
        return client

    await act('start', settings={}, fresh=True)
    herd = [await enter(number) for number in range(CLIENTS)]
    before = time.monotonic()
    await act('kill')
    # A bridge is back later than the first attempt of a client.
    while not all(state.attempt >= 2 for state in newest()):
        await asyncio.sleep(0.05)
    await act('start')
    back = time.monotonic()
    while time.monotonic() < back + ALL and not all(state.name == 'live' for state in newest()):
        await asyncio.sleep(0.05)
    await asyncio.gather(*(client.close() for client in herd))
    live = [[at for at, state in seen if at > before and state.name == 'live'] for seen in states]
    assert all(live)
    assert max(map(min, live)) - min(map(min, live)) >= SPREAD
    assert {state.code for seen in states for _, state in seen} == {None, 1006}


test_a_herd_comes_back_spread_out_and_whole.deadline = 90
