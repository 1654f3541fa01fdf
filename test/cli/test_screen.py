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
import fcntl
import io
import os
import pty
import signal
import struct
import subprocess
import termios
import threading

import pytest
from rich.console import Console
from support import OHT50
from support import free_port
from support import wait_for

from oht50_bridge.cli.screen import cell
from oht50_bridge.cli.screen import forget_absurd_size
from oht50_bridge.cli.screen import make_table


def printed(*rows):
    console = Console(file=io.StringIO(), width=60, force_terminal=True)
    table = make_table('name', 'value')
    for row in rows:
        table.add_row(*map(cell, row))
    console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize(
    'text', ['[/x]', '[red]', '[bold', ':smile:', '[link=http://evil]x[/link]', '\\[']
)
def test_brackets_are_text(text):
    assert text in printed((text, 5))


def test_nothing_controls_the_terminal():
    text = printed(('\x1b]52;c;eA==\x07', 'a\r\nb\x9b2J\u202e'))
    assert '\\x1b]52;c;eA==\\x07' in text and 'a\\r\\nb\\x9b2J\\u202e' in text


def test_a_cell_may_have_a_style():
    assert cell('ok', 'green').style == 'green'
    assert cell(None).plain == 'None'


@pytest.mark.parametrize(
    'given', ['', '0', '1', '-5', '²', '٣', '9' * 5000, '99999999', '80\n', 'x']
)
def test_an_absurd_size_is_forgotten(given):
    environment = {'COLUMNS': given, 'LINES': given}
    forget_absurd_size(environment)
    assert environment == {}


def test_a_size_of_terminals_is_kept():
    environment = {'COLUMNS': '80', 'LINES': '24'}
    forget_absurd_size(environment)
    assert environment == {'COLUMNS': '80', 'LINES': '24'}


TERMINALS = [
    # TERM, what the terminal says of its size, what the environment adds, whether it has a screen
    ('xterm', (24, 80), {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}, True),
    (None, (24, 80), {}, False),
]
OTHERS = [
    ('no-such-terminal', (24, 80), {}, True),
    ('xterm', (1, 1), {}, True),
    ('xterm', (65535, 65535), {}, True),
    ('xterm', (24, 80), {'COLUMNS': '0', 'LINES': '0'}, True),
    ('dumb', (0, 0), {'COLUMNS': '0'}, False),
]


@pytest.mark.processes
@pytest.mark.parametrize(
    ('term', 'size', 'more', 'screen'),
    [*TERMINALS, *(pytest.param(*each, marks=pytest.mark.slow) for each in OTHERS)],
)
def test_every_terminal_shows_the_findings_and_the_connection(term, size, more, screen, tmp_path):
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ('TERM', 'COLUMNS', 'LINES', 'LC_ALL')
    }
    environment |= {'OHT50_TOKEN': 'x', **more} | ({} if term is None else {'TERM': term})
    output = []

    def start(*arguments):
        own, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', *size, 0, 0))
        process = subprocess.Popen(
            [*OHT50, *arguments], env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)

        def read():
            with contextlib.suppress(OSError):  # it has ended
                while content := os.read(own, 65536):
                    output.append(content)
            os.close(own)

        threading.Thread(target=read, daemon=True).start()
        return process

    def said(text):
        return text in b''.join(output)

    doctor = start('doctor', '--port', str(free_port()), '--state-dir', str(tmp_path))
    assert doctor.wait(60) == 1
    wait_for(lambda: said(b'TERM=xterm') is not screen and said(b'clock'), what='findings')
    output.clear()
    watch = start('watch', f'ws://127.0.0.1:{free_port()}')
    try:
        wait_for(lambda: said(b'connected'), 60.0, what='connection')
        if screen:
            watch.send_signal(signal.SIGINT)
        assert watch.wait(30) == (0 if screen else 1)
    finally:
        watch.kill()
        watch.wait()
    assert not said(b'Traceback') and (screen or not said(b'\x1b'))
