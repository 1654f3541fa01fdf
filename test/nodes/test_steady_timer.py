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
"""Timers that no change of the date stops or hurries."""

import ast

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import ClockType
from support import ROOT

from oht50_bridge.nodes.steady_timer import steady_timer

NODES = ROOT / 'oht50_bridge' / 'nodes'


@pytest.fixture
def node(ros):
    node = rclpy.create_node('timers')
    yield node
    node.destroy_node()


def test_it_counts_on_the_steady_clock_in_its_group(node):
    calls = []
    group = MutuallyExclusiveCallbackGroup()
    timer = steady_timer(node, 0.01, lambda: calls.append(1), group)
    assert timer.clock.clock_type == ClockType.STEADY_TIME
    assert timer.callback_group is group
    rclpy.spin_once(node, timeout_sec=5.0)
    assert calls == [1]


@pytest.mark.parametrize('path', sorted(NODES.glob('*.py')), ids=lambda path: path.stem)
def test_no_node_has_a_timer_that_follows_the_date(path):
    if path.stem == 'steady_timer':
        return
    names = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert 'create_timer' not in names
