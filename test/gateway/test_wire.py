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
"""The WebSocket layer, frame by frame: what RFC 6455 asks of a server."""

import asyncio
import contextlib
import json

import pytest
from gateway.wire import BINARY
from gateway.wire import CLOSE
from gateway.wire import CONTINUATION
from gateway.wire import PING
from gateway.wire import PONG
from gateway.wire import REQUEST
from gateway.wire import TEXT
from gateway.wire import frame

PONG_OF_TEST = {'type': 'pong', 'request_id': 'ế'}
ASK = json.dumps({'type': 'ping', 'request_id': 'ế'}, ensure_ascii=False).encode()


class Wire:
    """An authenticated connection, frames as bytes."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def write(self, data):
        self.writer.write(data)

    async def read(self):
        """The next frame: opcode and payload; None at the end."""
        try:
            head = await asyncio.wait_for(self.reader.readexactly(2), 10)
        except asyncio.IncompleteReadError:
            return None
        assert head[0] & 0xF0 == 0x80 and not head[1] & 0x80  # final, not masked
        size = head[1]
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), 'big')
        return head[0] & 15, await self.reader.readexactly(size)

    async def answer(self):
        """The next text message."""
        opcode, payload = await self.read()
        assert opcode == TEXT
        return json.loads(payload)

    async def close_code(self):
        """The code of the close frame that comes next, and then the end."""
        opcode, payload = await self.read()
        assert opcode == CLOSE, payload
        self.write(frame(CLOSE, payload[:2]))
        assert await self.read() is None
        return int.from_bytes(payload[:2], 'big')


@pytest.fixture
def wire(serving):
    @contextlib.asynccontextmanager
    async def connect():
        async with serving() as server:
            reader, writer = await asyncio.open_connection('127.0.0.1', server.gateway.port)
            writer.write(REQUEST)
            await asyncio.wait_for(reader.readuntil(b'\r\n\r\n'), 10)
            peer = Wire(reader, writer)
            peer.write(frame(TEXT, json.dumps({'type': 'auth', 'token': server.token()}).encode()))
            assert (await peer.answer())['type'] == 'connection.established'
            bystander = await server.enter()
            try:
                yield peer
                assert await bystander.barrier() == []
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    return connect


async def test_control_frames_between_fragments_are_answered_at_once(wire):
    """Fragments are cut within a character, too; an empty one is one."""
    cut = ASK.index('ế'.encode()) + 1
    async with wire() as peer:
        peer.write(frame(TEXT, ASK[:cut], final=False) + frame(PING, b'one'))
        assert await peer.read() == (PONG, b'one')
        peer.write(
            frame(CONTINUATION, b'', final=False) + frame(PONG, b'unasked') + frame(PING, b'two')
        )
        assert await peer.read() == (PONG, b'two')
        peer.write(frame(CONTINUATION, ASK[cut:]))
        assert PONG_OF_TEST.items() <= (await peer.answer()).items()


async def test_a_message_in_single_bytes_is_a_message(wire):
    async with wire() as peer:
        peer.write(frame(TEXT, b'', final=False))
        for byte in ASK:
            peer.write(frame(CONTINUATION, bytes([byte]), final=False))
        peer.write(frame(CONTINUATION, b''))
        assert PONG_OF_TEST.items() <= (await peer.answer()).items()


async def test_frames_may_come_byte_by_byte(wire):
    async with wire() as peer:
        for byte in frame(TEXT, ASK):
            peer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert PONG_OF_TEST.items() <= (await peer.answer()).items()


@pytest.mark.parametrize('size', [0, 1, 125])
async def test_a_ping_is_answered_with_its_payload(wire, size):
    async with wire() as peer:
        peer.write(frame(PING, b'\xff' * size))
        assert await peer.read() == (PONG, b'\xff' * size)


async def test_a_binary_message_is_reported_and_the_session_continues(wire):
    async with wire() as peer:
        peer.write(frame(BINARY, ASK[:3], final=False) + frame(CONTINUATION, ASK[3:]))
        assert (await peer.answer())['error_code'] == 'WS-004'
        peer.write(frame(TEXT, ASK))
        assert PONG_OF_TEST.items() <= (await peer.answer()).items()


@pytest.mark.parametrize(
    'frames',
    [
        frame(TEXT, b'\xff'),
        frame(TEXT, b'{"type":"\xc3\x28"}'),
        frame(TEXT, b'\xed\xa0\x80'),
        frame(TEXT, b'\xf4\x90\x80\x80'),
        frame(TEXT, b'\xc0\xaf'),
        frame(TEXT, b'{"type":', final=False) + frame(CONTINUATION, b'"\xff"}'),
        frame(TEXT, 'ế'.encode()[:2]),
    ],
    ids=['byte', 'sequence', 'surrogate', 'beyond', 'overlong', 'fragment', 'cut'],
)
async def test_text_that_is_not_utf_8_is_closed_1007(wire, frames):
    async with wire() as peer:
        peer.write(frames)
        assert await peer.close_code() == 1007


@pytest.mark.parametrize(
    'frames',
    [
        frame(TEXT, b'x' * 65_537),
        frame(TEXT, b'x', length=2**63 - 1),
        frame(TEXT, b'x', length=2**64 - 1),
        b''.join(
            [
                frame(TEXT, b'x' * 30_000, final=False),
                *[frame(CONTINUATION, b'x' * 30_000, final=False)] * 3,
            ]
        ),
    ],
    ids=['frame', 'announced', 'impossible', 'fragments'],
)
async def test_what_is_too_large_to_be_read_is_closed_1009(wire, frames):
    async with wire() as peer:
        peer.write(frames)
        assert await peer.close_code() == 1009


async def test_too_large_in_fragments_is_reported_too(wire):
    async with wire() as peer:
        peer.write(frame(TEXT, b'x' * 10_000, final=False) + frame(CONTINUATION, b'x' * 10_000))
        assert (await peer.answer())['error_code'] == 'WS-005'
        assert await peer.close_code() == 1009


@pytest.mark.parametrize(
    'frames',
    [
        frame(3, b''),
        frame(11, b''),
        frame(TEXT, ASK, reserved=4),
        frame(TEXT, ASK, reserved=1),
        frame(TEXT, ASK, masked=False),
        frame(CONTINUATION, ASK),
        frame(TEXT, ASK, final=False) + frame(TEXT, ASK),
        frame(PING, bytes(126)),
        frame(PING, b'', final=False),
        frame(CLOSE, b'\x03'),
        frame(CLOSE, b'\x03\xed'),
        frame(CLOSE, b'\x00\x00'),
    ],
    ids=[
        'opcode 3',
        'opcode 11',
        'rsv1',
        'rsv3',
        'unmasked',
        'lone continuation',
        'interrupted',
        'large ping',
        'cut ping',
        'short close',
        'close 1005',
        'close 0',
    ],
)
async def test_what_breaks_the_framing_is_closed_1002(wire, frames):
    async with wire() as peer:
        peer.write(frames)
        assert await peer.close_code() == 1002


@pytest.mark.parametrize(('sent', 'code'), [(b'\x03\xe8bye', 1000), (b'\x0b\xb8', 3000)])
async def test_a_close_is_answered_with_its_code(wire, sent, code):
    async with wire() as peer:
        peer.write(frame(CLOSE, sent))
        assert await peer.close_code() == code


async def test_nothing_after_a_close_counts(wire):
    async with wire() as peer:
        peer.write(frame(CLOSE, b'\x03\xe8') + frame(TEXT, ASK) + frame(PING, b'x'))
        assert await peer.close_code() == 1000
