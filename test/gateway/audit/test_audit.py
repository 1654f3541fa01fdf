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
"""The audit log of a running gateway."""

import asyncio
import re

import pytest
from support import filesystem
from support import fill

from oht50_bridge.gateway.audit.reader import verify
from oht50_bridge.gateway.audit.writer import AuditWriter


@pytest.fixture
def small_disk(tmp_path):
    with filesystem(tmp_path / 'disk', '64k') as disk:
        yield disk


@pytest.mark.processes
async def test_on_a_full_disk_an_emergency_stop_is_obeyed_and_the_loss_reported(
    small_disk, serving, event, caplog, records
):
    path = small_disk / 'audit.jsonl'
    audit = AuditWriter(path, max_bytes=8192)
    async with serving(audit=audit) as server:
        operator = await server.enter('safety.*')
        await server.until(lambda: '"subscribe"' in path.read_text())
        filler = fill(small_disk)
        while audit.lost == 0:
            await operator.send('ping')
            await operator.receive('pong')
            audit.record('filling', text='x' * 512)
            await asyncio.sleep(0.06)  # or a slow disk has more pings than a client may send
        stopped = len(server.commands)
        await operator.send('emergency_stop', request_id='r')
        assert (await operator.receive('command.result'))['data']['accepted']
        server.gateway.publish(event('safety.estop'))
        await operator.receive('safety.estop')
        assert len(server.commands) == stopped + 1
        await server.until(lambda: audit.lost >= 2)
        reader, writer = await asyncio.open_connection('127.0.0.1', server.gateway.port)
        writer.write(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
        page = await reader.read()
        writer.close()
        lost = re.search(rb'^oht50_gateway_audit_lost_total (\S+)', page, re.MULTILINE)
        assert float(lost[1]) >= 2
        assert 'No space left on device' in caplog.text
        filler.unlink()
        await operator.send('emergency_stop', request_id='s')
        await operator.receive('command.result')
        await server.until(lambda: 'audit.lost' in path.read_text())
    audit.close()
    assert 'is written again' in caplog.text
    lost = [record for record in records(path) if record['what'] == 'audit.lost']
    assert sum(record['records'] for record in lost) == audit.lost
    assert verify(path) == []


async def test_the_gateway_logs_everything_but_tokens(path, serving, event, records):
    audit = AuditWriter(path)
    async with serving(audit=audit) as server:
        token = server.token()
        peer = await server.connect()
        await peer.send('auth', token=token, client_id='panel')
        await peer.send('subscribe', events=['*'])
        await peer.send('emergency_stop', reason='manual', request_id='r')
        await peer.receive('command.result')
        await peer.send('clear_estop')
        await peer.receive('error')
        server.gateway.publish(event('safety.estop'))
        server.gateway.publish(event('telemetry.realtime'))
        await peer.receive('safety.estop')
        await peer.receive('telemetry.realtime')
        await peer.websocket.close()
        bad = await server.connect()
        await bad.send('auth', token=token + 'x')
        await bad.ended()
        await server.until(lambda: server.gateway.stats().connections == 0)
    audit.close()
    assert verify(path) == []
    found = records(path)
    assert [record['what'] for record in found if record.get('client') == 'panel'] == [
        'auth',
        'subscribe',
        'command',
        'failure',
        'disconnect',
    ]
    command = next(record for record in found if record['what'] == 'command')
    assert (command['subject'], command['command']['reason']) == ('ann', 'manual')
    assert command['outcome'] == {'accepted': True, 'message': 'done'}
    assert [r['type'] for r in found if r['what'] == 'event'] == ['safety.estop']
    assert found[-1]['counts'] == {'telemetry.realtime': 1}
    assert [r['error'] for r in found if r['what'] == 'failure'] == ['WS-006', 'WS-001']
    assert token[:20] not in path.read_text()
