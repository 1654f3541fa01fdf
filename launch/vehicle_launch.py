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
"""The vehicle: every node, respawned when it dies, with real or simulated boards."""

import json
import sys
from pathlib import Path

from launch.actions import DeclareLaunchArgument
from launch.actions import ExecuteProcess
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchDescription
from oht50_bridge.cli.parameters import parameter_files
from oht50_bridge.cli.parameters import simulated_lines
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.nodes import NODES
from oht50_bridge.paths import default_state_dir

ARGUMENTS = {
    'sim': ('false', 'simulate the boards (true or false)'),
    'serial_port': ('', 'serial port with every board on it; empty: lines of the parameters'),
    'params_file': ('', 'parameter file; its values go over those of config/vehicle.yaml'),
    'namespace': (NAMESPACE, 'namespace of the vehicle'),
    'host': ('127.0.0.1', 'address the WebSocket bridge listens on'),
    'port': ('8000', 'port the WebSocket bridge listens on'),
    'state_dir': (str(default_state_dir()), 'directory of what must outlive a restart'),
    'log_level': ('info', 'what the nodes print: debug, info, warn or error'),
}
RESPAWN_DELAY = 0.5  # s


def vehicle(context):
    """Return the processes of the vehicle."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    params = Path(value['params_file']) if value['params_file'] else None
    state_dir = Path(value['state_dir'])
    overrides = {
        'hardware_node': {},
        'bridge_node': {'host': value['host'], 'port': int(value['port'])},
    }
    actions = []
    if value['sim'] == 'true':
        lines = simulated_lines(params)
        directory = state_dir / 'simulator'
        overrides['hardware_node'] = {
            f'line.{name}.device': str(directory / name) for name in lines}
        actions.append(ExecuteProcess(
            name='simulator', output='screen', cmd=[
                sys.executable, '-m', 'oht50_bridge.simulator', '--dir', str(directory),
                '--lines', json.dumps(lines), '--die-with-parent']))
    elif value['serial_port']:
        overrides['hardware_node'] = {'serial_port': value['serial_port']}
    for name in NODES:
        actions.append(Node(
            package='oht50_bridge', executable=name, name=name, namespace=value['namespace'],
            output='screen', respawn=True, respawn_delay=RESPAWN_DELAY,
            parameters=[
                *map(str, parameter_files(params)),
                {'state_dir': str(state_dir), **overrides.get(name, {})},
            ],
            arguments=['--ros-args', '--log-level', value['log_level']]))
    return actions


def generate_launch_description():
    """Declare the arguments and start the vehicle."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=text)
          for name, (default, text) in ARGUMENTS.items()),
        OpaqueFunction(function=vehicle),
    ])
