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
"""The WebSocket connection on top of the library: input in slices, frames, log."""

import asyncio
import contextlib
import logging
import socket
import struct

import pytest
from gateway.serving import masked_frame
from gateway.serving import silent_client

from oht50_bridge.gateway.delivery import text_frame
from oht50_bridge.protocol.rates import TokenBucket

REQUEST = (
    b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'
    b'Connection: Upgrade\r\nSec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n'
    b'Sec-WebSocket-Version: 13\r\n\r\n'
)


async def test_commands_received_before_the_end_of_a_connection_are_carried_out(serving):
    """Auth, stop, gone: all of it in one piece, as a script does."""
    async with serving() as server:
        sock = await asyncio.to_thread(
            socket.create_connection, ('127.0.0.1', server.gateway.port)
        )
        sock.sendall(
            REQUEST
            + masked_frame({'type': 'auth', 'token': server.token()})
            + masked_frame({'type': 'emergency_stop'})
        )
        sock.shutdown(socket.SHUT_WR)
        await server.until(lambda: server.commands)
        sock.close()
    assert server.commands[0][0].type == 'emergency_stop'


@pytest.mark.parametrize('reset', [False, True])
async def test_a_stop_behind_other_commands_is_carried_out_when_its_sender_hangs_up(
    serving, reset
):
    commands = [{'type': 'ping', 'request_id': 'x' * 100}] * 12 + [{'type': 'emergency_stop'}]
    async with serving() as server:
        sock = await silent_client(server)
        await server.until(lambda: server.gateway.stats().clients)
        sock.sendall(b''.join(map(masked_frame, commands)))
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        sock.close()
        await server.until(lambda: server.commands)
        await server.until(lambda: not server.gateway.stats().connections)
    assert [command.type for command, _ in server.commands] == ['emergency_stop']


@pytest.mark.parametrize(
    'nonsense',
    [
        b'\x16\x03\x01\x02\x00\x01\r\n\r\n',
        b'GET /ws/telemetry HTTP/1.1\r\nHost',
        b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\n\r\n',
    ],
)
async def test_a_malformed_handshake_is_at_most_a_line_in_the_log(serving, caplog, nonsense):
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
def test_the_library_logs_a_traceback_of_our_defects_only(caplog, monkeypatch, words, whole):
    log = logging.getLogger('oht50_bridge.gateway.server.wire')
    # Earlier tests may have used up the limit.
    monkeypatch.setattr(log.filters[0], '_lines', TokenBucket(1.0, 1))
    try:
        raise ValueError('did not receive a valid HTTP request')
    except ValueError:
        log.error(words, exc_info=True)
    (record,) = caplog.records
    assert bool(record.exc_info) is whole
    assert record.levelname == ('ERROR' if whole else 'WARNING')
    assert whole or 'valid HTTP request' in record.getMessage()


async def test_pongs_to_a_lost_connection_are_not_logged(serving, caplog):
    async with serving() as server:
        sock = await silent_client(server)
        await server.until(lambda: server.gateway.stats().clients == 1)
        sock.sendall((b'\x89\x81' + bytes(4) + b'x') * 1000)
        sock.close()
        await server.until(lambda: server.gateway.stats().connections == 0)
    assert caplog.records == []


async def test_fragmented_messages_are_accepted(serving):
    async with serving() as server:
        peer = await server.enter()
        await peer.websocket.send(['{"type":', '"ping","request', '_id":"f"}'])
        assert (await peer.receive())['request_id'] == 'f'


@pytest.mark.parametrize(('size', 'reported'), [(16 * 1024 + 1, True), (200 * 1024, False)])
async def test_an_oversized_message_is_closed_1009(serving, size, reported):
    async with serving() as server:
        peer = await server.enter()
        await peer.websocket.send('x' * size)
        code, _, seen = await peer.ended()
        assert code == 1009
        assert [message['error_code'] for message in seen] == (['WS-005'] if reported else [])


async def test_shared_frames_and_control_frames_of_the_library_interleave(serving, event):
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


async def test_compression_can_be_enabled(serving, event):
    async with serving(compression=True) as server:
        peer = await server.connect(compression='deflate')
        await peer.send('auth', token=server.token(), subscription=['*'])
        server_event = event('safety.estop')
        await peer.receive('subscription.confirmed')
        server.gateway.publish(server_event)
        assert (await peer.receive())['type'] == 'safety.estop'
