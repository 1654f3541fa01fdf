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
from typing import TypeAlias

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
from oht50_bridge.bag import event_topic
from oht50_bridge.nodes import to_wire
from oht50_bridge.nodes.event_publisher import EventPublisher
from oht50_bridge.nodes.event_publisher import published_events
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import EventType

# The newest value counts and late joiners need it.
STATE = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
# A reader of such a topic that wants only what is published from its start on.
FRESH_STATE = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE
)
# Each one counts.
EVENT = QoSProfile(
    depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE
)
# The same for who publishes it: a bridge that was away for a while gets what it has missed. Nobody
# else asks for the earlier ones.
KEPT_EVENT = QoSProfile(
    depth=200, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
# Each one counts, and who joins late must know the last: an emergency stop outlives a bridge.
LATCHED_EVENT = QoSProfile(
    depth=10, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
# The newest value counts and is soon followed by a newer one.
STREAM = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.VOLATILE
)


TopicPublisher: TypeAlias = Publisher | EventPublisher


@dataclass(frozen=True)
class Topic:
    """One topic, relative to the vehicle's namespace.

    Attributes:
        name: its name.
        type: of its messages.
        qos: quality of service of its subscriptions, and of its publishers where `kept` is None.
        kept: quality of service of its publishers, and of a subscription that wants what was
            published before it.

    """

    name: str
    type: type
    qos: QoSProfile
    kept: QoSProfile | None = None

    def publisher(self, node: Node) -> TopicPublisher:
        """Return a publisher of this topic, which numbers events of the event class."""
        publisher = node.create_publisher(self.type, self.name, self.kept or self.qos)
        if self.kept is None:
            return publisher
        return EventPublisher(publisher, self.name, published_events(node))

    def subscribe(
        self,
        node: Node,
        callback: Callable[[Any], None],
        *,
        raw: bool = False,
        earlier: bool = False,
        fresh: bool = False,
    ) -> Subscription:
        """Call `callback` with each message of this topic.

        Args:
            node: subscribes.
            callback: receives the messages.
            raw: as they are encoded.
            earlier: also those that were published before and are kept.
            fresh: of a state, not the one published before: nobody knows how old it is.

        """
        qos = self.kept if earlier and self.kept else FRESH_STATE if fresh else self.qos
        return node.create_subscription(self.type, self.name, callback, qos, raw=raw)


def _event_topic(event: EventType) -> Topic:
    """Return the topic of an event."""
    name, kind = event_topic(event.name), to_wire.TRANSLATIONS[event.name][0]
    if event.is_state:
        return Topic(name, kind, STATE)
    if event.latched:
        return Topic(name, kind, LATCHED_EVENT, LATCHED_EVENT)
    return Topic(name, kind, EVENT, KEPT_EVENT)


# Events.
EVENT_TOPICS = {name: _event_topic(event) for name, event in EVENTS.items()}
SYSTEM_STATUS = EVENT_TOPICS['system.status']
SYSTEM_ERROR = EVENT_TOPICS['system.error']
SYSTEM_ALARMS = EVENT_TOPICS['system.alarms']
TELEMETRY = EVENT_TOPICS['telemetry.realtime']
TELEMETRY_STATUS = EVENT_TOPICS['telemetry.status']
MISSION_STARTED = EVENT_TOPICS['mission.started']
MISSION_PROGRESS = EVENT_TOPICS['mission.progress']
MISSION_COMPLETED = EVENT_TOPICS['mission.completed']
MISSION_STATE = EVENT_TOPICS['mission.state']
SAFETY_ZONE_ENTERED = EVENT_TOPICS['safety.zone_entered']
SAFETY_ESTOP = EVENT_TOPICS['safety.estop']
SAFETY_CLEAR = EVENT_TOPICS['safety.clear']
SAFETY_STATE = EVENT_TOPICS['safety.state']
CONFIG_UPDATED = EVENT_TOPICS['config.updated']
CONFIG_ROLLBACK = EVENT_TOPICS['config.rollback']
MODULE_DISCOVERED = EVENT_TOPICS['module.discovered']
MODULE_STATUS_CHANGE = EVENT_TOPICS['module.status_change']

# What the nodes need among themselves.
DRIVE_COMMAND = Topic('drive/command', msg.DriveCommand, STREAM)
DRIVE_STATE = Topic('drive/state', msg.DriveState, STREAM)
HOIST_STATE = Topic('hoist/state', msg.HoistState, STREAM)
LOCATION = Topic('location', msg.Location, STREAM)
EXTERNAL_LOCATION = Topic('location/external', msg.Location, STREAM)
POSITION = Topic('safety/position', msg.Position, STREAM)
CHARGE_REQUEST = Topic('power/charge_request', msg.ChargeRequest, EVENT)
POWER = Topic('power', msg.PowerState, STATE)
SAFETY_INPUTS = Topic('safety/inputs', msg.SafetyInputs, STREAM)
SAFETY_HEARTBEAT = Topic('safety/heartbeat', msg.SafetyHeartbeat, STREAM)
ZONES = Topic('safety/zones', msg.Zones, STATE)
# Emergency stops on their way to the latch: from clients, and those that hardware_node keeps still
# for until it sees them latched.
STOP_REQUESTS = Topic('safety/stop_requests', msg.StopRequests, STATE)
HELD_STOPS = Topic('safety/held_stops', msg.StopRequests, STATE)
ESTOP_STATE = Topic('safety/estop_state', msg.EstopState, STATE)
MODULE_STATES = Topic('module/states', msg.ModuleStates, STATE)
PRESENCE = Topic('vehicle/presence', msg.NodePresence, EVENT)
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

# Every topic of the table.
ALL = tuple(value for value in [*globals().values()] if isinstance(value, Topic))
