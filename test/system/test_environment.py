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
"""Vehicles on computers that lack something: it runs without it, or says so in one line."""

import os
import re
import subprocess
import sys

import pytest
from support import OHT50
from support import ROOT
from support import Up as Vehicle
from support import own_domain
from support import processes_of

NOBODY = '12345'  # a user id without an entry in /etc/passwd
as_nobody = pytest.mark.skipif(os.getuid() != 0, reason='needs root, to be another user')


# Of a user without an entry, for every Python below this directory.
SITECUSTOMIZE = """
import pwd

def getpwuid(uid):
    raise KeyError(f'getpwuid(): uid not found: {uid}')

pwd.getpwuid = getpwuid
"""


class Stripped(Vehicle):
    """A vehicle of a user without a name, a home and a umask, where `env` knows no options."""

    def command(self, boards, arguments):
        tools = self.directory / 'tools'
        tools.mkdir()
        (tools / 'env').write_text('#!/bin/sh\nexit 125\n')
        (tools / 'env').chmod(0o755)
        (tools / 'sitecustomize.py').write_text(SITECUSTOMIZE)
        for name in ('HOME', 'XDG_STATE_HOME', 'USER', 'LOGNAME'):
            self.environment.pop(name, None)
        self.environment['PATH'] = f'{tools}:{self.environment["PATH"]}'
        self.environment['PYTHONPATH'] = f'{tools}:{self.environment.get("PYTHONPATH", "")}'
        whole = super().command(boards, arguments)
        return ['sh', '-c', 'umask 000; exec "$@"', 'sh', *whole]


def one_line(command, code, **environment):
    """Run a command that refuses with one line, and return the line."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.count('\n') == 1 and 'Traceback' not in done.stderr
    return done.stderr


def test_a_vehicle_runs_without_a_user_entry_a_home_and_options_of_env(tmp_path):
    """Its files are its own. It does without encryption where that is asked for explicitly."""
    unencrypted = ('--insecure', '--host', '0.0.0.0')
    with own_domain() as domain, Stripped(tmp_path, domain, *unencrypted) as vehicle:
        vehicle.wait_until_up()
        vehicle.wait_for('nothing is encrypted')
        with vehicle.client('operator') as client:
            assert client.call('emergency_stop')['accepted']
        paths = [vehicle.state_dir, *vehicle.state_dir.rglob('*')]
        assert len(paths) > 20
        assert [path for path in paths if path.is_file() and path.stat().st_mode & 0o022] == []
        assert [path for path in paths if path.is_dir() and path.stat().st_mode & 0o077] == []
        assert 'Traceback' not in vehicle.log.read_text()


@as_nobody
@pytest.mark.parametrize(
    ('arguments', 'code', 'said'),
    [
        (['--version'], 0, ''),
        (['params', 'check'], 0, 'no faults'),
        (['asyncapi'], 0, 'asyncapi'),
        (['up', '--sim'], 1, '--state-dir'),
        (['token', '--role', 'viewer'], 1, '--state-dir'),
        (['doctor', '--serial', '/dev/none'], 1, '--state-dir'),
    ],
)
def test_only_what_needs_a_home_asks_for_one(tmp_path, arguments, code, said):
    done = subprocess.run(
        ['env', '-i', f'PATH={os.environ["PATH"]}', 'setpriv', '--reuid', NOBODY, '--clear-groups',
         '--', *OHT50, *arguments],
        capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert 'Traceback' not in done.stderr and said in done.stdout + done.stderr
    if code and arguments[0] != 'doctor':
        assert done.stderr.count('\n') == 1


def test_an_rclpy_that_cannot_be_imported_is_one_line(tmp_path):
    (tmp_path / 'ros' / 'rclpy').mkdir(parents=True)
    (tmp_path / 'ros' / 'rclpy' / '__init__.py').write_text('raise ImportError("other Python")')
    line = one_line(
        [*OHT50, 'up', '--sim', '--state-dir', str(tmp_path / 'state')],
        1,
        PYTHONPATH=os.pathsep.join([str(tmp_path / 'ros'), *filter(None, sys.path)]),
    )
    assert re.search(r'rclpy: .*/ros/rclpy cannot be imported by Python .*other Python', line)
    assert processes_of(str(tmp_path)) == []


def test_too_few_participants_are_one_line_with_the_number(tmp_path):
    limit = '<Discovery><MaxAutoParticipantIndex>4</MaxAutoParticipantIndex></Discovery>'
    line = one_line(
        [*OHT50, 'up', '--sim', '--state-dir', str(tmp_path / 'state')],
        1,
        CYCLONEDDS_URI=f'<CycloneDDS><Domain>{limit}</Domain></CycloneDDS>',
    )
    assert 'MaxAutoParticipantIndex 4 ' in line
    assert processes_of(str(tmp_path)) == []
