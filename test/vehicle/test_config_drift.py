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
"""Parameters that something else than the configuration changed."""

from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.config_drift import ConfigDrift
from oht50_bridge.vehicle.config_drift import Drift
from oht50_bridge.vehicle.config_table import Item

ITEMS = [
    Item('limit', 'node', 'limit', 'double'),
    Item('names', 'node', 'names', 'string_array'),
    Item('rate', 'node', 'rate', 'double', kept=False),
]
FILES = {'limit': 0.5, 'names': ['a'], 'rate': 10.0}


def test_what_is_as_configured_or_as_in_the_files_is_no_drift():
    drift = ConfigDrift(ITEMS)
    drift.started('node', FILES)
    assert drift.check('node', FILES, {}) == Drift()
    assert drift.check('node', {**FILES, 'limit': 0.2}, {'limit': 0.2, 'other': 1}) == Drift()
    assert drift.initial('node', 'limit') == 0.5
    assert drift.initial('other', 'limit') is None


def test_what_differs_from_the_configuration_or_the_files_is_put_back():
    drift = ConfigDrift(ITEMS)
    drift.started('node', FILES)
    changed = {'limit': 2.0, 'names': [], 'rate': 10.0}
    assert drift.check('node', changed, {'limit': 0.2}) == Drift(
        {'limit': 2.0, 'names': []}, {'limit': 0.2, 'names': ['a']}, True
    )


def test_what_is_not_kept_may_change():
    drift = ConfigDrift(ITEMS)
    drift.started('node', FILES)
    assert not drift.check('node', {**FILES, 'rate': 1.0}, {'rate': 5.0}).found


def test_without_a_start_what_is_read_first_counts():
    drift = ConfigDrift(ITEMS)
    assert not drift.check('node', FILES, {}).found
    assert drift.check('node', {**FILES, 'limit': 2.0}, {}).wanted == {'limit': 0.5}


def test_a_drift_is_new_once_until_it_is_gone_or_another():
    drift = ConfigDrift(ITEMS)
    drift.started('node', FILES)
    seen = [2.0, 2.0, 3.0, 3.0, 0.5, 3.0]
    new = [drift.check('node', {**FILES, 'limit': value}, {}).is_new for value in seen]
    assert new == [True, False, True, False, False, True]


@given(st.lists(st.tuples(st.sampled_from('ab'), st.floats(0, 1), st.booleans())))
def test_every_node_gets_back_what_it_should_have(steps):
    drift = ConfigDrift(Item(name, name, name, 'double') for name in 'ab')
    for node in 'ab':
        drift.started(node, {node: 0.5})
    for node, value, configured in steps:
        stored = {node: 0.25} if configured else {}
        result = drift.check(node, {node: value}, stored)
        has = {node: value, **result.wanted}
        assert has == {node: 0.25 if configured else 0.5}
