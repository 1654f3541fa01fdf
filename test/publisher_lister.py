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
"""A node that prints who publishes the topics NAME..., as soon as each has a publisher, as JSON.

An object: topic to a list of [type, reliability, durability], one for each publisher.
"""

import json
import sys
import time

import rclpy
from rclpy.utilities import remove_ros_args

PATIENCE = 40.0  # s; what DDS lost at first it tells again after 30 s


def main():
    wanted = remove_ros_args(sys.argv)[1:]
    rclpy.init()
    node = rclpy.create_node('publisher_lister')
    end = time.monotonic() + PATIENCE
    found = {}
    while time.monotonic() < end and not (found and all(found.values())):
        rclpy.spin_once(node, timeout_sec=0.1)
        found = {name: node.get_publishers_info_by_topic(name) for name in wanted}
    print(
        json.dumps(
            {
                name: [
                    [
                        each.topic_type,
                        each.qos_profile.reliability.name,
                        each.qos_profile.durability.name,
                    ]
                    for each in publishers
                ]
                for name, publishers in found.items()
            }
        )
    )
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
