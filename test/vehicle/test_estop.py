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

import errno
import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.estop import KEPT
from oht50_bridge.vehicle.estop import UNREADABLE
from oht50_bridge.vehicle.estop import Clear
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'state' / 'estop.json'


def latch_of(path):
    return EstopLatch(path, clock=lambda: 42)


def set_cause(latch, name):
    return latch.set_causes({name: f'{name} pressed'}, TriggerType.HARDWARE)


def clear(latch):
    """Clear the newest stop."""
    return latch.clear(latch.estop.estop_id)


def test_each_trigger_makes_a_stop_with_its_own_source_and_reason(path):
    latch = latch_of(path)
    first = latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    second = latch.trigger(TriggerType.HARDWARE, 'person on the rail', 'bob')
    assert first.estop_id != second.estop_id
    assert (first.trigger_type, first.reason, first.source) == ('remote', 'drill', 'alice')
    assert (first.stamp, first.counter, second.counter) == (42, 1, 2)
    assert latch.stops == (first, second)
    assert latch.estop is second
    assert latch.reason == 'drill; person on the rail'


def test_the_same_trigger_again_is_another_stop(path):
    latch = latch_of(path)
    stops = [latch.trigger(TriggerType.REMOTE, 'drill', 'alice') for _ in range(3)]
    assert len({stop.estop_id for stop in stops}) == 3
    assert latch.reason == 'drill'


@pytest.mark.parametrize('source', ['alice', 'bob', 'estop_button'])
def test_a_clear_of_another_stop_than_the_newest_is_refused(path, source):
    latch = latch_of(path)
    first = latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    second = latch.trigger(TriggerType.REMOTE, 'drill', source)
    for estop_id in (first.estop_id, '', 'estop-0'):
        assert not latch.clear(estop_id)
        assert latch.stops == (first, second)
    assert latch.clear(second.estop_id)
    assert (latch.estop, latch.stops, latch.reason) == (None, (), None)


def test_a_clear_of_a_stop_that_was_cleared_does_not_open_the_next(path):
    latch = latch_of(path)
    first = latch.trigger(TriggerType.REMOTE, 'A', 'alice')
    assert latch.clear(first.estop_id)
    second = latch.trigger(TriggerType.REMOTE, 'B', 'bob')
    assert not latch.clear(first.estop_id)
    assert latch.estop is second


def test_stops_and_clears_are_counted_beyond_a_restart(path):
    latch = latch_of(path)
    assert latch.counter == 0
    latch.trigger(TriggerType.REMOTE, 'A', 'alice')
    assert clear(latch)
    assert latch.counter == 2
    again = latch_of(path)
    assert again.counter == 2
    assert again.trigger(TriggerType.REMOTE, 'B', 'alice').counter == 3
    again.save()
    assert latch_of(path).counter == 3


def test_of_many_stops_the_first_and_the_newest_are_kept(path):
    latch = latch_of(path)
    stops = [latch.trigger(TriggerType.REMOTE, f'drill {n}', 'alice') for n in range(2 * KEPT)]
    assert latch.stops == (stops[0], *stops[1 - KEPT :])
    assert latch.reason == f'drill 0; drill {KEPT + 1}; drill {KEPT + 2}; and {KEPT - 3} more'
    latch.save()
    assert latch_of(path).stops == latch.stops


def test_present_cause_forbids_clearing(path):
    latch = latch_of(path)
    assert set_cause(latch, 'button') is not None
    assert not clear(latch)
    assert latch.estop is not None
    latch.drop_cause('button', TriggerType.HARDWARE)
    assert latch.estop is not None, 'a cause that goes away does not open the latch'
    assert clear(latch)
    assert latch.estop is None


def test_standing_causes_trigger_once_and_together(path):
    latch = latch_of(path)
    stop = latch.set_causes({'a': 'a pressed', 'b': 'b pressed'}, TriggerType.HARDWARE)
    assert (stop.reason, stop.source) == ('a pressed; b pressed', 'a, b')
    assert latch.set_causes({'a': 'a pressed', 'b': 'b still'}, TriggerType.HARDWARE) is None
    assert latch.causes == ['a pressed', 'b still']
    assert set_cause(latch, 'c').reason == 'c pressed'
    latch.drop_cause('a', TriggerType.HARDWARE)
    assert set_cause(latch, 'a').reason == 'a pressed', 'it came back'
    assert len(latch.stops) == 3


def test_saved_latch_survives_a_restart_and_a_clear_does_too(path):
    latch = latch_of(path)
    latch.trigger(TriggerType.SOFTWARE, 'speed', 'node')
    latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    latch.save()
    again = latch_of(path)
    assert again.stops == latch.stops
    assert clear(again)
    assert latch_of(path).estop is None


