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
"""Clients on real sockets: authentication, roles, subscriptions, tokens, resumption."""

import asyncio
import json
import time

import pytest
from gateway.serving import CODE_4408
from gateway.serving import SECRET
from gateway.serving import masked_frame
from gateway.serving import read_to_end
from gateway.serving import silent_client

from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.history import KEPT_READY


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


async def test_a_command_before_auth_is_refused(serving):
    async with serving() as server:
        peer = await server.connect()
        await peer.send('subscribe', events=['*'], request_id='r1')
        error = await peer.receive()
        assert (error['error_code'], error['request_id']) == ('WS-008', 'r1')
        await peer.send('auth', token=server.token())
        assert (await peer.receive())['type'] == 'connection.established'


@pytest.mark.parametrize('token', ['nonsense', 'expired', 'refresh', 'forged'])
async def test_an_invalid_token_is_reported_and_closed_4401(serving, token):
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


async def test_a_client_that_does_not_answer_pings_is_closed_4408(serving):
    async with serving(idle_timeout=0.6, ping_interval=0.1) as server:
        peer = await server.enter()
        deaf = await silent_client(server)
        await server.until(lambda: server.gateway.stats().connections == 1)
        await peer.barrier()  # its library answers pings
        assert CODE_4408 in await asyncio.to_thread(read_to_end, deaf, CODE_4408)


@pytest.mark.parametrize(
    ('cause', 'closed'),
    [
        ([{'type': 'ping', 'request_id': 'x' * 100}] * 60, 4429),
        ([{'type': 'ping', 'x': 'x' * 17_000}], 1009),
        ([{'type': 'auth', 'token': 'none'}], 4401),
    ],
)
async def test_a_stop_behind_what_ends_the_connection_is_carried_out(serving, cause, closed):
    async with serving() as server:
        peer = await server.enter()
        frames = map(masked_frame, [*cause, {'type': 'emergency_stop'}, {'type': 'get_config'}])
        peer.websocket.transport.write(b''.join(frames))
        code, _, _ = await peer.ended()
        await server.until(lambda: not server.gateway.stats().connections)
    assert code == closed
    assert [command.type for command, _ in server.commands] == ['emergency_stop']


async def test_a_ping_on_a_closing_connection_is_not_logged(serving, caplog):
    async with serving() as server:
        peer = await server.enter()
        (client,) = server.gateway.clients
        await peer.websocket.close()
        await server.until(lambda: server.gateway.stats().connections == 0)
        await client._ping()
    assert caplog.records == []


async def test_an_unknown_event_type_is_reported_and_the_others_are_subscribed(serving):
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


async def test_no_event_is_sent_after_unsubscribe(serving, event):
    async with serving() as server:
        peer = await server.enter('safety.*', 'module.*')
        await peer.send('unsubscribe', events=['module.discovered'])
        assert (await peer.receive())['type'] == 'subscription.removed'
        server.gateway.publish(event('module.discovered'))
        server.gateway.publish(event('module.status_change'))
        assert [m['type'] for m in await peer.barrier()] == ['module.status_change']


async def test_the_role_decides_which_events_and_commands_are_allowed(serving, event):
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


async def test_events_queued_when_a_role_is_lowered_are_dropped(serving, event):
    async with serving() as server:
        peer = await server.enter('*')
        for n in range(7):
            server.gateway.publish(event('config.updated', config_id=str(n)))
        assert len(await peer.barrier()) == 5
        await peer.send('auth', token=server.token('viewer'))
        await peer.receive('auth.refreshed')
        assert server.gateway.stats().waiting == 0


async def test_invalid_messages_are_ws_004_and_the_session_continues(serving):
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


async def test_the_expiry_of_a_session_is_announced_and_a_new_token_extends_it(serving, event):
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
        assert (await peer.receive('auth.refreshed'))['data'] == fresh, 'it may have been lost'
        await peer.send('refresh_token', refresh_token=fresh['refresh_token'])
        newest = (await peer.receive('auth.refreshed'))['data']
        await peer.send('refresh_token', refresh_token=pair.refresh)
        assert (await peer.ended())[0] == 4401
        other = await server.enter()
        await other.send('refresh_token', refresh_token=newest['refresh_token'])
        assert (await other.ended())[0] == 4401


async def test_the_server_refreshes_a_session_by_its_stored_refresh_token(serving):
    async with serving(expiry_notice=14.995 * 60) as server:
        pair = server.authority.issue('ann', 'operator')
        peer = await server.connect()
        await peer.send('auth', token=pair.access, refresh_token=pair.refresh)
        await peer.receive('connection.established')
        first = (await peer.receive('auth.refreshed'))['data']
        second = (await peer.receive('auth.refreshed'))['data']
        assert first['refresh_token'] != second['refresh_token'] != pair.refresh


async def test_missed_events_are_replayed_completely_and_in_order(serving, event):
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
            ('safety.clear', None),  # the current state, sent on subscribing
            ('module.discovered', 2),
            ('safety.clear', 3),
            ('resume.result', None),
        ]
        assert seen[-1]['data'] == {'recovered': True, 'replayed': 2, 'epoch': epoch, 'seq': 4}
        server.gateway.publish(event('module.discovered'))
        assert (await peer.receive())['seq'] == 5


async def test_a_resumption_with_a_gap_is_reported_as_not_recovered(serving, event):
    async with serving(history=3) as server:
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


async def test_an_event_that_was_too_large_stops_no_resumption(serving, event):
    async with serving() as server:
        peer = await server.enter('config.updated', resume=True)
        epoch = peer.established['data']['epoch']
        server.gateway.publish(event('config.updated', changes={'a': 'x' * 17_000}))
        assert (await peer.receive())['error_code'] == 'WS-005'
        for _ in range(KEPT_READY + 1):
            server.gateway.publish(event('mission.started'))
        await peer.send('resume', epoch=epoch, after=0)
        *_, error, result = await peer.barrier()
        assert (error['error_code'], error['seq']) == ('WS-005', 1)
        assert result['data']['recovered'] is True


async def test_one_resumption_at_a_time(serving, event):
    async with serving() as server:
        for number in range(5000):
            server.gateway.publish(event('mission.started', mission_id=f'm{number}'))
        peer = await server.enter('mission.started', resume=True)
        ask = {'type': 'resume', 'epoch': peer.established['data']['epoch'], 'after': 0}
        peer.websocket.transport.write(b''.join(masked_frame(ask) for _ in range(3)))
        seen = await peer.barrier()
        assert [m.get('error_code') for m in seen if m['type'] == 'error'] == ['WS-003'] * 2
        assert [m['seq'] for m in seen if m['type'] == 'mission.started'] == list(range(1, 5001))
        # Now that it has ended, the next one may begin.
        await peer.send('resume', epoch=ask['epoch'], after=5000)
        assert (await peer.receive('resume.result'))['data']['replayed'] == 0


async def test_only_clients_that_can_resume_get_seq(serving, event):
    async with serving() as server:
        peer = await server.enter('*')
        server.gateway.publish(event('safety.estop'))
        assert 'seq' not in await peer.receive('safety.estop')
