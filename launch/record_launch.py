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
"""Record all topics of a vehicle to a bag."""

from pathlib import Path

from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import ExecuteProcess
from launch.actions import LogInfo
from rclpy.qos import QoSProfile

from oht50_bridge.bringup.launching import bag_storage
from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import plan
from oht50_bridge.bringup.launching import qos_overrides
from oht50_bridge.nodes import topics
from oht50_bridge.paths import make_private


def record(**values: str) -> list[LaunchDescriptionEntity]:
    """Return the recorder."""
    vehicle = plan(values)
    output = Path(values['output']) if values['output'] else vehicle.new_bag()
    renamed = dict(vehicle.remappings)
    qos: dict[str, QoSProfile] = {}
    for topic in topics.ALL:
        name = renamed.get(topic.name, topic.name)
        qos[name if name.startswith('/') else f'{vehicle.namespace}/{name}'] = topic.qos
    make_private(output.parent)
    return [
        LogInfo(msg=f'Recording {vehicle.namespace} to {output}'),
        ExecuteProcess(
            name='record',
            output='screen',
            cmd=[
                'ros2',
                'bag',
                'record',
                '--output',
                str(output),
                '--storage',
                'mcap',
                # Otherwise it keeps messages to itself until there are megabytes of them, and they
                # are lost with it.
                '--max-cache-size',
                '0',
                '--storage-config-file',
                str(bag_storage(vehicle.directory)),
                '--node-name',
                'recorder',
                '--disable-keyboard-controls',
                '--qos-profile-overrides-path',
                str(qos_overrides(vehicle.directory, qos)),
                '--topics',
                *qos,
            ],
        ),
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the recorder."""
    return description(('namespace', 'output', 'state_dir'), record)