STOP = {
    'estop_id': 'x',
    'trigger_type': 'remote',
    'reason': '',
    'source': '',
    'stamp': 1,
    'counter': 1,
}


def test_what_follows_is_a_stop_that_can_be_understood(path):
    path.parent.mkdir()
    path.write_text(json.dumps({'counter': 1, 'stops': [STOP]}))
    assert latch_of(path).estop.estop_id == 'x'


@pytest.mark.parametrize(
    'content',
    [
        '',
        '{',
        '[]',
        '{"estop_id": "x"}',
        '\x00',
        '1',
        json.dumps(STOP),  # a file of before stops were counted
        '{"counter": 1}',
        '{"stops": []}',
        '{"counter": -1, "stops": []}',
        '{"counter": true, "stops": []}',
        '{"counter": 1, "stops": {}}'.replace('{}', 'null'),
        json.dumps({'counter': 2, 'stops': [STOP]}),
        *(
            json.dumps({'counter': 1, 'stops': [{**STOP, **change}]})
            for change in (
                {'trigger_type': 'telepathy'},
                {'estop_id': ''},
                {'estop_id': 1},
                {'reason': None},
                {'stamp': '1'},
                {'more': 1},
                {'counter': 0},
                {'reason': '\ud800'},
                {'stamp': 2**63},
                {'stamp': -1},
            )
        ),
        json.dumps({'counter': 2**63, 'stops': []}),
        json.dumps({'counter': 1, 'stops': [STOP, STOP]}),
        '{"counter": 1e999, "stops": []}',
        '{"counter": ' + '9' * 5000 + ', "stops": []}',
        '{"counter": 0, "counter": 1, "stops": []}',
        '{"counter": 0, "stops": [], "\\ud800": 1}',
        '[' * 100_000,
    ],
)
def test_file_that_cannot_be_understood_is_a_latched_stop(path, content):
    path.parent.mkdir()
    path.write_text(content)
    latch = latch_of(path)
    assert latch.estop.trigger_type == TriggerType.SOFTWARE
    assert latch.estop.estop_id.startswith(UNREADABLE)
    assert path.with_name('estop.json.unreadable-1').read_text() == content, 'it is kept'
    assert latch.fault.endswith('kept as estop.json.unreadable-1')
    assert not latch.clear(latch_of(path).estop.estop_id), 'of another start, and still latched'
    assert clear(latch)
    assert latch_of(path).estop is None


def test_stop_that_an_unreadable_file_stands_for_is_written(path):
    path.parent.mkdir()
    path.write_text('{')
    latch = latch_of(path)
    latch.save()
    assert latch_of(path).stops == latch.stops


def test_only_looking_leaves_the_file_where_it_is(path):
    path.parent.mkdir()
    path.write_text('{')
    assert EstopLatch(path, time.time_ns, look=True).estop
    assert path.read_text() == '{'


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, lambda path: path.symlink_to('nowhere')])
def test_what_is_no_file_is_a_latched_stop(path, make):
    path.parent.mkdir()
    make(path)
    latch = latch_of(path)
    assert latch.estop.estop_id.startswith(UNREADABLE)
    assert clear(latch)
    assert latch_of(path).estop is None


def test_disk_that_takes_nothing_at_the_start_is_a_stop(path, monkeypatch):
    def refuse(directory):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    latch = latch_of(path)
    assert latch.begin() is None
    monkeypatch.setattr('oht50_bridge.vehicle.estop.try_disk', refuse)
    assert latch.begin() == latch.estop
    assert 'Read-only' in latch.reason


def test_a_stop_that_no_disk_took_is_not_known_when_the_disk_is_well_again(path, monkeypatch):
    """As docs/safety.md says: the latch that starts cannot tell that there was one."""

    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    latch = latch_of(path)
    assert latch.begin() is None
    with monkeypatch.context() as disk:
        disk.setattr('oht50_bridge.vehicle.estop.replace_file', refuse)
        disk.setattr('oht50_bridge.vehicle.estop.try_disk', refuse)
        latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
        with pytest.raises(OSError):
            latch.save()
        assert latch_of(path).begin() is not None, 'while the disk takes nothing'
    again = latch_of(path)
    assert again.begin() is None
    assert again.estop is None


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


def test_save_writes_once_for_each_stop(path):
    latch = latch_of(path)
    latch.trigger(TriggerType.REMOTE, '', '')
    latch.save()
    written = path.stat().st_mtime_ns, path.stat().st_ino
    latch.save()
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written
    latch.trigger(TriggerType.REMOTE, '', '')
    latch.save()
    assert latch_of(path).stops == latch.stops


