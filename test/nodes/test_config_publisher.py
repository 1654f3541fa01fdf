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
"""Events of the configuration."""

import pytest
import rclpy

from oht50_bridge.msg import ConfigRollback
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.config_publisher import ConfigPublisher
from oht50_bridge.vehicle.config_drift import Drift
from oht50_bridge.vehicle.config_store import ConfigStore


@pytest.fixture
def graph(ros):
    graph = ros.graph(lambda: rclpy.create_node('publisher'))
    graph.publisher = ConfigPublisher(graph.node)
    graph.record(topics.CONFIG_UPDATED, topics.CONFIG_ROLLBACK)
    return graph


@pytest.fixture
def record(tmp_path):
    return ConfigStore(tmp_path, '1.0').begin(
        {'rate': 2.0}, {'rate': 10.0}, ['telemetry_node'], 'ann'
    )


@pytest.mark.parametrize(('applied', 'status'), [(True, 'applied'), (False, 'failed')])
def test_a_change(graph, record, applied, status):
    graph.publisher.changed(record, None, applied=applied)
    graph.until(lambda: graph.last(topics.CONFIG_UPDATED))
    message = graph.last(topics.CONFIG_UPDATED)
    assert (message.version, message.updated_by, message.status) == (record.version, 'ann', status)
    assert [(change.name, change.description) for change in message.changes] == [
        ('rate', '10.0 -> 2.0')
    ]


def test_a_rollback_by_an_operator(graph, record):
    rollback = ConfigRollback(from_version='1.0.2', to_version='1.0.1', rolled_back_by='operator')
    graph.publisher.changed(record, rollback, applied=True)
    graph.until(lambda: graph.last(topics.CONFIG_ROLLBACK))
    message = graph.last(topics.CONFIG_ROLLBACK)
    assert (message.to_version, message.status) == ('1.0.1', 'completed')
    assert graph.received[topics.CONFIG_UPDATED.name] == []


def test_a_failed_change_that_is_reverted(graph, record):
    assert graph.publisher.subscribed
    graph.publisher.undone(record, '1.0.0')
    graph.until(lambda: graph.last(topics.CONFIG_ROLLBACK))
    message = graph.last(topics.CONFIG_ROLLBACK)
    assert (message.from_version, message.to_version) == (record.version, '1.0.0')
    assert (message.rolled_back_by, message.status) == ('system', 'completed')


def test_parameters_that_something_else_set(graph):
    graph.record(topics.SYSTEM_ERROR)
    graph.publisher.drifted('probe', Drift({'rate': 2.0}, {'rate': 10.0}, True))
    graph.until(lambda: graph.last(topics.SYSTEM_ERROR))
    message = graph.last(topics.SYSTEM_ERROR)
    assert (message.error_code, message.severity) == ('APP-001', 'P2')
    assert message.description == (
        'probe: rate 10.0 -> 2.0 was not set by update_config and is put back'
    )
    assert message.affected_services == ['probe']
