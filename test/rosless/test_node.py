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

"""Subclasses of Node may use any attribute name."""

from __future__ import annotations

import subprocess
import sys

import pytest
from contract import IS_ROSLESS
from contract import ROOT
from contract import rosless_only
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import String
from std_srvs.srv import Trigger

NAMES = {
    '_add',
    '_answer',
    '_apply',
    '_arguments',
    '_by_node',
    '_callbacks',
    '_changed',
    '_check',
    '_check_descriptor',
    '_clients',
    '_clock',
    '_context',
    '_count',
    '_descriptors',
    '_destroy',
    '_entities',
    '_events',
    '_executor',
    '_group',
    '_logger',
    '_name',
    '_namespace',
    '_overrides',
    '_parameters',
    '_publish_log',
    '_publishers',
    '_readers',
    '_refuse_sim_time',
    '_resolve',
    '_rosout',
    '_services',
    '_set',
    '_set_names',
    '_subscriptions',
    '_timers',
    '_typed',
    '_waitables',
    '_wake',
    '_writers',
}
KEPT_BY_RCLPY = {
    '_clients',
    '_clock',
    '_context',
    '_descriptors',
    '_logger',
    '_parameters',
    '_publishers',
    '_services',
    '_subscriptions',
    '_timers',
}
"""What rclpy (Jazzy) needs itself: a node that sets one of these works on rosless alone."""


class Greedy(Node):
    """Uses every name for itself."""

    def __init__(self, names):
        super().__init__('greedy')
        for name in names:
            setattr(self, name, f'mine: {name}')


def test_attributes_of_a_subclass_do_not_clash(spinner):
    names = NAMES if IS_ROSLESS else NAMES - KEPT_BY_RCLPY
    node = Greedy(names)
    spinner.nodes.append(node)
    spinner.executor.add_node(node)
    received, ticks, answers = [], [], []
    node.create_subscription(String, 'topic', received.append, 10)
    publisher = node.create_publisher(String, 'topic', 10)
    timer = node.create_timer(0.01, lambda: ticks.append(1))

    def answer(request, response):
        answers.append(request)
        return response

    service = node.create_service(Trigger, 'service', answer)
    client = node.create_client(Trigger, 'service')
    node.declare_parameter('a', 1)
    assert node.set_parameters([Parameter('a', value=2)])[0].successful
    node.get_logger().info('still logs')
    publisher.publish(String(data='x'))
    spinner.until(lambda: received and ticks and client.service_is_ready())
    spinner.result(client.call_async(Trigger.Request()))
    assert answers
    assert ('greedy', '/') in node.get_node_names_and_namespaces()
    assert node.count_publishers('topic') == 1
    assert [p.topic_name for p in node.publishers if p.topic_name == '/topic'] == ['/topic']
    assert node.destroy_timer(timer) and node.destroy_service(service)
    for name in names:
        assert getattr(node, name) == f'mine: {name}'


def test_the_names_that_rclpy_keeps(spinner):
    """If a later rclpy no longer needs one of them, the list above is out of date."""
    if IS_ROSLESS:
        pytest.skip('about the real rclpy')
    assert set(vars(spinner.node())) >= KEPT_BY_RCLPY


@rosless_only
def test_all_names_are_mangled(spinner):
    node = spinner.node()
    classes = Node.__mro__[:-1]
    own = {*vars(node), *(name for kind in classes for name in vars(kind))}
    mangled = tuple(f'_{kind.__name__}__' for kind in classes)
    assert [name for name in own if name[0] == '_' and not name.startswith(('__', *mangled))] == []


@rosless_only
def test_a_node_is_up_quickly():
    """Six processes of a vehicle start at once on two cores: CPU time, best of five."""
    code = (
        'import time; start = time.process_time(); import rosless; rosless.install(); '
        'import rclpy; rclpy.init(); rclpy.create_node("node"); '
        'print(time.process_time() - start); rclpy.shutdown()'
    )
    times = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        times.append(float(done.stdout))
    assert min(times) < 0.15, times
