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
"""Reading and setting the parameters of other nodes."""

import pytest
from rclpy.callback_groups import ReentrantCallbackGroup

from oht50_bridge.nodes.parameter_client import RemoteNodes
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.vehicle.config_table import ConfigTable
from oht50_bridge.vehicle.config_table import Item

TABLE = ConfigTable(
    [
        Item(name='speed', node='probe', parameter='speed', type='double', maximum=2.0),
        Item(name='boards', node='probe', parameter='count', type='integer'),
        Item(name='far', node='elsewhere', parameter='far', type='bool'),
    ]
)


class Caller:
    """The remote nodes of a graph, with `owner` spun while a call waits."""

    def __init__(self, graph):
        self.graph = graph
        self.remotes = RemoteNodes(graph.node, TABLE, ReentrantCallbackGroup())
        probe = self.remotes['probe']
        graph.until(lambda: probe._get.service_is_ready() and probe._set.service_is_ready())

    def set(self, nodes, values, timeout=10.0):
        """Set values; return the reasons of the nodes that do not have them."""
        task = self.graph._executor.create_task(
            self.remotes.set(nodes, values, lambda name: '1.0.1', timeout)
        )
        self.graph.until(task.done)
        return task.result()


@pytest.fixture
def caller(ros):
    import rclpy

    graph = ros.graph(lambda: rclpy.create_node('owner'))
    declare(graph.probe, 'speed', 0.5, 'Speed, m/s', read_only=False)
    declare(graph.probe, 'count', 3, 'Boards', minimum=1, maximum=9, read_only=False)

    def take(values):
        if values.get('count') == 7:
            raise ValueError('count: 7 is not allowed')

    configurable(graph.probe, take)
    return Caller(graph)


def test_what_was_read_has_the_names_of_the_configuration(caller):
    probe = caller.remotes['probe']
    future = probe.read()
    caller.graph.until(future.done)
    assert probe.update(future.result().values)
    assert (probe.values, probe.version) == ({'speed': 0.5, 'boards': 3}, '')


def test_an_answer_without_some_parameter_is_not_taken(caller):
    probe = caller.remotes['probe']
    future = probe.read()
    caller.graph.until(future.done)
    assert not probe.update(future.result().values[:-1])
    assert probe.version is None


def test_a_node_that_is_absent_is_not_read(caller):
    assert caller.remotes['elsewhere'].read() is None


def test_values_are_set_with_their_version_and_type(caller):
    assert caller.set(['probe'], {'speed': 1.0, 'boards': 4, 'far': True}) == []
    probe = caller.graph.probe
    values = [probe.get_parameter(name).value for name in ('speed', 'count', CONFIG_VERSION)]
    assert values == [1.0, 4, '1.0.1']
    assert caller.remotes['probe'].version == '1.0.1'


def test_a_refusal_changes_nothing_and_gives_its_reason(caller):
    assert caller.set(['probe'], {'speed': 0.5, 'boards': 3}) == []
    assert caller.set(['probe'], {'speed': 1.0, 'boards': 7}) == [
        'probe refused: count: 7 is not allowed'
    ]
    assert caller.graph.probe.get_parameter('speed').value == 0.5
    assert caller.remotes['probe'].version is None  # until it is read again


def test_an_absent_node_is_a_reason_and_the_others_are_set(caller):
    reasons = caller.set(['elsewhere', 'probe'], {'speed': 1.5, 'boards': 3, 'far': True})
    assert reasons == ['elsewhere is absent']
    assert caller.graph.probe.get_parameter('speed').value == 1.5


def test_a_node_that_does_not_answer_in_time_is_a_reason(caller):
    caller.graph._executor.remove_node(caller.graph.probe)
    assert caller.set(['probe'], {'speed': 1.5}, timeout=0.2) == ['probe did not answer']
