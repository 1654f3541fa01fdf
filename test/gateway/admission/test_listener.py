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
"""Connections before authentication."""

import asyncio
import contextlib
import errno
import socket
import struct

import pytest

from oht50_bridge.gateway.admission import listener
from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.config import GatewayConfig


def connect_from(address, port):
    """A connection from an address of the loopback."""
    return socket.create_connection(('127.0.0.1', port), 10, source_address=(address, 0))


async def test_the_oldest_connection_of_the_busiest_address_is_closed_for_a_new_one(serving):
    async with serving(max_unauthenticated=4) as server:
        port = server.gateway.port
        lone = connect_from('127.0.0.9', port)
        many = [connect_from('127.0.0.2', port) for _ in range(8)]
        await server.until(lambda: server.gateway.stats().refused == {'unauthenticated': 5})
        for sock, gone in [
            (lone, False),
            *((sock, number < 5) for number, sock in enumerate(many)),
        ]:
            sock.setblocking(False)
            if gone:
                assert sock.recv(1) == b''
            else:
                with pytest.raises(BlockingIOError):
                    sock.recv(1)
            sock.close()


async def test_unauthenticated_connections_take_no_place_of_clients(serving, event):
    async with serving(max_unauthenticated=2, max_connections=3) as server:
        peers = [await server.enter('safety.*') for _ in range(2)]
        assert server.gateway.stats().unauthenticated == 0
        unauthenticated = [await server.connect() for _ in range(6)]
        peers.append(
            await server.enter('safety.*')
        )  # the unauthenticated hold no place of the three
        server.gateway.publish(event('safety.estop'))
        for peer in peers:
            assert (await peer.receive())['type'] == 'safety.estop'
        assert server.gateway.stats().unauthenticated <= 2
        assert (await unauthenticated[0].ended())[0] == 1013


async def test_a_connection_that_authenticates_just_before_its_eviction_stays_open(serving):
    async with serving() as server:
        peer = await server.enter()
        (client,) = server.gateway.clients
        client._evict()  # decided before, and done when its turn had come
        assert await peer.barrier() == []


async def test_a_host_name_with_two_addresses_listens_on_both_with_one_port(serving):
    async with serving(host='localhost') as server:
        for address in {entry[4][0] for entry in socket.getaddrinfo('localhost', None)}:
            socket.create_connection((address, server.gateway.port), 10).close()


async def test_a_frame_does_not_wait_until_the_one_before_it_is_acknowledged(serving):
    async with serving() as server:
        await server.enter('safety.*')
        (client,) = server.gateway.clients
        sock = client.connection.transport.get_extra_info('socket')
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_port_in_use_is_an_error_and_leaves_no_socket_open(serving):
    async with serving() as server:
        other = serving()
        object.__setattr__(other.gateway.config, 'port', server.gateway.port)
        with pytest.raises(OSError, match='in use'):
            await other.gateway.start()


async def test_a_reused_client_port_belongs_to_the_new_connection(serving):
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


class Exhausted(socket.socket):
    """A listening socket of a process without a descriptor for one more."""

    def accept(self):
        raise OSError(errno.EMFILE, 'Too many open files')


async def test_that_no_descriptor_is_left_is_reported_once_in_a_while(caplog, monkeypatch):
    monkeypatch.setattr(listener, 'EXHAUSTED_PAUSE', 0.0)
    own = listener.Listener(GatewayConfig(port=0), None, None, lambda *_: None, Answers(False))
    with Exhausted() as exhausted:
        for _ in range(100):
            own._accept(exhausted)
            own._timers.pop(exhausted).cancel()
    own.close()
    own.handoff.close()
    (record,) = [each for each in caplog.records if 'accepted' in each.getMessage()]
    assert 'LimitNOFILE' in record.getMessage()


async def test_a_connection_for_which_no_memory_is_left_is_refused(serving, caplog, monkeypatch):
    async with serving() as server:
        with monkeypatch.context() as patched:
            patched.setattr(listener, 'MAX_HELLO', 1 << 62)
            with connect_from('127.0.0.2', server.gateway.port) as sock:
                sock.send(b'GET')
                await server.until(lambda: server.gateway.stats().refused == {'memory': 1})
                with contextlib.suppress(ConnectionResetError):
                    assert sock.recv(1) == b''
        await server.enter()
    assert not [each for each in caplog.records if each.levelname == 'ERROR']
