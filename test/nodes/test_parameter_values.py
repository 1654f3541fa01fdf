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
"""Values of the configuration as ROS parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcl_interfaces.msg import Parameter
from rclpy.parameter import Parameter as RclpyParameter

from oht50_bridge.nodes.parameter_values import from_parameters
from oht50_bridge.nodes.parameter_values import from_value
from oht50_bridge.nodes.parameter_values import to_parameters
from oht50_bridge.nodes.parameter_values import to_value

INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(exclude_characters='\0', exclude_categories=['Cs']))


@given(
    st.one_of(
        st.booleans(),
        INTEGERS,
        FLOATS,
        TEXTS,
        st.lists(st.booleans()),
        st.lists(INTEGERS),
        st.lists(FLOATS),
        st.lists(TEXTS),
    )
)
def test_a_value_survives_the_way_to_a_parameter_and_back(value):
    back = from_value(to_value(value))
    assert back == value
    assert type(back) is type(value)
    if value != []:
        assert to_value(value).type == RclpyParameter('x', value=value).type_.value


def test_an_array_of_integers_and_doubles_is_one_of_doubles():
    assert from_value(to_value([1, 2.5])) == [1.0, 2.5]


@pytest.mark.parametrize(
    'value',
    [
        None,
        {},
        {'a': 1},
        [None],
        [1, 'a'],
        [True, 1],
        [[1]],
        2**63,
        [-(2**63) - 1],
        [10**400, 0.5],
    ],
)
def test_what_no_parameter_can_be_is_not_set(value):
    assert from_value(to_value(value)) is None


def test_parameters_by_name():
    values = {'a': 1, 'b': [0.5]}
    assert from_parameters(to_parameters(values)) == values
    with pytest.raises(ValueError, match='a: occurs twice'):
        from_parameters([Parameter(name='a'), Parameter(name='a')])
