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
"""What rviz shows: the displays of `config/oht50.rviz`, and which publishers they receive."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from rclpy.qos import DurabilityPolicy
from rclpy.qos import ReliabilityPolicy

VIEW = Path(__file__).resolve().parent.parent / 'config' / 'oht50.rviz'
# What each display takes; where rviz is installed a test compares it with what rviz says.
MESSAGES = {
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
    'rviz_default_plugins/Odometry': 'nav_msgs/msg/Odometry',
    'rviz_default_plugins/Range': 'sensor_msgs/msg/Range',
    'rviz_default_plugins/RobotModel': 'std_msgs/msg/String',
}


@dataclass(frozen=True)
class Shown:
    """A topic that a display shows."""

    display: str  # class
    topic: str
    reliability: ReliabilityPolicy
    durability: DurabilityPolicy

    def receives(self, reliability, durability):
        """Tell whether it gets the messages of a publisher."""
        return (
            reliability == ReliabilityPolicy.RELIABLE
            or self.reliability == ReliabilityPolicy.BEST_EFFORT
        ) and (
            durability == DurabilityPolicy.TRANSIENT_LOCAL
            or self.durability == DurabilityPolicy.VOLATILE
        )


def view():
    """Return the content of the file."""
    return yaml.safe_load(VIEW.read_text())['Visualization Manager']


def shown():
    """Return every topic that a display shows."""
    found = []
    for display in view()['Displays']:
        topic = display.get('Topic') or display.get('Description Topic')
        if topic:
            found.append(
                Shown(
                    display['Class'],
                    topic['Value'],
                    ReliabilityPolicy[_member(topic['Reliability Policy'])],
                    DurabilityPolicy[_member(topic['Durability Policy'])],
                )
            )
    return found


def _member(policy):
    return policy.upper().replace(' ', '_')
