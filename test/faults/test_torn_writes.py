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
"""A process that is killed at any write or rename of a state file leaves the old or the new one.

Each change is tried in a process of its own, which ends by SIGKILL at the first call that touches
the disk, then at the second one, and so on: before the call, after it, and after half of a write.
"""

import itertools
import os
import signal
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from oht50_bridge.gateway.audit.reader import verify
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.keys import KeyFiles
from oht50_bridge.gateway.auth.keys import make_key
from oht50_bridge.gateway.auth.private_files import load_or_create_secret
from oht50_bridge.gateway.auth.refresh_store import RefreshStore
from oht50_bridge.gateway.auth.revocations import load_revocations
from oht50_bridge.gateway.auth.revocations import revoke
from oht50_bridge.vehicle.config_store import ConfigStore
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.maintenance import MaintenanceLock

CALLS = (
    'open', 'write', 'pwrite', 'fsync', 'fdatasync', 'ftruncate', 'link', 'replace', 'rename',
    'unlink',
)  # fmt: skip
LATER = 4e9  # s since 1970


class Dying:
    """Has the process end at a call of `os`.

    Args:
        number: of the call, from 0.
        when: 'before', 'half' (of what a write is given) or 'after'.

    """

    def __init__(self, number, when):
        self._number, self._when = number, when
        self._count = itertools.count()
        for name in CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name, call):
        def wrapped(*args, **kwargs):
            if next(self._count) != self._number:
                return call(*args, **kwargs)
            if self._when == 'half' and name == 'write':
                call(args[0], args[1][: len(args[1]) // 2])
            elif self._when == 'after':
                call(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
            return None

        return wrapped

    def wrap_file(self, file):
        """Return a file whose writes are calls too."""
        dying = self

        class Wrapped:
            write = staticmethod(
                dying._wrapped('write', lambda target, data: file.write(data)).__get__(file)
            )

            def __getattr__(self, name):
                return getattr(file, name)

        return Wrapped()


def died(change, path, number, when):
    """Make a change in another process, which dies on its way; return whether it did."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            change(path, Dying(number, when))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


# Each: what there is before, the change, and what a later process finds.


def latch(path):
    return EstopLatch(path / 'estop.json', time.time_ns)


def latched_before(path):
    latch(path).trigger(TriggerType.REMOTE, 'first', 'ann')
    first = latch(path)
    first.trigger(TriggerType.REMOTE, 'first', 'ann')
    first.save()


def stop_again(path, dying):
    again = latch(path)
    again.trigger(TriggerType.REMOTE, 'second', 'bob')
    again.save()


def clear(path, dying):
    stopped = latch(path)
    stopped.clear(stopped.estop.estop_id)


def stops(path):
    found = latch(path)
    assert not found.fault
    return [stop.reason for stop in found.stops]


def lock(path, dying):
    MaintenanceLock(path / 'maintenance.json').lock('bob')


def lock_before(path):
    MaintenanceLock(path / 'maintenance.json').lock('ann')


def owners(path):
    return list(MaintenanceLock(path / 'maintenance.json').owners)


def mission(name):
    return MissionRecord(name, 'transport', 5.0, 1.0, 2.0, 0, '', 3.0)


def save_mission(path, dying):
    Journal(path / 'mission.json').save(mission('second'))


def mission_before(path):
    Journal(path / 'mission.json').save(mission('first'))


def saved_mission(path):
    return Journal(path / 'mission.json').load().mission_id


def apply(store, limit):
    record = store.begin({'speed_limit': limit}, {'speed_limit': 1.0}, ['safety_node'], 'ann')
    store.confirm(record)


def configure(path, dying):
    apply(ConfigStore(path / 'config', '2.0'), 0.5)


def configured_before(path):
    apply(ConfigStore(path / 'config', '2.0'), 0.7)


def configuration(path):
    store = ConfigStore(path / 'config', '2.0')
    assert not store.faults
    return store.in_force.values


def revoke_another(path, dying):
    revoke(path / 'revoked.json', subject='bob', issued_before=LATER)


def revoked_before(path):
    revoke(path / 'revoked.json', subject='ann', issued_before=LATER)


def revoked(path):
    found = load_revocations(path / 'revoked.json')
    assert not found.everybody
    return sorted(found.subjects)


def rotate(path, dying):
    store = RefreshStore(path / 'refresh_tokens.json')
    store.rotate('family', 'second', LATER)
    wait([store.saved()])


def rotated_before(path):
    store = RefreshStore(path / 'refresh_tokens.json')
    store.rotate('family', 'first', LATER)
    wait([store.saved()])
    store.close()


def current_token(path):
    store = RefreshStore(path / 'refresh_tokens.json')
    try:
        assert not store.not_before
        return [name for name in ('first', 'second') if store.is_current('family', name)]
    finally:
        store.close()


def make_secret(path, dying):
    load_or_create_secret(path / 'jwt_secret')


def secret(path):
    return 'whole' if len(load_or_create_secret(path / 'jwt_secret')) >= 32 else 'torn'


def key(path, dying):
    make_key(path / 'keys', 'k2', 'HS256')


def key_before(path):
    make_key(path / 'keys', 'k1', 'HS256')


def keys(path):
    return sorted(each.kid for each in KeyFiles(path / 'keys').keys)


CHANGES = {
    'estop': (latched_before, stop_again, stops, (['first'], ['first', 'second'])),
    'clear': (latched_before, clear, stops, (['first'], [])),
    'maintenance': (lock_before, lock, owners, (['ann'], ['ann', 'bob'])),
    'mission': (mission_before, save_mission, saved_mission, ('first', 'second')),
    'configuration': (
        configured_before, configure, configuration, ({'speed_limit': 0.7}, {'speed_limit': 0.5}),
    ),
    'revocations': (revoked_before, revoke_another, revoked, (['ann'], ['ann', 'bob'])),
    'refresh tokens': (rotated_before, rotate, current_token, (['first'], ['second'])),
    'secret': (lambda path: None, make_secret, secret, ('whole', 'whole')),
    'key': (key_before, key, keys, (['k1'], ['k1', 'k2'])),
}  # fmt: skip


@pytest.mark.parametrize('name', CHANGES)
def test_a_torn_change_is_none_or_whole(tmp_path, name):
    before, change, state, (old, new) = CHANGES[name]
    seen = []
    for when in ('before', 'half', 'after'):
        for number in itertools.count():
            path = tmp_path / f'{when}-{number}'
            path.mkdir()
            before(path)
            ended = died(change, path, number, when)
            found = state(path)
            assert found in (old, new), (when, number, found)
            assert not list(path.rglob('*unreadable*'))
            seen.append(found)
            if not ended:
                assert found == new
                break
        assert number >= 2, 'the calls were not seen'
    assert old in seen


def test_a_torn_record_of_the_audit_log_breaks_no_chain(tmp_path, monkeypatch):
    for when in ('before', 'half', 'after'):
        for number in itertools.count():
            path = tmp_path / f'{when}-{number}' / 'audit.jsonl'
            path.parent.mkdir()
            record(path, None, 'first')
            ended = died(record_again, path, number, when)
            record(path, None, 'third')
            assert verify(path) == [], (when, number)
            text = path.read_text()
            assert 'first' in text
            assert 'third' in text
            if not ended:
                assert 'second' in text
                break
        assert number >= 2, 'the calls were not seen'


def record(path: Path, dying, what):
    writer = AuditWriter(path)
    if dying is not None and writer._file is not None:
        writer._file = dying.wrap_file(writer._file)
    writer.record(what)
    writer.close()


def record_again(path, dying):
    record(path, dying, 'second')
