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
"""player: the events of a bag, in order and at their times, once the bridge has a client."""

import itertools
import threading

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer

from oht50_bridge import bag
from oht50_bridge.msg import BridgeStatus
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.nodes import player as module
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.player import Player
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.recorder import type_name
from oht50_bridge.nodes.stamps import NS

IN_REPLAY = pytest.mark.parametrize('ros', [['-r', '__ns:=/replay/oht50']], indirect=True)


def converted(store, message):
    """Return a message as the library rosbags has it."""
    values = {}
    for field in message.get_fields_and_field_types():
        value = getattr(message, field)
        nested = hasattr(value, 'get_fields_and_field_types')
        values[field] = converted(store, value) if nested else value
    return store.types[type_name(type(message))](**values)


@pytest.fixture
def reader(tmp_path):
    """A bag with a stop, a clear 0.2 s later, and a topic that is not replayed."""
    store = bag.typestore()
    messages = [
        ('safety/estop', 1 * NS, SafetyEstop(estop_id='e')),
        ('safety/clear', 1 * NS + NS // 5, SafetyClear(cleared_by='operator')),
        ('bridge/status', 1 * NS, BridgeStatus()),
    ]
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, stamp, message in messages:
            name = type_name(type(message))
            connection = writer.add_connection(f'/oht50/{topic}', name, typestore=store)
            data = store.serialize_cdr(converted(store, message), name)
            writer.write(connection, stamp, data)
    with Reader(tmp_path / 'bag') as reader:
        yield reader


class Bridge:
    """Stands in for the bridge: subscribes to events and reports a client, in a thread."""

    def __init__(self):
        self.node = rclpy.create_node('bridge')
        self.received = []
        for topic in (topics.SAFETY_ESTOP, topics.SAFETY_CLEAR):
            topic.subscribe(self.node, self.received.append)
        self._status = topics.BRIDGE_STATUS.publisher(self.node)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin)
        self._thread.start()

    def connect_client(self):
        self._status.publish(BridgeStatus(connected_clients=1))

    def close(self):
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()


@IN_REPLAY
@pytest.mark.parametrize('rate', [1.0, 4.0])
def test_events_are_replayed_from_the_first_client_on(ros, reader, monkeypatch, rate):
    monkeypatch.setattr(module, 'LEAD', 0.05)
    player = Player(reader, '/oht50')
    bridge = Bridge()
    try:
        waiting = threading.Thread(target=player.wait_for_client)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        bridge.connect_client()
        waiting.join(10.0)
        assert not waiting.is_alive()
        assert bridge.received == []
        times = []
        publish = player._spin_until
        monkeypatch.setattr(
            player, '_spin_until', lambda moment: (times.append(moment), publish(moment))
        )
        player.play(rate)
        assert [type(message) for message in bridge.received] == [SafetyEstop, SafetyClear]
        assert bridge.received[0].estop_id == 'e'
        assert times[1] - times[0] == pytest.approx(0.2 / rate)
    finally:
        bridge.close()
        player.destroy_node()


@pytest.mark.parametrize('ros', [['-r', '__ns:=/oht50']], indirect=True)
def test_it_is_refused_in_the_namespace_of_a_vehicle(ros, reader):
    with pytest.raises(
        StartError, match='namespace /oht50; recordings are replayed below /replay'
    ):
        Player(reader, '/oht50')


@IN_REPLAY
def test_a_bag_of_another_version_is_refused(ros, tmp_path):
    store = bag.typestore()
    with Writer(tmp_path / 'old', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection(
            '/oht50/safety/estop',
            'oht50_bridge/msg/SafetyEstop',
            msgdef='string other_field',
            rihs01='RIHS01_' + '0' * 64,
            typestore=store,
        )
    with (
        Reader(tmp_path / 'old') as reader,
        pytest.raises(StartError, match='another version of this package'),
    ):
        Player(reader, '/oht50')


@IN_REPLAY
def test_steps_of_the_clock_neither_stop_the_replay_nor_change_its_order(
    ros, tmp_path, monkeypatch, capfd
):
    store = bag.typestore()
    folder = tmp_path / 'steps'
    stamps = [1.0, 1.1, 3601.2, 3601.3, 2.4, 2.5, -3597.4]  # the clock was set three times
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        name = type_name(SafetyEstop)
        connection = writer.add_connection('/oht50/safety/estop', name, typestore=store)
        for number, stamp in enumerate(stamps):
            message = SafetyEstop(estop_id=str(number))
            data = store.serialize_cdr(converted(store, message), name)
            writer.write(connection, round((stamp + 1e6) * NS), data)
    with Reader(folder) as reader:
        player = Player(reader, '/oht50')
        published, times = [], []
        (topic,) = player._publisher_of
        player._publisher_of[topic] = Published(published)
        monkeypatch.setattr(player, '_spin_until', times.append)
        player.play(1.0)
        player.destroy_node()
    ids = [store.deserialize_cdr(data, name).estop_id for data in published]
    assert ids == [str(number) for number in range(len(stamps))]
    gaps = [after - before for before, after in itertools.pairwise(times[: len(stamps)])]
    assert gaps == pytest.approx([0.1, module.LONGEST_GAP, 0.1, 0.0, 0.1, 0.0], abs=1e-6)
    assert capfd.readouterr().err.count('the time of the recording steps by') == 3


class Published:
    """Notes what is published."""

    def __init__(self, messages):
        self.publish = messages.append
