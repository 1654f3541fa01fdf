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
"""The events of the nodes, as the bridge receives them and passes them on to the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import ValidationError
from rclpy.node import Node

from oht50_bridge.gateway.journal import Origin
from oht50_bridge.gateway.server import Gateway
from oht50_bridge.identity import own_identity
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import NodePresence
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.nodes import presence
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.event_intake import EventIntake
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.nodes.to_wire import to_wire
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.vehicle.estop_order import EstopOrder
from oht50_bridge.vehicle.estop_order import LatchEvent
from oht50_bridge.vehicle.neighbours import are_two

SETTLING = 1.0  # s, for stops and clears from before the start to arrive


class ReceivedEvents:
    """Subscribes to every event and passes it on, once.

    Args:
        node: subscribes and logs.
        gateway: publishes the events.
        is_replay: they come from a recording, in its order.

    """

    def __init__(self, node: Node, gateway: Gateway, *, is_replay: bool) -> None:
        self._node = node
        self._gateway = gateway
        self._is_replay = is_replay
        self._intake = EventIntake(
            self._publish, gateway.skip_threadsafe, gateway.past, time.time_ns()
        )
        self._vehicle = own_identity().vehicle
        self._seen: dict[str, str] = {}  # publisher by node
        # While the gateway is not started: the newest message of the state class by its type.
        self._held: dict[str, Any] | None = None if gateway.past is None else {}
        self._order = EstopOrder()
        for name, topic in topics.EVENT_TOPICS.items():
            topic.subscribe(node, self._receiver(name), earlier=not is_replay)
        topics.ESTOP_STATE.subscribe(node, self._on_estop_state)
        presence.subscribe(node, self._on_presence)
        self._settling = steady_timer(node, SETTLING, self._settle)

    def _receiver(self, name: str) -> Callable[[Any], None]:
        """Return what receives the messages of an event."""
        if EVENTS[name].is_state:
            return partial(self._on_state, name)
        if self._is_replay:
            return self._publish  # in the order of the recording, over and over
        if EVENTS[name].latched:
            return self._on_latched
        return partial(self._intake.take, topics.EVENT_TOPICS[name].name)

    @property
    def waiting(self) -> bool:
        """Whether it has yet to see that what the bridge before has left can be continued."""
        return self._gateway.past is not None and not self._intake.decided

    def decide(self) -> None:
        """Say whether what the bridge before has left is continued; before the gateway starts."""
        if self._gateway.past is None:
            return
        outcome = self._intake.outcome()
        logger = self._node.get_logger()
        if outcome:
            self._gateway.past = None
            logger.warning(f'clients cannot resume over the restart of the bridge: {outcome}')
        else:
            logger.info('clients can resume over the restart of the bridge')

    def release(self) -> None:
        """Pass on what was received before the gateway was started."""
        held, self._held = self._held, None
        for message in (held or {}).values():
            self._publish(message)
        self._intake.release(whole=self._gateway.past is not None)
        for node, publisher in list(self._seen.items()):
            self._gateway.note_threadsafe(node, publisher)

    def _on_state(self, name: str, message: Any) -> None:
        held = self._held
        if held is None:
            self._publish(message)
        else:
            held[name] = message

    def _on_presence(self, message: NodePresence) -> None:
        if message.vehicle != self._vehicle or not message.event_topics:
            return  # of another vehicle, or a node that publishes no events
        self._intake.presence(message)
        if self._seen.get(message.node) != message.instance:
            self._seen[message.node] = message.instance
            self._gateway.note_threadsafe(message.node, message.instance)

    def _on_latched(self, message: SafetyEstop | SafetyClear) -> None:
        if are_two(self._vehicle, message.vehicle):
            return  # its counter would hide stops of this vehicle
        self._intake.collect(_topic(message), message)
        stop = isinstance(message, SafetyEstop)
        self._report(self._order.add(LatchEvent(message.counter, stop, message)))

    def _on_estop_state(self, state: EstopState) -> None:
        if are_two(self._vehicle, state.vehicle):
            return
        self._report(self._order.update(state.counter, latched=state.latched))

    def _settle(self) -> None:
        self._settling.cancel()
        self._report(self._order.settle())
        self._intake.settle()

    def _report(self, messages: list[Any]) -> None:
        for message in messages:
            self._intake.report(_topic(message), message)

    def _publish(self, message: Any, origin: Origin | None = None) -> None:
        try:
            event = to_wire(message)
        except ValidationError as error:
            # A node broke the contract. The events of the other nodes must continue.
            self._node.get_logger().error(
                f'{type(message).__name__} does not comply with the specification: {error}',
                throttle_duration_sec=1.0,
            )
            return
        self._gateway.publish_threadsafe(event, origin)


def _topic(message: SafetyEstop | SafetyClear) -> str:
    stop = isinstance(message, SafetyEstop)
    return topics.SAFETY_ESTOP.name if stop else topics.SAFETY_CLEAR.name
