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
"""recorder: what is published is in the bag."""

import pytest
from rclpy.qos import DurabilityPolicy
from rclpy.qos import ReliabilityPolicy
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import WriterError

from oht50_bridge.bag import typestore
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.recorder import Recorder
from oht50_bridge.nodes.recorder import subscription_qos
from oht50_bridge.nodes.recorder import type_name


def test_each_message_is_recorded_in_its_order(ros, tmp_path, capsys):
    bag = tmp_path / 'bag'
    graph = ros.graph(lambda: Recorder(bag))
    sent = [SafetyEstop(estop_id=f'e{number}') for number in range(3)]
    for message in sent:
        graph.publish(topics.SAFETY_ESTOP, message)
    graph.until(lambda: sum(graph.node._writer.counts.values()) == len(sent))
    graph.node.destroy_node()
    graph.node = graph.probe
    assert '3 messages of 1 topics are recorded in' in capsys.readouterr().out
    with Reader(bag) as reader:
        (connection,) = reader.connections
        assert connection.topic == '/safety/estop'
        assert connection.msgtype == 'oht50_bridge/msg/SafetyEstop'
        store = typestore()
        read = [
            store.deserialize_cdr(data, connection.msgtype).estop_id
            for _, _, data in reader.messages()
        ]
    assert read == [message.estop_id for message in sent]


def test_an_existing_folder_is_not_overwritten(ros, tmp_path):
    with pytest.raises(WriterError):
        Recorder(tmp_path)


def test_a_subscription_loses_no_message_but_asks_for_no_more_than_is_offered():
    for topic in topics.ALL:
        qos = subscription_qos(topic.qos)
        assert qos.depth >= topic.qos.depth
        assert (qos.reliability, qos.durability) == (topic.qos.reliability, topic.qos.durability)
    assert subscription_qos(topics.LOCATION.qos).reliability == ReliabilityPolicy.BEST_EFFORT
    assert subscription_qos(topics.POWER.qos).durability == DurabilityPolicy.TRANSIENT_LOCAL


def test_the_name_of_a_type():
    assert type_name(SafetyEstop) == 'oht50_bridge/msg/SafetyEstop'
