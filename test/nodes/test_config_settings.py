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
"""The table of what clients may configure, from the parameters."""

import pytest
from declarer import Declarer

from oht50_bridge.nodes.config_settings import config_table
from oht50_bridge.nodes.errors import StartError


def test_an_item_is_a_parameter_of_its_name_unless_it_names_another():
    _, table = config_table(
        Declarer(
            'config_node',
            items=['rate', 'jerk'],
            **{'item.rate.node': 'a_node', 'item.rate.parameter': 'r', 'item.jerk.node': 'b_node'},
        )
    )
    parameters = {name: (item.node, item.parameter) for name, item in table.items.items()}
    assert parameters == {'rate': ('a_node', 'r'), 'jerk': ('b_node', 'jerk')}


def test_a_wrong_item_is_refused_by_its_name():
    with pytest.raises(StartError, match='config_node: rate: node is missing'):
        config_table(Declarer('config_node', items=['rate']))
