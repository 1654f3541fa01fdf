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
"""What rviz shows of the vehicle: rail, stations, zones, target, status and battery."""

from __future__ import annotations

import math

from builtin_interfaces.msg import Time
from rclpy.node import Node

from oht50_bridge.msg import MissionState
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SystemStatus
from oht50_bridge.msg import Telemetry
from oht50_bridge.msg import Zones
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.markers import Scene
from oht50_bridge.nodes.markers import markers
from oht50_bridge.nodes.stamps import header


class ScenePublisher:
    """Publishes a scene whenever what is to be seen of it changes.

    Args:
        node: publishes.
        frame: frame of the rail.
        scene: rail, stations and frame of the vehicle.

    """

    def __init__(self, node: Node, frame: str, scene: Scene) -> None:
        self._node = node
        self._frame = frame
        self._scene = scene
        self._located = False  # the frame of the vehicle is known
        self._markers = topics.MARKERS.publisher(node)
        topics.ZONES.subscribe(node, self._on_zones)
        self._publish()

    def on_telemetry(self, telemetry: Telemetry) -> None:
        """Note whether the vehicle has a place."""
        self._located |= not math.isnan(telemetry.position.x)

    def on_mission(self, mission: MissionState) -> None:
        """Show the target of a mission."""
        has_target = mission.phase not in ('', MissionState.PHASE_NONE)
        self._scene.target = mission.target_position if has_target else None
        self._publish()

    def label(self, status: SystemStatus, power: PowerState | None) -> None:
        """Show status and battery beside the vehicle, once its position is known."""
        if not self._located:
            return
        lines = [f'{status.status}, {status.state}']
        if power is not None and not math.isnan(power.percentage):
            lines.append(f'battery {power.percentage:.0%}')
        shown = '\n'.join(lines)
        if shown != self._scene.status:
            self._scene.status = shown
            self._scene.alarm = status.status in (
                SystemStatus.STATUS_ESTOP,
                SystemStatus.STATUS_FAULT,
            )
            self._publish()

    def _on_zones(self, zones: Zones) -> None:
        self._scene.zones = list(zones.zones)
        self._publish()

    def _publish(self) -> None:
        stamped = header(self._node, self._frame)
        stamped.stamp = Time()  # valid at any time
        self._markers.publish(markers(stamped, self._scene))
