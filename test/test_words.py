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
"""No file of the repository uses a word of test/banned_words.txt."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_cover  # it reads the sources

ROOT = Path(__file__).resolve().parent.parent
LIST = 'test/banned_words.txt'
#: The list, this test, and texts of others: the licence and the specification.
EXCLUDED = {LIST, 'test/test_words.py', 'LICENSE', 'docs/websocket_events.md'}
#: A border between two words of an identifier: in snake_case or camelCase.
BORDER = re.compile(r'_+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])')


def banned():
    """Return the banned expressions, each with what to use instead."""
    lines = (ROOT / LIST).read_text(encoding='utf-8').splitlines()
    return [tuple(line.split('\t')) for line in lines if line and not line.startswith('#')]


def find(text, words):
    """Yield line number, what was found and what to use instead."""
    literal = [entry for entry in words if re.search(r'_|\\\.', entry[0])]
    plain = [entry for entry in words if entry not in literal]
    for entries, searched in ((literal, text), (plain, BORDER.sub(' ', text))):
        # Most texts have none of them, so they are looked for all at once first.
        if not compiled('|'.join(expression for expression, _ in entries)).search(searched):
            continue
        for number, line in enumerate(searched.splitlines(), 1):
            for expression, instead in entries:
                match = compiled(expression).search(line)
                if match:
                    yield number, match[0], instead


@functools.cache
def compiled(expression):
    """Return the pattern of a banned expression that stands by itself."""
    return re.compile(rf'(?<![a-z])(?:{expression})(?![a-z])', re.IGNORECASE | re.MULTILINE)


def files():
    """Return the tracked texts by name, without the changes of old releases."""
    names = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split('\0')
    texts = {}
    for name in filter(None, names):
        path = ROOT / name
        if name in EXCLUDED or not path.is_file():
            continue
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue
        if name == 'CHANGELOG.md':
            text = ''.join(re.split(r'(?m)^(?=## )', text)[:2])
        texts[name] = text
    return texts


@pytest.mark.skipif(not shutil.which('git'), reason='git is not installed')
@pytest.mark.processes  # git lists the files
def test_no_banned_word_is_used():
    texts = files()
    if not texts:
        pytest.skip('not a clone of the repository')
    words = banned()
    found = [
        f'{name}:{number}: "{word}", use: {instead}'
        for name, text in texts.items()
        for number, word, instead in find(text, words)
    ]
    found += [
        f'{name}: the name of the file has "{word}", use: {instead}'
        for name in texts
        for _, word, instead in find(name, words)
    ]
    assert not found, '\n' + '\n'.join(found)


def test_each_line_of_the_list_is_an_expression_and_a_replacement():
    words = banned()
    assert len(words) > 10
    for entry in words:
        assert len(entry) == 2 and all(entry), entry
        re.compile(entry[0])


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('a ring of events', ['ring']),
        ('event_ring = EventRing()', ['ring']),
        ('HTTPRing', ['Ring']),
        ('during the string RINGING', []),
        ('is told to end', ['told']),
        ('told_to_end()', ['told_to_end', 'told']),
        ('the last_stop process', ['last_stop']),
        ('the last stop of a mission', []),
        ('a hundred of more, each', ['of more']),
        ('a hundred of more\nand so on', ['of more']),
        ('of more than 10 KiB, an integer of more digits', []),
        ('see durable.py', ['durable.py']),
        ('a durable file', []),
        ('amendment', []),
    ],
)
def test_words_are_found_in_text_and_identifiers(text, found):
    assert [word for _, word, _ in find(text, banned())] == found
