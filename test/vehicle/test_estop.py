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

from oht50_bridge.vehicle.estop import HARDWARE
from oht50_bridge.vehicle.estop import REMOTE
from oht50_bridge.vehicle.estop import SOFTWARE
from oht50_bridge.vehicle.estop import EstopLatch


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'state' / 'estop.json'


def test_trigger_latches_and_only_the_first_counts(path):
    latch = EstopLatch(path, now=lambda: 42)
    first = latch.trigger(REMOTE, 'drill', 'alice')
    assert latch.trigger(HARDWARE, 'button', 'board') is None
    assert latch.estop is first
    assert (first.trigger_type, first.reason, first.source, first.stamp) == (
        'remote',
        'drill',
        'alice',
        42,
    )


def test_unknown_trigger_type_is_refused_by_name(path):
    latch = EstopLatch(path)
    with pytest.raises(ValueError, match='trigger_type'):
        latch.trigger('telepathy', '', '')
    assert latch.estop is None


def test_present_cause_forbids_clearing(path):
    latch = EstopLatch(path)
    assert latch.set_cause('button', HARDWARE, 'pressed') is not None
    assert not latch.clear()
    assert latch.estop is not None
    latch.drop_cause('button')
    assert latch.estop is not None, 'a cause that goes away does not open the latch'
    assert latch.clear()
    assert latch.estop is None


def test_standing_cause_triggers_once(path):
    latch = EstopLatch(path)
    assert latch.set_cause('button', HARDWARE, 'pressed')
    assert latch.set_cause('button', HARDWARE, 'pressed') is None
    assert latch.causes == ['pressed']


def test_saved_latch_survives_a_restart_and_a_clear_does_too(path):
    latch = EstopLatch(path)
    stop = latch.trigger(SOFTWARE, 'speed', 'node')
    latch.save()
    again = EstopLatch(path)
    assert again.estop == stop
    assert again.clear()
    assert EstopLatch(path).estop is None


@pytest.mark.parametrize('content', ['', '{', '[]', '{"estop_id": "x"}', '\x00'])
def test_file_that_cannot_be_understood_is_a_latched_stop(path, content):
    path.parent.mkdir()
    path.write_text(content)
    latch = EstopLatch(path)
    assert latch.estop.trigger_type == SOFTWARE
    assert latch.clear()
    assert EstopLatch(path).estop is None


def test_failed_save_leaves_the_stop_latched_and_no_half_a_file(tmp_path):
    latch = EstopLatch(tmp_path / 'new' / 'estop.json')
    latch.trigger(REMOTE, '', '')
    (tmp_path / 'new').write_text('a file where the directory should be')
    with pytest.raises(OSError):
        latch.save()
    assert latch.estop is not None


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
    latch = EstopLatch(path)
    present, latched = set(), False
    for step, name in steps:
        if step == 'set':
            latched |= name not in present
            present.add(name)
            latch.set_cause(name, HARDWARE, name)
        elif step == 'drop':
            present.discard(name)
            latch.drop_cause(name)
        elif step == 'trigger':
            latched = True
            latch.trigger(REMOTE, '', '')
        elif step == 'clear':
            assert latch.clear() == (not present)
            latched = latched and bool(present)
        else:
            latch.save()
            latch = EstopLatch(path)
            present = set()
        assert (latch.estop is not None) == latched
        assert set(latch.causes) == present
        if latch.estop is not None and path.exists():
            json.loads(path.read_text())
