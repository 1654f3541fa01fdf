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

# Of the JSON of the events of a round of bench/event_load.py, in their order; safety.clear has
# 166, for which Python takes as much memory as for 172. Where the first 10,000 events of a bridge
# have other lengths than those after them, it grows until all are replaced: the memory of one
# length is not used for another.
LENGTHS = (
    *(270, 314, 269, 218, 314, 172, 220),  # missions, of which one is stopped
    *(233, 266, 182, 172),  # boards that are lost and found
    *(234, 268, 183),
    *(235, 220, 271, 184, 172),
    *(241, 220, 282, 190, 172),
    209,  # config.updated
)
REST = 171  # characters of a module.discovered without its module_id
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
        identity = f'{number:0{length}}'[-length:]
        message = ModuleDiscovered(module_id=identity, module_type='sensor')
        message.address, message.status = '1', 'online'
        message.firmware_version = '1.0'
        # In full: a bridge drops what is older than itself.
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        time.sleep(PERIOD)
    print('done', flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
