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
"""Runs a bridge and a proxy before it for the scenarios of clients (README.md).

A line of JSON on the standard input is an act, the line on the standard output its answer.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
from pathlib import Path

from proxy import TEXT
from proxy import Proxy
from proxy import frame

BRIDGE = Path(__file__).resolve().with_name('bridge.py')
DIRECTIONS = {'both': ('to_client', 'to_bridge')}


class Controller:
    """The acts on the proxy and on the process of the bridge; the others go to the bridge."""

    def __init__(self):
        self.proxy = Proxy()
        self._process = None
        self._settings = {}

    async def open(self):
        """Listen, and return the address for clients."""
        await self.proxy.accept()
        return {'ok': True, 'url': f'ws://127.0.0.1:{self.proxy.port}/ws/telemetry'}

    async def close(self):
        """End the bridge."""
        self.proxy.reset()
        if self._process is not None:
            self._process.stdin.close()
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
            await self._process.wait()

    async def act(self, name, **fields):
        """Do what is asked for; return the answer."""
        own = getattr(self, f'act_{name}', None)
        if own is not None:
            return {'ok': True, **(await own(**fields) or {})}
        return await self._ask(name, **fields)

    async def _ask(self, name, **fields):
        if self._process is None:
            raise RuntimeError('the bridge does not run')
        self._process.stdin.write(json.dumps({'act': name, **fields}).encode() + b'\n')
        return json.loads(await self._process.stdout.readline())

    async def act_start(self, settings=None, fresh=False):
        """Start the bridge, with the settings of before if none are given."""
        if settings is not None:
            self._settings = settings
        if fresh:
            self.proxy.reset()
            await self.proxy.accept()
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(BRIDGE),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 20,
            )
        answer = await self._ask('start', settings=self._settings)
        if not answer['ok']:
            raise RuntimeError(answer['error'])
        self.proxy.target = answer['port']

    async def act_kill(self):
        """Kill the bridge."""
        process, self._process = self._process, None
        process.kill()
        await process.wait()

    async def act_freeze(self):
        """Stop the process of the bridge; its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    async def act_thaw(self):
        """Let the process of the bridge run on."""
        self._process.send_signal(signal.SIGCONT)

    async def act_accept(self):
        """Accept connections again."""
        await self.proxy.accept()

    async def act_refuse(self):
        """Refuse new connections."""
        await self.proxy.refuse()

    async def act_hold(self, direction='both', new=False):
        """Hold bytes back."""
        self.proxy.hold(DIRECTIONS.get(direction, (direction,)), new)

    async def act_release(self):
        """Pass on what was held back."""
        self.proxy.release()

    async def act_cut(self):
        """End all connections without a close frame."""
        self.proxy.cut()

    async def act_close(self, code, reason=''):
        """Close all connections with a code."""
        self.proxy.close(code, reason)

    async def act_frame(self, text):
        """Send a text frame to all clients."""
        self.proxy.send(frame(TEXT, text.encode()))

    async def act_connections(self, at_least=0, frames=0, open=None, within=10.0):
        """Return what is known of the connections of clients, after waiting for some."""
        deadline = time.monotonic() + within
        while True:
            links = self.proxy.links
            answer = {
                'total': len(links),
                'open': sum(link.is_open for link in links),
                'frames': sum(link.frames for link in links),
                'client_codes': [link.client_code for link in links if link.client_code],
            }
            if (
                answer['total'] >= at_least
                and answer['frames'] >= frames
                and open in (None, answer['open'])
            ) or time.monotonic() >= deadline:
                return answer
            await asyncio.sleep(0.01)


async def main():
    """Act until the standard input ends."""
    controller = Controller()
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    print(json.dumps(await controller.open()), flush=True)
    try:
        while line := await reader.readline():
            request = json.loads(line)
            number = request.pop('id', None)
            try:
                answer = await controller.act(request.pop('act'), **request)
            except Exception as error:
                answer = {'ok': False, 'error': f'{type(error).__name__}: {error}'}
            print(json.dumps({'id': number, **answer}), flush=True)
    finally:
        await controller.close()


if __name__ == '__main__':
    asyncio.run(main())
