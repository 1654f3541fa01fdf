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
"""Replay the events of a bag to WebSocket clients, by a separate bridge in the namespace /replay.

Only events are replayed, no vehicle subscribes in that namespace, and the bridge there refuses
commands: a replay cannot move or stop a vehicle.
"""

from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import ExecuteProcess
from launch_ros.actions import Node

from oht50_bridge.bag import recorded_vehicle
from oht50_bridge.bringup.launching import BOOLEAN
from oht50_bridge.bringup.launching import PACKAGE
from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import qos_overrides
from oht50_bridge.bringup.launching import respawned
from oht50_bridge.bringup.launching import state_directory
from oht50_bridge.bringup.replay import ReplayPlan
from oht50_bridge.bringup.restart import MINIMUM_DELAY
from oht50_bridge.nodes import REPLAY_NAMESPACE
from oht50_bridge.nodes import topics
from oht50_bridge.paths import expanded

CLOCK = f'{REPLAY_NAMESPACE}/clock'
CLOCK_RATE = '100'  # Hz


def replay(**values: str) -> list[LaunchDescriptionEntity]:
    """Return the bridge and the player."""
    bag = expanded(values['bag']).absolute()
    replayed = ReplayPlan(
        state_dir=state_directory(values['state_dir']),
        vehicle=recorded_vehicle(bag, values['vehicle']),
        host=values['host'],
        port=int(values['port']),
        use_sim_time=True,
    )
    parameters = replayed.parameter_file()
    bridge = Node(
        package=PACKAGE,
        executable='bridge_node',
        name='bridge_node',
        namespace=replayed.namespace,
        output='screen',
        respawn=True,
        respawn_delay=MINIMUM_DELAY,
        parameters=[str(parameters)],
        remappings=[('/clock', CLOCK)],
        additional_env=replayed.environment(),
        arguments=['--ros-args', '--log-level', values['log_level']],
    )
    # The player shares the folder of the bridge's parameters.
    qos = {f'{replayed.vehicle}/{topic.name}': topic.qos for topic in topics.EVENT_TOPICS.values()}
    player = ExecuteProcess(
        name='play',
        output='screen',
        cmd=[
            'ros2',
            'bag',
            'play',
            str(bag),
            '--disable-keyboard-controls',
            '--clock',
            CLOCK_RATE,
            '--rate',
            values['rate'],
            '--delay',
            values['delay'],
            *(['--loop'] if values['loop'] == 'true' else []),
            *(['--start-paused'] if values['paused'] == 'true' else []),
            '--qos-profile-overrides-path',
            str(qos_overrides(parameters.parent, qos)),
            '--topics',
            *qos,
            '--remap',
            f'/clock:={CLOCK}',
            *(f'{name}:={REPLAY_NAMESPACE}{name}' for name in qos),
        ],
    )
    return [*respawned(bridge, 'bridge_node'), player]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the replay."""
    return description(
        ('host', 'port', 'state_dir', 'log_level'),
        replay,
        bag=(None, 'folder of the bag', None),
        vehicle=('', 'namespace of the vehicle in the bag; needed if the bag holds several', None),
        rate=('1.0', 'speed of the replay, as a factor', None),
        delay=('5.0', 'delay before the replay, s, for clients to connect', None),
        loop=('false', 'start again at the end', BOOLEAN),
        paused=('false', 'start paused; the service /rosbag2_player/resume continues', BOOLEAN),
    )
