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
"""A TCP proxy between a browser and a bridge that can hold back what goes over WebSockets."""

import asyncio
import contextlib
import threading

HEAD = b'\r\n\r\n'


class _Link:
    """A connection of a browser."""

    def __init__(self, writers, held):
        self.writers = writers
        self.flows = {direction: asyncio.Event() for direction in ('down', 'up')}
        for direction, flow in self.flows.items():
            if direction not in held:
                flow.set()


class Proxy:
    """Passes connections to its port on to another port of the loopback, in a thread of its own.

    Attributes:
        port: it listens there.
        opened: how many WebSockets browsers have opened.

    """

    def __init__(self, target):
        self._target = target
        self._links = []
        self._held = set()
        self._delay = 0.0  # s
        self.opened = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, '127.0.0.1', 0))
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def origin(self):
        """The address of the page."""
        return f'http://127.0.0.1:{self.port}'

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def hold(self, *directions, new=False):
        """Hold back what goes `up` to the bridge and `down` to the browser.

        With `new` also in WebSockets that are opened later; others are passed on.
        """

        async def act():
            for link in self._links:
                for direction in directions:
                    link.flows[direction].clear()
            if new:
                self._held |= set(directions)

        self._run(act())

    def release(self):
        """Pass on what was held back."""

        async def act():
            self._held.clear()
            for link in self._links:
                for flow in link.flows.values():
                    flow.set()

        self._run(act())

    def delay(self, seconds):
        """Let what goes to the browser over WebSockets wait so long."""
        self._delay = seconds

    def cut(self):
        """End all WebSockets without a close frame, with what was held back."""

        async def act():
            for link in self._links:
                for writer in link.writers:
                    writer.transport.abort()
                for flow in link.flows.values():
                    flow.set()
            self._links.clear()

        self._run(act())

    def close(self):
        """End it."""
        self.cut()

        async def act():
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._run(act())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _serve(self, reader, writer):
        writers = [writer]
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(HEAD)
            up_reader, up_writer = await asyncio.open_connection('127.0.0.1', self._target)
            writers.append(up_writer)
            is_socket = b'upgrade: websocket' in head.lower()
            link = _Link(writers, self._held if is_socket else ())
            if is_socket:
                self.opened += 1
                self._links.append(link)
            up_writer.write(head)
            pumps = [
                asyncio.ensure_future(self._pump(reader, up_writer, link.flows['up'])),
                asyncio.ensure_future(
                    self._pump(up_reader, writer, link.flows['down'], is_socket)
                ),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        for each in writers:
            each.close()

    async def _pump(self, reader, writer, flow, may_wait=False):
        while data := await reader.read(65536):
            await flow.wait()
            if may_wait and self._delay:
                await asyncio.sleep(self._delay)
            writer.write(data)
            await writer.drain()
