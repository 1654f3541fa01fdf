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
import argparse
import os
import pty
import re
import shlex
import sys

import jwt
import pytest
from support import NO_HOSTS

from oht50_bridge.cli.main import main
from oht50_bridge.cli.up import announce
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.paths import config_dir
from oht50_bridge.text import shown


def test_the_boards_are_either_simulated_or_on_a_port(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(['up', '--sim', '--serial', '/dev/ttyUSB0'])
    assert exit_.value.code == 2
    assert 'not allowed with' in capsys.readouterr().err


@pytest.mark.processes
@pytest.mark.parametrize(
    ('options', 'named'),
    [
        (['--namespace', 'x'], 'namespace'),
        (['--host', '0.0.0.0'], '--insecure'),
        (['--tls-cert', '/missing/cert.pem'], '--tls-key'),
    ],
)
def test_a_start_that_cannot_work_is_refused_with_the_option(tmp_path, capsys, options, named):
    assert main(['up', '--sim', *options, '--state-dir', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith('oht50 up: ') and named in error


@pytest.mark.processes
@pytest.mark.parametrize('host', NO_HOSTS[:-1])  # what no command line can hold is the last
@pytest.mark.parametrize(
    'options', [[], pytest.param(['--insecure'], marks=pytest.mark.slow), ['replay']]
)
def test_a_host_that_can_be_none_is_one_line_whatever_the_command(tmp_path, capsys, host, options):
    command = ['replay', str(tmp_path)] if options == ['replay'] else ['up', '--sim', *options]
    state = str(tmp_path / 'state')
    assert main([*command, '--host', host, '--port', '8661', '--state-dir', state]) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and error[:-1].isprintable()
    assert f'{shown(host)} port 8661: no name of a host: ' in error
    assert error.endswith('; choose another with --host or --port\n')


@pytest.mark.processes
def test_wrong_parameters_are_refused_before_anything_exists(tmp_path, capsys):
    params = tmp_path / 'params.yaml'
    params.write_text('/**/safety_node:\n  ros__parameters:\n    speed_limit: .nan\n')
    state = tmp_path / 'state'
    arguments = ['up', '--sim', '--params', str(params), '--state-dir', str(state)]
    assert main(arguments) == os.EX_CONFIG
    assert capsys.readouterr().err == (
        f'oht50 up: {params}:3: safety_node: speed_limit: found .nan; write a number from 0 to 2 '
        'm/s, such as 0.5\n'
    )
    assert main([*arguments[:3], '/missing/params.yaml']) == os.EX_CONFIG
    assert capsys.readouterr().err.startswith('oht50 up: /missing/params.yaml: No such file')
    assert not state.exists()


@pytest.mark.processes
def test_one_port_for_all_boards_is_refused_where_the_safety_board_goes_deaf_on_it(
    tmp_path, capsys
):
    assert main(['up', '--serial', '/dev/ttyUSB0', '--state-dir', str(tmp_path)]) == os.EX_CONFIG
    error = capsys.readouterr().err
    assert error.startswith('oht50 up: serial_port /dev/ttyUSB0: board safety')
    assert error.count('\n') == 1 and 'line of its own' in error


def started(directory, **given):
    """The options of a vehicle that has been started."""
    return argparse.Namespace(
        **{
            'sim': True,
            'serial': None,
            'host': '::1',
            'port': 8000,
            'state_dir': directory,
            'domain': 0,
            'namespace': '/oht50',
            'discovery': 'localhost',
            'keys': '',
            'issuer': '',
            'audience': '',
            **given,
        }
    )


def test_lines_to_copy_are_quoted(tmp_path, capsys, monkeypatch):
    directory = tmp_path / "it's mine"
    (tmp_path / 'index.html').touch()
    monkeypatch.setattr(sys, 'argv', ['/opt/my tools/oht50'])
    announce(started(directory), {'page': str(tmp_path)}, encrypted=False)
    lines = capsys.readouterr().out.splitlines()
    token, watch = (
        shlex.split(line.strip())[1:] for line in lines if line[2:7] in ('Token', 'Watch')
    )
    assert token == [
        '/opt/my tools/oht50',
        'token',
        '--role',
        'operator',
        '--state-dir',
        str(directory),
    ]
    assert watch == [
        '/opt/my tools/oht50',
        'watch',
        'ws://[::1]:8000/ws/telemetry',
        '--state-dir',
        str(directory),
    ]
    page = re.fullmatch(r'  Page       http://\[::1\]:8000/ \(.*: (.*)\)', lines[-1])[1]
    assert shlex.split(page) == [
        '/opt/my tools/oht50',
        'token',
        '--role',
        'operator',
        '--pair',
        '--link',
        'http://[::1]:8000',
        '--state-dir',
        str(directory),
    ]
    main(shlex.split(page)[1:])
    assert capsys.readouterr().out.startswith('http://[::1]:8000/#token=eyJ')


@pytest.fixture
def announced(monkeypatch):
    """Announce a vehicle on a terminal; return what the terminal shows."""

    def on_terminal(*arguments, **options):
        master, slave = pty.openpty()
        with os.fdopen(slave, 'w') as terminal, monkeypatch.context() as patched:
            patched.setattr(sys, 'stdout', terminal)
            announce(*arguments, **options)
            shown = os.read(master, 65536).decode()
        os.close(master)
        return shown

    return on_terminal


def test_a_newcomer_gets_a_link_that_starts_missions_on_a_terminal(tmp_path, announced):
    (tmp_path / 'index.html').touch()
    text = announced(
        started(tmp_path / 'state', host='0.0.0.0'),
        {'page': str(tmp_path), 'token_audience': 'hoist-a'},
        encrypted=True,
    )
    sentence, _, address = text.rpartition('  Page       ')
    assert sentence.endswith('Anybody who has the link can do the same.\r\n')
    link = re.fullmatch(r'https://127\.0\.0\.1:8000/#token=(\S+)&refresh=(\S+)', address.strip())
    secret = (tmp_path / 'state' / 'jwt_secret').read_bytes()
    access, refresh = (
        jwt.decode(token, secret, algorithms=['HS256'], audience='hoist-a')
        for token in link.groups()
    )
    assert (access['typ'], refresh['typ']) == ('access', 'refresh')
    roles = load_roles(config_dir() / 'roles.yaml')
    assert 'start_mission' in roles[access['role']].commands
    assert 'clear_estop' not in roles[access['role']].commands


@pytest.mark.parametrize('what', ['file', 'real boards', 'public keys'])
def test_no_token_is_printed_where_it_would_be_kept(tmp_path, announced, capsys, what):
    (tmp_path / 'index.html').touch()
    keys = tmp_path / 'keys'
    if what == 'public keys':
        main(['token', 'keygen', 'a', '--keys', str(tmp_path / 'issuer')])
        keys.mkdir()
        (keys / 'a.pem').write_text(capsys.readouterr().out)
    arguments = started(tmp_path / 'state', sim=what != 'real boards')
    given = {'page': str(tmp_path), 'keys': str(keys) if what == 'public keys' else ''}
    if what == 'file':
        announce(arguments, given, encrypted=False)
        text = capsys.readouterr().out
    else:
        text = announced(arguments, given, encrypted=False)
    assert '  Page       http://[::1]:8000/ (a link that signs you in: ' in text
    assert '#' not in text and 'eyJ' not in text


def test_a_page_that_is_missing_or_turned_off_has_no_link(tmp_path, announced, monkeypatch):
    monkeypatch.setattr('oht50_bridge.cli.link.page_dir', lambda: tmp_path)
    text = announced(started(tmp_path), {}, encrypted=False)
    assert '  Page       not built: run `make setup` with Node 20.19 or later' in text
    assert 'Page' not in announced(started(tmp_path), {'page': 'off'}, encrypted=False)
    assert not (tmp_path / 'jwt_secret').exists()
