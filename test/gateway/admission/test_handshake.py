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
"""HTTP requests: WebSocket, page or refusal."""

import asyncio
import ipaddress


async def test_clients_behind_a_trusted_proxy_have_separate_limits(serving):
    settings = {'address_handshakes': 0.01, 'address_handshake_burst': 2}

    async def statuses(server, clients):
        found = []
        for client in clients:
            reader, writer = await asyncio.open_connection('127.0.0.1', server.gateway.port)
            writer.write(
                f'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\r\n'.encode()
            )
            found.append((await asyncio.wait_for(reader.read(), 10))[9:12])
            writer.close()
        return found

    clients = ['192.0.2.1'] * 3 + ['192.0.2.2']
    trusted = (ipaddress.ip_network('127.0.0.1'),)
    async with serving(proxies=trusted, **settings) as server:
        assert await statuses(server, clients) == [b'200', b'200', b'429', b'200']
    async with serving(**settings) as server:
        assert (await statuses(server, clients))[2:] == [b'', b'']


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
