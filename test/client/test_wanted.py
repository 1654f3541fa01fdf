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
from oht50_bridge.client.options import Subscription
from oht50_bridge.client.wanted import Wanted


def commands(wanted):
    return [(each['events'], each.get('rate')) for each in wanted.commands()]


def test_patterns_of_one_rate_go_together_in_their_order():
    wanted = Wanted((Subscription(('a.x', 'b.*'), 2.0), Subscription(('c.*',), 2.0)))
    wanted.add(['d.*'], None)
    assert commands(wanted) == [(['a.x', 'b.*', 'c.*'], 2.0), (['d.*'], None)]
    assert 'rate' not in list(wanted.commands())[-1]


def test_no_command_has_too_many_patterns():
    wanted = Wanted((Subscription(tuple(f'a.{number}' for number in range(130)), 1.0),))
    assert [len(events) for events, _ in commands(wanted)] == [64, 64, 2]


def test_a_pattern_replaces_what_it_includes():
    wanted = Wanted((Subscription(('safety.estop', 'mission.*'), 1.0),))
    wanted.add(['safety.*'], 5.0)
    assert commands(wanted) == [(['mission.*'], 1.0), (['safety.*'], 5.0)]
    wanted.add(['safety.estop'], 2.0)
    assert commands(wanted)[1:] == [(['safety.*'], 5.0), (['safety.estop'], 2.0)]
    wanted.add(['*'], None)
    assert commands(wanted) == [(['*'], None)]


def test_the_other_types_of_a_pattern_remain():
    wanted = Wanted((Subscription(('safety.*', 'mission.*'), 1.0),))
    wanted.remove(['safety.estop', 'mission.*'])
    assert commands(wanted) == [(['safety.clear', 'safety.state', 'safety.zone_entered'], 1.0)]
    wanted.remove(['*'])
    assert commands(wanted) == []


def test_a_type_that_is_not_known_yet_is_kept_and_removed_by_its_name():
    wanted = Wanted((Subscription(('future.thing', 'future.*'), 1.0),))
    wanted.add(['future.thing'], 2.0)
    wanted.remove(['future.*'])
    assert commands(wanted) == [(['future.thing'], 2.0)]
