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
"""The examples of docs/clients.md, each against a gateway."""

import ast
import asyncio
import contextlib
import inspect
import re

import pytest
from gateway.serving import Serving
from gateway.serving import make_event
from support import ROOT

EXAMPLES = re.findall(r'```python\n(.*?)```', (ROOT / 'docs' / 'clients.md').read_text(), re.S)


async def run(code, names):
    """Run an example, in which `await` may stand outside of a function."""
    compiled = compile(code, 'docs/clients.md', 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if compiled.co_flags & inspect.CO_COROUTINE:
        await eval(compiled, names)
    else:
        await asyncio.to_thread(eval, compiled, names)


@pytest.mark.parametrize('number', range(len(EXAMPLES)))
async def test_an_example_runs(number, capsys):
    async def publish(server):
        while True:
            server.gateway.publish(make_event('telemetry.realtime'))
            if server.commands:
                server.gateway.publish(make_event('safety.estop'))
            await asyncio.sleep(0.02)

    async with Serving() as server:
        publishing = asyncio.create_task(publish(server))
        await run(EXAMPLES[number], {'url': server.url, 'token': server.token()})
        publishing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await publishing
    said = capsys.readouterr().out
    expected = ['stopped by hardware', 'True', 'accepted', 'live']
    assert expected[number] in said


def test_all_examples_are_known():
    assert len(EXAMPLES) == 4
