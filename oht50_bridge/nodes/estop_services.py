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
"""The services emergency_stop and clear_estop."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.node import Node

from oht50_bridge.msg import SafetyClear
from oht50_bridge.nodes.safety_publisher import SafetyPublisher
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.text import shown
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.estop_sources import EstopSources
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.refusal import RefusedError

#: Characters of the reason and of the source of a stop.
MAX_REASON = 512

NEXT_ACTIONS = (
    SafetyClear.NEXT_RESUME,
    SafetyClear.NEXT_RETURN_HOME,
    SafetyClear.NEXT_MANUAL_CONTROL,
)


class EstopServices:
    """Latches and clears the emergency stop for callers of services.

    Args:
        node: serves them.
        latch: the latch.
        sources: judge a clear.
        position: referenced again by a clear.
        publisher: publishes a clear.
        announce: publishes a new stop.

    """

    def __init__(
        self,
        node: Node,
        latch: EstopLatch,
        sources: EstopSources,
        position: PositionSource,
        publisher: SafetyPublisher,
        announce: Callable[[Estop], None],
    ) -> None:
        self._node = node
        self._latch = latch
        self._sources = sources
        self._position = position
        self._publisher = publisher
        self._announce = announce
        node.create_service(EmergencyStop, 'emergency_stop', self.emergency_stop)
        node.create_service(ClearEstop, 'clear_estop', self.clear_estop)

    def emergency_stop(
        self, request: EmergencyStop.Request, response: EmergencyStop.Response
    ) -> EmergencyStop.Response:
        """Latch a stop of its own, also while another is latched."""
        earlier = self._latch.stops
        # It is stored, logged and published: one line of bounded length, whatever it was.
        reason = shown(request.reason, MAX_REASON) or 'manual_trigger'
        source = shown(request.source, MAX_REASON)
        estop = self._latch.trigger(_trigger_type(request.trigger_type), reason, source)
        self._announce(estop)
        response.accepted = True
        response.estop_id = estop.estop_id
        response.message = 'emergency stop latched'
        if earlier:
            response.message += '; latched already: ' + '; '.join(map(str, reversed(earlier)))
        return response

    def clear_estop(
        self, request: ClearEstop.Request, response: ClearEstop.Response
    ) -> ClearEstop.Response:
        """Clear the latch, if the request names its newest stop and nothing forbids it."""
        response.accepted, response.message = self._clear(request)
        newest = self._latch.estop
        response.estop_id = '' if newest is None else newest.estop_id
        return response

    def _clear(self, request: ClearEstop.Request) -> tuple[bool, str]:
        next_action = request.next_action or SafetyClear.NEXT_MANUAL_CONTROL
        if next_action not in NEXT_ACTIONS:
            return False, (
                f'next_action {next_action!r}: must be resume, return_home or manual_control'
            )
        cleared = self._latch.stops
        if not cleared:
            return True, 'no emergency stop is latched'
        now = time.monotonic()
        try:
            # A clear is the order of a person to take the word of the position source again.
            self._position.check_reference(now)
            self._sources.clear(request.estop_id, now)
            self._position.reference(now)
        except RefusedError as refusal:
            return False, str(refusal)
        except OSError as error:
            return False, f'the latch cannot be cleared on disk: {error}'
        self._publisher.clear(self._latch, next_action)
        self._node.get_logger().warning(
            f'emergency stop cleared by {request.source!r}: {"; ".join(map(str, cleared))}'
        )
        return True, 'emergency stop cleared; nothing moves without a new command'


def _trigger_type(name: str) -> TriggerType:
    """Return a trigger type; an unknown one must not prevent a stop."""
    try:
        return TriggerType(name)
    except ValueError:
        return TriggerType.REMOTE
