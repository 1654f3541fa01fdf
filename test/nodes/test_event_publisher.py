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
"""The numbers of events, and the events that are kept for a bridge that was away."""

from rclpy.node import Node

from oht50_bridge.msg import SystemError
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.event_publisher import published_events


def test_events_are_numbered_by_topic_and_publisher(ros):
    graph = ros.graph(lambda: Node('system_node'))
    first = topics.SYSTEM_ERROR.publisher(graph.node)
    other = topics.MODULE_DISCOVERED.publisher(graph.node)
    graph.record(topics.SYSTEM_ERROR)
    for _ in range(3):
        first.publish(SystemError())
    graph.until(lambda: len(graph.received[topics.SYSTEM_ERROR.name]) == 3)
    events = published_events(graph.node)
    numbers = [message.event_number for message in graph.received[topics.SYSTEM_ERROR.name]]
    assert [number.number for number in numbers] == [1, 2, 3]
    assert {number.publisher for number in numbers} == {events.publisher}
    assert events.last == {topics.SYSTEM_ERROR.name: 3, topics.MODULE_DISCOVERED.name: 0}
    assert other.get_subscription_count() == 0
    assert other.topic_name.endswith(topics.MODULE_DISCOVERED.name)


def test_who_asks_for_them_receives_earlier_events_and_nobody_else(ros):
    graph = ros.graph(lambda: Node('system_node'))
    topics.SYSTEM_ERROR.publisher(graph.node).publish(SystemError(error_code='early'))
    asked, others = [], []
    topics.SYSTEM_ERROR.subscribe(graph.probe, asked.append, earlier=True)
    topics.SYSTEM_ERROR.subscribe(graph.probe, others.append)
    graph.until(lambda: asked)
    graph.spin(0.2)
    assert [message.error_code for message in asked] == ['early']
    assert others == []
