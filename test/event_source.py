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
"""Publishes events from outside the vehicle, at a steady rate.

`python -m rosless event_source COUNT`; it prints `done`, and stays until its input ends: what was
not yet received would end with it.
"""

import sys
import time

import rclpy

from oht50_bridge.msg import ModuleDiscovered
from oht50_bridge.nodes import topics

# Of the JSON of events of a vehicle under load, and how often: safety.clear, module.status_change,
# safety.estop, system.error, mission.started, mission.completed. Where those that a bridge keeps
# were all of one length, each later one of another needed memory of its own.
LENGTHS = (187, 229, 229, 229, 240, 293, 187, 229, 229, 240, 293, 286, 334)
REST = 179  # characters of a module.discovered without its module_id
PERIOD = 0.005  # s
PATIENCE = 10.0  # s


def main():
    count = int(sys.argv[1])
    rclpy.init()
    node = rclpy.create_node('event_source')
    publisher = topics.EVENT_TOPICS['module.discovered'].publisher(node)
    end = time.monotonic() + PATIENCE
    while not publisher.get_subscription_count():
        if time.monotonic() > end:
            sys.exit('nobody reads module/discovered')
        time.sleep(PERIOD)
    for number in range(count):
        length = LENGTHS[number % len(LENGTHS)] - REST
        message = ModuleDiscovered(module_id=f'{number:0{length}}', module_type='sensor')
        message.address, message.status = 'outside/1', 'online'
        message.firmware_version = '1.0'
        # In full: a bridge drops what is older than itself.
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        time.sleep(PERIOD)
    print('done', flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
