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
import contextlib
import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import wait_for

from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.gateway.audit.reader import examine
from oht50_bridge.gateway.audit.reader import verify
from oht50_bridge.gateway.audit.writer import AuditWriter

ROOT = Path(__file__).resolve().parents[3]


def test_records_are_in_order_and_chained_across_restarts(path, write, records):
    before = set(threading.enumerate())
    write(path, 5)
    write(path, 5)
    assert [record['number'] for record in records(path)] == [0, 1, 2, 3, 4] * 2
    assert verify(path) == []
    assert path.stat().st_mode & 0o777 == 0o600
    assert {thread for thread in threading.enumerate() if thread.name == 'audit'} <= before


def test_the_chain_continues_in_a_new_file(path, write):
    for _ in range(6):
        write(path, 3, max_bytes=500)
    assert len(list(path.parent.iterdir())) >= 4
    assert verify(path) == []
    path.with_name('audit.jsonl.2').unlink()
    assert 'are missing' in verify(path)[0]


def test_the_oldest_files_are_removed_and_the_chain_records_it(path, write, records):
    for _ in range(8):
        write(path, 3, max_bytes=500, max_files=2)
    numbered = sorted(path.parent.glob('audit.jsonl.[0-9]*'))
    assert len(numbered) == 2
    pruned = [record for record in records(path) if record['what'] == 'audit.pruned'][-1]
    first = records(numbered[0])[0]
    assert (first['n'] - 1, first['prev']) == (pruned['records'], pruned['last'])
    assert verify(path) == []
    numbered[0].unlink()
    assert 'the records before it are missing' in verify(path)[0]
    assert 'older than the oldest' in examine(path, LogPosition(1, '0' * 64)).problems[-1]


def test_a_partly_written_line_is_recorded_as_torn_and_the_chain_continues(path, write, records):
    write(path, 3)
    with path.open('a') as file:
        file.write('{"what":"comm')
    assert verify(path) == []
    write(path, 2)
    assert verify(path) == []
    torn = records(path)[3]
    assert (torn['what'], torn['text']) == ('audit.torn', '{"what":"comm')
    # A record that the anchor counts was on the disk, so it cannot be torn.
    with path.open('r+') as file:
        file.truncate(path.stat().st_size - 5)
    write(path, 1)
    assert 'records 6 to 6 before it are missing' in verify(path)[0]


def test_two_processes_cannot_write_one_log(path, write):
    audit = AuditWriter(path)
    with pytest.raises(OSError, match='another process'):
        AuditWriter(path)
    audit.close()
    write(path, 1)


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
@pytest.mark.parametrize('name', ['audit.jsonl', 'audit.jsonl.anchor', 'audit.jsonl.1'])
def test_what_is_no_file_is_put_aside_and_the_log_goes_on(path, write, records, make, name):
    write(path, 2)
    other = path.with_name(name)
    other.unlink(missing_ok=True)
    make(other)
    write(path, 1)
    assert os.path.lexists(path.with_name(f'{name}.unreadable-1'))
    assert records(path)[-1]['what'] in ('command', 'audit.unanchored')
    problems = verify(path)
    assert bool(problems) == (name != 'audit.jsonl.1'), problems


WRONG_ANCHORS = [
    b'x' * 5_000_000,
    b'[' * 100_000,
    b'\xff',
    b'{"records": 1e999, "hash": "a", "check": ""}',
    b'{"records": ' + b'9' * 5000 + b', "hash": "a", "check": ""}',
]


@pytest.mark.parametrize('content', WRONG_ANCHORS, ids=range(len(WRONG_ANCHORS)))
def test_an_anchor_that_is_wrong_is_kept_and_replaced(path, write, records, content, caplog):
    write(path, 2)
    anchor = path.with_name('audit.jsonl.anchor')
    anchor.write_bytes(content)
    write(path, 1)
    assert 'anchor' in caplog.text
    if len(content) < 4_000_000:
        assert anchor.with_name(f'{anchor.name}.unreadable-1').read_bytes() == content
    assert 'the anchor was missing' in verify(path)[0]
    count = len(records(path))
    write(path, 1)
    assert len(records(path)) == count + 1, 'the anchor is right again'


def test_a_log_that_cannot_be_opened_is_opened_later(path, records, caplog, monkeypatch):
    refuse = threading.Event()
    refuse.set()
    original = os.open

    def open_(name, *arguments, **options):
        if refuse.is_set() and 'audit' in str(name):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(name))
        return original(name, *arguments, **options)

    monkeypatch.setattr('oht50_bridge.gateway.audit.writer.os.open', open_)
    audit = AuditWriter(path)
    assert 'cannot be opened' in caplog.text
    audit.record('lost')
    wait_for(lambda: audit.lost == 1, what='the loss')
    refuse.clear()
    audit.record('after')
    audit.close()
    assert [record['what'] for record in records(path)] == ['audit.lost', 'after']
    assert verify(path) == []


FULL_DISK = """
import resource, sys, time
from pathlib import Path
from oht50_bridge.gateway.audit.writer import AuditWriter
path = Path(sys.argv[1])
audit = AuditWriter(path)
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


@pytest.mark.processes
def test_records_lost_on_a_disk_that_accepts_half_a_line_are_counted(path, records):
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
    assert [record['what'] for record in records(path)] == ['before', 'audit.lost', 'after']
    assert verify(path) == []


def test_rotation_resumes_after_a_full_disk(path, monkeypatch, write, records):
    write(path, 3)
    audit = AuditWriter(path, max_bytes=1)
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
    assert [record['what'] for record in records(path)] == ['audit.lost', 'after']
    assert verify(path) == []


@pytest.mark.parametrize('call', ['read_bytes', 'unlink'])
def test_an_old_file_that_cannot_be_removed_ends_nothing(path, monkeypatch, write, caplog, call):
    for _ in range(3):
        write(path, 1, max_bytes=1)
    original = getattr(Path, call)

    def refuse(file, *arguments, **options):
        if file.name == 'audit.jsonl.1':
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return original(file, *arguments, **options)

    def written(number):
        with contextlib.suppress(FileNotFoundError):  # between two files
            return f'"number":{number}' in path.read_text()

    monkeypatch.setattr(Path, call, refuse)
    audit = AuditWriter(path, max_bytes=1, max_files=2)
    for number in range(3):
        audit.record('after', number=number)
        wait_for(lambda number=number: written(number))
    audit.close()
    assert audit.lost == 0
    assert 'audit.jsonl.1 cannot be removed: Permission denied' in caplog.text
    monkeypatch.undo()
    assert verify(path) == []
    write(path, 1, max_bytes=1, max_files=2)
    assert not path.with_name('audit.jsonl.1').exists()
    assert verify(path) == []


def test_records_beyond_the_capacity_of_the_queue_are_counted(path, records):
    audit = AuditWriter(path, capacity=3)
    with audit._wake:  # the writer sleeps meanwhile
        for number in range(5):
            audit.record('x', number=number)
    audit.close()
    assert audit.lost == 2
    assert {record['what'] for record in records(path)} == {'x', 'audit.lost'}
