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
"""State files are what their model says, or are put aside."""

import os
from typing import Annotated

import pytest
from pydantic import Field

from oht50_bridge.regular_file import ASIDE
from oht50_bridge.regular_file import KEPT
from oht50_bridge.regular_file import MAXIMUM_BYTES
from oht50_bridge.regular_file import aside_names
from oht50_bridge.state_file import REASON_LENGTH
from oht50_bridge.state_file import StateModel
from oht50_bridge.state_file import UnreadableError
from oht50_bridge.state_file import load_state
from oht50_bridge.state_file import parse_state


class Example(StateModel):
    count: Annotated[int, Field(ge=0)]
    share: float = 0.0
    name: str = ''


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'example.json'


def test_a_missing_file_is_none_and_a_whole_one_what_it_holds(path):
    assert load_state(path, Example) is None
    path.write_text('{"count": 3, "share": 1}')
    assert load_state(path, Example) == Example(count=3, share=1.0)


WRONG = [
    b'',
    b'\x00' * 100,
    b'{"count": 1',
    b'\xff\xfe{\x00}\x00',
    '{"count": 1, "name": "\u00e9"}'.encode('latin-1'),
    b'\xef\xbb\xbf{"count": 1}',
    b'{"count": 1, "count": 2}',
    b'{"count": 1.0}',
    b'{"count": true}',
    b'{"count": "1"}',
    b'{"count": -1}',
    b'{"count": 1, "share": NaN}',
    b'{"count": 1, "share": 1e999}',
    b'{"count": 1, "share": ' + b'9' * 400 + b'}',
    b'{"count": ' + b'9' * 5000 + b'}',
    b'{"count": 1, "name": "\\ud800"}',
    b'{"count": 1, "other": 1}',
    b'[1]',
    b'[' * 100_000,
    b'{"a":' * 100_000,
    b' ' * (MAXIMUM_BYTES + 1),
]


@pytest.mark.parametrize('content', WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_put_aside_and_reported_in_one_line(path, content):
    path.write_bytes(content)
    with pytest.raises(UnreadableError) as raised:
        load_state(path, Example)
    assert not path.exists()
    assert path.with_name(f'example.json{ASIDE}1').read_bytes() == content
    text = str(raised.value)
    assert text.startswith(f'{path}: ')
    assert text.endswith('; kept as example.json.unreadable-1')
    assert text.isprintable()
    assert len(text) < len(str(path)) + 4 * REASON_LENGTH + 60


def test_control_characters_of_a_file_are_not_reported():
    with pytest.raises(ValueError, match=r'^\\x1b\]52;c;x\\x07: ') as raised:
        parse_state(b'{"count": 1, "\\u001b]52;c;x\\u0007": 1}', Example)
    assert str(raised.value).isprintable()


def make_link(path):
    path.symlink_to('nowhere')


def make_loop(path):
    path.symlink_to(path)


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, make_link, make_loop])
def test_what_is_no_file_is_put_aside_without_waiting_for_it(path, make):
    make(path)
    with pytest.raises(UnreadableError):
        load_state(path, Example)
    assert not os.path.lexists(path)
    assert aside_names(path) == ['example.json.unreadable-1']


def test_a_device_is_not_read(path):
    path.symlink_to('/dev/zero')
    with pytest.raises(UnreadableError, match='not a regular file'):
        load_state(path, Example)


def test_a_limited_number_is_kept_and_the_newest_is_among_them(path):
    for number in range(KEPT + 2):
        path.write_text(f'wrong {number}')
        with pytest.raises(UnreadableError):
            load_state(path, Example)
    assert len(aside_names(path)) == KEPT
    assert path.with_name(f'example.json{ASIDE}1').read_text() == 'wrong 0'
    assert path.with_name(f'example.json{ASIDE}{KEPT}').read_text() == f'wrong {KEPT + 1}'


def test_what_cannot_be_renamed_stays_and_is_reported(path, monkeypatch):
    def refuse(*arguments):
        raise OSError(30, 'Read-only file system')

    path.write_text('{')
    monkeypatch.setattr('oht50_bridge.regular_file.os.replace', refuse)
    with pytest.raises(UnreadableError, match=r'stays there \(Read-only'):
        load_state(path, Example)
    assert path.read_text() == '{'


def test_a_lasting_file_that_is_missing_beside_one_put_aside_is_unreadable(path):
    path.write_text('{')
    for _ in range(2):
        with pytest.raises(UnreadableError):
            load_state(path, Example, lasting=True)
    assert load_state(path, Example) is None
    path.write_text('{"count": 1}')
    assert load_state(path, Example, lasting=True) == Example(count=1)


def test_a_file_that_must_not_be_trusted_is_unreadable(path):
    def refuse(name, status):
        raise ValueError(f'{name.name} has {status.st_size} bytes')

    path.write_text('{"count": 1}')
    with pytest.raises(UnreadableError, match='has 12 bytes'):
        load_state(path, Example, check=refuse, aside=False)
    assert path.exists()
