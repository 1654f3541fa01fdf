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
"""A node that sets parameters of NODE, given as JSON object VALUES, and prints the result."""

import json
import sys

import rclpy
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter


def main():
    rclpy.init()
    node = rclpy.create_node('parameter_setter')
    service = f'{sys.argv[1]}/set_parameters_atomically'
    client = node.create_client(SetParametersAtomically, service)
    if not client.wait_for_service(10.0):
        sys.exit(f'{service} is not there')
    values = json.loads(sys.argv[2])
    future = client.call_async(
        SetParametersAtomically.Request(
            parameters=[
                Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
            ]
        )
    )
    rclpy.spin_until_future_complete(node, future, timeout_sec=10.0)
    result = future.result().result
    print('set' if result.successful else result.reason)
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
