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
"""The bridge of the scenarios: a gateway in a process, driven by lines of JSON.

A line on the standard input is an act, the line on the standard output is its answer. The vehicle
behind the gateway does what it is ordered, and stops when it is stopped.
"""

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'test')]

from gateway.serving import SECRET  # noqa: E402
from gateway.serving import Serving  # noqa: E402
from gateway.serving import make_event  # noqa: E402

from oht50_bridge.gateway.auth.keys import Key  # noqa: E402
from oht50_bridge.gateway.auth.revocations import Revocations  # noqa: E402
from oht50_bridge.gateway.auth.tokens import TokenAuthority  # noqa: E402
from oht50_bridge.gateway.commands import CommandOutcome  # noqa: E402


def filled(value, number):
    """Return a value with `{n}` in its texts replaced by a number."""
    if isinstance(value, str):
        return value.replace('{n}', str(number))
    if isinstance(value, dict):
        return {key: filled(inner, number) for key, inner in value.items()}
    return value


class Bridge:
    """A gateway that can be started anew."""

    def __init__(self):
        self.server = None
        self._answers = {}
        self._seen = []
        self._stops = 0
        self._others = []

    async def handle(self, command, caller):
        """Answer a command as the vehicle would."""
        self._seen.append(command.type)
        answer = self._answers.get(command.type, {})
        if answer.get('silent'):
            await asyncio.Event().wait()
        data = answer.get('data', {})
        accepted, message = answer.get('accepted', True), answer.get('message', 'done')
        if command.type == 'emergency_stop' and accepted:
            self._stops += 1
            data = {'estop_id': f'estop-{self._stops}'}
            self.server.gateway.publish(make_event('safety.estop', trigger_type='remote', **data))
        return CommandOutcome(accepted, message, data)

    async def act(self, name, **fields):
        """Do what is asked for; return what is to be answered."""
        return await getattr(self, f'act_{name}')(**fields)

    async def act_start(self, settings):
        """Serve, with the settings of a GatewayConfig and the life of access tokens, s."""
        await self.act_shutdown()
        settings = dict(settings)
        life = settings.pop('access_life', 900.0)
        authority = TokenAuthority([Key('HS256', SECRET)], access_life=life)
        self._answers, self._seen, self._stops = {}, [], 0
        # A failed authentication is answered at once.
        settings = {'failure_delay': 0.0, **settings}
        self.server = Serving(authority=authority, handler=self.handle, **settings)
        await self.server.__aenter__()
        return {'port': self.server.gateway.port}

    async def act_shutdown(self):
        """Close the gateway, which closes its connections with 1001."""
        server, self.server = self.server, None
        if server is not None:
            # Only the gateway may say why a connection ends, also to the others.
            await server.gateway.close()
            with contextlib.suppress(OSError):
                await server.__aexit__()
        self._others = []
        return {}

    async def act_token(self, role='operator', subject='ann'):
        """Return a new pair of tokens."""
        pair = self.server.authority.issue(subject, role)
        return {'token': pair.access, 'refresh_token': pair.refresh}

    async def act_revoke(self, subject='ann'):
        """Revoke all tokens of a subject that were issued until now."""
        self.server.authority.use_revocations(Revocations(subjects={subject: time.time()}))
        return {}

    async def act_occupy(self, count):
        """Connect other clients."""
        for number in range(count):
            self._others.append(await self.server.enter(subject=f'other-{number}'))
        return {}

    async def act_leave(self):
        """End the connections of other clients."""
        for peer in self._others:
            await peer.websocket.close()
        self._others = []
        await self.server.until(lambda: self.server.gateway.stats().clients == 0)
        return {}

    async def act_answer(self, command, **answer):
        """Determine how the vehicle answers a command from now on."""
        self._answers[command] = answer
        return {}

    async def act_publish(self, type, data=None, count=1, first=1, timestamp=None):
        """Publish events like the example of the specification."""
        for number in range(first, first + count):
            event = make_event(type, **filled(data or {}, number))
            if timestamp is not None:
                event = event.model_copy(update={'timestamp': timestamp})
            self.server.gateway.publish(event)
        return {}

    async def act_seen(self, command, at_least=0, within=10.0):
        """Return how often the vehicle was given a command, after waiting for some."""
        deadline = time.monotonic() + within
        while self._seen.count(command) < at_least and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return {'count': self._seen.count(command)}

    async def act_clients(self, count, within=10.0):
        """Return how many clients are authenticated, after waiting for that number."""
        deadline = time.monotonic() + within
        while self.server.gateway.stats().clients != count and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return {'count': self.server.gateway.stats().clients}


async def main():
    """Act until the standard input ends."""
    bridge = Bridge()
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        request = json.loads(line)
        try:
            answer = {'ok': True, **await bridge.act(request.pop('act'), **request)}
        except Exception as error:
            answer = {'ok': False, 'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(answer), flush=True)
    await bridge.act_shutdown()


if __name__ == '__main__':
    asyncio.run(main())
