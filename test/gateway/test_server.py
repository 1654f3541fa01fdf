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
"""Start, shutdown and pages of the gateway."""

import asyncio
import contextlib
import json
import socket
import threading

import pytest
from gateway.serving import http_get
from websockets.exceptions import InvalidStatus


async def test_shutdown_closes_1001_and_leaves_no_task_or_thread(serving):
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


async def test_shutdown_does_not_wait_for_a_command_that_nothing_ends(serving):
    begun, released = asyncio.Event(), asyncio.Event()

    async def handler(command, caller):
        begun.set()
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    server = serving(handler=handler, command_timeout=30, shutdown_timeout=0.2)
    async with server:
        peer = await server.enter()
        await peer.send('get_config')
        await asyncio.wait_for(begun.wait(), 10)
        try:
            await asyncio.wait_for(server.gateway.close(), 10)
        finally:
            released.set()


async def test_pages_and_unknown_paths_are_answered(serving, event):
    async with serving(server_version='9.9') as server:
        await server.enter('*')
        server.gateway.publish(event('safety.estop'))
        port = server.gateway.port
        assert (await http_get(port, '/ws/telemetry'))[0] == 426
        assert (await http_get(port, '/elsewhere'))[0] == 404
        status, body = await http_get(port, '/healthz')
        assert (status, json.loads(body)['status'], json.loads(body)['version']) == (
            200,
            'ok',
            '9.9',
        )
        status, body = await http_get(port, '/metrics')
        assert status == 200
        assert b'oht50_gateway_clients 1.0' in body
        assert b'oht50_gateway_deliveries_total{type="safety.estop"} 1.0' in body
        with pytest.raises(InvalidStatus) as refused:
            await server.connect(f'ws://127.0.0.1:{port}/ws/other')
        assert refused.value.response.status_code == 404


async def test_healthz_and_metrics_count_authenticated_clients_alike(serving):
    async with serving() as server:
        await server.enter()
        await server.connect()
        await server.until(lambda: server.gateway.stats().connections == 2)
        _, body = await http_get(server.gateway.port, '/healthz')
        assert json.loads(body)['clients'] == 1
        _, body = await http_get(server.gateway.port, '/metrics')
        assert b'oht50_gateway_clients 1.0' in body
