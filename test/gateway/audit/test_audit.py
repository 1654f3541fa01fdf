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
import asyncio
import errno
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import filesystem
from support import fill
from support import wait_for

from oht50_bridge.gateway.audit.log import Audit
from oht50_bridge.gateway.audit.log import Position
from oht50_bridge.gateway.audit.log import _line
from oht50_bridge.gateway.audit.log import examine
from oht50_bridge.gateway.audit.log import verify

ROOT = Path(__file__).resolve().parents[3]


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


WHOLE = 6  # records


def shift(record, **changes):
    """Return a line whose own hash is right again after a change: of one who knows the format."""
    content = {key: value for key, value in json.loads(record).items() if key != 'hash'}
    after = Position(content.pop('n') - 1, content.pop('prev'))
    return _line({**content, **changes}, after)[0].decode()


@pytest.mark.parametrize(
    ('tamper', 'line', 'said'),
    [
        (lambda x: [*x[:2], x[2].replace('"number":2', '"number":9'), *x[3:]], 3, 'changed'),
        (
            lambda x: [*x[:2], x[2].replace('"number":2', '"number":9,"number":2'), *x[3:]],
            3,
            'changed',
        ),
        (lambda x: [*x[:2], x[2].replace(',', ', '), *x[3:]], 3, 'changed'),
        (lambda x: [*x[:2], shift(x[2], number=9), *x[3:]], 4, 'does not follow'),
        (lambda x: [*x[:2], *x[3:]], 3, 'records 3 to 3 before it are missing'),
        (lambda x: [*x[:2], x[3], x[2], *x[4:]], 3, 'missing'),
        (lambda x: [x[1], x[0], *x[2:]], 1, 'records before it are missing'),
        (lambda x: [*x[:3], x[2], *x[3:]], 4, 'stands where record 4 belongs'),
        (lambda x: [*x[:3], 'x\n', *x[3:]], 4, 'not a record'),
        (lambda x: x[1:], 1, 'records before it are missing'),
        (lambda x: [*x[:5], shift(x[5], number=9)], 6, 'by the anchor'),
    ],
    ids=[
        'edit',
        'key twice',
        'space',
        'edit with hash',
        'cut',
        'swap',
        'swap of the first',
        'insertion',
        'rubbish',
        'cut at the start',
        'edit of the last with hash',
    ],
)
def test_edits_cuts_swaps_and_insertions_show_with_the_line(path, tamper, line, said):
    written(path, WHOLE)
    path.write_text(''.join(tamper(path.read_text().splitlines(keepends=True))))
    problem = verify(path)[0]
    assert problem.startswith(f'{path} line {line}: ')
    assert said in problem


def test_a_cut_at_the_end_shows_and_goes_on_showing(path, caplog):
    written(path, WHOLE)
    path.write_text(''.join(path.read_text().splitlines(keepends=True)[:4]))
    (problem,) = verify(path)
    assert 'ends at record 4, but by the anchor there are 6' in problem
    written(path, 3)
    assert 'ends at record 4 of 6' in caplog.text
    (problem,) = verify(path)
    assert problem.startswith(f'{path} line 5: records 5 to 6 before it are missing')


def test_a_log_that_was_removed_shows(path):
    written(path, WHOLE)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        verify(path)
    written(path, 1)
    assert 'line 1: the records before it are missing' in verify(path)[0]


def test_an_anchor_that_was_removed_shows_and_goes_on_showing(path):
    written(path, WHOLE)
    anchor = path.with_name('audit.jsonl.anchor')
    anchor.unlink()
    assert f'{anchor}: missing' in verify(path)[0]
    written(path, 1)
    assert 'line 7: the anchor was missing' in verify(path)[0]


def test_an_anchor_that_is_half_written_is_none(path):
    written(path, WHOLE)
    anchor = path.with_name('audit.jsonl.anchor')
    anchor.write_text(anchor.read_text().replace('"records": 6', '"records": 7'))
    assert 'missing or damaged' in verify(path)[0]


def test_a_position_noted_elsewhere_shows_a_chain_made_anew(path):
    written(path, WHOLE)
    end = examine(path).end
    assert examine(path, end).problems == []
    path.unlink()
    path.with_name('audit.jsonl.anchor').unlink()
    written(path, WHOLE + 1)
    assert verify(path) == []
    assert 'not what it was by the position given' in examine(path, end).problems[0]
    assert 'there are 99' in examine(path, Position(99, end.hash)).problems[0]


