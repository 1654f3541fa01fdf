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
"""Publishers of events, which number what they publish for who was away meanwhile."""

from __future__ import annotations

import threading
import uuid
import weakref
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher

from oht50_bridge.msg import EventNumber


class PublishedEvents:
    """The numbers of the last events of a node.

    Attributes:
        publisher: unique name of its process.
        last: number of the last event by the name of its topic, 0 before the first.

    """

    def __init__(self) -> None:
        # Of the node and not of this module, which can be imported before a fork.
        self.publisher = uuid.uuid4().hex
        self.last: dict[str, int] = {}


_of_nodes: weakref.WeakKeyDictionary[Node, PublishedEvents] = weakref.WeakKeyDictionary()


def published_events(node: Node) -> PublishedEvents:
    """Return the numbers of the last events of a node of this process."""
    return _of_nodes.setdefault(node, PublishedEvents())


class EventPublisher:
    """A publisher that numbers the events of its topic.

    Args:
        publisher: publishes them.
        topic: its name, relative to the vehicle's namespace.
        events: the numbers of the node.

    """

    def __init__(self, publisher: Publisher, topic: str, events: PublishedEvents) -> None:
        self._publisher = publisher
        self._topic = topic
        self._events = events
        self._lock = threading.Lock()
        events.last.setdefault(topic, 0)

    def publish(self, message: Any) -> None:
        """Number an event and publish it; one that is encoded already keeps what it has."""
        if isinstance(message, bytes):
            self._publisher.publish(message)
            return
        with self._lock:  # the numbers are in the order of publication
            number = self._events.last[self._topic] + 1
            message.event_number = EventNumber(publisher=self._events.publisher, number=number)
            self._publisher.publish(message)
            self._events.last[self._topic] = number

    @property
    def topic_name(self) -> str:
        """Name of the topic."""
        return str(self._publisher.topic_name)

    def get_subscription_count(self) -> int:
        """Return the number of subscriptions of the topic."""
        return self._publisher.get_subscription_count()
