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
"""The topics of the vehicle: name, type and quality of service of each, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import BatteryState
from sensor_msgs.msg import Range
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from oht50_bridge import msg

# The newest value counts and late joiners need it.
STATE = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# Each one counts.
EVENT = QoSProfile(
    depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE)
# Each one counts, and who joins late must know the last: an emergency stop outlives a bridge.
LATCHED_EVENT = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# The newest value counts and is soon followed by a newer one.
STREAM = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.VOLATILE)


@dataclass(frozen=True)
class Topic:
    """One topic, relative to the vehicle's namespace."""

    name: str
    type: type
    qos: QoSProfile

    def publisher(self, node: Node) -> Publisher:
        """Return a publisher of this topic."""
        return node.create_publisher(self.type, self.name, self.qos)

    def subscribe(self, node: Node, callback: Callable[[Any], None]) -> Subscription:
        """Call `callback` with each message of this topic."""
        return node.create_subscription(self.type, self.name, callback, self.qos)


# Events of the specification.
SYSTEM_STATUS = Topic('system/status', msg.SystemStatus, STATE)
SYSTEM_ERROR = Topic('system/error', msg.SystemError, EVENT)
TELEMETRY = Topic('telemetry', msg.Telemetry, STATE)
TELEMETRY_STATUS = Topic('telemetry/status', msg.TelemetryStatus, STATE)
MISSION_STARTED = Topic('mission/started', msg.MissionStarted, EVENT)
MISSION_PROGRESS = Topic('mission/progress', msg.MissionProgress, STATE)
MISSION_COMPLETED = Topic('mission/completed', msg.MissionCompleted, EVENT)
SAFETY_ZONE_ENTERED = Topic('safety/zone_entered', msg.SafetyZoneEntered, EVENT)
SAFETY_ESTOP = Topic('safety/estop', msg.SafetyEstop, LATCHED_EVENT)
SAFETY_CLEAR = Topic('safety/clear', msg.SafetyClear, LATCHED_EVENT)
CONFIG_UPDATED = Topic('config/updated', msg.ConfigUpdated, EVENT)
CONFIG_ROLLBACK = Topic('config/rollback', msg.ConfigRollback, EVENT)
MODULE_DISCOVERED = Topic('module/discovered', msg.ModuleDiscovered, EVENT)
MODULE_STATUS_CHANGE = Topic('module/status_change', msg.ModuleStatusChange, EVENT)

EVENT_TOPICS = (
    SYSTEM_STATUS, SYSTEM_ERROR, TELEMETRY, TELEMETRY_STATUS, MISSION_STARTED, MISSION_PROGRESS,
    MISSION_COMPLETED, SAFETY_ZONE_ENTERED, SAFETY_ESTOP, SAFETY_CLEAR, CONFIG_UPDATED,
    CONFIG_ROLLBACK, MODULE_DISCOVERED, MODULE_STATUS_CHANGE,
)

# What the nodes need among themselves.
DRIVE_COMMAND = Topic('drive/command', msg.DriveCommand, STREAM)
DRIVE_STATE = Topic('drive/state', msg.DriveState, STREAM)
LOCATION = Topic('location', msg.Location, STREAM)
POWER = Topic('power', msg.PowerState, STATE)
SAFETY_INPUTS = Topic('safety/inputs', msg.SafetyInputs, STREAM)
SAFETY_HEARTBEAT = Topic('safety/heartbeat', msg.SafetyHeartbeat, STREAM)
ZONES = Topic('safety/zones', msg.Zones, STATE)
MISSION_STATE = Topic('mission/state', msg.MissionState, STATE)
ESTOP_STATE = Topic('safety/estop_state', msg.EstopState, STATE)
MODULE_STATES = Topic('module/states', msg.ModuleStates, STATE)
BRIDGE_STATUS = Topic('bridge/status', msg.BridgeStatus, STATE)

# For the tools of ROS 2. The absolute names are those that these tools listen to.
ODOMETRY = Topic('odom', Odometry, EVENT)
BATTERY_STATE = Topic('battery_state', BatteryState, STATE)
RANGE = Topic('range', Range, STREAM)
MARKERS = Topic('markers', MarkerArray, STATE)
DIAGNOSTICS = Topic('/diagnostics', DiagnosticArray, EVENT)
TF = Topic('/tf', TFMessage, EVENT)
# Several publishers, each with frames of its own.
TF_STATIC = Topic('/tf_static', TFMessage, STATE)
