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
"""The command line as a whole."""

import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import jwt
import pytest

from oht50_bridge import cli
from oht50_bridge.cli.main import COMMANDS
from oht50_bridge.cli.main import main
from oht50_bridge.version import VERSION

pytestmark = pytest.mark.cover_processes

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize('arguments', [[], *([name] for name in COMMANDS)])
def test_help_of_every_command(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([*arguments, '--help'])
    assert exit_.value.code == 0
    assert 'usage: oht50' in capsys.readouterr().out


def test_no_command_is_an_error(capsys):
    with pytest.raises(SystemExit) as exit_:
        main([])
    assert exit_.value.code == 2
    assert 'COMMAND' in capsys.readouterr().err


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit):
        main(['--version'])
    assert capsys.readouterr().out.strip() == VERSION
    manifest = xml.etree.ElementTree.parse(ROOT / 'package.xml')
    assert manifest.findtext('version') == VERSION
    assert f'## {VERSION}' in (ROOT / 'CHANGELOG.md').read_text()


@pytest.mark.processes
def test_ctrl_c_during_the_imports_of_a_command_ends_it_silently():
    code = (
        'import os, signal; from oht50_bridge.cli import main; '
        'main.import_module = lambda name: os.kill(os.getpid(), signal.SIGINT); '
        "main.main(['watch'])"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'', b'')


@pytest.mark.parametrize(
    ('arguments', 'code'),
    [
        *(([name], 0) for name in ('up', 'watch', 'record')),
        (['replay', 'bag'], 0),
        (['audit', 'show', '--follow'], 0),
        (['audit', 'show'], 130),
        (['audit', 'verify'], 130),
        (['doctor'], 130),
        (['params', 'check'], 130),
        (['token'], 130),
        (['asyncapi'], 130),
    ],
)
def test_ctrl_c_is_the_end_of_what_runs_until_it_and_no_success_of_others(
    arguments, code, monkeypatch, capsys
):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(f'oht50_bridge.cli.{arguments[0]}.run', interrupted)
    assert main(arguments) == code
    assert capsys.readouterr() == ('', '')


@pytest.mark.processes
def test_ctrl_c_during_the_imports_of_a_check_is_no_success():
    code = (
        'import os, signal; from oht50_bridge.cli import main; '
        'main.import_module = lambda name: os.kill(os.getpid(), signal.SIGINT); '
        "main.main(['doctor'])"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b'', b'')


@pytest.mark.parametrize(
    ('arguments', 'imported'),
    [(['--version'], []), (['record', '--help'], ['record']), (['--help'], sorted(COMMANDS))],
)
def test_only_what_the_command_line_is_about_is_imported(arguments, imported, monkeypatch):
    for name in COMMANDS:
        module = sys.modules.get(f'oht50_bridge.cli.{name}')
        if module is not None:
            # Both are put back: a later test would change the one and run the other.
            monkeypatch.delitem(sys.modules, module.__name__)
            monkeypatch.setattr(cli, name, module)
    with pytest.raises(SystemExit):
        main(arguments)
    assert sorted(n for n in COMMANDS if f'oht50_bridge.cli.{n}' in sys.modules) == imported


@pytest.mark.parametrize(
    'arguments',
    [
        ['token', '--role', 'viewer', '--subject', 'J\udcf6rg'],
        ['watch', '--state-dir', '/tmp/J\udcf6rg'],
        ['audit', 'show', '--what', 'a', '--what', 'J\udcf6rg'],
        ['\x1b]52;c;eA==\x07'],
    ],
)
def test_an_argument_that_is_no_text_is_refused_in_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert 'Traceback' not in error and error.replace('\n', '').isprintable()


def test_an_argument_is_utf8_in_every_locale(tmp_path, capsys):
    subject = 'Jörg'.encode().decode('ascii', 'surrogateescape')
    assert (
        main(['token', '--role', 'viewer', '--subject', subject, '--state-dir', str(tmp_path)])
        == 0
    )
    claims = jwt.decode(capsys.readouterr().out.strip(), options={'verify_signature': False})
    assert claims['sub'] == 'Jörg'


def test_an_error_with_text_from_outside_is_harmless(capsys):
    assert main(['call', 'pause_mission', 'a\x1b]52=']) in (1, 2)
    assert '\x1b' not in capsys.readouterr().err


@pytest.mark.processes
def test_reader_that_leaves_early_is_no_error():
    process = subprocess.run(
        f'{sys.executable} -m oht50_bridge.cli.main --help | head -1',
        shell=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert process.stderr == ''
