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
"""Commands to the handler and their answers."""

import asyncio

import pytest

from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.dispatcher import Dispatcher
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.responses import Responses
from oht50_bridge.protocol.commands import EmergencyStop


async def test_a_command_reaches_the_handler_with_its_caller_and_the_answer_comes_back(serving):
    async with serving() as server:
        peer = await server.enter(client_id='panel')
        await peer.send('emergency_stop', reason='manual_trigger', request_id='req-124')
        result = await peer.receive()
        assert result['type'] == 'command.result' and result['request_id'] == 'req-124'
        assert result['data'] == {
            'command': 'emergency_stop',
            'accepted': True,
            'message': 'done',
            'mission_id': 'm-1',
        }
        command, caller = server.commands[0]
        assert command.reason == 'manual_trigger'
        assert (caller.client_id, caller.subject, caller.role) == ('panel', 'ann', 'operator')


async def test_the_answer_may_be_an_event(serving, event):
    async def handler(command, caller):
        return CommandOutcome(event=event('system.status'))

    async with serving(handler=handler) as server:
        peer = await server.enter(role='viewer')
        await peer.send('get_system_status', request_id='req-123')
        answer = await peer.receive()
        assert (answer['type'], answer['request_id']) == ('system.status', 'req-123')


async def test_a_handler_that_fails_or_hangs_is_ws_009(serving):
    async def handler(command, caller):
        if command.type == 'get_config':
            raise CommandFailedError('no node serves it')
        if command.type == 'list_modules':
            raise KeyError('a defect')
        await asyncio.sleep(60)

    async with serving(handler=handler, command_timeout=0.3) as server:
        peer = await server.enter()
        for name, words in (
            ('get_config', 'no node serves it'),
            ('list_modules', 'internal'),
            ('get_system_status', 'no answer'),
        ):
            await peer.send(name, request_id=name)
            error = await peer.receive()
            assert (error['error_code'], error['request_id']) == ('WS-009', name)
            assert words in error['description'] and 'a defect' not in error['description']


CALLER = Caller('c', 's', 'ann', 'operator')


@pytest.mark.parametrize(
    ('error', 'description'),
    [
        (CommandFailedError('no motor'), 'emergency_stop: no motor'),
        (KeyError('defect'), 'emergency_stop: internal error of the bridge'),
        (None, 'emergency_stop: no answer from the vehicle within 0.01 s'),
    ],
)
async def test_each_failure_of_a_command_is_described(error, description, caplog):
    async def handler(command, caller):
        assert caller is CALLER
        if error is None:
            await asyncio.Event().wait()
        raise error

    counts = Counts()
    dispatcher = Dispatcher(handler, Responses(counts, lambda: 0.0), 0.01)
    answer = await dispatcher.run(EmergencyStop(type='emergency_stop'), CALLER)
    assert (answer.error_code, answer.description) == ('WS-009', description)
    assert counts.errors == {'WS-009': 1}
    assert ('defect' in caplog.text) is isinstance(error, KeyError)


async def test_the_handler_runs_in_the_first_iteration_of_the_loop():
    """Nothing delays an emergency stop between the dispatcher and the handler."""
    called = asyncio.Event()

    async def handler(command, caller):
        called.set()
        return CommandOutcome()

    dispatcher = Dispatcher(handler, Responses(Counts(), lambda: 0.0), 1.0)
    task = asyncio.create_task(dispatcher.run(EmergencyStop(type='emergency_stop'), CALLER))
    for _ in range(2):  # the task itself; before Python 3.12 `wait_for` makes another
        await asyncio.sleep(0)
    assert called.is_set()
    assert (await task).data.accepted
