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
"""A node that writes what is published on topics to the file OUTPUT, a JSON line a message.

Arguments: OUTPUT and names of the topics in `oht50_bridge.nodes.topics`.
"""

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.utilities import remove_ros_args

from oht50_bridge.nodes import topics
from oht50_bridge.nodes.recorder import subscription_qos


def plain(value):
    """Return a message as dictionaries, lists and numbers."""
    if hasattr(value, 'get_fields_and_field_types'):
        return {name: plain(getattr(value, name)) for name in value.get_fields_and_field_types()}
    if isinstance(value, bytes):
        return value[0]
    if isinstance(value, (str, int, float)):
        return value
    return [plain(item) for item in value]


def main():
    output_path, *names = remove_ros_args(sys.argv)[1:]
    rclpy.init()
    node = rclpy.create_node('recorder')
    with Path(output_path).open('w', buffering=1) as output:

        def record(name):
            return lambda message: output.write(
                json.dumps({'topic': name, 'message': plain(message)}) + '\n'
            )

        for name in names:
            # Of /tf_static, which has several publishers, depth 1 would keep only the last.
            topic = getattr(topics, name)
            replace(topic, qos=subscription_qos(topic.qos)).subscribe(node, record(name))
        with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
            rclpy.spin(node)


if __name__ == '__main__':
    main()
