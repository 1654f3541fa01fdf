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
import logging

from oht50_bridge.client.listeners import Listeners
from oht50_bridge.client.listeners import matches

EVENT = {'type': 'safety.estop', 'data': {}}


def test_patterns():
    for pattern in ('*', 'safety.*', 'safety.estop'):
        assert matches(pattern, 'safety.estop')
    for pattern in ('safety', 'mission.*', 'safety.clear', 'state', ''):
        assert not matches(pattern, 'safety.estop')


def test_each_is_called_for_its_own_until_it_is_removed():
    listeners, seen = Listeners(), []
    listeners.add('state', lambda state: seen.append(('state', state)))
    remove = listeners.add('safety.*', lambda event: seen.append(('event', event['type'])))
    listeners.event(EVENT)
    listeners.report('state', 'live')
    remove()
    remove()
    listeners.event(EVENT)
    assert seen == [('event', 'safety.estop'), ('state', 'live')]


def test_one_that_raises_is_reported_and_disturbs_nobody(caplog):
    listeners, seen = Listeners(), []

    def fail(value):
        raise ValueError('mine')

    listeners.add('*', fail)
    listeners.add('*', lambda event: seen.append('event'))
    listeners.add('error', lambda error: seen.append(str(error)))
    listeners.event(EVENT)
    assert seen == ['mine', 'event']
    listeners.add('error', fail)
    with caplog.at_level(logging.ERROR):
        listeners.event(EVENT)
    assert seen == ['mine', 'event'] * 2 and 'mine' in caplog.text


def test_one_may_remove_itself_while_it_is_called():
    listeners, seen = Listeners(), []
    remove = listeners.add('*', lambda event: (seen.append(1), remove()))
    listeners.add('*', lambda event: seen.append(2))
    listeners.event(EVENT)
    listeners.event(EVENT)
    assert seen == [1, 2, 2]
