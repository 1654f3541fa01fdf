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
import asyncio
import base64
import contextlib
import json
import logging
import os
import socket
import struct
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import InvalidStatus

from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.delivery import text_frame
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.rates import SLOWEST
from oht50_bridge.protocol.rates import TokenBucket

SECRET = b'0123456789abcdef0123456789abcdef'


async def http(port, path, head=''):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(f'GET {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n'.encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    status, _, rest = answer.partition(b'\r\n')
    return int(status.split()[1]), rest.partition(b'\r\n\r\n')[2]


# Life of a connection


async def test_the_specifications_client_sends_auth_and_subscribe_back_to_back(serving, event):
    async with serving() as server:
        peer = await server.connect()
        await peer.send('auth', token=server.token(), client_id='panel-1')
        await peer.send('subscribe', events=['telemetry.realtime', 'system.status'], rate=10)
        established = await peer.receive()
        assert established['type'] == 'connection.established'
        data = established['data']
        assert (data['client_id'], data['role'], data['epoch']) == (
            'panel-1',
            'operator',
            server.gateway.history.epoch,
        )
        assert set(data) == {
            'client_id',
            'session_id',
            'role',
            'expires_at',
            'limits',
            'epoch',
            'protocol_version',
            'server_version',
        }
        confirmed = await peer.receive()
        assert confirmed['data'] == {
            'events': ['telemetry.realtime', 'system.status'],
            'denied': [],
            'rates': {'telemetry.realtime': 10.0, 'system.status': 1.0},
        }
        server.gateway.publish(event('telemetry.realtime'))
        message = await peer.receive()
        assert message == json.loads(
            event('telemetry.realtime').model_dump_json(exclude={'seq', 'request_id'})
        )


async def test_nothing_but_auth_before_auth(serving):
    async with serving() as server:
        peer = await server.connect()
        await peer.send('subscribe', events=['*'], request_id='r1')
        error = await peer.receive()
        assert (error['error_code'], error['request_id']) == ('WS-008', 'r1')
        await peer.send('auth', token=server.token())
        assert (await peer.receive())['type'] == 'connection.established'


@pytest.mark.parametrize('token', ['nonsense', 'expired', 'refresh', 'forged'])
async def test_a_bad_token_is_told_and_closed_4401(serving, token):
    async with serving() as server:
        token = {
            'expired': TokenAuthority([Key('HS256', SECRET)], wall=lambda: time.time() - 3600)
            .issue('a', 'admin')
            .access,
            'refresh': server.authority.issue('a', 'admin').refresh,
            'forged': TokenAuthority([Key('HS256', b'y' * 32)]).issue('a', 'admin').access,
        }.get(token, token)
        peer = await server.connect()
        await peer.send('auth', token=token)
        code, _, (error,) = await peer.ended()
        assert (code, error['error_code'], error['temporary']) == (4401, 'WS-001', False)
        assert token not in json.dumps(error)


async def test_no_auth_in_time_is_closed_4401(serving):
    async with serving(auth_timeout=0.2) as server:
        code, _, (error,) = await (await server.connect()).ended()
        assert (code, error['error_code']) == (4401, 'WS-001')


async def test_a_token_in_the_header_authenticates_and_in_the_url_only_if_allowed(serving):
    async with serving() as server:
        peer = await server.connect(
            additional_headers={'Authorization': f'Bearer {server.token()}'}
        )
        assert (await peer.receive())['type'] == 'connection.established'
        bad = await server.connect(additional_headers={'Authorization': 'Bearer x'})
        assert (await bad.ended())[0] == 4401
        peer = await server.connect(f'{server.url}?token={server.token()}')
        await peer.send('ping')
        assert (await peer.receive())['error_code'] == 'WS-008'
    async with serving(query_token=True) as server:
        peer = await server.connect(
            f'{server.url}?token={server.token()}&client_id=c1&subscription=mission.*,bad.one'
        )
        assert (await peer.receive())['data']['client_id'] == 'c1'
        assert 'bad.one' in (await peer.receive('error'))['description']
        assert (await peer.receive())['data']['events'] == ['mission.*']


async def test_who_is_silent_even_to_pings_is_closed_4408(serving):
    async with serving(idle_timeout=0.6, ping_interval=0.1) as server:
        peer = await server.enter()
        deaf = await raw_client(server)
        await server.until(lambda: server.gateway.stats().connections == 1)
        await peer.barrier()  # its library answers pings
        assert CODE_4408 in await asyncio.to_thread(drain, deaf, CODE_4408)


async def test_a_ping_that_meets_a_closing_connection_is_no_defect(serving, caplog):
    async with serving() as server:
        peer = await server.enter()
        (client,) = server.gateway.clients
        await peer.websocket.close()
        await server.until(lambda: server.gateway.stats().connections == 0)
        await client._ping()
    assert caplog.records == []


@pytest.mark.parametrize(
    'nonsense',
    [
        b'\x16\x03\x01\x02\x00\x01\r\n\r\n',
        b'GET /ws/telemetry HTTP/1.1\r\nHost',
        b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
)
async def test_nonsense_in_place_of_a_handshake_is_at_most_a_line_in_the_log(
    serving, caplog, nonsense
):
    async with serving() as server:
        reader, writer = await asyncio.open_connection('127.0.0.1', server.gateway.port)
        writer.write(nonsense)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 10)
        writer.close()
        peer = await server.enter()
        assert await peer.barrier() == []
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize(
    ('words', 'whole'), [('opening handshake failed', False), ('connection handler failed', True)]
)
def test_the_library_tells_of_our_defects_at_length_and_of_others_in_a_line(
    caplog, monkeypatch, words, whole
):
    log = logging.getLogger('oht50_bridge.gateway.server.wire')
    # Others may have told of many just now.
    monkeypatch.setattr(log.filters[0], '_lines', TokenBucket(1.0, 1))
    try:
        raise ValueError('did not receive a valid HTTP request')
    except ValueError:
        log.error(words, exc_info=True)
    (record,) = caplog.records
    assert bool(record.exc_info) is whole
    assert record.levelname == ('ERROR' if whole else 'WARNING')
    assert whole or 'valid HTTP request' in record.getMessage()


async def test_pongs_to_somebody_who_is_gone_are_not_worth_a_warning_each(serving, caplog):
    async with serving() as server:
        sock = await raw_client(server)
        await server.until(lambda: server.gateway.stats().clients == 1)
        sock.sendall((b'\x89\x81' + bytes(4) + b'x') * 1000)
        sock.close()
        await server.until(lambda: server.gateway.stats().connections == 0)
    assert caplog.records == []


async def test_shutdown_closes_1001_and_leaves_nothing_behind(serving):
    before, tasks = threading.active_count(), asyncio.all_tasks()
    server = serving()
    async with server:
        peers = [await server.enter('*') for _ in range(3)]
        silent = socket.create_connection(('127.0.0.1', server.gateway.port))
        halfway = socket.create_connection(('127.0.0.1', server.gateway.port))
        halfway.sendall(b'GET ')
        await server.until(
            lambda: (
                len(server.gateway._connections) == 4
                and server.gateway.stats().unauthenticated == 2
            )
        )
        closing = asyncio.create_task(server.gateway.close())
        for peer in peers:
            assert (await peer.ended())[0] == 1001
        await asyncio.wait_for(closing, 10)
        silent.close()
        halfway.close()
    assert asyncio.all_tasks() == tasks
    assert threading.active_count() == before


async def test_plain_http_is_answered_cleanly(serving, event):
    async with serving(server_version='9.9') as server:
        await server.enter('*')
        server.gateway.publish(event('safety.estop'))
        port = server.gateway.port
        assert (await http(port, '/ws/telemetry'))[0] == 426
        assert (await http(port, '/elsewhere'))[0] == 404
        status, body = await http(port, '/healthz')
        assert (status, json.loads(body)['status'], json.loads(body)['version']) == (
            200,
            'ok',
            '9.9',
        )
        status, body = await http(port, '/metrics')
        assert status == 200
        assert b'oht50_gateway_clients 1.0' in body
        assert b'oht50_gateway_deliveries_total{type="safety.estop"} 1.0' in body
        with pytest.raises(InvalidStatus) as refused:
            await server.connect(f'ws://127.0.0.1:{port}/ws/other')
        assert refused.value.response.status_code == 404


# Subscriptions and roles


async def test_an_unknown_type_is_told_in_the_specifications_words_and_the_rest_holds(serving):
    async with serving() as server:
        peer = await server.enter()
        await peer.send('subscribe', events=['invalid.event', 'mission.*'], request_id='r')
        error, confirmed = await peer.receive(), await peer.receive()
        assert (error['error_code'], error['description']) == (
            'WS-002',
            'Unknown event type: invalid.event',
        )
        assert confirmed['data']['events'] == ['mission.*']
        await peer.send('fly')
        assert (await peer.receive())['error_code'] == 'WS-002'


async def test_last_values_and_the_latched_stop_come_once_on_subscribing(serving, event):
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


async def test_unsubscribing_ends_it(serving, event):
    async with serving() as server:
        peer = await server.enter('safety.*', 'module.*')
        await peer.send('unsubscribe', events=['module.discovered'])
        assert (await peer.receive())['type'] == 'subscription.removed'
        server.gateway.publish(event('module.discovered'))
        server.gateway.publish(event('module.status_change'))
        assert [m['type'] for m in await peer.barrier()] == ['module.status_change']


async def test_roles_decide_what_is_read_and_ordered(serving, event):
    async with serving() as server:
        viewer = await server.enter('config.*', 'safety.*', '*', role='viewer', subject='vi')
        assert viewer.confirmed['data']['denied'] == ['config.*']
        assert 'config.updated' not in viewer.confirmed['data']['rates']
        nobody = await server.enter('*', role='intruder', subject='in')
        assert nobody.confirmed['data'] == {'events': [], 'rates': {}, 'denied': ['*']}
        server.gateway.publish(event('config.updated'))
        server.gateway.publish(event('safety.zone_entered'))
        assert [m['type'] for m in await viewer.barrier()] == ['safety.zone_entered']
        assert await nobody.barrier() == []
        for peer in (viewer, nobody):
            await peer.send('emergency_stop', request_id='x')
            error = await peer.receive()
            assert (error['error_code'], error['request_id']) == ('WS-006', 'x')
        operator = await server.enter()
        await operator.send('clear_estop')
        assert (await operator.receive())['error_code'] == 'WS-006'
        assert server.commands == []


async def test_a_role_lowered_in_the_session_takes_effect_at_once(serving, event):
    async with serving() as server:
        peer = await server.enter('*')
        await peer.send('auth', token=server.token('viewer'))
        assert (await peer.receive())['data']['role'] == 'viewer'
        server.gateway.publish(event('config.updated'))
        server.gateway.publish(event('safety.estop'))
        assert [m['type'] for m in await peer.barrier()] == ['safety.estop']


async def test_what_waits_when_a_role_is_lowered_is_not_sent_any_more(serving, event):
    async with serving() as server:
        peer = await server.enter('*')
        for n in range(7):
            server.gateway.publish(event('config.updated', config_id=str(n)))
        assert len(await peer.barrier()) == 5
        await peer.send('auth', token=server.token('viewer'))
        await peer.receive('auth.refreshed')
        assert server.gateway.stats().waiting == 0


# Commands


async def test_a_command_reaches_the_handler_with_its_caller_and_the_answer_comes_back(serving):
    async with serving() as server:
        peer = await server.enter(client_id='panel')
        await peer.send('emergency_stop', reason='manual_trigger', request_id='req-124')
        result = await peer.receive()
        assert result['type'] == 'command.result' and result['request_id'] == 'req-124'
        assert result['data'] == {
            'command': 'emergency_stop',
            'accepted': True,
            'message': 'done',
            'mission_id': 'm-1',
        }
        command, caller = server.commands[0]
        assert command.reason == 'manual_trigger'
        assert (caller.client_id, caller.subject, caller.role) == ('panel', 'ann', 'operator')


async def test_the_answer_may_be_an_event(serving, event):
    async def handler(command, caller):
        return CommandOutcome(event=event('system.status'))

    async with serving(handler=handler) as server:
        peer = await server.enter(role='viewer')
        await peer.send('get_system_status', request_id='req-123')
        answer = await peer.receive()
        assert (answer['type'], answer['request_id']) == ('system.status', 'req-123')


async def test_a_handler_that_fails_breaks_or_hangs_is_ws_009(serving):
    async def handler(command, caller):
        if command.type == 'get_config':
            raise CommandFailedError('no node serves it')
        if command.type == 'list_modules':
            raise KeyError('a defect')
        await asyncio.sleep(60)

    async with serving(handler=handler, command_timeout=0.3) as server:
        peer = await server.enter()
        for name, words in (
            ('get_config', 'no node serves it'),
            ('list_modules', 'internal'),
            ('get_system_status', 'no answer'),
        ):
            await peer.send(name, request_id=name)
            error = await peer.receive()
            assert (error['error_code'], error['request_id']) == ('WS-009', name)
            assert words in error['description'] and 'a defect' not in error['description']


async def test_a_stop_is_carried_out_though_its_sender_is_gone_and_others_hang(serving):
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


# Messages that are not taken


async def test_invalid_messages_are_ws_004_and_the_session_goes_on(serving):
    async with serving() as server:
        peer = await server.enter()
        for message in (
            '{',
            b'{"type":"ping"}',
            '{"type":"ping","x":1}',
            '{"type":"ping","type":"ping"}',
            '{"type":"subscribe","rate":0}',
        ):
            await peer.websocket.send(message)
            assert (await peer.receive())['error_code'] == 'WS-004', message
        assert await peer.barrier() == []


async def test_fragmented_messages_are_messages(serving):
    async with serving() as server:
        peer = await server.enter()
        await peer.websocket.send(['{"type":', '"ping","request', '_id":"f"}'])
        assert (await peer.receive())['request_id'] == 'f'


@pytest.mark.parametrize(('size', 'told'), [(16 * 1024 + 1, True), (200 * 1024, False)])
async def test_an_oversized_message_is_closed_1009(serving, size, told):
    async with serving() as server:
        peer = await server.enter()
        await peer.websocket.send('x' * size)
        code, _, seen = await peer.ended()
        assert code == 1009
        assert [message['error_code'] for message in seen] == (['WS-005'] if told else [])


async def test_an_oversized_event_is_replaced_by_an_error_and_counted(serving, event):
    async with serving() as server:
        peer = await server.enter('*')
        server.gateway.publish(event('system.error', description='x' * 17_000))
        assert (await peer.receive())['error_code'] == 'WS-005'
        assert server.gateway.stats().oversized == 1
        assert await peer.barrier() == []


async def test_a_reply_too_large_to_be_sent_is_an_error_with_its_request_id(serving):
    async def handler(command, caller):
        return CommandOutcome(data={'config': 'x' * 17_000})

    async with serving(handler=handler) as server:
        peer = await server.enter()
        await peer.send('get_config', request_id='r')
        error = await peer.receive()
        assert (error['error_code'], error['request_id']) == ('WS-005', 'r')
        assert await peer.barrier() == []


async def test_a_numbered_event_of_the_largest_size_fits_too(serving, event):
    async with serving() as server:
        peer = await server.enter('*', resume=True)
        room = 16 * 1024 - len(Encoder().encode(event('system.error', description='')))
        for spare in (0, len(',"seq":2}')):
            server.gateway.publish(event('system.error', description='x' * (room - spare)))
            text = await peer.websocket.recv()
            assert len(text) <= 16 * 1024 and '"seq":' in text


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


async def test_the_hundred_and_first_is_told_and_closed_1013(serving):
    async with serving(max_connections=3) as server:
        peers = [await server.enter() for _ in range(3)]
        code, _, (error,) = await (await server.connect()).ended()
        assert (code, error['error_code'], error['temporary']) == (1013, 'WS-007', True)
        await peers[0].websocket.close()
        await server.until(lambda: server.gateway.stats().connections == 2)
        await server.enter()


# Tokens in the session


async def test_a_session_is_told_of_its_expiry_and_a_new_token_extends_it(serving, event):
    async with serving(expiry_notice=14.995 * 60) as server:
        peer = await server.enter('safety.*')
        assert (await peer.receive())['type'] == 'auth.expiring'
        await peer.send('auth', token=server.token(), request_id='again')
        assert (await peer.receive('auth.refreshed'))['request_id'] == 'again'
        server.gateway.publish(event('safety.estop'))
        assert await peer.receive('safety.estop')
        await peer.send('auth', token=server.token(subject='bob'))
        assert (await peer.ended())[0] == 4401


async def test_a_session_ends_with_its_token(serving):
    authority = TokenAuthority([Key('HS256', SECRET)], access_life=1)
    early = TokenAuthority([Key('HS256', SECRET)], access_life=1, wall=lambda: time.time() - 5.5)
    async with serving(authority=authority) as server:
        peer = await server.connect()
        await peer.send('auth', token=early.issue('ann', 'viewer').access)
        code, _, seen = await peer.ended()
        assert code == 4401
        assert [message.get('error_code', message['type']) for message in seen] == [
            'connection.established',
            'auth.expiring',
            'WS-001',
        ]


async def test_a_refresh_token_extends_once_and_its_replay_ends_the_family(serving):
    async with serving() as server:
        pair = server.authority.issue('ann', 'operator')
        peer = await server.enter()
        await peer.send('refresh_token', refresh_token=pair.refresh)
        fresh = (await peer.receive('auth.refreshed'))['data']
        assert server.authority.verify(fresh['token']).subject == 'ann'
        await peer.send('refresh_token', refresh_token=pair.refresh)
        assert (await peer.ended())[0] == 4401
        other = await server.enter()
        await other.send('refresh_token', refresh_token=fresh['refresh_token'])
        assert (await other.ended())[0] == 4401


async def test_the_server_refreshes_who_left_a_refresh_token(serving):
    async with serving(expiry_notice=14.995 * 60) as server:
        pair = server.authority.issue('ann', 'operator')
        peer = await server.connect()
        await peer.send('auth', token=pair.access, refresh_token=pair.refresh)
        await peer.receive('connection.established')
        first = (await peer.receive('auth.refreshed'))['data']
        second = (await peer.receive('auth.refreshed'))['data']
        assert first['refresh_token'] != second['refresh_token'] != pair.refresh


# Resumption


async def test_what_was_missed_is_replayed_in_order_and_whole(serving, event):
    async with serving() as server:
        peer = await server.enter('*', resume=True)
        epoch = peer.established['data']['epoch']
        server.gateway.publish(event('safety.estop', estop_id='e1'))
        assert (await peer.receive())['seq'] == 1
        await peer.websocket.close()
        for kind in ('module.discovered', 'safety.clear', 'config.updated', 'telemetry.realtime'):
            server.gateway.publish(event(kind))
        peer = await server.enter('safety.*', 'module.*')
        await peer.send('resume', epoch=epoch, after=1, request_id='r')
        seen = await peer.barrier()
        assert [(m['type'], m.get('seq')) for m in seen] == [
            ('safety.clear', None),  # how things stand, told on subscribing
            ('module.discovered', 2),
            ('safety.clear', 3),
            ('resume.result', None),
        ]
        assert seen[-1]['data'] == {'recovered': True, 'replayed': 2, 'epoch': epoch, 'seq': 4}
        server.gateway.publish(event('module.discovered'))
        assert (await peer.receive())['seq'] == 5


async def test_a_gap_is_never_called_whole(serving, event):
    async with serving(ring=3) as server:
        for _ in range(5):
            server.gateway.publish(event('safety.zone_entered'))
        peer = await server.enter('*', role='admin')
        epoch = peer.established['data']['epoch']
        for other, after, recovered in (
            ('elsewhere', 4, False),
            (epoch, 1, False),
            (epoch, 9, False),
            (epoch, 5, True),
            (epoch, 2, True),
        ):
            await peer.send('resume', epoch=other, after=after)
            result = (await peer.receive('resume.result'))['data']
            assert result['recovered'] is recovered, (other, after)
            assert result['replayed'] == (5 - after if recovered else 0)


async def test_seq_is_only_for_those_who_resume(serving, event):
    async with serving() as server:
        peer = await server.enter('*')
        server.gateway.publish(event('safety.estop'))
        assert 'seq' not in await peer.receive('safety.estop')


async def test_a_port_used_again_at_once_belongs_to_who_has_it_now(serving):
    request = b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    async with serving(address_handshakes=0) as server:
        with socket.create_server(('127.0.0.1', 0)) as chosen:
            port = chosen.getsockname()[1]

        @contextlib.contextmanager
        def connected():
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                sock.bind(('127.0.0.1', port))
                sock.connect(('127.0.0.1', server.gateway.port))
                sock.setblocking(False)
                yield sock

        for _ in range(100):
            with connected() as gone:
                gone.send(request[:10])
                await asyncio.sleep(0.002)  # the gateway is busy with it when it goes away
            with connected() as there:
                there.send(request)
                answer = await asyncio.wait_for(
                    asyncio.get_running_loop().sock_recv(there, 4096), 10
                )
                assert answer.startswith(b'HTTP/1.1 200 OK'), answer


# Rates


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
            assert 2 <= count <= (time.monotonic() - started) * rate + 1.1


async def test_no_rate_asked_for_disturbs_the_timers_of_the_gateway(serving, event):
    # A period of infinity made a due time that is no number; among those no order holds, and
    # whatever waited for its time waited for ever: whoever connected was never let in.
    async with serving() as server:
        for rate in [5e-324, 1e-320, 1e-308, 1e308] * 8:
            peer = await server.enter('telemetry.realtime', rate=rate)
            (granted,) = peer.confirmed['data']['rates'].values()
            assert granted == min(max(rate, SLOWEST), 10)
            for _ in range(3):
                server.gateway.publish(event('telemetry.realtime'))
                await peer.send('subscribe', events=['telemetry.realtime'], rate=rate)


async def test_above_the_servers_limit_state_thins_out_and_events_do_not(serving, event):
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


async def test_whoever_had_to_wait_for_the_servers_limit_goes_first(serving, event):
    async with serving(max_deliveries=20, rates={'telemetry.realtime': 0}) as server:
        for _ in range(4):
            await server.enter('telemetry.realtime')
        server.gateway.publish(event('telemetry.realtime'))
        assert server.gateway.stats().deliveries == 2
        time.sleep(0.2)  # the limit recovers while nobody can be served
        server.gateway.publish(event('telemetry.realtime'))
        assert server.gateway.stats().deliveries == 2
        await server.until(lambda: server.gateway.stats().deliveries == 6)


# Other threads


async def test_events_from_another_thread_arrive_whole_and_in_order(serving, event):
    async with serving() as server:
        peer = await server.enter('safety.*')
        events = [event('safety.estop', estop_id=str(n)) for n in range(500)]
        thread = threading.Thread(
            target=lambda: [server.gateway.publish_threadsafe(each) for each in events]
        )
        thread.start()
        got = [(await peer.receive())['data']['estop_id'] for _ in range(500)]
        thread.join()
        assert got == [str(n) for n in range(500)]
    server.gateway.publish_threadsafe(events[0])  # after the end: nothing, and no error


# A reader that stops


async def raw_client(server, *events):
    """A client that does the handshake and auth and then never reads; its socket."""

    def shake():
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(('127.0.0.1', server.gateway.port))
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall(
            f'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'
            f'Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n'
            f'Sec-WebSocket-Version: 13\r\n\r\n'.encode()
        )
        while b'\r\n\r\n' not in sock.recv(1024):
            pass
        for message in ({'type': 'auth', 'token': server.token(), 'subscription': list(events)},):
            payload = json.dumps(message).encode()
            sock.sendall(b'\x81\xfe' + len(payload).to_bytes(2, 'big') + bytes(4) + payload)
        return sock

    return await asyncio.to_thread(shake)


def drain(sock, last=None):
    """Read to the end; when `last` has come, answer the close frame it is part of."""
    received = b''
    with sock:
        while data := sock.recv(65536):
            received += data
            if last is not None and last in received:
                last = None
                sock.sendall(b'\x88\x80' + bytes(4))
    return received


#: Close codes as they stand in a close frame, before their reason.
CODE_4408, CODE_4503 = b'\x11\x38nothing received', b'\x11\x97'


async def test_a_stuck_reader_is_cut_off_and_delays_nobody(serving, event):
    async with serving(outbox_age=0.5) as server:
        stuck = await raw_client(server, '*')
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
        received = await asyncio.to_thread(drain, stuck, CODE_4503)
        assert b'WS-010' in received
        assert CODE_4503 in received[received.index(b'WS-010') :]
        await server.until(lambda: server.gateway.stats().connections == 1)


async def test_an_overflow_is_cut_off_too(serving, event):
    async with serving(outbox_capacity=20) as server:
        stuck = await raw_client(server, '*')
        await server.until(lambda: server.gateway.stats().clients == 1)
        for number in range(2000):
            server.gateway.publish(event('safety.estop', estop_id=f'{number}-' + 'x' * 2000))
            if server.gateway.stats().slow_consumers:
                break
        received = await asyncio.to_thread(drain, stuck, CODE_4503)
        assert b'messages are queued, at most 20' in received


async def test_a_stop_overtakes_what_waits_for_a_slow_reader(serving, event):
    async with serving(outbox_age=60) as server:
        stuck = await raw_client(server, '*')
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
        reading = asyncio.create_task(asyncio.to_thread(drain, stuck))
        await server.until(lambda: len(client.sender.outbox) == 0)
        await server.gateway.close()
        received = await reading
        after_stop = received[received.index(b'"now"') :].count(b'mission.started')
        assert waiting > 50
        assert after_stop >= waiting


async def test_a_stuck_reader_of_the_state_class_holds_one_value(serving, event):
    """State class alone never makes a slow consumer, and never piles up."""
    async with serving(rates={'telemetry.realtime': 0}, max_deliveries=0) as server:
        stuck = await raw_client(server, 'telemetry.realtime')
        await server.until(lambda: server.gateway.stats().clients == 1)
        (client,) = server.gateway.clients
        for _ in range(5000):
            server.gateway.publish(event('telemetry.realtime'))
        assert client.connection.write_paused
        assert len(client.sender.outbox) == 1
        assert client.connection.transport.get_write_buffer_size() < 64 * 1024
        assert server.gateway.stats().replaced > 1000
        stuck.close()


async def test_ready_made_frames_and_the_librarys_own_keep_out_of_each_others_way(serving, event):
    """The transport is written to beside the library: pings, pongs and events must interleave."""
    async with serving(
        ping_interval=0.005, commands_per_second=1e4, command_burst=10_000
    ) as server:
        peer = await server.enter('safety.*')
        for number in range(200):
            server.gateway.publish(event('safety.estop', estop_id=str(number)))
            pong = await peer.websocket.ping()
            await peer.send('ping')
            assert (await peer.receive('safety.estop'))['data']['estop_id'] == str(number)
            await asyncio.wait_for(pong, 10)
            await asyncio.sleep(0.01)
        (client,) = server.gateway.clients
        assert client.connection.protocol.data_to_send() == []
        assert text_frame(b'{}') == b'\x81\x02{}'


async def test_compression_can_be_turned_on(serving, event):
    async with serving(compression=True) as server:
        peer = await server.connect(compression='deflate')
        await peer.send('auth', token=server.token(), subscription=['*'])
        server_event = event('safety.estop')
        await peer.receive('subscription.confirmed')
        server.gateway.publish(server_event)
        assert (await peer.receive())['type'] == 'safety.estop'
