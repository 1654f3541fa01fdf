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

import psutil
import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidURI

from oht50_bridge.client.link import FRAMES_AT_ONCE
from oht50_bridge.client.link import Link
from oht50_bridge.client.link import check_url


class Owner:
    """Keeps what a link reports."""

    def __init__(self):
        self.reports = []
        self.changed = asyncio.Event()

    def link_opened(self, generation):
        self.add('opened', generation)

    def link_received(self, generation, frame):
        self.add('received', generation, frame)

    def link_lost(self, generation, code, error):
        self.add('lost', generation, code, type(error).__name__)

    def add(self, *report):
        self.reports.append(report)
        self.changed.set()

    async def count(self, number):
        while len(self.reports) < number:
            self.changed.clear()
            await self.changed.wait()


async def echo(connection):
    async for text in connection:
        if text == 'close':
            await connection.close(4503, 'slow')
            return
        await connection.send(text)


def url_of(server):
    return f'ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/'


async def test_frames_go_both_ways_until_the_peer_closes():
    async with serve(echo, '127.0.0.1', 0) as server:
        owner = Owner()
        link = Link(url_of(server), 7, owner)
        link.send('before it is open')
        await owner.count(2)
        link.send('close')
        await owner.count(3)
        assert owner.reports == [
            ('opened', 7),
            ('received', 7, 'before it is open'),
            ('lost', 7, 4503, 'ConnectionClosedError'),
        ]
        await link.task


async def test_others_have_their_turn_while_many_frames_are_there():
    async def flood(connection):
        for number in range(2000):
            await connection.send(str(number))

    class Slow(Owner):
        def add(self, *report):
            super().add(*report)
            turns.append('frame')

    async def other():
        while len(owner.reports) < 2000:
            turns.append('turn')
            await asyncio.sleep(0)

    turns, owner = [], Slow()
    async with serve(flood, '127.0.0.1', 0) as server:
        link = Link(url_of(server), 1, owner)
        await other()
        await link.task
    longest = max(map(len, ''.join(turns).split('turn'))) // len('frame')
    assert longest <= 2 * FRAMES_AT_ONCE


async def test_nothing_is_reported_after_it_was_closed_here():
    codes = []

    async def handler(connection):
        await connection.send('one')
        await connection.wait_closed()
        codes.append((connection.close_code, connection.close_reason))

    async with serve(handler, '127.0.0.1', 0) as server:
        owner = Owner()
        link = Link(url_of(server), 1, owner)
        await owner.count(2)
        link.close(4000, 'not a message')
        await asyncio.wait([link.task])
        assert len(owner.reports) == 2
    assert codes == [(4000, 'not a message')]


async def test_a_link_that_is_closed_before_it_is_open_leaves_nothing():
    async with serve(echo, '127.0.0.1', 0) as server:
        owner = Owner()
        for pause in (False, True):
            link = Link(url_of(server), 1, owner)
            if pause:
                await asyncio.sleep(0)
            link.close(1000, '')
            await asyncio.wait([link.task])
        assert owner.reports == []


async def test_a_peer_that_does_not_answer_the_close_frame_is_left():
    held = asyncio.Event()

    async def deaf(connection):
        connection.transport.pause_reading()
        await held.wait()
        connection.transport.abort()

    async with serve(deaf, '127.0.0.1', 0) as server:
        owner = Owner()
        link = Link(url_of(server), 1, owner)
        await owner.count(1)
        link.close(1000, '')
        await asyncio.wait([link.task])
        port = server.sockets[0].getsockname()[1]
        connections = psutil.Process().net_connections()
        assert [each for each in connections if port in each.raddr[1:]] == []
        held.set()


async def test_a_peer_that_does_not_finish_the_handshake_is_left():
    held = asyncio.Event()

    async def accept(reader, writer):
        await held.wait()
        writer.close()

    server = await asyncio.start_server(accept, '127.0.0.1', 0)
    async with server:
        link = Link(url_of(server), 1, Owner())
        await asyncio.sleep(0.01)
        link.close(1000, '')
        await asyncio.wait_for(asyncio.wait([link.task]), 10)
        held.set()


@pytest.mark.parametrize('port', [9])
async def test_what_cannot_be_opened_is_lost(port):
    owner = Owner()
    Link(f'ws://127.0.0.1:{port}/', 3, owner)
    await owner.count(1)
    (report,) = owner.reports
    assert report[:3] == ('lost', 3, None)


def test_addresses():
    check_url('ws://127.0.0.1:8000/ws/telemetry')
    check_url('wss://[::1]/x')
    for url in ('http://127.0.0.1/', 'ws://', 'ws://h:99999', f'ws://{"a" * 64}', 'nothing'):
        with pytest.raises(InvalidURI):
            check_url(url)
