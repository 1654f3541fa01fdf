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
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from oht50_bridge.gateway.audit import Audit
from oht50_bridge.gateway.audit import verify

ROOT = Path(__file__).resolve().parents[2]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'log' / 'audit.jsonl'


def written(path, count, **options):
    audit = Audit(path, **options)
    for number in range(count):
        audit.record('command', number=number)
    audit.close()
    return audit


def test_records_are_in_order_and_chained_over_restarts(path):
    written(path, 5)
    written(path, 5)
    assert [record['number'] for record in lines(path)] == [0, 1, 2, 3, 4] * 2
    assert verify(path) == []
    assert path.stat().st_mode & 0o777 == 0o600
    assert not [thread for thread in threading.enumerate() if thread.name == 'audit']


def test_edits_cuts_and_insertions_show(path):
    written(path, 6)
    whole = path.read_text().splitlines(keepends=True)
    for tampered in (
        [*whole[:2], whole[2].replace('"number":2', '"number":9'), *whole[3:]],
        [*whole[:2], *whole[3:]], [whole[1], whole[0], *whole[2:]], [*whole[:3], 'x\n'],
        whole[1:],
    ):
        path.write_text(''.join(tampered))
        assert verify(path)
    path.write_text(''.join(whole))
    assert verify(path) == []


def test_the_chain_goes_on_in_a_new_file(path):
    for _ in range(6):
        written(path, 3, max_bytes=500)
    assert len(list(path.parent.iterdir())) >= 3
    assert verify(path) == []
    path.with_name('audit.jsonl.2').unlink()
    assert verify(path)


def test_a_torn_line_is_shown_and_the_chain_goes_on(path):
    written(path, 3)
    with path.open('a') as file:
        file.write('{"what":"comm')
    written(path, 2)
    assert verify(path) == ['audit.jsonl line 4: not a record']


FULL_DISK = """
import resource, sys, time
from pathlib import Path
from oht50_bridge.gateway.audit import Audit
path = Path(sys.argv[1])
audit = Audit(path)
audit.record('before')
while path.stat().st_size == 0:
    time.sleep(0.01)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, hard))
audit.record('lost')
while audit.lost == 0:
    time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
audit.record('after')
audit.close()
print(audit.lost)
"""


def test_a_disk_that_takes_half_a_line_loses_records_but_says_so(path):
    done = subprocess.run(
        [sys.executable, '-c', FULL_DISK, str(path)], capture_output=True, text=True, timeout=30,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(str, [ROOT, *sys.path]))})
    assert done.stdout == '1\n', done.stderr
    assert 'cannot be written' in done.stderr
    assert [record['what'] for record in lines(path)] == ['before', 'audit.lost', 'after']
    assert verify(path) == []


def test_a_line_that_grows_too_long_is_counted_not_kept(path):
    audit = Audit(path, capacity=3)
    with audit._wake:  # the writer sleeps meanwhile
        for number in range(5):
            audit.record('x', number=number)
    audit.close()
    assert audit.lost == 2
    assert {record['what'] for record in lines(path)} == {'x', 'audit.lost'}


async def test_the_gateway_logs_everything_but_tokens(path, serving, event):
    audit = Audit(path)
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
        await server.until(lambda: server.gateway.client_count == 0)
    audit.close()
    assert verify(path) == []
    records = lines(path)
    assert [record['what'] for record in records if record.get('client') == 'panel'] == [
        'auth', 'subscribe', 'command', 'failure', 'disconnect']
    command = next(record for record in records if record['what'] == 'command')
    assert (command['subject'], command['command']['reason']) == ('ann', 'manual')
    assert command['outcome'] == {'accepted': True, 'message': 'done'}
    assert [r['type'] for r in records if r['what'] == 'event'] == ['safety.estop']
    assert records[-1]['counts'] == {'telemetry.realtime': 1}
    assert [r['error'] for r in records if r['what'] == 'failure'] == ['WS-006', 'WS-001']
    assert token[:20] not in path.read_text()
