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
"""The latch of the emergency stop."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.estop import UNREADABLE
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'state' / 'estop.json'


def latch_of(path):
    return EstopLatch(path, clock=lambda: 42)


def test_trigger_latches_and_only_the_first_counts(path):
    latch = latch_of(path)
    first = latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    assert latch.trigger(TriggerType.HARDWARE, 'button', 'board') is None
    assert latch.estop is first
    assert (first.trigger_type, first.reason, first.source, first.stamp) == (
        'remote',
        'drill',
        'alice',
        42,
    )


def test_present_cause_forbids_clearing(path):
    latch = latch_of(path)
    assert latch.set_cause('button', TriggerType.HARDWARE, 'pressed') is not None
    assert not latch.clear()
    assert latch.estop is not None
    latch.drop_cause('button')
    assert latch.estop is not None, 'a cause that goes away does not open the latch'
    assert latch.clear()
    assert latch.estop is None


def test_standing_cause_triggers_once(path):
    latch = latch_of(path)
    assert latch.set_cause('button', TriggerType.HARDWARE, 'pressed')
    assert latch.set_cause('button', TriggerType.HARDWARE, 'pressed') is None
    assert latch.causes == ['pressed']


def test_saved_latch_survives_a_restart_and_a_clear_does_too(path):
    latch = latch_of(path)
    stop = latch.trigger(TriggerType.SOFTWARE, 'speed', 'node')
    latch.save()
    again = latch_of(path)
    assert again.estop == stop
    assert again.clear()
    assert latch_of(path).estop is None


UNKNOWN_TYPE = json.dumps(
    {'estop_id': 'x', 'trigger_type': 'telepathy', 'reason': '', 'source': '', 'stamp': 1}
)


@pytest.mark.parametrize(
    'content', ['', '{', '[]', '{"estop_id": "x"}', '\x00', '1', UNKNOWN_TYPE]
)
def test_file_that_cannot_be_understood_is_a_latched_stop(path, content):
    path.parent.mkdir()
    path.write_text(content)
    latch = latch_of(path)
    assert latch.estop.trigger_type == TriggerType.SOFTWARE
    assert latch.estop.estop_id == UNREADABLE
    assert latch.clear()
    assert latch_of(path).estop is None


def test_failed_save_leaves_the_stop_latched_and_can_be_repeated(tmp_path):
    latch = latch_of(tmp_path / 'new' / 'estop.json')
    latch.trigger(TriggerType.REMOTE, '', '')
    (tmp_path / 'new').write_text('a file where the directory should be')
    with pytest.raises(OSError):
        latch.save()
    assert latch.estop is not None
    (tmp_path / 'new').unlink()
    latch.save()
    assert latch_of(tmp_path / 'new' / 'estop.json').estop == latch.estop


def test_save_writes_once(path):
    latch = latch_of(path)
    latch.trigger(TriggerType.REMOTE, '', '')
    latch.save()
    written = path.stat().st_mtime_ns, path.stat().st_ino
    latch.save()
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written


def test_clear_that_fails_after_removing_the_file_is_saved_again(path, monkeypatch):
    latch = latch_of(path)
    stop = latch.trigger(TriggerType.REMOTE, '', '')
    latch.save()

    def remove_and_fail(file):
        file.unlink()
        raise OSError(5, 'Input/output error')

    monkeypatch.setattr('oht50_bridge.vehicle.estop.remove', remove_and_fail)
    with pytest.raises(OSError):
        latch.clear()
    assert latch.estop == stop
    latch.save()
    assert latch_of(path).estop == stop


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just('set'), st.sampled_from('abc')),
            st.tuples(st.just('drop'), st.sampled_from('abc')),
            st.tuples(st.just('trigger'), st.just('')),
            st.tuples(st.just('clear'), st.just('')),
            st.tuples(st.just('restart'), st.just('')),
        )
    )
)
def test_latch_never_opens_with_a_cause_present(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp('latch') / 'estop.json'
    latch = latch_of(path)
    present, latched = set(), False
    for step, name in steps:
        if step == 'set':
            latched |= name not in present
            present.add(name)
            latch.set_cause(name, TriggerType.HARDWARE, name)
        elif step == 'drop':
            present.discard(name)
            latch.drop_cause(name)
        elif step == 'trigger':
            latched = True
            latch.trigger(TriggerType.REMOTE, '', '')
        elif step == 'clear':
            assert latch.clear() == (not present)
            latched = latched and bool(present)
        else:
            latch.save()
            latch = latch_of(path)
            present = set()
        assert (latch.estop is not None) == latched
        assert set(latch.causes) == present
        if latch.estop is not None and path.exists():
            json.loads(path.read_text())
