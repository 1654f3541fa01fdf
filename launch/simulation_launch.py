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
"""Start simulated boards on pseudo-terminals in the state directory of their vehicle."""

from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import ExecuteProcess

from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import plan
from oht50_bridge.bringup.launching import respawned
from oht50_bridge.bringup.restart import MINIMUM_DELAY
from oht50_bridge.signals import blocking_prefix

# s, from SIGINT to the end. All processes get the signal at once, and hardware_node reads the stop
# of the motor back from its board.
LINGER = 2.0


def simulation(**values: str) -> list[LaunchDescriptionEntity]:
    """Return the process of the boards."""
    command = [*plan(values).simulator(), '--linger', str(LINGER)]
    return respawned(
        ExecuteProcess(
            name='simulator',
            cmd=command,
            prefix=' '.join(blocking_prefix()),
            output='screen',
            respawn=True,
            respawn_delay=MINIMUM_DELAY,
        ),
        'simulator',
    )


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the boards."""
    return description(('params_file', 'namespace', 'state_dir'), simulation)
