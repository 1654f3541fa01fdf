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
"""What is wrong with state files is reported before a start, by name, and nothing is touched."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from oht50_bridge.bringup.state_check import state_faults
from oht50_bridge.cli.main import main
from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.gateway.audit.chain import encode
from oht50_bridge.gateway.audit.chain import encode_anchor
from oht50_bridge.vehicle.journal import MissionRecord

RECORD = {
    'config_id': 'config-1',
    'version': '2.0.1',
    'stamp': 1,
    'source': 'ann',
    'nodes': ['safety_node'],
    'before': {'speed_limit': 1.0},
    'values': {'speed_limit': 0.5},
    'status': 'applied',
}
LINE, LAST = encode({'time': '2026-11-23T10:30:00Z', 'what': 'x'}, LogPosition())
BOARDS = 'xdg/oht50/boards/dev_ttyS0'
WHOLE = {
    'state/revoked.json': json.dumps({'subjects': {}, 'tokens': {}}),
    'state/domain-0/estop.json': json.dumps({'counter': 0, 'stops': []}),
    'state/domain-0/maintenance.json': json.dumps({'owners': []}),
    'state/domain-0/mission.json': json.dumps(
        asdict(MissionRecord('m', 'transport', 5.0, 1.0, 2.0, 0, '', 3.0))
    ),
    'state/domain-0/config/2.0.1.json': json.dumps(RECORD),
    'state/domain-0/refresh_tokens.json': json.dumps({'not_before': 0.0, 'families': {}}),
    'state/domain-0/audit.jsonl': LINE.decode(),
    'state/domain-0/audit.jsonl.anchor': encode_anchor(LAST).decode(),
    'state/domain-0/lock': '',
    f'{BOARDS}/estop.json': json.dumps({'counter': 0, 'stops': []}),
    f'{BOARDS}/maintenance.json': json.dumps({'owners': []}),
    f'{BOARDS}/lock': '',
    f'{BOARDS}/port': '/dev/ttyS0',
}


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Give the state directory of a vehicle whose files are all well."""
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path / 'xdg'))
    monkeypatch.delenv('OHT50_REVOCATIONS_FILE', raising=False)
    for name, content in WHOLE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o600)
    return tmp_path / 'state'


def only(state, path):
    """Return the only fault, which is of a file that is left where it is."""
    (fault,) = state_faults(state)
    assert fault.what == f'state file {path}'
    assert str(fault).isprintable()
    assert [each.name for each in path.parent.glob(f'{path.name}*')].count(path.name) <= 1
    return fault


def test_what_is_well_has_no_faults(state, tmp_path):
    assert list(state_faults(state)) == []
    assert list(state_faults(tmp_path / 'missing')) == []


@pytest.mark.parametrize(
    ('name', 'content', 'said'),
    [
        ('state/revoked.json', '{}', 'oht50 token revoke'),
        ('state/domain-0/estop.json', '{"counter": -1, "stops": []}', 'clear_estop'),
        ('state/domain-0/maintenance.json', '{"owners": [""]}', 'set_maintenance with override'),
        ('state/domain-0/mission.json', '{"\x1b": 1}', 'remove it'),
        ('state/domain-0/config/2.0.1.json', '[]', 'rollback_config'),
        ('state/domain-0/config/2.0.1.json', json.dumps(RECORD | {'version': '2.0.2'}), '2.0.2'),
        ('state/domain-0/refresh_tokens.json', '\udcff', 'issue new ones'),
        ('state/domain-0/audit.jsonl.anchor', 'x', 'oht50 audit verify'),
        (f'{BOARDS}/estop.json', '', 'clear_estop'),
        (f'{BOARDS}/maintenance.json', 'null', 'set_maintenance with override'),
    ],
)
def test_a_file_that_is_wrong_is_named_with_what_comes_of_it(state, tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content.encode(errors='surrogateescape'))
    fault = only(state, path)
    assert said in fault.text and not fault.fatal
    assert path.read_bytes() == content.encode(errors='surrogateescape')


@pytest.mark.parametrize(
    'name', [name for name in WHOLE if not name.endswith(('audit.jsonl', 'anchor'))]
)
@pytest.mark.parametrize('make', [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_named_and_not_waited_for(state, tmp_path, name, make):
    path = tmp_path / name
    path.unlink()
    make(path)
    assert only(state, path).fatal is (path.name == 'lock')


def test_a_missing_anchor_is_named_where_a_log_is(state):
    (state / 'domain-0' / 'audit.jsonl.anchor').unlink()
    assert 'missing or damaged' in only(state, state / 'domain-0' / 'audit.jsonl.anchor').text
    (state / 'domain-0' / 'audit.jsonl').unlink()
    assert list(state_faults(state)) == []


def test_what_was_put_aside_and_not_replaced_is_named(state):
    for name in ('estop.json', 'config/2.0.1.json'):
        path = state / 'domain-0' / name
        path.rename(f'{path}.unreadable-1')
    latch, version = state_faults(state)
    assert 'one that was wrong is beside it; it counts as an emergency stop' in latch.text
    assert version.what.endswith('2.0.1.json.unreadable-1') and 'put aside' in version.text


def test_a_folder_of_versions_that_is_none_is_named(state):
    folder = state / 'domain-0' / 'config'
    (folder / '2.0.1.json').unlink()
    folder.rmdir()
    folder.write_text('')
    assert 'rollback_config' in only(state, folder).text


def test_other_files_in_the_folder_of_versions_are_not_read(state):
    (state / 'domain-0' / 'config' / 'notes.txt').write_text('x')
    assert list(state_faults(state)) == []


def test_a_user_without_a_home_has_no_boards_to_look_at(state, tmp_path, monkeypatch):
    (tmp_path / BOARDS / 'estop.json').write_text('')
    monkeypatch.delenv('XDG_STATE_HOME')
    monkeypatch.setenv('HOME', '')
    assert list(state_faults(state)) == []


@pytest.mark.processes
def test_the_doctor_tells(state, capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '500')
    (state / 'domain-0' / 'estop.json').write_text('x')
    main(['doctor', '--serial', '/dev/none', '--state-dir', str(state)])
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if 'estop.json' in line)
    assert 'warning' in line and 'clear_estop' in line
