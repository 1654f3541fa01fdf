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
"""Commands of one client in progress."""

import asyncio

from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.command_runner import MAX_RUNNING
from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.gateway.commands import CommandOutcome


async def test_a_stop_waits_for_no_other_command_of_its_sender(serving):
    async def handler(command, caller):
        if command.type != 'emergency_stop':
            await asyncio.sleep(60)
        return CommandOutcome()

    async with serving(handler=handler, command_timeout=30) as server:
        peer = await server.enter()
        for _ in range(MAX_RUNNING + 1):
            await peer.send('get_config')
        assert 'in progress' in (await peer.receive('error'))['description']
        await peer.send('emergency_stop')
        result = await asyncio.wait_for(peer.receive('command.result'), 10)
        assert result['data']['accepted']


async def test_a_stop_beyond_the_limit_waits_for_another_one(serving):
    release, running = asyncio.Event(), []

    async def handler(command, caller):
        running.append(command)
        await release.wait()
        return CommandOutcome()

    async with serving(handler=handler, command_timeout=30) as server:
        peer = await server.enter()
        for _ in range(MAX_RUNNING + 1):
            await peer.send('emergency_stop')
        await server.until(lambda: len(running) == MAX_RUNNING)
        release.set()
        for _ in range(MAX_RUNNING + 1):
            assert (await peer.receive('command.result'))['data']['accepted']
        assert len(running) == MAX_RUNNING + 1


async def test_a_stop_is_carried_out_after_its_sender_left_while_other_commands_hang(serving):
    stopped, release = asyncio.Event(), asyncio.Event()

    async def handler(command, caller):
        if command.type == 'emergency_stop':
            await asyncio.sleep(0.05)
            stopped.set()
        else:
            await release.wait()
        return CommandOutcome()

    async with serving(handler=handler, command_timeout=5) as server:
        peer = await server.enter()
        for _ in range(35):
            await peer.send('get_config')
        assert 'in progress' in (await peer.receive('error'))['description']
        other = await server.enter()
        await other.send('emergency_stop')
        other.websocket.transport.abort()
        await asyncio.wait_for(stopped.wait(), 10)
        release.set()


async def test_the_result_of_a_stop_says_what_was_ignored(serving, tmp_path):
    audit = AuditWriter(tmp_path / 'audit.jsonl')
    async with serving(audit=audit) as server:
        peer = await server.enter()
        await peer.send('emergency_stop', reason=None, request_id='r', timestamp='now')
        result = await peer.receive()
        assert (result['type'], result['request_id']) == ('command.result', 'r')
        assert result['data']['accepted'] is True
        assert result['data']['message'] == (
            'done; ignored: reason: not a text; timestamp: not a field of emergency_stop'
        )
        assert [command.reason for command, _ in server.commands] == ['']
        await peer.websocket.send(b'{"type":"emergency_stop","request_id":7}')
        assert (
            'the frame is binary; request_id: not a text'
            in (await peer.receive())['data']['message']
        )
    text = audit.path.read_text()
    assert 'ignored: reason: not a text' in text and 'the frame is binary' in text


async def test_an_error_for_a_stop_says_what_was_ignored(serving):
    async def handler(command, caller):
        raise CommandFailedError('no node serves it')

    async with serving(handler=handler) as server:
        peer = await server.enter()
        await peer.send('emergency_stop', eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9=1)
        error = await peer.receive()
        assert error['error_code'] == 'WS-009'
        assert error['description'] == (
            'emergency_stop: no node serves it; ignored: (token): not a field of emergency_stop'
        )
