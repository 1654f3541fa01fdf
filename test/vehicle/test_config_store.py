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
"""The versions of the configuration on disk, over kill -9 at every step and over bad disks."""

import json
import os
import signal
import subprocess
import sys

import pytest
from support import ROOT

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.vehicle.config_store import FAILED
from oht50_bridge.vehicle.config_store import KEPT
from oht50_bridge.vehicle.config_store import PENDING
from oht50_bridge.vehicle.config_store import ConfigStore
from oht50_bridge.vehicle.config_store import StoreError

NOBODY = 65534

# Makes the change 1.0.2 in DIRECTORY and kills itself at the N-th call to the operating system:
# 'before' the call, or amid it, after half of what it writes; says 'confirmed' if it gets there.
CHANGE = """
import os, signal, sys
from pathlib import Path
from oht50_bridge.vehicle import config_store
from oht50_bridge import atomic_file

directory, step, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

class Killer:
    calls = 0
    def __getattr__(self, name):
        value = getattr(os, name)
        if not callable(value):
            return value
        def call(*arguments):
            self.calls += 1
            if self.calls != step:
                return value(*arguments)
            if moment == 'amid':
                if name == 'write':
                    value(arguments[0], arguments[1][:len(arguments[1]) // 2])
                else:
                    value(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)
        return call

store = config_store.ConfigStore(directory, '1.0')
atomic_file.os = Killer()
record = store.begin({'rate': 2.0}, {'rate': 5.0}, ['telemetry_node'], 'bob')
store.confirm(record)
print('confirmed')
"""


@pytest.fixture
def directory(tmp_path):
    return tmp_path / 'config'


def change(store, before, **changes):
    """Put changes in force."""
    return store.confirm(store.begin(changes, before, ['telemetry_node'], 'alice'))


def reopened(directory):
    return ConfigStore(directory, '1.0')


def test_fresh_store_has_the_configuration_of_the_parameter_files(directory):
    store = ConfigStore(directory, '1.0')
    assert (store.in_force.version, store.in_force.values) == ('1.0.0', {})
    assert store.version_of('telemetry_node') == '1.0.0'
    assert directory.is_dir()


def test_change_is_in_force_once_confirmed_and_outlives_a_restart(directory):
    store = ConfigStore(directory, '1.0', now=lambda: 42)
    record = store.begin({'rate': 5.0}, {'rate': 10.0}, ['telemetry_node'], 'alice')
    assert record.status == PENDING
    assert store.in_force.version == '1.0.0'
    confirmed = store.confirm(record)
    assert store.in_force == confirmed
    assert (confirmed.version, confirmed.stamp, confirmed.source) == ('1.0.1', 42, 'alice')
    assert confirmed.changes == {'rate': 5.0}
    again = reopened(directory)
    assert again.in_force == confirmed
    assert again.version_of('telemetry_node') == '1.0.1'
    assert again.version_of('safety_node') == '1.0.0'


def test_patch_counts_changes_and_no_version_is_used_twice(directory):
    store = ConfigStore(directory, '1.0')
    change(store, {'rate': 10.0}, rate=5.0)
    failed = store.fail(store.begin({'rate': 4.0}, {'rate': 5.0}, ['telemetry_node'], 'alice'))
    assert (failed.version, failed.status) == ('1.0.2', FAILED)
    assert store.in_force.version == '1.0.1'
    assert change(store, {'rate': 5.0}, rate=3.0).version == '1.0.3'
    assert change(reopened(directory), {'rate': 3.0}, rate=2.0).version == '1.0.4'


def test_hundred_changes_are_in_order(directory):
    store = ConfigStore(directory, '1.0')
    for n in range(100):
        change(store, {'rate': n}, rate=n + 1)
    assert reopened(directory).in_force.version == '1.0.100'
    assert reopened(directory).in_force.values == {'rate': 100}


def versions(directory):
    """Return the patch numbers of the records on disk, in order."""
    return sorted(int(path.stem.split('.')[2]) for path in directory.glob('*.json'))


def test_old_records_go_but_none_that_is_needed(directory):
    store = ConfigStore(directory, '1.0')
    store.confirm(store.begin({'limit': 0.3}, {'limit': 0.5}, ['safety_node'], 'alice'))
    store.begin({'rate': 1.0}, {'rate': 10.0}, ['telemetry_node'], 'bob')  # interrupted
    for n in range(KEPT + 20):
        change(store, {'rate': n}, rate=n + 1)
    last = KEPT + 22
    for kept in (store, reopened(directory)):
        assert versions(directory) == [1, 2, *range(last - KEPT + 1, last + 1)]
        assert kept.in_force.version == f'1.0.{last}'
        assert kept.in_force.values == {'rate': KEPT + 20, 'limit': 0.3}
        assert kept.version_of('safety_node') == '1.0.1'
        assert [record.version for record in kept.interrupted] == ['1.0.2']
        oldest = last - KEPT + 1
        assert kept.values_of(f'1.0.{oldest}') == {'rate': oldest - 2, 'limit': 0.3}
        for gone in ('1.0.0', '1.0.1', f'1.0.{oldest - 1}'):
            with pytest.raises(KeyError):
                kept.values_of(gone)