def test_clear_that_fails_after_replacing_the_file_is_saved_again(path, monkeypatch):
    latch = latch_of(path)
    stop = latch.trigger(TriggerType.REMOTE, '', '')
    latch.save()

    def replace_and_fail(file, content):
        file.write_bytes(content)
        raise OSError(5, 'Input/output error')

    with monkeypatch.context() as patch:
        patch.setattr('oht50_bridge.vehicle.estop.replace_file', replace_and_fail)
        with pytest.raises(OSError):
            clear(latch)
    assert latch_of(path).estop is None, 'the file is open'
    assert (latch.estop, latch.counter) == (stop, 1)
    latch.save()
    assert latch_of(path).estop == stop


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just('set'), st.sampled_from('abc')),
            st.tuples(st.just('drop'), st.sampled_from('abc')),
            st.tuples(st.just('trigger'), st.sampled_from('xy')),
            st.tuples(st.just('look'), st.none()),
            st.tuples(st.just('clear'), st.sampled_from(('seen', 'newest', 'any', 'none'))),
            st.tuples(st.just('restart'), st.none()),
        ),
        max_size=60,
    )
)
def test_latch_never_opens_with_a_cause_present_or_by_a_clear_of_another_stop(
    tmp_path_factory, steps
):
    path = tmp_path_factory.mktemp('latch') / 'estop.json'
    latch = latch_of(path)
    present, unclear, seen, counter = set(), [], '', 0
    for step, value in steps:
        newest = unclear[-1] if unclear else ''
        if step == 'set':
            stop = set_cause(latch, value)
            assert (stop is not None) == (value not in present), 'a new cause is a stop'
            if stop is not None:
                unclear.append(stop.estop_id)
                counter += 1
            present.add(value)
        elif step == 'drop':
            present.discard(value)
            latch.drop_cause(value, TriggerType.HARDWARE)
        elif step == 'trigger':
            unclear.append(latch.trigger(TriggerType.REMOTE, value, value).estop_id)
            counter += 1
        elif step == 'look':
            seen = newest
        elif step == 'clear':
            # `seen` is the newest that one who clears knows of, others may have come since.
            named = {'seen': seen, 'newest': newest, 'any': unclear[0] if unclear else 'x'}
            estop_id = named.get(value, '')
            opened = latch.clear(estop_id)
            assert opened == (bool(unclear) and not present and estop_id == newest)
            if opened:
                unclear = []
                counter += 1
        else:
            latch.save()
            latch = latch_of(path)
            present = set()
        assert [stop.estop_id for stop in latch.stops] == (
            unclear if len(unclear) <= KEPT else unclear[:1] + unclear[1 - KEPT :]
        )
        assert set(latch.causes) == {f'{name} pressed' for name in present}
        assert latch.counter == counter


def test_a_request_is_known_since_the_start(tmp_path):
    latch = EstopLatch(tmp_path / 'estop.json', lambda: 1)
    stop = latch.trigger(TriggerType.REMOTE, 'drill', 'alice', 'request')
    assert latch.requested('request') is stop
    assert latch.requested('') is None
    assert latch.requests == ()  # a restart would lose it
    latch.save()
    assert latch.requests == ('request',)
    assert latch.clear(stop.estop_id)
    assert latch.requests == ('request',)
    for number in range(1000):
        latch.trigger(TriggerType.REMOTE, 'drill', 'alice', str(number))
    latch.save()
    assert len(latch.requests) < 300
    assert latch.requested('999') is latch.estop


def test_the_last_clear_outlives_the_node(tmp_path):
    path = tmp_path / 'estop.json'
    latch = EstopLatch(path, lambda: 7)
    assert latch.last_clear is None
    stop = latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    assert latch.clear(stop.estop_id, 'resume')
    again = EstopLatch(path, lambda: 8)
    assert again.counter == latch.counter
    assert again.last_clear == latch.last_clear == Clear('resume', 7)
    again.trigger(TriggerType.REMOTE, 'drill', 'alice')
    assert again.last_clear is None
    again.save()
    assert EstopLatch(path, lambda: 8).last_clear is None


@pytest.mark.parametrize(
    'clear', [None, [], {}, {'next_action': 1, 'stamp': 1}, {'next_action': 'x', 'stamp': 2**70}]
)
def test_a_wrong_clear_in_the_file_informs_of_none_and_latches_nothing(tmp_path, clear):
    path = tmp_path / 'estop.json'
    path.write_text(json.dumps({'counter': 2, 'stops': [], 'clear': clear}))
    latch = EstopLatch(path, lambda: 1)
    assert (latch.estop, latch.last_clear, latch.counter) == (None, None, 2)
