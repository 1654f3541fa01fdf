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
"""The maintenance lock."""

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.maintenance import MAXIMUM_OWNERS
from oht50_bridge.vehicle.maintenance import UNREADABLE
from oht50_bridge.vehicle.maintenance import MaintenanceLock
from oht50_bridge.vehicle.refusal import RefusedError


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'state' / 'maintenance.json'


def test_only_the_owner_releases_his_lock(path):
    lock = MaintenanceLock(path)
    assert not lock.locked
    lock.lock('alice')
    with pytest.raises(RefusedError, match="locked by 'alice'"):
        lock.release('bob')
    assert lock.owners == ('alice',)
    lock.release('alice')
    assert not lock.locked
    lock.release('alice')  # nothing is locked


def test_each_person_has_a_lock_and_the_last_one_permits_motion(path):
    lock = MaintenanceLock(path)
    for owner in ('alice', 'bob', 'alice'):
        lock.lock(owner)
    assert lock.owners == ('alice', 'bob')
    lock.release('alice')
    assert lock.owners == ('bob',)
    with pytest.raises(RefusedError):
        lock.release('alice')
    lock.release('bob')
    assert not lock.locked


def test_an_override_releases_all(path):
    lock = MaintenanceLock(path)
    lock.lock('alice')
    lock.lock('bob')
    lock.release('carol', override=True)
    assert not lock.locked
    assert not MaintenanceLock(path).locked


def test_it_survives_a_restart(path):
    lock = MaintenanceLock(path)
    lock.lock('alice')
    assert MaintenanceLock(path).owners == ('alice',)
    lock.release('alice')
    assert not MaintenanceLock(path).locked


def test_an_owner_needs_a_name_and_there_is_a_limit(path):
    lock = MaintenanceLock(path)
    with pytest.raises(RefusedError, match='source'):
        lock.lock('')
    for number in range(MAXIMUM_OWNERS):
        lock.lock(f'person {number}')
    with pytest.raises(RefusedError, match='already'):
        lock.lock('one more')
    assert len(lock.owners) == MAXIMUM_OWNERS


@pytest.mark.parametrize(
    'content',
    [
        '',
        '{',
        '[]',
        '1',
        '{}',
        '{"owners": "alice"}',
        '{"owners": {"alice": 1}}',
        '{"owners": [1]}',
        '{"owners": [""]}',
        '{"owners": [null]}',
        '{"owners": [], "owners": []}',
        '{"owners": ["\\ud800"]}',
        '{"owners": [], "more": 1}',
        json.dumps({'owners': ['x'] * (MAXIMUM_OWNERS + 1)}),
    ],
)
def test_a_file_that_cannot_be_understood_is_a_lock_that_only_an_override_releases(path, content):
    path.parent.mkdir()
    path.write_text(content)
    assert MaintenanceLock(path, look=True).owners == (UNREADABLE,)
    assert path.read_text() == content, 'only looked at'
    lock = MaintenanceLock(path)
    assert lock.owners == (UNREADABLE,)
    assert lock.fault.endswith('kept as maintenance.json.unreadable-1')
    assert path.with_name('maintenance.json.unreadable-1').read_text() == content
    again = MaintenanceLock(path)
    assert (again.owners, again.fault) == ((UNREADABLE,), ''), 'it was written'
    path.unlink()
    assert MaintenanceLock(path).owners == (UNREADABLE,), 'also if it could not be written'
    with pytest.raises(RefusedError):
        lock.release('alice')
    lock.release('alice', override=True)
    assert not MaintenanceLock(path).locked


def broken(*arguments):
    raise OSError(5, 'Input/output error')


def test_a_lock_that_cannot_be_written_holds_and_a_release_does_not(path, monkeypatch):
    lock = MaintenanceLock(path)
    with monkeypatch.context() as patch:
        patch.setattr('oht50_bridge.vehicle.maintenance.replace_file', broken)
        with pytest.raises(OSError):
            lock.lock('alice')
    assert lock.locked
    lock.lock('alice')
    assert MaintenanceLock(path).locked, 'it is written when it is requested again'
    with monkeypatch.context() as patch:
        patch.setattr('oht50_bridge.vehicle.maintenance.replace_file', broken)
        with pytest.raises(OSError):
            lock.release('alice')
    assert lock.locked


def test_a_release_that_may_not_last_holds_after_a_restart_too(path, monkeypatch):
    lock = MaintenanceLock(path)
    lock.lock('alice')
    fsync = os.fsync

    def of_files_alone(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):  # the file has been replaced by then
            broken()
        fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', of_files_alone)
        with pytest.raises(OSError):
            lock.release('alice')
    assert lock.owners == MaintenanceLock(path).owners == ('alice',)


NAMES = st.sampled_from('abc')


@given(
    st.lists(
        st.tuples(st.sampled_from(('lock', 'release', 'override', 'restart')), NAMES), max_size=40
    )
)
def test_nobody_releases_the_lock_of_another_without_an_override(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp('lock') / 'maintenance.json'
    lock, owners = MaintenanceLock(path), set()
    for step, name in steps:
        if step == 'lock':
            lock.lock(name)
            owners.add(name)
        elif step == 'restart':
            lock = MaintenanceLock(path)
        elif step == 'override':
            lock.release(name, override=True)
            owners = set()
        elif name in owners or not owners:
            lock.release(name)
            owners.discard(name)
        else:
            with pytest.raises(RefusedError):
                lock.release(name)
        assert set(lock.owners) == owners