def test_version_in_force_stays_however_many_changes_fail(directory):
    store = ConfigStore(directory, '1.0')
    change(store, {'rate': 10.0}, rate=5.0)
    store.confirm(store.begin({}, {}, [], 'alice'))  # back to a version of the same content
    for _ in range(KEPT + 20):
        store.fail(store.begin({'rate': 4.0}, {'rate': 5.0}, ['telemetry_node'], 'alice'))
    assert len(versions(directory)) == KEPT + 2
    assert reopened(directory).in_force.version == '1.0.2'
    assert reopened(directory).in_force.values == {'rate': 5.0}
    with pytest.raises(KeyError):
        store.values_of('1.0.0')


def test_newer_table_raises_the_minor_number(directory):
    change(ConfigStore(directory, '1.0'), {'rate': 10.0}, rate=5.0)
    store = ConfigStore(directory, '1.2')
    assert store.in_force.version == '1.0.1'
    assert change(store, {'rate': 5.0}, rate=4.0).version == '1.2.0'
    assert change(store, {'rate': 4.0}, rate=3.0).version == '1.2.1'
    assert store.values_of('1.0.0') == {'rate': 10.0}
    older = ConfigStore(directory, '1.0')
    assert change(older, {'rate': 3.0}, rate=2.0).version == '1.2.2'


@pytest.mark.parametrize('table', ['0.9', '2.0'])
def test_store_of_another_major_version_is_refused(directory, table):
    change(ConfigStore(directory, '1.0'), {'rate': 10.0}, rate=5.0)
    with pytest.raises(StoreError, match=r'1\.0\.1.*move the directory away'):
        ConfigStore(directory, table)


@pytest.mark.parametrize('table', ['', '1', '1.0.0', 'a.b', '01.0'])
def test_table_version_must_be_one(directory, table):
    with pytest.raises(StoreError, match=r'MAJOR\.MINOR'):
        ConfigStore(directory, table)


def test_values_of_an_earlier_version_undo_all_that_came_later(directory):
    store = ConfigStore(directory, '1.0')
    change(store, {'rate': 10.0}, rate=5.0)
    change(store, {'limit': 0.5}, limit=0.3)
    change(store, {'rate': 5.0, 'limit': 0.3}, rate=2.0, limit=0.2)
    assert store.in_force.values == {'rate': 2.0, 'limit': 0.2}
    assert store.values_of('1.0.2') == {'rate': 5.0, 'limit': 0.3}
    assert store.values_of('1.0.1') == {'rate': 5.0, 'limit': 0.5}
    assert store.values_of('1.0.0') == {'rate': 10.0, 'limit': 0.5}
    assert reopened(directory).values_of('1.0.0') == {'rate': 10.0, 'limit': 0.5}


def test_version_that_was_never_in_force_cannot_be_gone_back_to(directory):
    store = ConfigStore(directory, '1.0')
    store.fail(store.begin({'rate': 5.0}, {'rate': 10.0}, ['telemetry_node'], 'alice'))
    for version in ('1.0.1', '1.0.2', '', '../1.0.0'):
        with pytest.raises(KeyError):
            store.values_of(version)


def test_failed_change_leaves_no_value_and_can_be_undone_in_its_nodes(directory):
    store = ConfigStore(directory, '1.0')
    change(store, {'rate': 10.0}, rate=5.0)
    store.fail(store.begin({'limit': 0.1}, {'limit': 0.5}, ['safety_node'], 'alice'))
    assert store.in_force.values == {'rate': 5.0}
    assert store.values_of('1.0.0') == {'rate': 10.0}
    assert store.restoring('1.0.2') == {'rate': 5.0, 'limit': 0.5}
    assert reopened(directory).restoring('1.0.2') == {'rate': 5.0, 'limit': 0.5}
    for version in ('', '1.0.1', '9.9.9'):
        assert store.restoring(version) == {'rate': 5.0}


def test_value_before_is_that_of_the_change_that_came_into_force(directory):
    store = ConfigStore(directory, '1.0')
    store.fail(store.begin({'limit': 0.1}, {'limit': 0.5}, ['safety_node'], 'alice'))
    change(store, {'rate': 10.0}, rate=5.0)
    # The parameter files said something else meanwhile.
    change(store, {'limit': 0.6}, limit=0.3)
    assert store.values_of('1.0.2') == {'rate': 5.0, 'limit': 0.6}
    assert store.restoring('1.0.1') == {'rate': 5.0, 'limit': 0.3}