def test_the_chain_goes_on_in_a_new_file(path):
    for _ in range(6):
        written(path, 3, max_bytes=500)
    assert len(list(path.parent.iterdir())) >= 4
    assert verify(path) == []
    path.with_name('audit.jsonl.2').unlink()
    assert 'are missing' in verify(path)[0]


def test_the_oldest_files_are_removed_and_the_chain_says_so(path):
    for _ in range(8):
        written(path, 3, max_bytes=500, max_files=2)
    numbered = sorted(path.parent.glob('audit.jsonl.[0-9]*'))
    assert len(numbered) == 2
    pruned = [record for record in lines(path) if record['what'] == 'audit.pruned'][-1]
    first = lines(numbered[0])[0]
    assert (first['n'] - 1, first['prev']) == (pruned['records'], pruned['last'])
    assert verify(path) == []
    numbered[0].unlink()
    assert 'the records before it are missing' in verify(path)[0]
    assert 'older than the oldest' in examine(path, Position(1, '0' * 64)).problems[-1]


def test_a_log_in_use_can_be_verified_and_rotates_meanwhile(path):
    audit = Audit(path, max_bytes=1000, max_files=4)
    ending = threading.Event()

    def write():
        while not ending.wait(0.001):
            audit.record('command', text='x' * 100)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_for(lambda: len(list(path.parent.glob('audit.jsonl.[0-9]*'))) >= 4)
        found = [verify(path) for _ in range(100)]
    finally:
        ending.set()
        thread.join()
        audit.close()
    assert found == [[]] * 100
    assert verify(path) == []


def test_a_torn_line_is_kept_as_what_it_is_and_the_chain_goes_on(path):
    written(path, 3)
    with path.open('a') as file:
        file.write('{"what":"comm')
    assert verify(path) == []
    written(path, 2)
    assert verify(path) == []
    torn = lines(path)[3]
    assert (torn['what'], torn['text']) == ('audit.torn', '{"what":"comm')
    # What the anchor says was safe can not be called torn.
    with path.open('r+') as file:
        file.truncate(path.stat().st_size - 5)
    written(path, 1)
    assert 'records 6 to 6 before it are missing' in verify(path)[0]


def test_two_do_not_write_one_log(path):
    audit = Audit(path)
    with pytest.raises(OSError, match='another process'):
        Audit(path)
    audit.close()
    written(path, 1)


FULL_DISK = """
import resource, sys, time
from pathlib import Path
from oht50_bridge.gateway.audit.log import Audit
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
        [sys.executable, '-c', FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(str, [ROOT, *sys.path]))},
    )
    assert done.stdout == '1\n', done.stderr
    assert 'cannot be written' in done.stderr
    assert 'written again; 1 records were lost' in done.stderr
    assert [record['what'] for record in lines(path)] == ['before', 'audit.lost', 'after']
    assert verify(path) == []


@pytest.fixture
def small_disk(tmp_path):
    with filesystem(tmp_path / 'disk', '64k') as disk:
        yield disk


async def test_on_a_full_disk_an_emergency_stop_is_obeyed_and_the_loss_told(
    small_disk, serving, event, caplog
):
    path = small_disk / 'audit.jsonl'
    audit = Audit(path, max_bytes=8192)
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
    lost = [record for record in lines(path) if record['what'] == 'audit.lost']
    assert sum(record['records'] for record in lost) == audit.lost
    assert verify(path) == []


def test_rotation_on_a_full_disk_goes_on_afterwards(path, monkeypatch):
    written(path, 3)
    audit = Audit(path, max_bytes=1)
    make, refuse = audit._open, threading.Event()
    refuse.set()

    def open_or_not():
        if refuse.is_set():
            raise OSError(errno.ENOSPC, 'No space left on device')
        return make()

    monkeypatch.setattr(audit, '_open', open_or_not)
    audit.record('lost')
    wait_for(lambda: audit.lost == 1)
    refuse.clear()
    audit.record('after')
    audit.close()
    assert [record['what'] for record in lines(path)] == ['audit.lost', 'after']
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
        'auth',
        'subscribe',
        'command',
        'failure',
        'disconnect',
    ]
    command = next(record for record in records if record['what'] == 'command')
    assert (command['subject'], command['command']['reason']) == ('ann', 'manual')
    assert command['outcome'] == {'accepted': True, 'message': 'done'}
    assert [r['type'] for r in records if r['what'] == 'event'] == ['safety.estop']
    assert records[-1]['counts'] == {'telemetry.realtime': 1}
    assert [r['error'] for r in records if r['what'] == 'failure'] == ['WS-006', 'WS-001']
    assert token[:20] not in path.read_text()
