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
"""Publishes what the safety rules decide as ROS messages."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from geometry_msgs.msg import Point
from rclpy.node import Node

from oht50_bridge.identity import own_identity
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import LatchedStop
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyState
from oht50_bridge.msg import SafetyZoneEntered
from oht50_bridge.msg import Zone as ZoneMessage
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.nodes.places import Rope
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.safety_report import SafetyReport
from oht50_bridge.vehicle.speed_limits import DirectedLimits
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.zones import Zone

NEXT_ACTIONS = (
    SafetyClear.NEXT_RESUME,
    SafetyClear.NEXT_RETURN_HOME,
    SafetyClear.NEXT_MANUAL_CONTROL,
)
PLACE_LIFETIME = 1.0  # s, a position older than this is not reported as the place of a stop


class SafetyPublisher:
    """The publications of safety_node.

    Args:
        node: publishes.
        frame: frame of positions.

    Attributes:
        rope: of the hoist; the place of an event hangs at it.

    """

    def __init__(self, node: Node, frame: str) -> None:
        self._node = node
        self._frame = frame
        self._place = Newest[Point](PLACE_LIFETIME)
        self.rope = Rope()
        self._report: SafetyReport | None = None
        self._published_causes: list[str] = []
        self._published_requests: tuple[str, ...] = ()
        # No date can move it, so a node that starts later always has the greater one.
        self._started_at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._vehicle = own_identity().vehicle
        self._beats = 0
        self._heartbeat = topics.SAFETY_HEARTBEAT.publisher(node)
        self._state = topics.ESTOP_STATE.publisher(node)
        self._standing = topics.SAFETY_STATE.publisher(node)
        self._estop = topics.SAFETY_ESTOP.publisher(node)
        self._clear = topics.SAFETY_CLEAR.publisher(node)
        self._zones = topics.ZONES.publisher(node)
        self._zone_entered = topics.SAFETY_ZONE_ENTERED.publisher(node)

    def set_place(self, place: Point) -> None:
        """Keep where the vehicle is, m: the place of the events that follow."""
        self._place.put(place)

    def heartbeat(
        self, limits: DirectedLimits, direction: Direction, mode: int, dangers: int | None
    ) -> None:
        """Publish the permission to move, or the reason why there is none.

        Args:
            limits: limits of the speed.
            direction: of the present drive command.
            mode: one of SafetyHeartbeat.MODE_*.
            dangers: of the last report of the safety board, None before the first.

        """
        limit = limits.towards(direction)
        self._beats += 1
        self._heartbeat.publish(
            SafetyHeartbeat(
                header=header(self._node),
                vehicle=self._vehicle,
                started_at=self._started_at,
                counter=self._beats,
                dangers=-1 if dangers is None else dangers,
                motion_permitted=limits.forward.speed > 0.0 or limits.backward.speed > 0.0,
                speed_limit_forward=limits.forward.speed,
                speed_limit_backward=limits.backward.speed,
                speed_limit=limit.speed,
                reason=limit.reason,
                mode=mode,
                hold=limit.hold and limit.speed == 0.0,
            )
        )

    def standing(self, report: SafetyReport) -> None:
        """Publish how things stand, if that has changed."""
        if report == self._report:
            return
        self._report = report
        self._standing.publish(
            SafetyState(
                header=header(self._node),
                latched=bool(report.stops),
                stops=[
                    LatchedStop(
                        estop_id=stop.estop_id,
                        trigger_type=stop.trigger_type,
                        reason=stop.reason,
                        source=stop.source,
                        stamp=to_stamp(stop.stamp),
                    )
                    for stop in report.stops
                ],
                more_stops=report.more_stops,
                reset_hindrances=report.reset,
                forward_hindrance=report.forward,
                backward_hindrance=report.backward,
                motor_hindrance=report.motor,
            )
        )

    def state(self, latch: EstopLatch) -> None:
        """Publish the state of the latch."""
        self._published_causes = latch.causes
        self._published_requests = latch.requests
        state = EstopState(
            header=header(self._node),
            vehicle=self._vehicle,
            counter=latch.counter,
            active_causes=self._published_causes,
            requests=self._published_requests,
        )
        if latch.estop is not None:
            state.latched = True
            state.estop_id = latch.estop.estop_id
            state.trigger_type = latch.estop.trigger_type
            state.reason = latch.reason or ''
        self._state.publish(state)

    def changes(self, latch: EstopLatch) -> None:
        """Publish the state of the latch when its causes, or the requests on disk, changed."""
        published = self._published_causes, self._published_requests
        if (latch.causes, latch.requests) != published:
            self.state(latch)

    def estop(self, latch: EstopLatch, estop: Estop) -> None:
        """Publish a stop: the state first, because hardware_node stops the motor on it."""
        self.state(latch)
        event = SafetyEstop(
            header=header(self._node, self._frame),
            vehicle=self._vehicle,
            counter=estop.counter,
            estop_id=estop.estop_id,
            trigger_type=estop.trigger_type,
            position=self._point(),
            emergency_level=SafetyEstop.LEVEL_CRITICAL,
            auto_recovery=False,
        )
        event.header.stamp = to_stamp(estop.stamp)
        self._estop.publish(event)

    def clear(self, latch: EstopLatch) -> None:
        """Publish that an operator cleared the latch, unless a stop is latched."""
        self.state(latch)
        clear = latch.last_clear
        if clear is None:
            return
        known = clear.next_action in NEXT_ACTIONS  # it may come from a file
        event = SafetyClear(
            header=header(self._node, self._frame),
            vehicle=self._vehicle,
            counter=latch.counter,
            cleared_by=SafetyClear.CLEARED_BY_OPERATOR,
            position=self._point(),
            next_action=clear.next_action if known else SafetyClear.NEXT_MANUAL_CONTROL,
        )
        event.header.stamp = to_stamp(clear.stamp)
        self._clear.publish(event)

    def zones(self, zones: Sequence[Zone], speed_limit: float) -> None:
        """Publish the zones of the rail and the limit of speed everywhere, m/s."""
        self._zones.publish(
            Zones(
                header=header(self._node, self._frame),
                zones=[
                    ZoneMessage(
                        zone_id=zone.zone_id,
                        zone_type=zone.zone_type,
                        action=zone.action,
                        start=zone.start,
                        end=zone.end,
                        speed_limit=zone.speed_limit,
                    )
                    for zone in zones
                ],
                speed_limit=speed_limit,
            )
        )

    def zone_entered(self, zone: Zone) -> None:
        """Publish that the vehicle entered a zone at its present place."""
        self._zone_entered.publish(
            SafetyZoneEntered(
                header=header(self._node, self._frame),
                zone_id=zone.zone_id,
                zone_type=zone.zone_type,
                position=self._point(),
                action=zone.action,
            )
        )

    def _point(self) -> Point:
        """Return the place of an event, m; NaN when it is not known."""
        place = self._place.get() or Point(x=math.nan, y=math.nan, z=math.nan)
        return self.rope.hang(place)
