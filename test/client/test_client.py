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
from clients.proxy import Proxy
from gateway.serving import Serving
from gateway.serving import make_event
from support import NO_HOSTS
from websockets.exceptions import InvalidURI

from oht50_bridge.client import BackoffLimits
from oht50_bridge.client import BridgeError
from oht50_bridge.client import Client
from oht50_bridge.client import Denied
from oht50_bridge.client import NotSent
from oht50_bridge.client import OutcomeUnknown
from oht50_bridge.client import Subscription
from oht50_bridge.client import Tokens

QUICK = BackoffLimits(first=0.05, longest=0.2)
NOBODY = 'ws://127.0.0.1:9/'  # no bridge


class Behind(Serving):
    """A gateway behind a proxy that can cut."""

    async def __aenter__(self):
        await super().__aenter__()
        self.proxy = Proxy()
        await self.proxy.accept()
        self.proxy.target = self.gateway.port
        return self

    async def __aexit__(self, *exception):
        self.proxy.reset()
        await self.proxy.refuse()
        await super().__aexit__(*exception)

    @property
    def proxied(self):
        return f'ws://127.0.0.1:{self.proxy.port}/ws/telemetry'


async def test_it_authenticates_subscribes_and_receives_events():
    async with Serving() as server:
        async with Client(server.url, server.token('viewer'), subscriptions=()) as vehicle:
            assert vehicle.established['role'] == vehicle.role == 'viewer'
            granted = await vehicle.subscribe('safety.*', 'telemetry.realtime', rate=2)
            assert granted['rates']['telemetry.realtime'] == 2.0
            events = vehicle.events()
            server.gateway.publish(make_event('safety.estop', estop_id='e1'))
            async for event in events:
                assert (event['type'], event['data']['estop_id']) == ('safety.estop', 'e1')
                break
        assert vehicle.state.name == 'closed' and vehicle.established == {}


async def test_a_call_returns_the_data_of_its_reply():
    async with Serving() as server, Client(server.url, server.token()) as vehicle:
        stop, ping = await asyncio.gather(
            vehicle.call('emergency_stop', reason='drill'), vehicle.call('ping', timeout=5.0)
        )
        assert (stop['command'], stop['accepted'], ping) == ('emergency_stop', True, {})
        assert server.commands[0][0].reason == 'drill'


async def test_a_refused_command_is_an_error_and_the_connection_stays():
    async with Serving() as server, Client(server.url, server.token('viewer')) as vehicle:
        with pytest.raises(BridgeError, match='WS-006 Permission Denied') as refused:
            await vehicle.call('emergency_stop')
        assert (refused.value.code, refused.value.outcome) == ('WS-006', 'refused')
        assert await vehicle.call('ping') == {}


async def test_a_refused_token_is_denied_and_the_connection_is_closed():
    async with Serving() as server:
        with pytest.raises(Denied, match='WS-001') as refused:
            async with Client(server.url, 'x'):
                raise AssertionError('entered')
        assert refused.value.__cause__.code == 'WS-001'
        await server.until(lambda: server.gateway.stats().connections == 0)


async def test_a_command_without_a_reply_times_out():
    async with (
        Serving(answers={'emergency_stop': None}) as server,
        Client(server.url, server.token(), command_timeout=0.05) as vehicle,
    ):
        with pytest.raises(TimeoutError, match='no reply to emergency_stop within') as late:
            await vehicle.call('emergency_stop')
        assert isinstance(late.value, OutcomeUnknown) and late.value.outcome == 'unknown'
        assert await vehicle.call('ping', timeout=5.0) == {}


async def test_without_a_connection_nothing_is_sent():
    vehicle = Client(NOBODY, 'x')
    with pytest.raises(NotSent, match='idle'):
        await vehicle.call('ping')
    with pytest.raises(OSError, match='Connect'):
        await vehicle.connect(attempts=1)
    assert vehicle.state.name == 'waiting' and vehicle.state.code == 1006
    await vehicle.close()
    with pytest.raises(ValueError, match='get_token'):
        Client(NOBODY)


@pytest.mark.parametrize('url', [f'ws://{"a" * 64}', 'ws://a..b:1/', 'ws://[::1/', 'ws://h:99999'])
def test_an_address_that_can_be_none_is_an_error_of_the_protocol(url):
    with pytest.raises(InvalidURI, match="isn't a valid URI"):
        Client(url, 'token')


@pytest.mark.parametrize('host', NO_HOSTS)
async def test_a_host_that_can_be_none_is_no_end_of_the_program(host):
    with pytest.raises((OSError, InvalidURI)):
        vehicle = Client(f'ws://{host}:9/', 'token')
        try:
            await vehicle.connect(attempts=1)
        finally:
            await vehicle.close()


async def test_a_waiting_call_fails_with_the_end_of_the_client():
    async with Serving(answers={'pause_mission': None}) as server:
        vehicle = Client(server.url, server.token())
        await vehicle.connect()
        events = vehicle.events()
        calling = asyncio.create_task(vehicle.call('pause_mission'))
        await server.until(lambda: server.commands)
        await vehicle.close()
        with pytest.raises(OutcomeUnknown):
            await calling
        assert [event async for event in events] == []
        with pytest.raises(NotSent):
            await vehicle.call('ping')


async def test_it_can_be_connected_again_after_its_end():
    async with Serving() as server:
        vehicle = Client(server.url, server.token())
        for _ in range(2):
            await vehicle.connect()
            assert await vehicle.call('ping') == {}
            await vehicle.close()


