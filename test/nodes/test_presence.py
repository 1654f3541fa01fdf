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
"""Nodes give signs of life, and two vehicles hear each other."""

import pytest
from builtin_interfaces.msg import Time
from rclpy.node import Node
from std_msgs.msg import Header

from oht50_bridge.identity import VEHICLE
from oht50_bridge.msg import NodePresence
from oht50_bridge.msg import SystemError
from oht50_bridge.nodes import presence
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.event_publisher import published_events
from oht50_bridge.nodes.presence import NeighbourWatch
from oht50_bridge.nodes.presence import announce


class Watching(Node):
    """A node of the vehicle."""

    def __init__(self, name='safety_node'):
        super().__init__(name)
        self.watch = NeighbourWatch(self)
        announce(self)


def test_a_node_gives_repeated_signs_of_life(ros, monkeypatch):
    monkeypatch.setenv(VEHICLE, '0f lab:/a')
    graph = ros.graph(Watching)
    graph.record(topics.PRESENCE)
    received = graph.received[topics.PRESENCE.name]
    graph.until(lambda: len(received) >= 3)
    assert {(message.vehicle, message.node) for message in received} == {('0f', 'safety_node')}
    assert len({message.instance for message in received}) == 1
    assert 'lab:/a, process ' in received[0].description
    assert graph.node.watch.other() is None


def test_each_node_is_an_instance_of_its_own_and_says_what_it_has_published(ros):
    graph = ros.graph(Watching)
    graph.record(topics.PRESENCE)
    events = topics.SYSTEM_ERROR.publisher(graph.node)
    events.publish(SystemError())
    graph.until(lambda: graph.last(topics.PRESENCE) and graph.last(topics.PRESENCE).event_topics)
    message = graph.last(topics.PRESENCE)
    assert message.instance == published_events(graph.node).publisher
    assert message.instance != published_events(graph.probe).publisher
    assert list(message.event_topics) == [topics.SYSTEM_ERROR.name]
    assert list(message.last_numbers) == [1]


def test_a_node_that_is_not_of_the_vehicle_gives_none(ros):
    graph = ros.graph(lambda: Watching('recorder'))
    assert graph.probe.count_publishers(topics.PRESENCE.name) == 0


@pytest.mark.parametrize(('vehicle', 'instances'), [('1e', 'a'), ('0f', 'aba')])
def test_another_vehicle_or_a_second_node_is_noticed(ros, monkeypatch, vehicle, instances):
    monkeypatch.setenv(VEHICLE, '0f lab:/a')
    graph = ros.graph(Watching)
    logged = []
    graph.node.get_logger = lambda: type(
        'Logger', (), {'error': lambda _, text, **__: logged.append(text)}
    )()
    for instance in instances:
        graph.publish(
            topics.PRESENCE,
            NodePresence(
                vehicle=vehicle, node='mission_node', instance=instance, description='lab:/b'
            ),
        )
        graph.spin(0.05)
    graph.until(graph.node.watch.other)
    assert 'lab:/b' in graph.node.watch.other()
    assert 'end one of the two' in logged[0]


class Listening(Node):
    """Keeps the signs of life that it gets."""

    def __init__(self):
        super().__init__('listening')
        self.received = []
        presence.subscribe(self, self.received.append)


def sign(sec, instance):
    return NodePresence(
        header=Header(stamp=Time(sec=sec)), vehicle='0f', node='mission_node', instance=instance
    )


def test_signs_of_life_that_differ_in_their_stamp_are_decoded_once(ros, monkeypatch):
    decoded = []
    decode = presence.deserialize_message
    monkeypatch.setattr(
        presence, 'deserialize_message', lambda *given: decoded.append(1) or decode(*given)
    )
    graph = ros.graph(Listening)
    for sec, instance in enumerate('aabab'):
        graph.publish(topics.PRESENCE, sign(sec, instance))
        graph.until(lambda wanted=sec + 1: len(graph.node.received) == wanted)
    assert [message.instance for message in graph.node.received] == list('aabab')
    assert len(decoded) == 2


def test_few_signs_of_life_are_kept(ros, monkeypatch):
    monkeypatch.setattr(presence, 'KNOWN', 2)
    graph = ros.graph(Listening)
    for sec, instance in enumerate('abca'):
        graph.publish(topics.PRESENCE, sign(sec, instance))
        graph.until(lambda wanted=sec + 1: len(graph.node.received) == wanted)
    assert [message.instance for message in graph.node.received] == list('abca')


def test_a_malformed_sign_of_life_is_dropped(ros, monkeypatch):
    def broken(*_):
        raise ValueError('cut short')

    graph = ros.graph(Listening)
    with monkeypatch.context() as patch:
        patch.setattr(presence, 'deserialize_message', broken)
        graph.publish(topics.PRESENCE, sign(1, 'a'))
        graph.spin(0.2)
        assert graph.node.received == []
    graph.publish(topics.PRESENCE, sign(2, 'b'))
    graph.until(lambda: graph.node.received)
