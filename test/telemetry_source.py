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
"""Publishes telemetry from outside a vehicle, at a steady rate.

`python -m rosless telemetry_source RATE`, in Hz; it ends by SIGTERM.
"""

import contextlib
import sys

import rclpy
from rclpy.executors import ExternalShutdownException

from oht50_bridge.msg import Telemetry
from oht50_bridge.nodes import topics


def main():
    rclpy.init()
    node = rclpy.create_node('telemetry_source')
    publisher = topics.TELEMETRY.publisher(node)
    message = Telemetry(battery_percentage=0.852, temperature=42.5, humidity=float('nan'))

    def publish():
        message.position.x += 1.0
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)

    node.create_timer(1.0 / float(sys.argv[1]), publish)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == '__main__':
    main()
