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
"""Signs of life of the nodes, by which two vehicles in one namespace notice each other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.serialization import deserialize_message

from oht50_bridge.identity import own_identity
from oht50_bridge.msg import NodePresence
from oht50_bridge.nodes import NODES
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.event_publisher import published_events
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.vehicle.neighbours import Neighbours
from oht50_bridge.vehicle.neighbours import Presence

PERIOD = 0.5  # s, between two signs of life
STAMP_END = 12  # bytes of an encoded message with a header, to the end of its stamp
KNOWN = 100  # signs of life that are kept decoded
REMEDY = 'nothing moves: end one of the two, or give each its own --namespace or --domain'


def announce(node: Node) -> None:
    """Give signs of life of a node, if it is one of the vehicle's."""
    if node.get_name() not in NODES:
        return
    identity = own_identity()
    events = published_events(node)
    publisher = topics.PRESENCE.publisher(node)

    def publish() -> None:
        publisher.publish(
            NodePresence(
                header=header(node),
                vehicle=identity.vehicle,
                node=node.get_name(),
                instance=events.publisher,
                description=f'{identity.description or "started by hand"}, process {os.getpid()}',
                event_topics=list(events.last),
                last_numbers=list(events.last.values()),
            )
        )

    publish()
    steady_timer(node, PERIOD, publish)


def subscribe(node: Node, callback: Callable[[NodePresence], None]) -> None:
    """Call back with each sign of life; its stamp may be that of an earlier one.

    Nearly all of them differ from an earlier one in their stamp alone, and are not decoded.
    """
    known: dict[bytes, NodePresence] = {}

    def on_data(data: bytes) -> None:
        content = data[STAMP_END:]
        message = known.get(content)
        if message is None:
            if len(known) >= KNOWN:
                known.clear()
            try:
                message = deserialize_message(data, NodePresence)
            except Exception as error:
                # A peer's mistake must not end this process.
                node.get_logger().error(
                    f'dropped a malformed sign of life: {error}', throttle_duration_sec=5.0
                )
                return
            known[content] = message
        callback(message)

    topics.PRESENCE.subscribe(node, on_data, raw=True)


class NeighbourWatch:
    """Listens to the signs of life, and logs who else is there.

    Args:
        node: subscribes and logs.

    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._neighbours = Neighbours(own_identity().vehicle)
        subscribe(node, self.on_presence)

    def on_presence(self, message: NodePresence) -> None:
        """Use a sign of life."""
        self._neighbours.update(
            Presence(message.vehicle, message.node, message.instance, message.description),
            time.monotonic(),
        )
        other = self.other()
        if other is not None:
            self._node.get_logger().error(f'{other}; {REMEDY}', throttle_duration_sec=5.0)

    def other(self) -> str | None:
        """Return who else is there now, for a person, None when nobody is."""
        return self._neighbours.other(time.monotonic())
