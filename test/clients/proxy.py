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
"""A TCP proxy between clients and a bridge that can hold bytes back, cut and close.

It knows where a frame of the bridge ends, so what it adds of its own stands between two frames.
"""

import asyncio
import contextlib
import socket
import struct

CLOSE = 8  # opcode
TEXT = 1
ANSWERED = 2.0  # s, in which a client answers a close frame


def frame(opcode, payload):
    """Return a frame of the bridge."""
    if len(payload) < 126:
        return bytes([0x80 | opcode, len(payload)]) + payload
    return bytes([0x80 | opcode, 126]) + len(payload).to_bytes(2, 'big') + payload


class Frames:
    """Cuts a stream of bytes into the head of HTTP and frames, each whole."""

    def __init__(self):
        self._bytes = bytearray()
        self._in_head = True

    def feed(self, data):
        """Yield opcode (None: the head), payload and all bytes of each frame that is complete."""
        self._bytes += data
        while True:
            size, start, mask = self._next()
            if size is None or len(self._bytes) < size:
                return
            whole = bytes(self._bytes[:size])
            del self._bytes[:size]
            if self._in_head:
                self._in_head = False
                yield None, b'', whole
                continue
            payload = whole[start:]
            if mask is not None:
                payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload[:64]))
            yield whole[0] & 15, payload, whole

    def _next(self):
        """Return size, start of the payload and mask of the next frame; None: not known yet."""
        data = self._bytes
        if self._in_head:
            end = data.find(b'\r\n\r\n')
            return (None if end < 0 else end + 4), 0, None
        if len(data) < 2:
            return None, 0, None
        length, start = data[1] & 127, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None, 0, None
            length = int.from_bytes(data[2:start], 'big')
        mask = None
        if data[1] & 128:
            mask, start = bytes(data[start : start + 4]), start + 4
        return start + length, start, mask


class Link:
    """One connection of a client, and the one to the bridge that belongs to it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.upstream = None
        self.flowing = {'to_client': asyncio.Event(), 'to_bridge': asyncio.Event()}
        for event in self.flowing.values():
            event.set()
        self.frames = 0  # of the client
        self.client_code = None  # with which the client closed
        self.is_open = True
        self.is_closed_here = False

    def abort(self):
        """End both connections without a close frame."""
        self.is_open = False
        for writer in (self.writer, self.upstream):
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.get_extra_info('socket').setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)
                    )
                writer.transport.abort()
        for event in self.flowing.values():
            event.set()


class Proxy:
    """Passes connections to its port on to `target`, a port of the loopback."""

    def __init__(self):
        self.target = None
        self.port = 0
        self.links = []
        self._holds_new = set()
        self._server = None
        self._tasks = set()

    async def accept(self):
        """Listen; always on the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, '127.0.0.1', self.port, limit=4096
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self):
        """Accept no connection until `accept`."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def hold(self, directions, new):
        """Hold bytes back in the connections that are open, with `new` also in later ones."""
        for link in self.links:
            for direction in directions:
                link.flowing[direction].clear()
        if new:
            self._holds_new |= set(directions)

    def release(self):
        """Pass on what was held back."""
        self._holds_new.clear()
        for link in self.links:
            for event in link.flowing.values():
                event.set()

    def cut(self):
        """End all connections without a close frame."""
        for link in self.links:
            if link.is_open:
                link.abort()

    def reset(self):
        """Cut, and forget all that was."""
        self.cut()
        self.release()
        self.links = []

    def send(self, data):
        """Send bytes to all clients as if they came from the bridge."""
        for link in self.links:
            if link.is_open:
                link.writer.write(data)

    def close(self, code, reason):
        """Close all connections with a close frame, as the bridge does."""
        self.send(frame(CLOSE, code.to_bytes(2, 'big') + reason.encode()))
        for link in self.links:
            if link.is_open:
                link.is_closed_here = True
                link.upstream.transport.abort()

    async def _serve(self, reader, writer):
        link = Link(reader, writer)
        self.links.append(link)
        for direction in self._holds_new:
            link.flowing[direction].clear()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._pass_on(link)
        if link.is_closed_here:
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(reader.read(1), ANSWERED)
        link.abort()

    async def _pass_on(self, link):
        up_reader, link.upstream = await asyncio.open_connection(
            '127.0.0.1', self.target, limit=4096
        )
        link.upstream.get_extra_info('socket').setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 16384
        )
        pumps = [
            asyncio.ensure_future(self._pump(link, link.reader, link.upstream, 'to_bridge')),
            asyncio.ensure_future(self._pump(link, up_reader, link.writer, 'to_client')),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, link, reader, writer, direction):
        frames = Frames()
        while True:
            await link.flowing[direction].wait()
            data = await reader.read(65536)
            await link.flowing[direction].wait()
            if not data:
                return
            for opcode, payload, whole in frames.feed(data):
                if direction == 'to_bridge' and opcode is not None:
                    link.frames += 1
                    if opcode == CLOSE:
                        link.client_code = int.from_bytes(payload[:2], 'big') or 1005
                writer.write(whole)
            await writer.drain()
