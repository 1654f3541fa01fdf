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
"""Start the nodes of a vehicle except the bridge; each is restarted when it ends."""

from launch import LaunchDescription
from launch import LaunchDescriptionEntity

from oht50_bridge.bringup.launching import check_computer
from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import plan
from oht50_bridge.bringup.launching import vehicle_node
from oht50_bridge.nodes import NODES


def nodes(**values: str) -> list[LaunchDescriptionEntity]:
    """Return the nodes."""
    vehicle = plan(values)
    check_computer(vehicle)
    return [
        action
        for name in NODES
        if name != 'bridge_node'
        for action in vehicle_node(vehicle, name, values['log_level'])
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    return description(
        (
            'sim',
            'serial_port',
            'params_file',
            'namespace',
            'use_sim_time',
            'state_dir',
            'log_level',
        ),
        nodes,
    )
