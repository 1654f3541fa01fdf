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
"""Emergency stops that reach safety_node by a topic, while their callers could not call it."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node

from oht50_bridge.msg import StopRequests
from oht50_bridge.nodes import topics
from oht50_bridge.protocol.commands import MAX_REASON
from oht50_bridge.text import shown
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType

DEFAULT_REASON = 'manual_trigger'


class RequestedStops:
    """Latches each requested stop once, by whichever way its request arrives first.

    Args:
        node: subscribes.
        latch: the latch.
        announce: publishes a new stop.

    """

    def __init__(self, node: Node, latch: EstopLatch, announce: Callable[[Estop], None]) -> None:
        self._latch = latch
        self._announce = announce
        topics.STOP_REQUESTS.subscribe(node, self.on_requests)
        topics.HELD_STOPS.subscribe(node, self.on_requests)

    def on_requests(self, message: StopRequests) -> None:
        """Latch those that are not latched yet."""
        for request in message.requests:
            self.latch(request.trigger_type, request.reason, request.source, request.request_id)

    def latch(self, trigger_type: str, reason: str, source: str, request_id: str) -> Estop:
        """Latch a stop, unless it is a repeated request; return the stop."""
        known = self._latch.requested(request_id)
        if known is not None:
            return known
        # They are stored, logged and published: one line of bounded length, whatever they were.
        estop = self._latch.trigger(
            _trigger_type(trigger_type),
            shown(reason, MAX_REASON) or DEFAULT_REASON,
            shown(source, MAX_REASON),
            request_id,
        )
        self._announce(estop)
        return estop


def _trigger_type(name: str) -> TriggerType:
    """Return a trigger type; an unknown one must not prevent a stop."""
    try:
        return TriggerType(name)
    except ValueError:
        return TriggerType.REMOTE
