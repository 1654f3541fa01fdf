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
"""`oht50 audit`."""

import itertools
import json
import os
import signal
import subprocess

import pytest
from support import OHT50
from support import wait_for

from oht50_bridge.cli.main import main
from oht50_bridge.gateway.audit.writer import AuditWriter


@pytest.fixture
def path(tmp_path):
    """A log of six records, one a minute."""
    path = tmp_path / 'domain-7' / 'audit.jsonl'
    minutes = itertools.count()
    audit = AuditWriter(path, stamp=lambda: f'2026-11-23T10:{next(minutes):02d}:00.000Z')
    for client, subject, what in (
        ('panel', 'ann', 'auth'),
        ('panel', 'ann', 'command'),
        ('tablet', 'bob', 'auth'),
        ('tablet', 'bob', 'command'),
        ('tablet', 'bo\x1bb', 'disconnect'),
    ):
        audit.record(what, client=client, subject=subject, role='operator')
    audit.record('event', event={'reason': '[red]\x1b[2J\u202e'})
    audit.close()
    return path


def run(capsys, *arguments):
    code = main(['audit', *map(str, arguments)])
    output = capsys.readouterr()
    return code, output.out, output.err


def shown(capsys, *arguments):
    code, out, _ = run(capsys, 'show', '--json', *arguments)
    assert code == 0
    return [json.loads(line)['n'] for line in out.splitlines()]


def test_an_intact_log_is_reported_with_the_position_to_note(path, capsys):
    code, out, _ = run(capsys, 'verify', path)
    assert (code, 'intact, 6 records' in out) == (0, True)
    position = out.splitlines()[-1]
    assert run(capsys, 'verify', path, '--expect', position)[0] == 0
    other = position.replace(position[-4:], '0000')
    code, out, _ = run(capsys, 'verify', path, '--expect', other)
    assert (code, 'line 6: differs from the position given' in out) == (1, True)
    with pytest.raises(SystemExit):
        main(['audit', 'verify', '--expect', 'x'])


@pytest.mark.parametrize(
    ('tamper', 'message'),
    [
        (lambda x: [*x[:1], x[1].replace('panel', 'other'), *x[2:]], 'line 2: changed'),
        (lambda x: [*x[:2], *x[3:]], 'line 3: records 3 to 3'),
        (lambda x: x[:-1], 'ends at record 5'),
        (lambda x: [x[0], x[2], x[1], *x[3:]], 'line 2: records 2 to 2'),
    ],
    ids=['edit', 'removal', 'removal at the end', 'swap'],
)
def test_a_change_is_reported_with_file_and_line(path, capsys, tamper, message):
    path.write_text(''.join(tamper(path.read_text().splitlines(keepends=True))))
    code, out, _ = run(capsys, 'verify', path)
    assert code == 1
    assert str(path) in out and message in out
    # The remaining records can still be shown.
    assert len(shown(capsys, path)) >= 5


def test_the_log_is_found_by_state_dir_and_domain(path, tmp_path, capsys, monkeypatch):
    assert len(shown(capsys, '--state-dir', tmp_path, '--domain', 7)) == 6
    monkeypatch.setenv('ROS_DOMAIN_ID', '7')
    assert len(shown(capsys, '--state-dir', tmp_path)) == 6
    monkeypatch.setenv('ROS_DOMAIN_ID', '8')
    code, _, err = run(capsys, 'verify', '--state-dir', tmp_path)
    assert (code, '--domain' in err) == (1, True)
    path.parent.rename(tmp_path / 'domain-8-hoist_a')
    assert len(shown(capsys, '--state-dir', tmp_path, '--namespace', '/hoist_a')) == 6


@pytest.mark.parametrize(
    ('filters', 'numbers'),
    [
        ([], [1, 2, 3, 4, 5, 6]),
        (['--what', 'auth'], [1, 3]),
        (['--what', 'auth', '--what', 'event'], [1, 3, 6]),
        (['--client', 'tablet'], [3, 4, 5]),
        (['--subject', 'ann', '--what', 'command'], [2]),
        (['--since', '2026-11-23T10:04:00Z'], [5, 6]),
        (['--since', '2026-11-23T12:04:00+02:00'], [5, 6]),
        (['--until', '2026-11-23T10:01'], [1, 2]),
        (['--until', '1h'], [1, 2, 3, 4, 5, 6]),
    ],
    ids=str,
)
def test_filters(path, capsys, filters, numbers, monkeypatch):
    monkeypatch.setattr('time.time', lambda: 1795500000.0)
    assert shown(capsys, path, *filters) == numbers


def test_the_table_has_no_control_characters(path, capsys):
    code, out, _ = run(capsys, 'show', path)
    assert code == 0
    assert 'ann (operator)' in out and '[red]' in out
    assert '\x1b' not in out and '\u202e' not in out


@pytest.mark.processes
@pytest.mark.parametrize(
    ('output', 'code', 'said'), [('no reader', 0, ''), ('/dev/full', 1, 'No space left on device')]
)
def test_output_that_cannot_be_written_is_no_fault_of_the_log(path, output, code, said):
    if output == 'no reader':
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(output, os.O_WRONLY)
    with os.fdopen(writer, 'wb') as stdout:
        # Unbuffered, so that the command itself meets the error.
        command = [OHT50[0], '-u', *OHT50[1:], 'audit', 'show', '--json', path]
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    assert done.returncode == code
    assert said in done.stderr and 'name the log' not in done.stderr


def test_lines_that_are_not_records_go_to_standard_error(path, capsys):
    with path.open('a') as file:
        file.write('x\n')
    code, out, err = run(capsys, 'show', '--json', path)
    assert (code, len(out.splitlines())) == (0, 6)
    assert 'line 7: not a record' in err


@pytest.mark.processes
def test_following_continues_across_new_files(path, tmp_path):
    shown = tmp_path / 'shown'
    with shown.open('w') as file:
        process = subprocess.Popen(
            [*OHT50, 'audit', 'show', '--json', '--follow', str(path)], stdout=file
        )
    try:
        wait_for(lambda: shown.read_text().count('\n') == 6, what='the old records are shown')
        audit = AuditWriter(path, max_bytes=1000)
        for number in range(30):
            audit.record('new', number=number)
            wait_for(lambda: not audit._waiting)
        audit.close()
        wait_for(lambda: shown.read_text().count('\n') == 36, what='the new records are shown')
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert len(list(path.parent.iterdir())) > 5
    assert [json.loads(line)['n'] for line in shown.read_text().splitlines()] == list(range(1, 37))
