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
"""Publishes the commands and reports of missions as ROS messages."""

from __future__ import annotations

import math

from geometry_msgs.msg import Point
from rclpy.node import Node

from oht50_bridge.msg import ChargeRequest
from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import MissionCompleted
from oht50_bridge.msg import MissionProgress
from oht50_bridge.msg import MissionStarted
from oht50_bridge.msg import MissionState
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.places import Rope
from oht50_bridge.nodes.stamps import NS
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import now_of
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.mission_reports import ProgressReport
from oht50_bridge.vehicle.mission_reports import StartedReport
from oht50_bridge.vehicle.mission_reports import StateReport


class MissionPublisher:
    """The `MissionOutput` of mission_node.

    Args:
        node: publishes and logs.
        frame: frame of positions.

    Attributes:
        rope: of the hoist; the places where the vehicle is hang at it, targets are on the rail.

    """

    def __init__(self, node: Node, frame: str) -> None:
        self._node = node
        self._frame = frame
        self.rope = Rope()
        self._command = topics.DRIVE_COMMAND.publisher(node)
        self._charge_request = topics.CHARGE_REQUEST.publisher(node)
        self._mission_started = topics.MISSION_STARTED.publisher(node)
        self._mission_progress = topics.MISSION_PROGRESS.publisher(node)
        self._mission_completed = topics.MISSION_COMPLETED.publisher(node)
        self._mission_state = topics.MISSION_STATE.publisher(node)

    @property
    def subscribed(self) -> bool:
        """Whether anybody receives the reports of ends."""
        return self._mission_completed.get_subscription_count() > 0

    def drive(self, velocity: float, direction: int) -> None:
        """Publish a drive command, m/s."""
        self._command.publish(
            DriveCommand(header=header(self._node), velocity=velocity, direction=direction)
        )

    def charge(self, wanted: bool) -> None:
        """Publish a request to charge or to release the charger."""
        self._charge_request.publish(ChargeRequest(header=header(self._node), charge=wanted))

    def started(self, report: StartedReport) -> None:
        """Publish the start of a mission."""
        message = MissionStarted(
            header=header(self._node, self._frame),
            mission_id=report.mission_id,
            mission_type=report.mission_type,
            start_position=self.rope.hang(point(report.start)),
            target_position=point(report.target),
            estimated_duration=report.estimated_duration,
        )
        message.header.stamp = to_stamp(report.wall)
        self._mission_started.publish(message)

    def progress(self, report: ProgressReport) -> None:
        """Publish the progress of a mission."""
        message = MissionProgress(
            header=header(self._node, self._frame),
            mission_id=report.mission_id,
            progress=report.progress,
            current_position=self.rope.hang(point(report.position)),
            remaining_distance=report.remaining_distance,
        )
        if not math.isnan(report.remaining_time):
            stamp = now_of(self._node) + round(report.remaining_time * NS)
            message.estimated_completion = to_stamp(stamp)
        self._mission_progress.publish(message)

    def completed(self, record: MissionRecord) -> None:
        """Publish the end of a mission."""
        self._mission_completed.publish(
            MissionCompleted(
                header=header(self._node, self._frame),
                mission_id=record.mission_id,
                status=record.status,
                completion_time=record.duration,
                final_position=self.rope.hang(point(record.position)),
                distance_traveled=record.travelled,
                energy_consumed=record.energy,
                errors_encountered=record.errors,
            )
        )

    def state(self, report: StateReport) -> None:
        """Publish what the mission does."""
        self._mission_state.publish(
            MissionState(
                header=header(self._node, self._frame),
                phase=report.phase.value,
                mission_id=report.mission_id,
                mission_type=report.mission_type,
                target_position=point(report.target),
                reason=report.reason,
                at_dock=report.at_dock,
                dock_direction=report.dock_direction,
                ended_mission_id=report.ended.mission_id,
                ended_status=report.ended.status,
                ended_reason=report.ended.reason,
            )
        )

    def info(self, text: str) -> None:
        """Log a normal step."""
        self._node.get_logger().info(text)

    def warning(self, text: str) -> None:
        """Log an interruption."""
        self._node.get_logger().warning(text)

    def error(self, text: str) -> None:
        """Log a failure."""
        self._node.get_logger().error(text)


def point(x: float) -> Point:
    """Return a point of the rail, NaN in all of its coordinates where x is."""
    across = math.nan if math.isnan(x) else 0.0
    return Point(x=x, y=across, z=across)
