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
"""What the launch files share: their arguments, and processes that are restarted.

It needs ROS 2, as the only module that imports launch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from launch import LaunchContext
from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument
from launch.actions import ExecuteProcess
from launch.actions import OpaqueFunction
from launch.actions import RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from rclpy.qos import QoSProfile

from oht50_bridge.bag import PACKAGE as PACKAGE
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.restart import MINIMUM_DELAY
from oht50_bridge.bringup.restart import RestartLimit
from oht50_bridge.bringup.supervisor import check_host
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.paths import default_state_dir
from oht50_bridge.paths import expanded
from oht50_bridge.paths import make_private
from oht50_bridge.protocol.endpoint import DEFAULT_PORT
from oht50_bridge.signals import blocking_prefix

BAG_DEPTH = 100  # of the queues of bags, so that a pause of the recorder loses no message
BOOLEAN = ('true', 'false')
_checked: set[Path] = set()  # directories of vehicles
BAG_CHUNK = 4096  # bytes of messages that are handed over at once: those of less than a second

# Name: default, description, choices; None if the argument is free text.
ARGUMENTS: dict[str, tuple[str, str, tuple[str, ...] | None]] = {
    'sim': ('false', 'simulate the boards', BOOLEAN),
    'serial_port': (
        '',
        'serial port of all boards, where each of them can share it; empty: the serial lines of '
        'the parameters',
        None,
    ),
    'params_file': ('', 'parameter file whose values override those of config/vehicle.yaml', None),
    'namespace': (
        NAMESPACE,
        'namespace of the vehicle; it and the port are unique in a domain',
        None,
    ),
    'bridge': ('true', 'serve WebSocket clients', BOOLEAN),
    'host': ('127.0.0.1', 'address the WebSocket bridge listens on', None),
    'port': (str(DEFAULT_PORT), 'port the WebSocket bridge listens on', None),
    'record': ('false', 'record every topic of the vehicle to a bag', BOOLEAN),
    'output': (
        '',
        'folder of the bag, created; empty: bags/TIME in the state directory of the vehicle',
        None,
    ),
    'description': (
        'true',
        'publish the fixed frames of the vehicle (robot_state_publisher)',
        BOOLEAN,
    ),
    'rviz': ('false', 'show the vehicle in rviz', BOOLEAN),
    'use_sim_time': ('false', 'take the time from /clock; only for simulated boards', BOOLEAN),
    'state_dir': (
        '',
        'directory of persistent state; empty: oht50 in XDG_STATE_HOME, else in ~/.local/state',
        None,
    ),
    'log_level': (
        'info',
        'lowest level of the log messages that nodes print',
        ('debug', 'info', 'warn', 'error'),
    ),
}


def description(
    arguments: tuple[str, ...],
    make: Callable[..., list[LaunchDescriptionEntity]],
    **more: tuple[str | None, str, tuple[str, ...] | None],
) -> LaunchDescription:
    """Return a launch description.

    Args:
        arguments: names of its arguments that are in ARGUMENTS.
        make: called with the values by name; returns the actions.
        more: arguments of this launch file alone, as in ARGUMENTS; one without a default is
            required.

    """
    table = {name: ARGUMENTS[name] for name in arguments} | more

    def actions(context: LaunchContext) -> list[LaunchDescriptionEntity]:
        return make(**{name: LaunchConfiguration(name).perform(context) for name in table})

    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(
                    name, default_value=default, description=text, choices=choices
                )
                for name, (default, text, choices) in table.items()
            ),
            OpaqueFunction(function=actions),
        ]
    )


def plan(values: dict[str, str]) -> Plan:
    """Return the plan of the vehicle that the arguments of a launch file describe.

    Raises:
        BringUpError: the values contradict one another, or the parameter files are wrong.

    """
    the_plan = Plan(
        state_dir=state_directory(values['state_dir']),
        domain=int(os.environ.get('ROS_DOMAIN_ID') or 0),
        namespace='/' + values['namespace'].strip('/'),
        params=Path(values['params_file']) if values.get('params_file') else None,
        simulated=values.get('sim') == 'true',
        serial_port=values.get('serial_port', ''),
        host=values.get('host', ''),
        port=int(values.get('port', DEFAULT_PORT)),
        use_sim_time=values.get('use_sim_time') == 'true',
    )
    _ = the_plan.parameters
    return the_plan


def check_computer(the_plan: Plan) -> None:
    """Try what the vehicle needs of its computer, once for all its launch files in a launch.

    Raises:
        BringUpError: no vehicle can run on it.

    """
    if the_plan.directory not in _checked:
        check_host(os.environ, the_plan.parameters, the_plan.state_dir)
        _checked.add(the_plan.directory)


def state_directory(given: str) -> Path:
    """Return the state directory that an argument names; the default for an empty one.

    Raises:
        BringUpError: this user has no default.

    """
    try:
        return (expanded(given) if given else default_state_dir()).absolute()
    except NoStateDirError as error:
        raise BringUpError(str(error)) from error


def vehicle_node(the_plan: Plan, name: str, log_level: str) -> list[LaunchDescriptionEntity]:
    """Return one of the vehicle's nodes, restarted when it ends."""
    return respawned(
        Node(
            package=PACKAGE,
            executable=name,
            name=name,
            namespace=the_plan.namespace,
            prefix=' '.join(blocking_prefix()),
            exec_name=name,
            output='screen',
            respawn=True,
            respawn_delay=MINIMUM_DELAY,
            parameters=[str(the_plan.parameter_file(name))],
            remappings=the_plan.remappings,
            additional_env=the_plan.environment(),
            arguments=['--ros-args', '--log-level', log_level],
        ),
        name,
    )


def qos_overrides(directory: Path, profiles: dict[str, QoSProfile]) -> Path:
    """Write the QoS profiles of topics as `ros2 bag` reads them; return the file."""
    path = directory / 'bag_qos.yaml'
    make_private(directory)
    path.write_text(
        yaml.safe_dump(
            {
                name: {
                    'history': 'keep_last',
                    'depth': max(qos.depth, BAG_DEPTH),
                    'reliability': qos.reliability.name.lower(),
                    'durability': qos.durability.name.lower(),
                }
                for name, qos in profiles.items()
            }
        )
    )
    return path


def bag_storage(directory: Path) -> Path:
    """Write how `ros2 bag record` stores messages in MCAP; return the file."""
    path = directory / 'bag_storage.yaml'
    make_private(directory)
    path.write_text(yaml.safe_dump({'chunkSize': BAG_CHUNK}))
    return path


def respawned(process: ExecuteProcess, name: str) -> list[LaunchDescriptionEntity]:
    """Return a process with `respawn`, and the handler that ends the launch instead of looping.

    The launch then ends with exit code 1, which reports that the vehicle is down.
    """
    limit = RestartLimit(name)

    def on_exit(event: ProcessExited, context: LaunchContext) -> None:
        if not context.is_shutdown:
            # Launch prints the exception of a handler and ends.
            limit.note_exit(event.returncode, time.monotonic())

    return [process, RegisterEventHandler(OnProcessExit(target_action=process, on_exit=on_exit))]
