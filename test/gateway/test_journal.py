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
"""The journal of events: what it keeps over a kill, and what means that nothing is continued."""

import sqlite3

import pytest

from oht50_bridge.gateway import journal as module
from oht50_bridge.gateway.journal import TRIM_EACH
from oht50_bridge.gateway.journal import EventJournal
from oht50_bridge.gateway.journal import Origin

CAPACITY = 10


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'run' / 'events.sqlite'


def killed(journal):
    """End a journal as a kill of its process does."""
    journal._database.close()


def past_of(path, capacity=CAPACITY):
    """Return what a journal finds; it ends without a trace of its own."""
    journal = EventJournal(path, capacity)
    if journal.open:
        killed(journal)
    return journal.past


def kept(path, events=3):
    """Leave a journal with some events behind."""
    journal = EventJournal(path, CAPACITY)
    journal.begin('epoch-1')
    journal.note('safety_node', 'p1')
    for seq in range(1, events + 1):
        journal.append(seq, b'{"n":%d}' % seq, Origin('safety/estop', 'p1', seq))
    killed(journal)


def test_what_was_kept_is_there_after_a_kill(path):
    assert past_of(path) is None
    path.unlink()
    kept(path)
    past = past_of(path)
    assert past.epoch == 'epoch-1'
    assert past.events == [(seq, b'{"n":%d}' % seq) for seq in (1, 2, 3)]
    assert past.numbers == {('safety/estop', 'p1'): 3}
    assert past.nodes == {'safety_node': 'p1'}
    assert path.parent.stat().st_mode & 0o77 == 0


def test_an_epoch_that_goes_on_keeps_what_was_there(path):
    kept(path)
    journal = EventJournal(path, CAPACITY)
    journal.append(4, b'{"n":4}', None)
    journal.note('safety_node', 'p2')
    killed(journal)
    past = past_of(path)
    assert [seq for seq, _ in past.events] == [1, 2, 3, 4]
    assert past.nodes == {'safety_node': 'p2'}


def test_the_number_of_an_event_that_is_not_published_is_known(path):
    journal = EventJournal(path, 10)
    journal.begin('e')
    journal.append(1, b'1', Origin('t', 'q', 5))
    for origin in (Origin('t', 'p', 3), Origin('t', 'p', 2), Origin('t', 'q', 1)):
        journal.skip(origin)
    killed(journal)
    assert past_of(path, 10).numbers == {('t', 'p'): 3, ('t', 'q'): 5}


def test_a_new_epoch_forgets_the_one_before(path):
    kept(path)
    journal = EventJournal(path, CAPACITY)
    journal.begin('epoch-2')
    killed(journal)
    past = past_of(path)
    assert (past.epoch, past.events, past.numbers, past.nodes) == ('epoch-2', [], {}, {})


def test_an_end_in_order_leaves_nothing(path):
    kept(path)
    EventJournal(path, CAPACITY).close()
    assert list(path.parent.iterdir()) == []


def test_another_start_of_the_computer_continues_nothing(path, tmp_path, monkeypatch):
    kept(path)
    boot = tmp_path / 'boot_id'
    boot.write_text('another\n')
    monkeypatch.setattr(module, 'BOOT_ID', boot)
    assert past_of(path) is None


def test_events_that_nobody_can_ask_for_are_removed(path):
    kept(path, events=TRIM_EACH)
    past = past_of(path)
    assert [seq for seq, _ in past.events] == list(range(TRIM_EACH - CAPACITY + 1, TRIM_EACH + 1))
    assert past.numbers == {('safety/estop', 'p1'): TRIM_EACH}


@pytest.mark.parametrize('content', [b'', b'garbage' * 1000, b'SQLite format 3\0' + bytes(4096)])
def test_a_damaged_file_is_nothing_to_continue_and_is_replaced(path, content):
    kept(path)
    for each in path.parent.iterdir():
        each.unlink()
    path.write_bytes(content)
    journal = EventJournal(path, CAPACITY)
    assert journal.past is None
    assert journal.open
    journal.begin('epoch-2')
    journal.append(1, b'{}', None)
    killed(journal)
    assert past_of(path).epoch == 'epoch-2'


def test_who_comes_second_keeps_nothing_and_harms_nothing(path, caplog):
    kept(path)
    first = EventJournal(path, CAPACITY)
    second = EventJournal(path, CAPACITY)
    assert (second.past, second.open) == (None, False)
    assert 'clients cannot resume over a restart of the bridge' in caplog.text
    second.begin('epoch-2')
    second.append(1, b'{}', None)
    second.close()
    first.append(4, b'{"n":4}', None)
    killed(first)
    assert len(past_of(path).events) == 4


def test_after_a_failure_nothing_is_kept_so_that_no_gap_is_continued(path, caplog):
    kept(path)
    journal = EventJournal(path, CAPACITY)
    journal.append(3, b'a number twice', None)
    assert not journal.open
    assert 'clients cannot resume over a restart of the bridge' in caplog.text
    journal.append(5, b'{}', None)
    journal.note('safety_node', 'p3')
    assert past_of(path) is None


def test_a_file_that_cannot_be_made_is_an_error_in_one_line(tmp_path, caplog):
    (tmp_path / 'run').write_text('no directory')
    journal = EventJournal(tmp_path / 'run' / 'events.sqlite', CAPACITY)
    assert (journal.past, journal.open) == (None, False)
    assert len(caplog.records) == 1


def test_tables_of_another_version_continue_nothing(path):
    kept(path)
    database = sqlite3.connect(path)
    database.execute('PRAGMA user_version = 77')
    database.close()
    assert past_of(path) is None


async def test_a_server_goes_on_with_the_epoch_of_one_that_was_killed(serving, event, path):
    first = EventJournal(path, CAPACITY)
    async with serving(journal=first) as server:
        peer = await server.enter('safety.*', resume=True)
        epoch = peer.established['data']['epoch']
        for number in range(3):
            stop = event('safety.estop', estop_id=f'estop-{number}')
            server.gateway.publish(stop, Origin('safety/estop', 'p1', number + 1))
        server.gateway.note_threadsafe('safety_node', 'p1')
        await peer.barrier()
        killed(first)
    second = EventJournal(path, CAPACITY)
    assert second.past.nodes == {'safety_node': 'p1'}
    async with serving(journal=second) as server:
        peer = await server.enter('safety.*', resume=True)
        assert peer.established['data']['epoch'] == epoch
        # What is latched is as it was before.
        stops = [(await peer.receive('safety.estop'))['data']['estop_id'] for _ in range(3)]
        assert stops == ['estop-0', 'estop-1', 'estop-2']
        await peer.send('resume', epoch=epoch, after=1, request_id='r')
        replayed = [await peer.receive() for _ in range(3)]
        assert [message.get('seq') for message in replayed[:2]] == [2, 3]
        assert replayed[2]['data'] == {'recovered': True, 'replayed': 2, 'epoch': epoch, 'seq': 3}
        server.gateway.publish(event('safety.clear'))
        assert (await peer.receive('safety.clear'))['seq'] == 4
    second.close()


async def test_what_cannot_be_read_begins_another_epoch(serving, path, caplog):
    kept(path)  # of payloads that are no events
    journal = EventJournal(path, CAPACITY)
    async with serving(journal=journal) as server:
        peer = await server.enter('safety.*', resume=True)
        assert peer.established['data']['epoch'] != 'epoch-1'
    assert 'an event of the journal cannot be read' in caplog.text
    killed(journal)
    assert past_of(path).events == []
