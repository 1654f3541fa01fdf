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
from oht50_bridge.nodes.presence import REMEDY
from oht50_bridge.nodes.requested_stops import RequestedStops
from oht50_bridge.nodes.safety_publisher import NEXT_ACTIONS
from oht50_bridge.nodes.safety_publisher import SafetyPublisher
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop_sources import EstopSources
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.position_source import PositionState
from oht50_bridge.vehicle.refusal import RefusedError

NOT_LATCHED = 'no emergency stop is latched'


class EstopServices:
    """Latches and clears the emergency stop for callers of services.

    Args:
        node: serves them.
        latch: the latch.
        sources: judge a clear.
        position: referenced again by a clear.
        publisher: publishes a clear.
        requested: latches a stop.
        neighbour: returns who else is in the namespace of the vehicle, None: nobody.

    """

    def __init__(
        self,
        node: Node,
        latch: EstopLatch,
        sources: EstopSources,
        position: PositionSource,
        publisher: SafetyPublisher,
        requested: RequestedStops,
        neighbour: Callable[[], str | None],
    ) -> None:
        self._node = node
        self._latch = latch
        self._sources = sources
        self._position = position
        self._publisher = publisher
        self._requested = requested
        self._neighbour = neighbour
        node.create_service(EmergencyStop, 'emergency_stop', self.emergency_stop)
        node.create_service(ClearEstop, 'clear_estop', self.clear_estop)

    def emergency_stop(
        self, request: EmergencyStop.Request, response: EmergencyStop.Response
    ) -> EmergencyStop.Response:
        """Latch a stop of its own, also while another is latched; a repeated request only once."""
        earlier = self._latch.stops
        estop = self._requested.latch(
            request.trigger_type, request.reason, request.source, request.request_id
        )
        earlier = tuple(stop for stop in earlier if stop != estop)
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

    def hindrances(self, now: float) -> list[str]:
        """Return what forbids to clear now, for people; empty when nothing is latched.

        Args:
            now: s, monotonic.

        """
        if self._latch.estop is None:
            return []
        reasons = self._sources.hindrances(now)
        neighbour = self._neighbour()
        if neighbour is not None:
            reasons.append(f'{neighbour}; {REMEDY}')
        try:
            self._position.check_reference(now)
        except RefusedError as refusal:
            reasons.append(str(refusal))
        return reasons

    def _clear(self, request: ClearEstop.Request) -> tuple[bool, str]:
        next_action = request.next_action or SafetyClear.NEXT_MANUAL_CONTROL
        if next_action not in NEXT_ACTIONS:
            return False, (
                f'next_action {next_action!r}: must be resume, return_home or manual_control'
            )
        neighbour = self._neighbour()
        if neighbour is not None:
            # It was meant for one of the two vehicles, and reached both.
            return False, f'{neighbour}; {REMEDY}'
        cleared = self._latch.stops
        now = time.monotonic()
        lost = self._position.state is PositionState.LOST
        try:
            # A clear is the order of a person to take the word of the position source again.
            self._position.check_reference(now)
            if cleared:
                self._sources.clear(request.estop_id, now, next_action)
            self._position.reference(now)
        except RefusedError as refusal:
            return False, str(refusal)
        except OSError as error:
            return False, f'the latch cannot be cleared on disk: {error}'
        if not cleared:
            return True, self._referenced(request.source) if lost else NOT_LATCHED
        self._publisher.clear(self._latch)
        self._node.get_logger().warning(
            f'emergency stop cleared by {request.source!r}: {"; ".join(map(str, cleared))}'
        )
        return True, 'emergency stop cleared; nothing moves without a new command'

    def _referenced(self, source: str) -> str:
        """Log that a lost position was referenced though no stop was latched; return the reply."""
        self._node.get_logger().warning(f'position referenced by {source!r}')
        return (
            f'{NOT_LATCHED}; the position is referenced, and nothing moves without a new command'
        )
