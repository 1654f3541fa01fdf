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

import contextlib
import sys
import time
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from rosbags.rosbag2 import Reader

from oht50_bridge import bag
from oht50_bridge.msg import BridgeStatus
from oht50_bridge.nodes import REPLAY_NAMESPACE
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import fail
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.recorder import type_name
from oht50_bridge.nodes.stamps import NS
from oht50_bridge.standard_streams import say

LEAD = 1.0  # s, from the first client to the first event, for the client to subscribe
SPIN_PERIOD = 0.1  # s
LONGEST_GAP = 10.0  # s, between two events that are replayed; events come at least each second
REPORTED_GAP = 0.5  # s; that a message is stamped a little before the one that came first is usual


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
        self._publisher_of: dict[str, topics.TopicPublisher] = {}  # by the topic in the bag
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
            if connection.topic not in self._publisher_of:
                self._publisher_of[connection.topic] = topic.publisher(self)
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

    def play(self, rate: float) -> None:
        """Publish each event at its time, `rate` times as fast as it was recorded.

        The order is that of the recording. The clock that stamped it may have been set meanwhile:
        a time that goes back is no time, and a gap beyond LONGEST_GAP is one of that.
        """
        due = time.monotonic()
        before: int | None = None
        for topic, stamp, data in bag.in_order(Path(str(self._reader.path)), self._publisher_of):
            gap = 0.0 if before is None else (stamp - before) / NS
            before = stamp
            if not 0.0 <= gap <= LONGEST_GAP:
                wait = 0.0 if gap < 0.0 else LONGEST_GAP
                if abs(gap) > REPORTED_GAP:
                    self.get_logger().warning(
                        f'the time of the recording steps by {gap:+.1f} s here; {wait:g} s of it '
                        'are replayed'
                    )
                gap = wait
            due += gap / rate
            self._spin_until(due)
            self._publisher_of[topic].publish(data)
        # Time to send the last messages.
        self._spin_until(time.monotonic() + SPIN_PERIOD)


def main() -> None:
    """Replay the bag that the command line names."""
    path, vehicle, rate, repeat = remove_ros_args(sys.argv)[1:]

    def work(player: Player) -> None:
        player.wait_for_client()
        say('The replay has started', sys.stdout)
        player.play(float(rate))
        while repeat == 'loop':
            player.play(float(rate))
        say('The replay has ended; its last values remain', sys.stdout)

    try:
        with contextlib.closing(bag.open_reader(Path(path))) as reader:
            run(lambda: Player(reader, vehicle), work)
    except bag.BagError as error:
        fail(StartError(str(error)))


if __name__ == '__main__':
    main()
