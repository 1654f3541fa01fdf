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
import hashlib
import json

import pytest

from oht50_bridge.gateway.audit.chain import ANCHOR_BYTES
from oht50_bridge.gateway.audit.chain import FIRST_HASH
from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.gateway.audit.chain import anchor_path
from oht50_bridge.gateway.audit.chain import encode
from oht50_bridge.gateway.audit.chain import encode_anchor
from oht50_bridge.gateway.audit.chain import last_position
from oht50_bridge.gateway.audit.chain import log_files
from oht50_bridge.gateway.audit.chain import older_files
from oht50_bridge.gateway.audit.chain import parse
from oht50_bridge.gateway.audit.chain import read_anchor

RECORD = {'time': '2026-11-23T10:30:00.000Z', 'what': 'command', 'name': 'ping'}


def test_a_record_names_its_number_the_hash_before_it_and_the_hash_of_its_own_text():
    line, position = encode(RECORD, LogPosition())
    record = json.loads(line)
    assert (record['n'], record['prev'], position.records) == (1, FIRST_HASH, 1)
    body = line[: line.rindex(b',"hash"')] + b'}'
    assert record['hash'] == position.hash == hashlib.sha256(body).hexdigest()
    assert line.endswith(b'}\n')
    assert parse(line) == {**RECORD, 'n': 1, 'prev': FIRST_HASH, 'hash': position.hash}


def test_each_record_continues_from_the_one_before_it():
    _, first = encode(RECORD, LogPosition())
    line, second = encode(RECORD, first)
    assert (json.loads(line)['n'], json.loads(line)['prev']) == (2, first.hash)
    assert second.hash != first.hash


@pytest.mark.parametrize(
    'text',
    [
        b'',
        b'x',
        b'1',
        b'[]',
        b'{}',
        b'{"n":1.0,"prev":"","hash":"","what":"","time":""}',
        b'{"n":true,"prev":"","hash":"","what":"","time":""}',
        b'{"n":1,"prev":0,"hash":"","what":"","time":""}',
        b'[' * 100_000,
    ],
)
def test_a_line_that_is_not_a_record_is_none(text):
    assert parse(text) is None


def test_files_are_in_the_order_of_their_numbers(tmp_path):
    path = tmp_path / 'audit.jsonl'
    for name in ('audit.jsonl.10', 'audit.jsonl.9', 'audit.jsonl.anchor', 'audit.jsonl.bak'):
        (tmp_path / name).touch()
    assert [number for number, _ in older_files(path)] == [9, 10]
    assert [file.suffix for file in log_files(path)] == ['.9', '.10', '.jsonl']


def test_the_last_position_skips_lines_that_are_not_records(tmp_path):
    older, newer = tmp_path / 'older', tmp_path / 'newer'
    line, position = encode(RECORD, LogPosition())
    older.write_bytes(line + b'garbage\n')
    newer.write_bytes(b'')
    assert last_position([older, newer]) == position
    assert last_position([newer]) == LogPosition()


def test_an_anchor_holds_a_position(tmp_path):
    path = tmp_path / 'audit.jsonl'
    assert read_anchor(path, attempts=3) is None
    position = LogPosition(12, 'ab' * 32)
    content = encode_anchor(position)
    assert len(content) == len(encode_anchor(LogPosition(10**9, 'cd' * 32))) == ANCHOR_BYTES
    anchor_path(path).write_bytes(content)
    assert read_anchor(path) == position


@pytest.mark.parametrize(
    ('old', 'new'), [(b'12', b'13'), (b'"ab', b'"ac'), (b'"check"', b'"chock"'), (b'{', b'')]
)
def test_a_damaged_anchor_is_none(tmp_path, old, new):
    path = tmp_path / 'audit.jsonl'
    content = encode_anchor(LogPosition(12, 'ab' * 32))
    assert old in content
    anchor_path(path).write_bytes(content.replace(old, new, 1))
    assert read_anchor(path, attempts=2) is None
