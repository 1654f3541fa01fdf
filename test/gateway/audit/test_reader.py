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
import itertools
import json
import threading

import pytest
from support import wait_for

from oht50_bridge.gateway.audit import reader
from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.gateway.audit.chain import encode
from oht50_bridge.gateway.audit.reader import examine
from oht50_bridge.gateway.audit.reader import follow
from oht50_bridge.gateway.audit.reader import read
from oht50_bridge.gateway.audit.reader import verify
from oht50_bridge.gateway.audit.writer import AuditWriter

COUNT = 6  # records in the log


def shift(record, **changes):
    """Return a changed line with its hash computed anew, as a forger would."""
    content = {key: value for key, value in json.loads(record).items() if key != 'hash'}
    after = LogPosition(content.pop('n') - 1, content.pop('prev'))
    return encode({**content, **changes}, after)[0].decode()


@pytest.mark.parametrize(
    ('tamper', 'line', 'message'),
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
        (lambda x: [*x[:5], shift(x[5], number=9)], 6, 'differs from the anchor'),
    ],
    ids=[
        'edit',
        'key twice',
        'space',
        'edit with hash',
        'removal',
        'swap',
        'swap of the first',
        'insertion',
        'not JSON',
        'removal at the start',
        'edit of the last with hash',
    ],
)
def test_edits_removals_swaps_and_insertions_are_found_with_their_line(
    path, tamper, line, message, write
):
    write(path, COUNT)
    path.write_text(''.join(tamper(path.read_text().splitlines(keepends=True))))
    problem = verify(path)[0]
    assert problem.startswith(f'{path} line {line}: ')
    assert message in problem


def test_removal_at_the_end_is_found_and_remains_visible(path, caplog, write):
    write(path, COUNT)
    path.write_text(''.join(path.read_text().splitlines(keepends=True)[:4]))
    (problem,) = verify(path)
    assert 'ends at record 4, but according to the anchor there are 6' in problem
    write(path, 3)
    assert 'ends at record 4 of 6' in caplog.text
    (problem,) = verify(path)
    assert problem.startswith(f'{path} line 5: records 5 to 6 before it are missing')


def test_a_removed_log_is_found(path, write):
    write(path, COUNT)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        verify(path)
    write(path, 1)
    assert 'line 1: the records before it are missing' in verify(path)[0]


def test_a_removed_anchor_is_found_and_remains_visible(path, write):
    write(path, COUNT)
    anchor = path.with_name('audit.jsonl.anchor')
    anchor.unlink()
    assert f'{anchor}: missing' in verify(path)[0]
    write(path, 1)
    assert 'line 7: the anchor was missing' in verify(path)[0]


def test_a_half_written_anchor_is_reported_as_damaged(path, write):
    write(path, COUNT)
    anchor = path.with_name('audit.jsonl.anchor')
    anchor.write_text(anchor.read_text().replace('"records": 6', '"records": 7'))
    assert 'missing or damaged' in verify(path)[0]


def test_a_position_noted_elsewhere_exposes_a_chain_that_was_computed_anew(path, write):
    write(path, COUNT)
    end = examine(path).end
    assert examine(path, end).problems == []
    path.unlink()
    path.with_name('audit.jsonl.anchor').unlink()
    write(path, COUNT + 1)
    assert verify(path) == []
    assert 'differs from the position given' in examine(path, end).problems[0]
    assert 'there are 99' in examine(path, LogPosition(99, end.hash)).problems[0]


def test_a_log_in_use_can_be_verified_and_rotates_meanwhile(path):
    audit = AuditWriter(path, max_bytes=1000, max_files=4)
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


def test_lines_come_with_file_and_number_and_the_incomplete_last_one_is_left_out(path, write):
    write(path, 2)
    with path.open('a') as file:
        file.write('garbage\n{"what":"comm')
    found = list(read(path))
    assert [line.number for line in found] == [1, 2, 3]
    assert [line.record['number'] for line in found[:2]] == [0, 1]
    assert (found[2].record, str(found[2])) == (None, f'{path} line 3')


def test_only_the_newest_files_are_read_on_request(path, write):
    for _ in range(4):
        write(path, 3, max_bytes=500)
    assert {line.path for line in read(path, 1)} == {path}
    assert len({line.path for line in read(path, 2)}) == 2
    assert len({line.path for line in read(path)}) == len(list(path.parent.glob('*.jsonl*'))) - 1


def test_following_yields_each_new_record_once_across_rotations(path, write, monkeypatch):
    monkeypatch.setattr(reader, 'POLL_PERIOD', 0.01)
    write(path, 2)
    lines = follow(path)

    def numbers(count):
        return [line.record['n'] for line in itertools.islice(lines, count)]

    assert numbers(2) == [1, 2]
    write(path, 1)
    assert numbers(1) == [3]
    for _ in range(3):
        write(path, 1, max_bytes=1)
    assert numbers(3) == [4, 5, 6]
