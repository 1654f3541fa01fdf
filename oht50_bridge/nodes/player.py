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
"""Replays the events of a recorded vehicle to a bridge, from its first client on.

Arguments: BAG, the NAMESPACE of the vehicle in it, the RATE as a factor, and `once` or `loop`.
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
from oht50_bridge.msg import BridgeStatus
from oht50_bridge.nodes import REPLAY_NAMESPACE
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import fail
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.recorder import type_name
from oht50_bridge.nodes.stamps import NS

LEAD = 1.0  # s, from the first client to the first event, for the client to subscribe
SPIN_PERIOD = 0.1  # s


class Player(Node):
    """Publishes events of a bag, and nothing else, in a namespace without a vehicle.

    Args:
        reader: reader of the open bag.
        vehicle: namespace of the vehicle in the bag.

    Raises:
        StartError: the namespace is one of vehicles, or the bag is of another version.

    """

    def __init__(self, reader: Reader, vehicle: str) -> None:
        super().__init__('player')
        if not self.get_namespace().startswith(f'{REPLAY_NAMESPACE}/'):
            raise StartError(
                f'player: namespace {self.get_namespace()}; recordings are replayed below '
                f'{REPLAY_NAMESPACE}, where no vehicle is'
            )
        types = bag.typestore()
        self._reader = reader
        self._connected = 0
        self._publisher_of: dict[int, Publisher] = {}  # by the connection's number
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
            self._publisher_of[connection.id] = topic.publisher(self)
        topics.BRIDGE_STATUS.subscribe(self, self._on_bridge)

    def _on_bridge(self, status: BridgeStatus) -> None:
        self._connected = status.connected_clients

    def _spin_until(self, moment: float) -> None:
        """Spin until a monotonic time, in s."""
        while (left := moment - time.monotonic()) > 0:
            rclpy.spin_once(self, timeout_sec=min(left, SPIN_PERIOD))

    def wait_for_client(self) -> None:
        """Wait until the bridge subscribes to every topic, and LEAD after its first client."""
        while not (
            self._connected
            and all(
                publisher.get_subscription_count() for publisher in self._publisher_of.values()
            )
        ):
            rclpy.spin_once(self, timeout_sec=SPIN_PERIOD)
        self._spin_until(time.monotonic() + LEAD)

    def _messages(self) -> Iterator[tuple[Publisher, int, bytes]]:
        """Yield publisher, time in ns and encoded message of each event, in the order of time."""
        connections = [
            connection
            for connection in self._reader.connections
            if connection.id in self._publisher_of
        ]
        for connection, stamp, data in self._reader.messages(connections):
            yield self._publisher_of[connection.id], stamp, bytes(data)

    def play(self, rate: float) -> None:
        """Publish each event at its time, `rate` times as fast as it was recorded."""
        first: int | None = None
        start = 0.0
        for publisher, stamp, data in self._messages():
            if first is None:
                first, start = stamp, time.monotonic()
            self._spin_until(start + (stamp - first) / NS / rate)
            publisher.publish(data)
        # Time to send the last messages.
        self._spin_until(time.monotonic() + SPIN_PERIOD)


def main() -> None:
    """Replay the bag that the command line names."""
    path, vehicle, rate, repeat = remove_ros_args(sys.argv)[1:]

    def work(player: Player) -> None:
        player.wait_for_client()
        print('The replay has started', flush=True)
        player.play(float(rate))
        while repeat == 'loop':
            player.play(float(rate))
        print('The replay has ended; its last values remain', flush=True)

    try:
        with Reader(Path(path)) as reader:
            run(lambda: Player(reader, vehicle), work)
    except ReaderError as error:
        fail(StartError(str(error)))


if __name__ == '__main__':
    main()
