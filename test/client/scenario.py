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
"""Runs the scenarios of test/clients with the Python client (test/clients/README.md)."""

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path

from oht50_bridge.client import BackoffLimits
from oht50_bridge.client import Client
from oht50_bridge.client import ClientError
from oht50_bridge.client import Denied
from oht50_bridge.client import Gap
from oht50_bridge.client import SlowReader
from oht50_bridge.client import Subscription
from oht50_bridge.client import Tokens

FOLDER = Path(__file__).resolve().parents[1] / 'clients'
SCENARIOS = json.loads((FOLDER / 'scenarios.json').read_text())
PATIENCE = 20.0  # s for a step
EXPECTED = 10.0  # s for a report


class Controller:
    """The process that runs bridge and proxy."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER / 'controller.py')],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = json.loads(self._process.stdout.readline())['url']

    def act(self, act):
        """Have something done and return the answer."""
        self._process.stdin.write(json.dumps(act) + '\n')
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer['ok'], f'{act}: {answer["error"]}'
        return answer

    def close(self):
        """End it."""
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._process.stdout.close()


def matches(pattern, value):
    """Return whether a value is as a pattern asks for."""
    if isinstance(pattern, dict):
        if '$any' in pattern:
            return value is not None
        if '$at_least' in pattern or '$at_most' in pattern:
            least, most = pattern.get('$at_least', value), pattern.get('$at_most', value)
            return isinstance(value, int | float) and least <= value <= most
        return isinstance(value, dict) and all(
            name in value and matches(inner, value[name]) for name, inner in pattern.items()
        )
    if isinstance(pattern, list):
        return (
            isinstance(value, list)
            and len(value) == len(pattern)
            and all(map(matches, pattern, value))
        )
    return value == pattern


def made(value):
    """Return a value with what stands for a long one replaced by it."""
    if isinstance(value, dict):
        if '$repeat' in value:
            text, times = value['$repeat']
            return text * times
        if '$numbers' in value:
            text, first, last = value['$numbers']
            return [text.replace('{n}', str(number)) for number in range(first, last + 1)]
        return {name: made(inner) for name, inner in value.items()}
    return value


def kind_of(error):
    """Return what an error is called in the scenarios."""
    if isinstance(error, asyncio.CancelledError):
        return {'kind': 'aborted'}
    if isinstance(error, Denied):
        return {'kind': 'denied'}
    if isinstance(error, SlowReader):
        return {'kind': 'slow_reader'}
    if isinstance(error, ClientError):
        code, temporary = getattr(error, 'code', None), getattr(error, 'temporary', None)
        return {'kind': error.outcome, 'code': code, 'temporary': temporary}
    raise error


def shown(item):
    """Return an item of an iterator as the scenarios write it."""
    return {'gap': {'recovered': False}} if isinstance(item, Gap) else item


class Run:
    """One scenario, with a client of its own."""

    def __init__(self, controller, scenario):
        self._controller = controller
        self._scenario = scenario
        self._options = dict(scenario.get('client', {}))
        self._role = self._options.pop('role', 'operator')
        self._supplies = self._options.pop('get_token', None)
        self._records = {}
        self._positions = {}
        self._changed = asyncio.Event()
        self._operations = {}
        self._streams = {}
        self._client = None

    async def run(self):
        """Carry out all steps."""
        bridge = self._scenario.get('bridge', {})
        await self._act({'act': 'start', 'settings': bridge, 'fresh': True})
        self._client = await self._make()
        for number, step in enumerate(self._scenario['steps'], 1):
            try:
                await asyncio.wait_for(self._step(dict(step)), PATIENCE)
            except Exception as error:
                states = [each['name'] for each in self._records.get('state', [])]
                raise AssertionError(
                    f'step {number}, {step}; states {states}: {error!r}'
                ) from error
        for operation in self._operations.values():
            operation.cancel()
        await asyncio.gather(*self._operations.values(), return_exceptions=True)
        await self._client.close()

    async def _act(self, act):
        return await asyncio.to_thread(self._controller.act, act)

    async def _make(self):
        options = self._options
        for name, make in (
            ('backoff', lambda given: BackoffLimits(first=given['first'], longest=given['max'])),
            (
                'subscriptions',
                lambda given: [
                    Subscription(tuple(each['events']), each.get('rate', 10.0)) for each in given
                ],
            ),
        ):
            if name in options:
                options[name] = make(options[name])
        if self._supplies is not None:
            options['get_token'] = self._supply
        elif options.get('token') != 'wrong':
            pair = await self._act({'act': 'token', 'role': self._role})
            options['token'] = pair['token']
            with_refresh = options.pop('refresh_token', False)
            options['refresh_token'] = pair['refresh_token'] if with_refresh else None
        client = Client(self._controller.url, **options)
        client.on('state', lambda state: self._note('state', vars(state)))
        client.on('*', lambda event: self._note('event', event))
        client.on('gap', lambda gap: self._note('gap', {'recovered': False}))
        client.on('role', lambda role: self._note('role', {'role': role}))
        client.on('tokens', lambda tokens: self._note('tokens', vars(tokens)))
        client.on('error', lambda error: self._note('error', {'message': str(error)}))
        return client

    async def _supply(self, reason):
        self._note('token', {'reason': reason})
        kind = self._supplies.pop(0) if len(self._supplies) > 1 else self._supplies[0]
        if kind == 'throw':
            raise OSError('the issuer of tokens cannot be reached')
        if kind in ('null', 'wrong'):
            return None if kind == 'null' else Tokens('wrong')
        role = self._role if kind == 'fresh' else kind
        return Tokens((await self._act({'act': 'token', 'role': role}))['token'])

    def _note(self, what, record):
        self._records.setdefault(what, []).append(record)
        self._changed.set()

    # Steps

    async def _step(self, step):
        kind = step.pop('step')
        check = getattr(self, f'_check_{kind}', None)
        if check is not None:
            await check(**step)
            return
        expect, name = step.pop('expect', None), step.pop('as', None)
        if kind == 'iterate':
            self._streams[name] = self._client.events(*step['events'])
            return
        work = getattr(self, f'_do_{kind}')(**step)
        if name is not None:
            self._operations[name] = asyncio.ensure_future(work)
            await asyncio.sleep(0)  # it begins before the next step does
            return
        await self._ends(work, expect)

    async def _ends(self, work, expect):
        try:
            value = {'ok': await work}
        except (Exception, asyncio.CancelledError) as error:
            value = {'error': kind_of(error)}
        if expect is None:
            assert 'error' not in value, value
        else:
            pattern = {'ok': None} if expect == {'ok': {}} and value == {'ok': None} else expect
            assert matches(pattern, value), value

    async def _do_connect(self):
        await self._client.connect()

    async def _do_close(self):
        await self._client.close()

    async def _do_retry(self):
        self._client.retry()

    async def _do_subscribe(self, events, rate=None):
        return await self._client.subscribe(*events, rate=rate)

    async def _do_unsubscribe(self, events):
        return await self._client.unsubscribe(*events)

    async def _do_call(self, command, fields=None, timeout=None):
        return await self._client.request(command, made(fields or {}), timeout)

    async def _do_stop(self, reason='', **options):
        return vars(await self._client.stop(reason, **options))

    async def _do_read(self, of, count):
        stream = self._streams[of]
        return {'items': [shown(await anext(stream)) for _ in range(count)]}

    async def _check_result(self, of, expect=None):
        await self._ends(self._operations.pop(of), expect)

    async def _check_abort(self, of):
        self._operations[of].cancel()

    async def _check_act(self, act, expect=None):
        answer = await self._act(act)
        assert expect is None or matches(expect, answer), answer

    async def _check_expect(self, what, match):
        async def find():
            while True:
                records = self._records.get(what, [])
                for position in range(self._positions.get(what, 0), len(records)):
                    if matches(match, records[position]):
                        self._positions[what] = position + 1
                        return
                self._changed.clear()
                await self._changed.wait()

        with contextlib.suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(find(), EXPECTED)
        left = self._records.get(what, [])[self._positions.get(what, 0) :]
        raise AssertionError(f'not reported; but {left[-5:]}')

    async def _check_collected(self, what, match, path, equals):
        found = [each for each in self._records.get(what, []) if matches(match, each)]
        for name in path.split('.'):
            found = [each[name] for each in found]
        assert found == made(equals), found[:20]
