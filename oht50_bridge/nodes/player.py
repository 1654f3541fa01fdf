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
"""Plays the events of a recorded vehicle to a bridge, once it has a client.

Arguments: BAG, the NAMESPACE of the vehicle in it, the RATE of playing, and `once` or `loop`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.utilities import remove_ros_args
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import ReaderError

from oht50_bridge import bag
from oht50_bridge.nodes import REPLAY_NAMESPACE
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import fail
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.recorder import type_name
from oht50_bridge.nodes.stamps import NS

LEAD = 1.0  # s, from the first client to the first event: it has to subscribe
SLICE = 0.1  # s


class Player(Node):
    """Publishes events of a bag, and nothing else: no vehicle listens where it publishes.

    Args:
        reader: of the open bag.
        vehicle: namespace of the vehicle in the bag.

    """

    def __init__(self, reader: Reader, vehicle: str):
        super().__init__('player')
        if not self.get_namespace().startswith(f'{REPLAY_NAMESPACE}/'):
            raise StartError(
                f'player: namespace {self.get_namespace()}; recordings are played below '
                f'{REPLAY_NAMESPACE}, away from vehicles'
            )
        types = bag.typestore()
        self._reader = reader
        self._connected = 0
        self._publishers_of: dict[int, Publisher] = {}  # by the connection's number
        of_name = {f'{vehicle}/{topic.name}': topic for topic in topics.EVENT_TOPICS.values()}
        for connection in reader.connections:
            topic = of_name.get(connection.topic)
            if topic is None:
                continue
            name = type_name(topic.type)
            if (connection.msgtype, connection.digest) != (name, types.hash_rihs01(name)):
                raise StartError(
                    f'{reader.path}: {connection.topic} holds {connection.msgtype} of another '
                    'version of this package; replay it with that version'
                )
            self._publishers_of[connection.id] = topic.publisher(self)
        topics.BRIDGE_STATUS.subscribe(self, self._on_bridge)

    def _on_bridge(self, status) -> None:
        self._connected = status.connected_clients

    def _until(self, moment: float) -> None:
        """Spin until a moment, s, monotonic."""
        while (left := moment - time.monotonic()) > 0:
            rclpy.spin_once(self, timeout_sec=min(left, SLICE))

    def wait_for_client(self) -> None:
        """Wait until the bridge listens to every topic and has had a client for a while."""
        while not (
            self._connected
            and all(
                publisher.get_subscription_count() for publisher in self._publishers_of.values()
            )
        ):
            rclpy.spin_once(self, timeout_sec=SLICE)
        self._until(time.monotonic() + LEAD)

    def _messages(self) -> Iterator[tuple[Publisher, int, bytes]]:
        """Give publisher, ns and encoded message of each event, in the order of their time."""
        connections = [
            connection
            for connection in self._reader.connections
            if connection.id in self._publishers_of
        ]
        for connection, stamp, data in self._reader.messages(connections):
            yield self._publishers_of[connection.id], stamp, bytes(data)

    def play(self, rate: float) -> None:
        """Publish each event at its time."""
        first = None
        for publisher, stamp, data in self._messages():
            if first is None:
                first, start = stamp, time.monotonic()
            self._until(start + (stamp - first) / NS / rate)
            publisher.publish(data)
        # The last are on their way.
        self._until(time.monotonic() + SLICE)


def main() -> None:
    """Play the bag that the command line names."""
    path, vehicle, rate, repeat = remove_ros_args(sys.argv)[1:]

    def work(player: Player) -> None:
        player.wait_for_client()
        print('The recording plays', flush=True)
        player.play(float(rate))
        while repeat == 'loop':
            player.play(float(rate))
        print('The recording has ended; its last values stay', flush=True)

    try:
        with Reader(Path(path)) as reader:
            run(lambda: Player(reader, vehicle), work)
    except ReaderError as error:
        fail(StartError(error))


if __name__ == '__main__':
    main()
