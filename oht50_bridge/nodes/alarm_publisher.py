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
"""The alarms of system_node, published when they change, and their acknowledgement."""

from __future__ import annotations

from rclpy.node import Node

from oht50_bridge.identity import own_identity
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import MissionState
from oht50_bridge.msg import SystemAlarm
from oht50_bridge.msg import SystemAlarms
from oht50_bridge.msg import Telemetry
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.deadline import create_command_service
from oht50_bridge.nodes.places import zones_of
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import now_of
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.srv import AcknowledgeAlarm
from oht50_bridge.vehicle.alarms import AlarmEntry
from oht50_bridge.vehicle.alarms import VehicleAlarms
from oht50_bridge.vehicle.error_monitor import ErrorMonitor
from oht50_bridge.vehicle.error_monitor import ErrorReport
from oht50_bridge.vehicle.estop_follower import EstopFollower
from oht50_bridge.vehicle.neighbours import are_two
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneTracker


class AlarmPublisher:
    """Feeds the alarms with what the nodes report, publishes them, and serves acknowledge_alarm.

    Args:
        node: subscribes, publishes, serves and logs.
        track: the rail.

    """

    def __init__(self, node: Node, track: TrackSettings) -> None:
        self._node = node
        self._alarms = VehicleAlarms(lambda: now_of(node))
        self._estop = EstopFollower()
        self._vehicle = own_identity().vehicle
        self._tracker = ZoneTracker(reach=track.reach)
        self._inside: list[Zone] = []  # the stop zones that the vehicle is in
        self._published: tuple[tuple[AlarmEntry, ...], int] | None = None
        self._publisher = topics.SYSTEM_ALARMS.publisher(node)
        topics.ZONES.subscribe(node, self._on_zones)
        topics.TELEMETRY.subscribe(node, self._on_telemetry)
        topics.ESTOP_STATE.subscribe(node, self._on_latch)
        topics.MISSION_STATE.subscribe(node, self._on_mission)
        create_command_service(node, AcknowledgeAlarm, 'acknowledge_alarm', self.acknowledge)
        self._publish()

    def on_error(self, report: ErrorReport) -> None:
        """Use an error."""
        self._alarms.on_error(report)
        self._publish()

    def check(self, monitor: ErrorMonitor) -> None:
        """Use which errors stand; called regularly."""
        self._alarms.on_errors(monitor.standing)
        self._publish()

    def acknowledge(
        self, request: AcknowledgeAlarm.Request, response: AcknowledgeAlarm.Response
    ) -> AcknowledgeAlarm.Response:
        """Acknowledge an alarm."""
        now = now_of(self._node)
        try:
            response.message = self._alarms.book.acknowledge(request.alarm_id, request.source, now)
            response.accepted = True
        except RefusedError as refusal:
            response.message = str(refusal)
        self._node.get_logger().info(f'{response.message} (by {request.source!r})')
        self._publish()
        return response

    def _on_latch(self, state: EstopState) -> None:
        if are_two(self._vehicle, state.vehicle):
            return
        stopped = self._estop.update(state.counter, latched=state.latched)
        if stopped and not state.latched:
            self._alarms.on_latch(str(state.counter), 'it was cleared before its state came here')
        self._alarms.on_latch(state.estop_id if state.latched else '', state.reason)
        self._publish()

    def _on_mission(self, mission: MissionState) -> None:
        self._alarms.on_mission(
            mission.ended_mission_id, mission.ended_status, mission.ended_reason
        )
        self._publish()

    def _on_zones(self, zones: Zones) -> None:
        self._tracker.zones = [zone for zone in zones_of(zones) if zone.action is ZoneAction.STOP]

    def _on_telemetry(self, telemetry: Telemetry) -> None:
        # Without a position nobody can say that the vehicle left a zone.
        self._tracker.update(telemetry.position.x)
        inside = [zone for zone in self._tracker.zones if zone.zone_id in self._tracker.inside]
        if inside != self._inside:
            self._inside = inside
            self._alarms.on_zones(inside)
            self._publish()

    def _publish(self) -> None:
        listed = self._alarms.book.listed()
        if listed == self._published:
            return
        self._published = listed
        entries, more = listed
        alarms = [_message(entry) for entry in entries]
        self._publisher.publish(
            SystemAlarms(header=header(self._node), alarms=alarms, more_alarms=more)
        )


def _message(entry: AlarmEntry) -> SystemAlarm:
    message = SystemAlarm(
        alarm_id=entry.alarm_id,
        code=entry.facts.code,
        name=entry.facts.name,
        severity=entry.facts.severity,
        description=entry.facts.description,
        source=entry.facts.source,
        since=to_stamp(entry.since),
        count=entry.count,
        acknowledged_by=entry.acknowledged_by,
    )
    if entry.gone is not None:
        message.gone = to_stamp(entry.gone)
    if entry.acknowledged is not None:
        message.acknowledged = to_stamp(entry.acknowledged)
    return message
