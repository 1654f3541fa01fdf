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
"""What nobody reads, or what cannot be written, never ends a process."""

import os
import subprocess
import sys
from io import BytesIO
from io import TextIOWrapper

import pytest
from support import OHT50
from support import ROOT

from oht50_bridge.standard_streams import forgive_output

pytestmark = pytest.mark.processes

OPENED = """
import os, sys
from oht50_bridge.standard_streams import flush_output, open_standard_streams, say
open_standard_streams()
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
assert file > 2, file
say('err')
print('out')
sys.exit(3 if flush_output() else 0)
"""


def run(code, redirection, *arguments, **options):
    """Run Python code with a redirection of the shell; return its exit code and its output."""
    done = subprocess.run(
        [
            'sh',
            '-c',
            f'"$@" {redirection}',
            'sh',
            sys.executable,
            '-c',
            code,
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != 'PYTHONUNBUFFERED'},
        **options,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.cover_processes
@pytest.mark.parametrize(
    ('redirection', 'code'),
    [
        ('', 0),
        ('>&-', 0),
        ('2>&-', 0),
        ('<&- >&- 2>&-', 0),
        ('| true', 0),
        ('2>&1 | true', 0),
        ('2>/dev/full', 0),
        ('>/dev/full', 3),
        ('>/dev/full 2>/dev/full', 3),
    ],
)
def test_output_that_cannot_be_written_goes_nowhere_and_ends_nothing(tmp_path, redirection, code):
    found, _, errors = run(OPENED, redirection, tmp_path / 'file')
    assert found == (0 if '|' in redirection else code), errors
    assert 'Error' not in errors, errors
    assert (tmp_path / 'file').read_bytes() == b'', 'nothing is printed into a file'


@pytest.mark.parametrize('redirection', ['>/dev/full', '2>/dev/full', '>/dev/full 2>/dev/full'])
def test_a_line_that_cannot_be_written_is_lost_and_not_tried_again_at_the_end(redirection):
    code = (
        'import sys; from oht50_bridge.standard_streams import flush_output, say\n'
        'say("out", sys.stdout); sys.exit(3 if flush_output() else say("err"))'
    )
    found, output, errors = run(code, redirection)
    assert (found, 'Exception' in errors) == (0, False), errors
    assert output == ('out\n' if redirection == '2>/dev/full' else '')


COMMANDS = [['--help'], ['no-such-command'], ['call', 'ping', '--url', 'ws://127.0.0.1:9']]
OTHERS = [
    ['--version'],
    ['token', '--role', 'viewer'],
    ['token', 'list-revoked'],
    ['doctor'],
    ['asyncapi'],
    ['audit', 'verify'],
    ['watch', 'ws://127.0.0.1:9'],
]


@pytest.mark.parametrize(
    'command',
    [*COMMANDS, *(pytest.param(command, marks=pytest.mark.slow) for command in OTHERS)],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize('redirection', ['>&- 2>&-', '>/dev/full', '2>/dev/full'])
def test_no_command_breaks_over_its_output(tmp_path, command, redirection):
    if command[0] in ('token', 'audit', 'doctor'):
        command = [*command, '--state-dir', str(tmp_path / 'state')]
    done = subprocess.run(
        ['sh', '-c', f'"$@" {redirection}', 'sh', *OHT50, *command],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in ((2,) if command == ['no-such-command'] else (0, 1)), done.stderr
    for text in (done.stdout, done.stderr):
        assert 'Traceback' not in text
        assert 'Exception ignored' not in text
    if redirection == '>/dev/full' and command[0] == 'token':
        assert done.returncode == 1, 'who asked for a token has none'
        assert 'No space left on device' in done.stderr


def test_output_that_the_locale_cannot_show_is_a_question_mark():
    stream = TextIOWrapper(BytesIO(), encoding='ascii')
    forgive_output(stream, None)
    stream.write('m/s² J\udcf6rg')
    stream.flush()
    assert stream.buffer.getvalue() == b'm/s? J?rg'
