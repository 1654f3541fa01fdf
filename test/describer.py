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
"""A node that prints what the nodes NAME... declare, a JSON object: node to parameters.

Each parameter is a list: name, type, description, read_only, ranges as [from, to].
"""

import json
import sys

import rclpy
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import ListParameters
from rclpy.utilities import remove_ros_args


def main():
    rclpy.init()
    node = rclpy.create_node('describer')

    def ask(kind, name, **request):
        client = node.create_client(kind, name)
        if not client.wait_for_service(20.0):
            sys.exit(f'{name} is not there')
        future = client.call_async(kind.Request(**request))
        rclpy.spin_until_future_complete(node, future, timeout_sec=20.0)
        return future.result()

    found = {}
    for name in remove_ros_args(sys.argv)[1:]:
        names = list(ask(ListParameters, f'{name}/list_parameters').result.names)
        described = ask(DescribeParameters, f'{name}/describe_parameters', names=names).descriptors
        found[name] = [
            [
                each.name,
                each.type,
                each.description,
                each.read_only,
                [
                    [each_range.from_value, each_range.to_value]
                    for each_range in (*each.integer_range, *each.floating_point_range)
                ],
            ]
            for each in described
        ]
    print(json.dumps(found))
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
