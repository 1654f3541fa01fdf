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
import logging
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.text import MAX_REASON
from oht50_bridge.text import OneMessageFormatter
from oht50_bridge.text import TextError
from oht50_bridge.text import check_name
from oht50_bridge.text import check_text
from oht50_bridge.text import decoded_argument
from oht50_bridge.text import escape_logs
from oht50_bridge.text import json_text
from oht50_bridge.text import reason_text
from oht50_bridge.text import shown
from oht50_bridge.text import shown_lines

ANY = st.text(alphabet=st.characters())  # with halves of surrogate pairs
DANGEROUS = [chr(code) for code in (*range(32), *range(127, 160), 0x2028, 0x2029, 0x202E, 0x2066)]


@pytest.mark.parametrize('name', ['ann', 'Jörg', '起重機 3', 'mission-[/x]', "O'Neill", '😀'])
def test_names_of_all_scripts_are_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    'name', ['', 'J\udcf6rg', 'x' * 129, *(f'a{each}b' for each in DANGEROUS)]
)
def test_what_cannot_be_stored_or_shown_is_no_name(name):
    with pytest.raises(TextError) as refused:
        check_name(name)
    assert name not in str(refused.value) or not name
    assert str(refused.value).isprintable()


def test_free_text_may_have_lines():
    assert check_text('a\nb', 3) == 'a\nb'
    with pytest.raises(TextError, match='at most 2'):
        check_text('a\nb', 2)
    with pytest.raises(TextError, match='Unicode'):
        check_text('\ud800')


@pytest.mark.parametrize(
    ('text', 'line'),
    [
        ('[/x]', '[/x]'),
        ('a\r\n[WARN] b', 'a\\r\\n[WARN] b'),
        ('\x1b]52;c;eA==\x07', '\\x1b]52;c;eA==\\x07'),
        ('\x9b2J', '\\x9b2J'),
        ('\u202egpj.exe', '\\u202egpj.exe'),
        ('J\udcf6rg', 'J\\udcf6rg'),
    ],
)
def test_text_is_shown_as_one_line(text, line):
    assert shown(text) == line


def test_long_text_is_cut():
    assert shown('x' * 10, 4) == 'xxxx...'


def test_a_reason_fits_into_a_message():
    assert reason_text('\x1b' + 'x' * MAX_REASON) == '\\x1b' + 'x' * (MAX_REASON - 7) + '...'
    assert reason_text('why') == 'why'


@given(ANY)
def test_nothing_that_is_shown_controls_a_terminal(text):
    for result in (shown(text), shown_lines(text).replace('\n', ''), json_text([text])):
        result.encode()
        assert not [each for each in result if unicodedata.category(each) in ('Cc', 'Zl', 'Zp')]
    assert all(line.startswith('    ') for line in shown_lines(text).split('\n')[1:])


@given(ANY)
def test_json_stays_what_it_was(text):
    assert json.loads(json_text({'text': text}, indent=2)) == {'text': text}


@pytest.mark.parametrize(
    ('argument', 'text'),
    [('drill', 'drill'), (b'J\xc3\xb6rg'.decode('ascii', 'surrogateescape'), 'Jörg')],
)
def test_an_argument_is_utf8_in_every_locale(argument, text):
    assert decoded_argument(argument) == text


@pytest.mark.parametrize('argument', ['J\udcf6rg', '\ud800'])
def test_an_argument_that_is_not_utf8_is_refused(argument):
    with pytest.raises(TextError, match='Unicode'):
        decoded_argument(argument)


def test_no_log_record_passes_for_another(monkeypatch, capsys):
    monkeypatch.setattr(logging, 'lastResort', logging._StderrHandler(logging.WARNING))
    escape_logs()
    record = logging.LogRecord('x', logging.ERROR, 'f', 1, '%s', ('a\r\n[WARN] b\x1b',), None)
    try:
        raise ValueError('c\n[WARN] d\x07')
    except ValueError:
        record.exc_info = sys.exc_info()
    logging.lastResort.handle(record)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ['[ERROR] [x]: a\\r', '    [WARN] b\\x1b']
    assert all(line.startswith('    ') for line in lines[1:])
    assert '\x07' not in ''.join(lines)
    assert isinstance(logging.lastResort.formatter, OneMessageFormatter)


def test_the_log_names_the_want_of_memory_and_not_the_line_where_it_shows():
    try:
        bytearray(1 << 60)
    except MemoryError:
        error = sys.exc_info()
    record = logging.LogRecord('any', logging.ERROR, 'file', 1, 'handler failed', (), error)
    assert OneMessageFormatter().format(record) == 'handler failed\n    no memory is left'
