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
"""Publish the fixed frames and the shape of the vehicle, from its URDF."""

from pathlib import Path

from ament_index_python.packages import PackageNotFoundError
from ament_index_python.packages import get_package_prefix
from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import LogInfo
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from oht50_bridge.bringup.launching import PACKAGE
from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import plan

PUBLISHER = 'robot_state_publisher'


def robot_description(**values: str) -> list[LaunchDescriptionEntity]:
    """Return robot_state_publisher, or a message where it is not installed."""
    try:
        get_package_prefix(PUBLISHER)
    except PackageNotFoundError:
        return [
            LogInfo(
                msg=f'{PUBLISHER} is not installed: the vehicle can be driven without it, '
                'but rviz lacks its shape and fixed frames'
            )
        ]
    vehicle = plan(values)
    urdf = Path(get_package_share_directory(PACKAGE)) / 'urdf' / 'oht50.urdf'
    return [
        Node(
            package=PUBLISHER,
            executable=PUBLISHER,
            name=PUBLISHER,
            namespace=vehicle.namespace,
            # Without a type, launch would parse the URDF as YAML.
            parameters=[{'robot_description': ParameterValue(urdf.read_text(), value_type=str)}],
            remappings=vehicle.remappings,
            respawn=True,
            respawn_delay=5.0,
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the publisher."""
    return description(('namespace', 'state_dir'), robot_description)