async def test_the_end_while_it_connects_ends_the_waiting():
    vehicle = Client(NOBODY, 'x', backoff=QUICK)
    connecting = asyncio.create_task(vehicle.connect())
    await asyncio.sleep(0)
    await vehicle.close()
    with pytest.raises(NotSent, match='closed'):
        await connecting


async def test_nothing_is_left_of_one_that_was_not_waited_for():
    async def accept(reader, writer):
        accepted.set()
        await reader.read()  # and says nothing
        writer.close()

    async def enter():
        async with Client(f'ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/', 'x'):
            raise AssertionError('entered')

    accepted = asyncio.Event()
    server = await asyncio.start_server(accept, '127.0.0.1', 0)
    async with server:
        entering = asyncio.create_task(enter())
        await accepted.wait()
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
        links = [task for task in asyncio.all_tasks() if 'Link' in repr(task.get_coro())]
        assert links == []


@pytest.mark.parametrize('is_async', [False, True])
async def test_a_function_supplies_tokens(is_async):
    async with Serving(failure_delay=0.0) as server:
        reasons = []

        def get_token(reason):
            reasons.append(reason)
            return 'wrong' if reason == 'first' else Tokens(server.token())

        async def later(reason):
            await asyncio.sleep(0)
            return get_token(reason)

        async with Client(server.url, get_token=later if is_async else get_token) as vehicle:
            assert vehicle.state.name == 'live' and reasons == ['first', 'refused']


async def test_a_function_that_never_answers_does_not_outlive_the_client():
    async def never(reason):
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    vehicle = Client(NOBODY, get_token=never)
    connecting = asyncio.create_task(vehicle.connect())
    await asyncio.sleep(0)
    await vehicle.close()
    with pytest.raises(NotSent):
        await connecting
    assert asyncio.all_tasks() == before


async def test_a_callback_that_raises_disturbs_nobody():
    async with Serving() as server, Client(server.url, server.token()) as vehicle:
        errors = []

        def fail(event):
            raise RuntimeError('mine')

        vehicle.on('safety.*', fail)
        vehicle.on('error', errors.append)
        events = vehicle.events('safety.*')
        server.gateway.publish(make_event('safety.estop'))
        assert (await anext(events))['type'] == 'safety.estop'
        assert [str(error) for error in errors] == ['mine']
        assert await vehicle.call('ping') == {}


async def test_a_callback_may_use_the_client():
    async with Serving() as server:
        vehicle = Client(server.url, server.token(), backoff=QUICK)
        calls = []

        def on_state(state):
            if state.name == 'live':
                calls.append(asyncio.ensure_future(vehicle.call('ping')))
                vehicle.retry()

        vehicle.on('state', on_state)
        async with vehicle:
            assert await asyncio.gather(*calls) == [{}]


async def test_a_reader_keeps_pace_with_thousands_of_events_that_were_missed():
    async with Behind() as server:
        missed = asyncio.Event()
        vehicle = Client(server.proxied, server.token(), backoff=QUICK)
        vehicle.on('state', lambda state: missed.set() if state.name == 'waiting' else None)
        async with vehicle:
            events = vehicle.events('mission.*')
            await server.proxy.refuse()
            server.proxy.cut()
            await missed.wait()
            for number in range(5000):
                server.gateway.publish(make_event('mission.started', mission_id=f'm-{number}'))
            await server.proxy.accept()
            for number in range(5000):
                assert (await anext(events))['data']['mission_id'] == f'm-{number}'


async def test_it_stops_while_it_was_never_connected():
    async with Serving() as server:
        vehicle = Client(server.url, server.token())
        result = await vehicle.stop('drill')
        assert result.confirmed and result.reply['command'] == 'emergency_stop'
        assert server.commands[0][0].reason == 'drill'
        await vehicle.close()


async def test_a_replayed_stop_is_no_confirmation():
    """A stop that was cleared meanwhile comes again while the connection is restored."""
    async with Behind(answers={'emergency_stop': None}, command_timeout=60.0) as server:
        vehicle = Client(
            server.proxied, server.token(), subscriptions=[Subscription(('*',))], backoff=QUICK
        )
        async with vehicle:
            events = vehicle.events('safety.*')
            server.proxy.cut()
            server.gateway.publish(make_event('safety.estop', estop_id='old'))
            server.gateway.publish(make_event('safety.clear'))
            result = await vehicle.stop('drill', timeout=1.5)
            assert vehicle.state.name == 'live'
            assert [(await anext(events))['type'] for _ in range(2)]
            assert (result.confirmed, result.outcome) == (False, 'unknown')


async def test_a_stop_with_a_token_that_ended_asks_for_another():
    async with Serving(failure_delay=0.0) as server:

        def get_token(reason):
            return 'wrong' if reason == 'first' else server.token()

        vehicle = Client(server.url, get_token=get_token)
        assert (await vehicle.stop('drill')).confirmed
        await vehicle.close()


async def test_many_clients_and_one_restart_come_back_spread():
    async with Behind() as server:
        vehicles = [
            Client(server.proxied, server.token(), backoff=BackoffLimits(0.2)) for _ in range(20)
        ]
        waiting = []
        await asyncio.gather(*(vehicle.connect() for vehicle in vehicles))
        for vehicle in vehicles:
            vehicle.on('state', lambda state: waiting.append(state))
        server.proxy.cut()
        for vehicle in vehicles:
            await server.until(lambda vehicle=vehicle: vehicle.state.name == 'waiting')
        delays = [state.delay for state in waiting if state.name == 'waiting']
        assert max(delays) - min(delays) > 0.03 and min(delays) >= 0.2
        for vehicle in vehicles:
            await server.until(lambda vehicle=vehicle: vehicle.state.name == 'live')
            await vehicle.close()
