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
"""What each node declares, without ROS."""

import pytest

from oht50_bridge.bringup.declared import declare_all
from oht50_bridge.bringup.parameter_reader import Given
from oht50_bridge.bringup.parameter_reader import Scalar
from oht50_bridge.nodes import NODES


def given(**texts):
    return {
        name: Given('/**', name, Scalar(text, plain=True, line=1)) for name, text in texts.items()
    }


@pytest.mark.parametrize('node', NODES)
def test_every_node_declares_itself(node):
    declared = declare_all(node, {})
    assert {'use_sim_time', 'state_dir'} < set(declared.types)
    assert declared.values == {} and declared.faults == {}


def test_a_wrong_value_is_noted_and_the_default_taken_instead():
    declared = declare_all('safety_node', given(speed_limit='fast', reaction_time='1'))
    assert declared.values == {'reaction_time': 1.0}
    assert set(declared.faults) == {'speed_limit'}


def test_after_a_contradiction_everything_else_is_still_declared():
    declared = declare_all('mission_node', given(inspection_speed='0.4', max_velocity='0.2'))
    assert len(declared.contradictions) == 1
    assert declared.types.keys() == declare_all('mission_node', {}).types.keys()
