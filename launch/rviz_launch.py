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
"""Start rviz with the view of a vehicle."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch_ros.actions import Node

from oht50_bridge.bringup.launching import PACKAGE
from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import plan
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.paths import make_private


def rviz(**values: str) -> list[LaunchDescriptionEntity]:
    """Return rviz, with the view adapted to the namespace of the vehicle."""
    vehicle = plan(values)
    view = Path(get_package_share_directory(PACKAGE)) / 'config' / 'oht50.rviz'
    own = vehicle.directory / 'oht50.rviz'
    make_private(own.parent)
    own.write_text(view.read_text().replace(f'{NAMESPACE}/', f'{vehicle.namespace}/'))
    return [
        Node(
            package='rviz2',
            executable='rviz2',
            name='rviz2',
            namespace=vehicle.namespace,
            arguments=['-d', str(own)],
            remappings=vehicle.remappings,
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start rviz."""
    return description(('namespace', 'state_dir'), rviz)