def run_change(directory, step, moment):
    return subprocess.run(
        [sys.executable, '-c', CHANGE, str(directory), str(step), moment],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.parametrize('moment', [pytest.param('before', marks=pytest.mark.slow), 'amid'])
@pytest.mark.processes
def test_kill_at_any_step_leaves_the_old_or_the_new_version_whole(tmp_path, moment):
    seen = []
    for step in range(1, 100):
        directory = tmp_path / str(step)
        old = change(ConfigStore(directory, '1.0'), {'rate': 10.0}, rate=5.0)
        done = run_change(directory, step, moment)
        if done.returncode == 0:
            assert done.stdout == 'confirmed\n'
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        store = reopened(directory)
        seen.append((store.in_force.version, store.in_force.values))
        if store.in_force.version == '1.0.1':
            assert store.in_force == old
            assert len(store.interrupted) <= 1
        # It goes on: neither the number nor the name of a file is in the way.
        after = change(store, {'rate': store.in_force.values['rate']}, rate=1.0)
        assert reopened(directory).in_force == after
        assert after.version in ('1.0.2', '1.0.3')
        assert not list(directory.glob('*.new'))
    assert set(map(str, seen)) == {str(('1.0.1', {'rate': 5.0})), str(('1.0.2', {'rate': 2.0}))}
    # Two files are written, each with open, write, fsync, close, replace and its directory.
    assert len(seen) == 2 * 8


def test_interrupted_change_is_known_after_the_restart_and_not_in_force(directory):
    store = ConfigStore(directory, '1.0')
    pending = store.begin({'rate': 5.0}, {'rate': 10.0}, ['telemetry_node'], 'alice')
    again = reopened(directory)
    assert again.interrupted == [pending]
    assert again.in_force.version == '1.0.0'
    assert again.restoring('1.0.1') == {'rate': 10.0}
    again.fail(pending)
    assert reopened(directory).interrupted == []


def test_order_of_steps_makes_the_record_durable_before_it_has_its_name(directory, monkeypatch):
    directory.mkdir()
    steps = []
    descriptors = {}

    def note(name, original):
        def call(*arguments):
            result = original(*arguments)
            if name == 'open':
                descriptors[result] = 'directory' if arguments[0] == directory else 'file'
            steps.append((name, descriptors.get(arguments[0], '')))
            return result

        return call

    for name in ('open', 'write', 'fsync', 'replace'):
        monkeypatch.setattr(os, name, note(name, getattr(os, name)))
    replace_file(directory / 'a', b'content')
    assert [step for step in steps if step[0] != 'open'] == [
        ('write', 'file'),
        ('fsync', 'file'),
        ('replace', ''),
        ('fsync', 'directory'),
    ]


def test_full_disk_refuses_the_change_and_the_old_version_stays(directory):
    store = ConfigStore(directory, '1.0')
    old = change(store, {'rate': 10.0}, rate=5.0)
    # Writing there fails as on a full disk.
    (directory / '1.0.2.json.new').symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left'):
        store.begin({'rate': 2.0}, {'rate': 5.0}, ['telemetry_node'], 'alice')
    assert store.in_force == old
    assert store.interrupted == []
    assert sorted(path.name for path in directory.iterdir()) == ['1.0.1.json']
    assert change(store, {'rate': 5.0}, rate=2.0).version == '1.0.2'


def test_disk_that_fills_up_before_the_confirmation_leaves_the_old_version(directory):
    store = ConfigStore(directory, '1.0')
    old = change(store, {'rate': 10.0}, rate=5.0)
    record = store.begin({'rate': 2.0}, {'rate': 5.0}, ['telemetry_node'], 'alice')
    full = directory / '1.0.2.json.new'
    full.symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left'):
        store.confirm(record)
    assert store.in_force == old
    full.symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left'):
        store.fail(record)
    assert store.in_force == old
    assert store.interrupted == []
    assert reopened(directory).in_force == old


@pytest.mark.processes
def test_directory_that_may_not_be_written_refuses_the_change(tmp_path):
    directory = tmp_path / 'config'
    change(ConfigStore(directory, '1.0'), {'rate': 10.0}, rate=5.0)
    before = (directory / '1.0.1.json').read_bytes()
    directory.chmod(0o555)
    directory.parent.chmod(0o755)
    code = """
import os, sys
from pathlib import Path
from oht50_bridge.vehicle.config_store import ConfigStore
os.chdir(sys.argv[1])  # the folders above may be closed to others
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
store = ConfigStore(Path('.'), '1.0')
try:
    store.begin({'rate': 2.0}, {'rate': 5.0}, ['telemetry_node'], 'alice')
except OSError as error:
    print(type(error).__name__, store.in_force.version, store.in_force.values)
"""
    done = subprocess.run(
        [sys.executable, '-c', code, str(directory), str(NOBODY)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    directory.chmod(0o755)
    assert done.stdout.strip() == "PermissionError 1.0.1 {'rate': 5.0}", done.stderr
    assert [path.name for path in directory.iterdir()] == ['1.0.1.json']
    assert (directory / '1.0.1.json').read_bytes() == before


def test_directory_that_cannot_be_made_is_refused_by_its_name(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(StoreError, match='file'):
        ConfigStore(tmp_path / 'file' / 'config', '1.0')


@pytest.mark.parametrize(
    'damage',
    [
        lambda record: '',
        lambda record: json.dumps(record)[:-20],
        lambda record: '[]',
        lambda record: json.dumps({**record, 'status': 'perhaps'}),
        lambda record: json.dumps({**record, 'version': '1.0.7'}),
        lambda record: json.dumps({**record, 'before': {'other': 1}}),
        lambda record: json.dumps({name: record[name] for name in record if name != 'values'}),
        lambda record: json.dumps({**record, 'values': {'rate': {'a': 1}}}),
        lambda record: json.dumps({**record, 'values': {'rate': 2**64}}),
        lambda record: json.dumps({**record, 'stamp': -1}),
        lambda record: json.dumps(record)[:-1] + ', "status": "failed"}',
        lambda record: json.dumps(record).replace('5.0', '1e999'),
    ],
)
def test_record_that_cannot_be_understood_leaves_the_configuration_in_doubt(directory, damage):
    old = change(ConfigStore(directory, '1.0'), {'rate': 10.0}, rate=5.0)
    change(reopened(directory), {'rate': 5.0}, rate=2.0)
    path = directory / '1.0.2.json'
    content = damage(json.loads(path.read_text()))
    path.write_text(content)
    for _ in range(2):  # a restart clears up nothing
        store = reopened(directory)
        assert store.in_force == old
        assert '1.0.2' in store.doubt
        assert 'such as 1.0.1' in store.doubt
        assert (directory / '1.0.2.json.unreadable-1').read_text() == content
    assert store.values_of('1.0.1') == {'rate': 5.0}, 'it can be gone back to'
    record = store.begin({}, {}, [], 'alice')
    assert record.version == '1.0.3', 'no version is used twice'
    assert store.doubt, 'until it is confirmed'
    store.confirm(record)
    for known in (store, reopened(directory)):
        assert not known.doubt
        assert known.in_force.values == {'rate': 5.0}


def test_old_record_that_cannot_be_understood_leaves_no_doubt_but_cannot_be_undone(directory):
    store = ConfigStore(directory, '1.0')
    for before, rate in ((10.0, 5.0), (5.0, 4.0), (4.0, 3.0)):
        change(store, {'rate': before}, rate=rate)
    (directory / '1.0.2.json').write_bytes(b'\xff')
    store = reopened(directory)
    assert (store.in_force.version, store.doubt) == ('1.0.3', '')
    assert '1.0.2.json' in store.faults[0]
    for version in ('1.0.0', '1.0.1', '1.0.2'):
        with pytest.raises(KeyError):
            store.values_of(version)
    assert store.values_of('1.0.3') == {'rate': 3.0}


def test_record_that_was_repaired_is_in_force_again(directory):
    change(ConfigStore(directory, '1.0'), {'rate': 10.0}, rate=5.0)
    whole = (directory / '1.0.1.json').read_bytes()
    (directory / '1.0.1.json').write_bytes(whole[:-9])
    assert reopened(directory).doubt
    (directory / '1.0.1.json').write_bytes(whole)
    store = reopened(directory)
    assert (store.in_force.version, store.doubt, store.faults) == ('1.0.1', '', [])


def make_file(path):
    path.write_text('')


@pytest.mark.parametrize('make', [make_file, os.mkfifo, lambda path: path.symlink_to(path)])
def test_directory_that_is_none_is_put_aside_and_leaves_a_doubt(directory, make):
    make(directory)
    for _ in range(2):
        store = ConfigStore(directory, '1.0')
        assert store.in_force.version == '1.0.0'
        assert 'cannot be read' in store.doubt
    assert os.path.lexists(directory.with_name('config.unreadable-1'))
    store.confirm(store.begin({}, {}, [], 'alice'))
    assert not reopened(directory).doubt


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo])
def test_record_that_is_no_file_is_put_aside(directory, make):
    directory.mkdir()
    make(directory / '1.0.1.json')
    store = reopened(directory)
    assert '1.0.1' in store.doubt
    assert [path.name for path in directory.iterdir()] == ['1.0.1.json.unreadable-1']
