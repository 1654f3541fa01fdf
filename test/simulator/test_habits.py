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
"""Each habit of a board that docs/hardware.md names has a test of the name that it gives."""

import ast
import re
from pathlib import Path

import pytest

from oht50_bridge.hardware import profile_reader
from oht50_bridge.simulator.boards.board import Misbehaviour

pytestmark = pytest.mark.no_cover  # it reads the sources

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS = ['habit', 'evidence', 'simulated', 'test']


def cells(line):
    return [cell.strip() for cell in line.strip().strip('|').split('|')]


def habits(text):
    """Return each row of each table of habits, cells by column."""
    rows, inside = [], False
    for line in text.splitlines():
        if not line.startswith('|'):
            inside = False
        elif cells(line) == COLUMNS:
            inside = True
        elif inside and not set(line) <= set('|-: '):
            rows.append(dict(zip(COLUMNS, cells(line), strict=True)))
    return rows


def missing(row, known):
    """Return what is wrong with a row: tests that do not exist, or none named."""
    named = re.findall(r'`(test_\w+)`', row['test'])
    if not named:
        return f'{row["habit"]}: no test'
    absent = [name for name in named if name not in known]
    return f'{row["habit"]}: no test of the name {absent}' if absent else ''


@pytest.fixture(scope='module')
def tests():
    """Return the names of all test functions."""
    return {
        node.name
        for path in (ROOT / 'test').rglob('test_*.py')
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith('test_')
    }


def test_each_habit_has_its_tests(tests):
    rows = habits((ROOT / 'docs' / 'hardware.md').read_text(encoding='utf-8'))
    assert len(rows) > 15
    faults = [fault for row in rows if (fault := missing(row, tests))]
    assert not faults, '\n'.join(faults)


def test_each_habit_has_its_evidence():
    for row in habits((ROOT / 'docs' / 'hardware.md').read_text(encoding='utf-8')):
        assert re.search(r'\w\.[ch]:\d|assumption', row['evidence']), row
        assert row['simulated'], row


def quirks_of(profile):
    """Return the habits of the simulated board that a profile sets."""
    return {
        name
        for name, value in profile.quirks.items()
        if name in Misbehaviour.__annotations__ and value != profile_reader._QUIRKS[name]
    }


def unnamed(profile, quirks, rows):
    """Return the quirks of a profile that no row names together with it."""
    named = set()
    for row in rows:
        words = set(re.findall(r'`(\w+)`', row['simulated']))
        named |= words if profile in words else set()
    return sorted(quirks - named)


@pytest.mark.parametrize('name', profile_reader.available())
def test_each_quirk_of_a_profile_is_a_habit_with_evidence(name):
    rows = habits((ROOT / 'docs' / 'hardware.md').read_text(encoding='utf-8'))
    assert unnamed(name, quirks_of(profile_reader.load(name)), rows) == []


TABLE = """
| habit | evidence | simulated | test |
|---|---|---|---|
| it is slow | `a.c:1` | `line.py` | `test_one`, `test_two` |
| it sleeps | `a.c:2` | `line.py` | |

| board | kind |
|---|---|
| power | power |
"""


def test_a_habit_without_a_test_of_its_name_is_found():
    slow, sleeps = habits(TABLE)
    assert missing(slow, {'test_one', 'test_two'}) == ''
    assert missing(slow, {'test_one'}) == "it is slow: no test of the name ['test_two']"
    assert missing(sleeps, {'test_one'}) == 'it sleeps: no test'


@pytest.mark.parametrize('quirk', ['loss', 'quiet_before', 'overwrite'])
def test_a_quirk_that_no_row_names_with_its_profile_is_found(quirk):
    (row,) = habits(TABLE.replace('`line.py` | |', '`tick` of `slow_board` | |'))[1:]
    assert unnamed('slow_board', {'tick'}, [row]) == []
    assert unnamed('slow_board', {'tick', quirk}, [row]) == [quirk]
    assert unnamed('other_board', {'tick'}, [row]) == ['tick']
