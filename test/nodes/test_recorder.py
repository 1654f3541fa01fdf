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

import contextlib
import itertools
import subprocess

import pytest
import rclpy
from rclpy.qos import DurabilityPolicy
from rclpy.qos import ReliabilityPolicy
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import WriterError
from support import filesystem
from support import fill

from oht50_bridge import mcap
from oht50_bridge.bag import BagError
from oht50_bridge.bag import in_order
from oht50_bridge.bag import recorded_vehicle
from oht50_bridge.bag import repair
from oht50_bridge.bag import typestore
from oht50_bridge.bringup.process import module_command
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


@contextlib.contextmanager
def recording(bag, log):
    """Run a recorder in a process of its own; yield it."""
    with log.open('w') as output:
        process = subprocess.Popen(
            [*module_command('oht50_bridge.nodes'), 'recorder', str(bag)],
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def on_disk(bag):
    """Return how many messages could be read if the recorder ended now."""
    with contextlib.suppress(mcap.McapError):  # nothing is written yet
        return sum(1 for path in bag.glob('*.mcap') for _ in mcap.messages(path))
    return 0


def estop_ids(bag):
    store = typestore()
    return [
        store.deserialize_cdr(data, 'oht50_bridge/msg/SafetyEstop').estop_id
        for _, _, data in in_order(bag, [f'{recorded_vehicle(bag)}/safety/estop'])
    ]


@pytest.mark.processes
def test_what_was_recorded_a_second_before_a_kill_is_readable(ros, tmp_path):
    graph = ros.graph(lambda: rclpy.create_node('vehicle'))
    bag = tmp_path / 'bag'
    with recording(bag, tmp_path / 'log') as process:
        for number in range(3):
            graph.publish(topics.SAFETY_ESTOP, SafetyEstop(estop_id=f'e{number}'))
        graph.until(lambda: on_disk(bag) == 3)
        process.kill()
        process.wait()
    count, _ = repair(bag)
    assert count == 3
    assert estop_ids(bag) == ['e0', 'e1', 'e2']


def test_what_comes_in_the_first_moments_is_on_disk_at_once(ros, tmp_path, monkeypatch):
    monkeypatch.setattr('oht50_bridge.nodes.recorder.FLUSH_PERIOD', 600.0)
    bag = tmp_path / 'bag'
    graph = ros.graph(lambda: Recorder(bag))
    with pytest.raises(BagError, match='is being recorded'):
        recorded_vehicle(bag)
    for number in range(3):
        graph.publish(topics.SAFETY_ESTOP, SafetyEstop(estop_id=f'e{number}'))
    graph.until(lambda: on_disk(bag) == 3)


@pytest.mark.processes
def test_a_full_disk_ends_the_recording_in_one_line_and_leaves_what_is_on_it(ros, tmp_path):
    graph = ros.graph(lambda: rclpy.create_node('vehicle'))
    log = tmp_path / 'log'
    with filesystem(tmp_path / 'disk', '1m') as disk:
        bag = disk / 'bag'
        with recording(bag, log) as process:
            for number in range(3):
                graph.publish(topics.SAFETY_ESTOP, SafetyEstop(estop_id=f'e{number}'))
            graph.until(lambda: on_disk(bag) == 3)
            filler = fill(disk)
            numbers = itertools.count(3)

            def ended():
                message = SafetyEstop(estop_id=f'e{next(numbers)}', trigger_type='x' * 200)
                graph.publish(topics.SAFETY_ESTOP, message)
                return process.poll() is not None

            graph.until(ended)
        text = log.read_text()
        assert text.count('No space left on device') == 1 and 'Make room' in text
        assert 'Traceback' not in text and process.returncode > 0
        filler.unlink()
        repair(bag)
        assert estop_ids(bag)[:3] == ['e0', 'e1', 'e2']
