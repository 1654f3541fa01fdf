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
"""Records every topic of a vehicle to the new bag OUTPUT (MCAP) until SIGINT or SIGTERM."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.utilities import remove_ros_args
from rosbags.interfaces import Connection
from rosbags.interfaces import Qos
from rosbags.interfaces import QosDurability
from rosbags.interfaces import QosHistory
from rosbags.interfaces import QosLiveliness
from rosbags.interfaces import QosReliability
from rosbags.interfaces import QosTime
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.rosbag2 import WriterError

from oht50_bridge import bag
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import fail
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import now_of
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.paths import make_private
from oht50_bridge.standard_streams import say

DEPTH = 100  # of the subscriptions, so that a pause of the disk loses no message
FLUSH_PERIOD = 1.0  # s; what was recorded earlier outlives the process


class Recorder(Node):
    """Subscribes to every topic and writes the messages, as they are encoded, to a new bag.

    Args:
        output: folder of the bag.

    Raises:
        OSError, WriterError: the bag cannot be created.

    """

    def __init__(self, output: Path) -> None:
        super().__init__('recorder')
        writer = Writer(output, version=bag.FORMAT, storage_plugin=StoragePlugin.MCAP)
        make_private(output.parent)
        writer.open()
        self._writer = writer
        self._types = bag.typestore()
        self._connections: dict[str, Connection] = {}
        # What is latched comes in the first moments, and never again.
        self._at_once = True
        for topic in topics.ALL:
            deep = replace(topic, qos=subscription_qos(topic.qos))
            deep.subscribe(self, self._write(topic), raw=True)
        self._flush()
        steady_timer(self, FLUSH_PERIOD, self._on_timer)
        say(f'Recording {self.get_namespace()} to {writer.path}; Ctrl-C stops it', sys.stdout)

    def _write(self, topic: topics.Topic) -> Callable[[bytes], None]:
        name = self.resolve_topic_name(topic.name)

        def write(data: bytes) -> None:
            if not self._connections:
                say(f'The first message of {self.get_namespace()} is recorded', sys.stdout)
            connection = self._connections.get(name)
            if connection is None:
                connection = self._connections[name] = self._writer.add_connection(
                    name,
                    type_name(topic.type),
                    typestore=self._types,
                    offered_qos_profiles=[offered(topic.qos)],
                )
            try:
                self._writer.write(connection, now_of(self), data)
            except OSError as error:
                raise self._ended(error) from error
            if self._at_once:
                self._flush()

        return write

    def _on_timer(self) -> None:
        self._flush()
        self._at_once = not self._connections

    def _flush(self) -> None:
        """Hand what was recorded to the system, in a chunk that can be read without an index."""
        # Of the storage for MCAP; the library itself writes after 1 MiB.
        storage: Any = self._writer.storage
        try:
            if storage.chunk.msgs:
                storage.close_chunk()
            storage.bio.flush()
        except OSError as error:
            raise self._ended(error) from error

    def _ended(self, error: OSError) -> StartError:
        """Give the bag up, of which the disk may hold a part of a record; return the reason."""
        with contextlib.suppress(OSError):
            self._writer.abort()
        return StartError(
            f'recorder: {self._writer.path}: {error.strerror}; the recording ends. Make room, '
            f'then `oht50 replay --repair` makes a bag of what was recorded'
        )

    def destroy_node(self) -> None:
        """Close the bag, then destroy the node."""
        writer = self._writer
        if writer.storage is not None:
            try:
                writer.close()
                self._report()
            except OSError as error:
                say(str(self._ended(error)))
        super().destroy_node()

    def _report(self) -> None:
        writer = self._writer
        say(
            f'{sum(writer.counts.values())} messages of {len(writer.connections)} topics '
            f'are recorded in {writer.path}',
            sys.stdout,
        )


def type_name(kind: type) -> str:
    """Return the name of a message class, such as std_msgs/msg/Header."""
    package, interface = kind.__module__.split('.')[:2]
    return f'{package}/{interface}/{kind.__name__}'


def subscription_qos(qos: QoSProfile) -> QoSProfile:
    """Return the QoS profile of a subscription that loses no message."""
    return QoSProfile(depth=DEPTH, reliability=qos.reliability, durability=qos.durability)


def offered(qos: QoSProfile) -> Qos:
    """Return the QoS profile of a publisher, as a bag stores it for the replay."""
    infinite = QosTime(bag.INFINITE['sec'], bag.INFINITE['nsec'])
    reliable = qos.reliability == ReliabilityPolicy.RELIABLE
    lasting = qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return Qos(
        QosHistory.KEEP_LAST,
        qos.depth,
        QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        QosDurability.TRANSIENT_LOCAL if lasting else QosDurability.VOLATILE,
        infinite,
        infinite,
        QosLiveliness.AUTOMATIC,
        infinite,
        False,
    )


def main() -> None:
    """Record until the end of the process, which closes the bag."""
    output = Path(remove_ros_args(sys.argv)[1])
    try:
        run(lambda: Recorder(output))
    except (OSError, WriterError) as error:
        fail(StartError(f'{output}: {error}; choose another folder'))


if __name__ == '__main__':
    main()
