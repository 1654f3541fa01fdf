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
"""The client library, against a gateway on a real socket."""

import asyncio

import pytest
from gateway.serving import Serving
from gateway.serving import make_event
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import InvalidURI

from oht50_bridge import client
from oht50_bridge.client import BridgeError
from oht50_bridge.client import Client


def run(test, **settings):
    """Run a coroutine function with a gateway, for at most 30 s."""

    async def body():
        async with Serving(**settings) as server:
            await test(server)

    asyncio.run(asyncio.wait_for(body(), 30))


def test_it_authenticates_subscribes_and_receives_events():
    async def test(server):
        async with Client(server.url, server.token('viewer')) as vehicle:
            assert vehicle.established['role'] == 'viewer'
            granted = await vehicle.subscribe('safety.*', 'telemetry.realtime', rate=2)
            assert granted['rates']['telemetry.realtime'] == 2.0
            server.gateway.publish(make_event('safety.estop', estop_id='e1'))
            async for event in vehicle.events():
                assert (event['type'], event['data']['estop_id']) == ('safety.estop', 'e1')
                break

    run(test)


def test_a_call_returns_the_data_of_its_reply():
    async def test(server):
        async with Client(server.url, server.token()) as vehicle:
            stop, ping = await asyncio.gather(
                vehicle.call('emergency_stop', reason='drill'), vehicle.call('ping')
            )
            assert (stop['command'], stop['accepted'], ping) == ('emergency_stop', True, {})
            assert server.commands[0][0].reason == 'drill'

    run(test)


def test_a_refused_command_is_an_error_and_the_connection_stays():
    async def test(server):
        async with Client(server.url, server.token('viewer')) as vehicle:
            with pytest.raises(BridgeError, match='WS-006 Permission Denied') as refused:
                await vehicle.call('emergency_stop')
            assert refused.value.code == 'WS-006'
            assert await vehicle.call('ping') == {}

    run(test)


def test_a_refused_token_is_an_error_and_the_connection_is_closed():
    async def test(server):
        with pytest.raises(BridgeError) as refused:
            async with Client(server.url, 'x'):
                raise AssertionError('entered')
        assert refused.value.code == 'WS-001'
        await server.until(lambda: server.gateway.stats().connections == 0)

    run(test)


def test_a_command_without_a_reply_times_out(monkeypatch):
    monkeypatch.setattr(client, 'REPLY_TIMEOUT', 0.05)

    async def test(server):
        async with Client(server.url, server.token()) as vehicle:
            with pytest.raises(TimeoutError, match='no reply to emergency_stop within'):
                await vehicle.call('emergency_stop')
            assert await vehicle.call('ping') == {}

    run(test, answers={'emergency_stop': None})


def test_a_lost_connection_ends_events_and_waiting_calls():
    async def closing(connection):
        await connection.recv()
        await connection.send('{"type": "connection.established", "data": {}}')
        await connection.recv()
        await connection.close(1012, 'restart')

    async def body():
        async with serve(closing, '127.0.0.1', 0) as server:
            url = f'ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/'
            async with Client(url, 'x') as vehicle:
                with pytest.raises(ConnectionClosed, match='restart'):
                    await vehicle.call('ping')
                with pytest.raises(ConnectionClosed, match='restart'):
                    await vehicle.events().__anext__()

    asyncio.run(asyncio.wait_for(body(), 30))


def test_without_a_connection_it_says_how_to_make_one():
    async def body():
        with pytest.raises(RuntimeError, match='async with'):
            await Client('ws://127.0.0.1:9/', 'x').call('ping')
        with pytest.raises(OSError):
            await Client('ws://127.0.0.1:9/', 'x').__aenter__()

    asyncio.run(body())


@pytest.mark.parametrize('url', [f'ws://{"a" * 64}', 'ws://a..b:1/', 'ws://[::1/', 'ws://h:99999'])
def test_an_address_that_can_be_none_is_an_error_of_the_protocol(url):
    async def connect():
        async with Client(url, 'token'):
            pass

    with pytest.raises(InvalidURI, match="isn't a valid URI"):
        asyncio.run(connect())
