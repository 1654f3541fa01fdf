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
import pytest
from client.bridge_side import stop_event

from oht50_bridge.client import resumption
from oht50_bridge.client.resumption import Resumption


def resumed(epoch='a', seq=0):
    made = Resumption()
    made.established(epoch)
    made.result(epoch, seq)
    return made


def test_it_begins_without_an_epoch():
    made = Resumption()
    assert made.is_first and made.fields() == {'epoch': '', 'after': 0}
    made.established('a')
    made.result('a', 7)
    assert not made.is_first and made.fields() == {'epoch': 'a', 'after': 7}


def test_a_number_is_handled_once():
    made = resumed(seq=3)
    assert [made.is_new(stop_event(seq, seq)) for seq in (3, 4, 4, 6, 5)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert made.fields()['after'] == 6


def test_the_same_text_with_another_number_is_another_event():
    made = resumed()
    assert made.is_new(stop_event(1, 1)) and made.is_new(stop_event(1, 2))


def test_an_event_without_a_number_is_known_by_its_content():
    made = resumed()
    assert made.is_new(stop_event(1))
    assert not made.is_new(stop_event(1))
    assert made.is_new(stop_event(1, stamp='2026-11-23T10:30:01.000Z'))
    assert made.is_new(stop_event(2))


def test_an_event_that_comes_later_with_its_number_is_not_new():
    made = resumed()
    assert made.is_new(stop_event(1))
    made.established('a')
    assert not made.is_new(stop_event(1, 1))
    made.result('a', 1)
    made.established('a')
    assert not made.is_new(stop_event(1))  # the last value of a latched type, on subscribing


def test_a_number_of_another_epoch_says_nothing():
    made = resumed(seq=9)
    assert made.established('b') is False
    assert made.is_new(stop_event(1, 1))
    made.result('b', 1)
    assert made.fields() == {'epoch': 'b', 'after': 1}


def test_what_was_handled_of_a_replay_that_was_cut_off_is_not_new_when_it_comes_again():
    made = resumed(seq=5)
    made.established('a')
    assert [made.is_new(stop_event(seq, seq)) for seq in (6, 7)] == [True, True]
    made.established('a')
    assert made.fields() == {'epoch': 'a', 'after': 5}
    assert [made.is_new(stop_event(seq, seq)) for seq in (6, 7, 8)] == [False, False, True]
    made.result('a', 8)
    assert made.fields() == {'epoch': 'a', 'after': 8}


def test_what_overtook_the_end_of_a_replay_is_not_new_on_the_next_connection():
    made = resumed(seq=5)
    made.established('a')
    assert made.is_new(stop_event(9, 9))  # urgent, published when the replay was ready
    made.result('a', 8)
    assert made.fields() == {'epoch': 'a', 'after': 9}
    made.established('a')
    assert not made.is_new(stop_event(9, 9))


def test_the_newest_value_of_a_state_is_always_new():
    made = resumed()
    status = {'type': 'system.status', 'timestamp': 'x', 'data': {}}
    assert made.is_new(status) and made.is_new(status)


@pytest.mark.parametrize('numbered', [False, True])
def test_memory_is_bounded(monkeypatch, numbered):
    monkeypatch.setattr(resumption, 'KEPT', 100)
    made = resumed()
    for number in range(1, 300):
        assert made.is_new(stop_event(number, number if numbered else None))
    kept = made._numbered if numbered else made._unnumbered
    assert len(kept._keys) == 100
    assert not made.is_new(stop_event(299))
