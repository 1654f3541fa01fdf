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

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from gateway.serving import masked_frame

from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.registry import Registry
from oht50_bridge.gateway.session import SessionState


async def test_a_client_beyond_the_limit_is_refused_and_closed_1013(serving):
    async with serving(max_connections=3) as server:
        peers = [await server.enter() for _ in range(3)]
        peer = await server.connect()
        await peer.send('auth', token=server.token())
        code, _, (error,) = await peer.ended()
        assert (code, error['error_code'], error['temporary']) == (1013, 'WS-007', True)
        await peers[0].websocket.close()
        await server.until(lambda: server.gateway.stats().connections == 2)
        await server.enter()


@pytest.mark.parametrize(
    ('role', 'done'), [('operator', ['emergency_stop']), ('viewer', []), ('nobody', [])]
)
async def test_who_finds_no_place_may_still_stop(serving, role, done):
    async with serving(max_connections=1) as server:
        await server.enter()
        peer = await server.connect()
        token = 'none' if role == 'nobody' else server.token(role)
        messages = [{'type': 'auth', 'token': token}, {'type': 'emergency_stop'}]
        peer.websocket.transport.write(b''.join(map(masked_frame, messages)))
        code, _, _ = await peer.ended()
        await server.until(lambda: server.gateway.stats().connections == 1)
        assert code == (4401 if role == 'nobody' else 1013)
        assert [command.type for command, _ in server.commands] == done


@dataclass(eq=False)
class OpenSocket:
    """A WebSocket as the registry knows it."""

    address: str
    session: SimpleNamespace


def registry_of(config, *states, address='192.0.2.1'):
    registry = Registry(config)
    for state in states:
        registry.add(OpenSocket(address, SimpleNamespace(state=state)))
    return registry


def test_only_authenticated_clients_count_as_clients():
    registry = registry_of(
        GatewayConfig(), SessionState.ACTIVE, SessionState.AUTHENTICATING, SessionState.CLOSED
    )
    assert (registry.authenticated_count, registry.open_count) == (1, 2)


def test_a_removed_client_counts_no_more():
    registry = Registry(GatewayConfig(max_connections=1))
    client = OpenSocket('192.0.2.1', SimpleNamespace(state=SessionState.ACTIVE))
    registry.add(client)
    assert registry.full('192.0.2.1') == '1 connections are open'
    registry.remove(client)
    registry.remove(client)
    assert registry.full('192.0.2.1') is None


def test_clients_of_one_address_have_a_limit_of_their_own():
    registry = registry_of(
        GatewayConfig(address_connections=2), SessionState.ACTIVE, SessionState.ACTIVE
    )
    assert registry.full('192.0.2.1') == '2 connections of this address are open'
    assert registry.full('192.0.2.2') is None


def test_unauthenticated_connections_take_no_place_of_clients():
    registry = registry_of(
        GatewayConfig(max_connections=2, address_connections=1), *[SessionState.AUTHENTICATING] * 9
    )
    assert registry.full('192.0.2.1') is None
