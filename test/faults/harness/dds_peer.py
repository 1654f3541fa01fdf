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
"""A participant that is no node of the vehicle: reads every topic, or floods one.

`python -m rosless faults.harness.dds_peer read|foreign|flood [TOPIC]`; it prints `ready`.
"""

import contextlib
import sys

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile
from std_msgs.msg import String

from oht50_bridge.msg import Location
from oht50_bridge.msg import NodePresence
from oht50_bridge.nodes import topics

BURST, PERIOD = 20, 0.01  # messages, s
MESSAGES = {'vehicle/presence': NodePresence(node='nobody', instance='0')}


def flood(node, name):
    """Publish a topic far faster than any node does."""
    message = MESSAGES.get(name) or Location()
    publisher = node.create_publisher(type(message), name, QoSProfile(depth=10))

    def burst():
        for _ in range(BURST):
            with contextlib.suppress(RuntimeError):  # no reader takes it in time
                publisher.publish(message)

    node.create_timer(PERIOD, burst)


def main():
    mode, *rest = sys.argv[1:]
    rclpy.init(args=rest)
    node = rclpy.create_node('peer_of_the_faults')
    if mode == 'read':
        for topic in topics.ALL:
            topic.subscribe(node, lambda message: None)
    elif mode == 'foreign':
        name = topics.DRIVE_COMMAND.name
        publisher = node.create_publisher(String, name, QoSProfile(depth=1))
        node.create_timer(PERIOD, lambda: publisher.publish(String(data='x')))
        node.create_subscription(String, name, lambda message: None, QoSProfile(depth=1))
    else:
        flood(node, rest[0])
    print('ready', flush=True)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == '__main__':
    main()
