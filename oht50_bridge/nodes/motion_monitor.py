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
"""What safety_node knows of the motion: position, zones that are entered, and what is wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from builtin_interfaces.msg import Time
from rclpy.node import Node
from std_msgs.msg import Header

from oht50_bridge.msg import DriveState
from oht50_bridge.msg import Location
from oht50_bridge.msg import Position
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.motion_permission import DRIVE_LIFETIME as REPORT_LIFETIME
from oht50_bridge.nodes.motion_permission import motor_hindrance
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.nodes.places import place_on_rail
from oht50_bridge.nodes.safety_publisher import SafetyPublisher
from oht50_bridge.vehicle.motion_supervisor import MotionSupervisor
from oht50_bridge.vehicle.position_source import PositionOrigin
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.position_source import PositionState
from oht50_bridge.vehicle.zones import ZoneTracker

DRIVE_LIFETIME = 0.5  # s, of the command in force at the motor's board
REFRESH_PERIOD = 0.045  # s; a heartbeat follows the one before after 0.05 s


class MotionMonitor:
    """Feeds the position source, the zone tracker and the supervisor; publishes the position.

    Args:
        node: subscribes, publishes and logs.
        frame: frame of positions.
        origin: the configured position source.
        source: judges its reports.
        tracker: knows the zones.
        supervisor: judges the motion.
        publisher: publishes the zones that are entered.
        on_lost: called at once when a report loses the position.

    """

    def __init__(
        self,
        node: Node,
        frame: str,
        origin: PositionOrigin,
        source: PositionSource,
        tracker: ZoneTracker,
        supervisor: MotionSupervisor,
        publisher: SafetyPublisher,
        on_lost: Callable[[], None],
    ) -> None:
        self._node = node
        self._frame = frame
        self._source = source
        self._tracker = tracker
        self._supervisor = supervisor
        self._events = publisher
        self._on_lost = on_lost
        self._drive: Newest[float] = Newest(DRIVE_LIFETIME)  # m/s, that the board follows
        self._stop_reason: Newest[str] = Newest(REPORT_LIFETIME)
        self._stamp = Time()
        self._published: tuple[PositionState, str] | None = None
        self._published_at = -math.inf  # s, monotonic
        self._losses = 0  # of the position, that were reported
        self._publisher = topics.POSITION.publisher(node)
        if origin is PositionOrigin.LOCATION_BOARD:
            topics.LOCATION.subscribe(node, self.on_location)
        elif origin is PositionOrigin.TOPIC:
            topics.EXTERNAL_LOCATION.subscribe(node, self.on_location)
        topics.DRIVE_STATE.subscribe(node, self.on_drive)

    def on_drive(self, drive: DriveState) -> None:
        """Keep the command in force at the motor's board, and why it stands."""
        command = drive.commanded_velocity
        self._drive.put(command if math.isfinite(command) else 0.0, drive.age)
        self._stop_reason.put(drive.stop_reason)

    @property
    def motor_hindrance(self) -> str:
        """Why the motor follows no command, for a person; empty where it does."""
        return motor_hindrance(self._stop_reason.get())

    def fault(self, now: float, limit: float) -> str:
        """Return why the motion has become an emergency, empty when it has not; each cause once.

        Args:
            now: s, monotonic.
            limit: m/s, the limit of speed in force.

        """
        measurement = self._source.newest(now)
        # Also while the position is lost, so that the place of a new reference is no motion.
        fault = self._supervisor.check(now, measurement, self._drive.get() or 0.0, limit)
        if self._source.losses == self._losses:
            return fault
        # Also one that a person has referenced since: nobody was informed of it.
        self._losses = self._source.losses
        return '; '.join(filter(None, (self._source.loss, fault)))

    def on_location(self, location: Location) -> None:
        """Use a report of the source."""
        now = time.monotonic()
        self._stamp = location.header.stamp
        before = self._source.state
        self._source.update(
            location.position.x,
            location.position_resolution,
            location.linear_velocity,
            now - max(location.age, 0.0),
            reach=location.position_reach,
            referenced=location.position_referenced,
        )
        self.publish(now)
        if self._source.newest(now) is None:
            self._tracker.update(math.nan)
            if before is PositionState.VALID:
                self._on_lost()
            return
        place = place_on_rail(location.position.x, location.position)
        self._events.set_place(place)
        for zone in self._tracker.update(place.x):
            self._events.zone_entered(zone)
            self._node.get_logger().info(
                f'entered {zone.zone_type} zone {zone.zone_id} at {place.x:.3f} m: {zone.action}'
            )

    def refresh(self, now: float) -> None:
        """Publish the position again, unless that was done just now with the same state.

        Args:
            now: s, monotonic.

        """
        self._source.newest(now)  # which may find it lost
        found = self._source.state, self._source.reason
        if found != self._published or now - self._published_at >= REFRESH_PERIOD:
            self.publish(now)

    def publish(self, now: float) -> None:
        """Publish the position, or why there is none; `now` in s, monotonic."""
        measurement = self._source.newest(now)
        message = Position(
            header=Header(stamp=self._stamp, frame_id=self._frame),
            state=self._source.state.value,
            reason=self._source.reason,
            position=math.nan,
            resolution=math.nan,
            velocity=math.nan,
            age=math.nan,
        )
        if measurement is not None:
            message.position = measurement.position
            message.resolution = measurement.resolution
            message.velocity = measurement.velocity
            message.age = max(0.0, now - measurement.stamp)
        self._published = self._source.state, self._source.reason
        self._published_at = now
        self._publisher.publish(message)
