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
"""A node that publishes one drive command over and over: VELOCITY, in m/s."""

import contextlib
import sys

import rclpy
from rclpy.executors import ExternalShutdownException

from oht50_bridge.msg import DriveCommand
from oht50_bridge.nodes import topics

PERIOD = 0.05  # s


def main():
    velocity = float(sys.argv[1])
    rclpy.init()
    node = rclpy.create_node('commander')
    publisher = topics.DRIVE_COMMAND.publisher(node)
    node.create_timer(PERIOD, lambda: publisher.publish(DriveCommand(velocity=velocity)))
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == '__main__':
    main()
