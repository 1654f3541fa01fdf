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
"""Start a vehicle with real or simulated boards; each node is restarted when it ends."""

from pathlib import Path

from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource

from oht50_bridge.bringup.launching import check_computer
from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import plan

# Launch files of this folder in the order of their start, each with the argument that enables it.
PARTS = (
    ('simulation', 'sim'),
    ('nodes', None),
    ('description', 'description'),
    ('bridge', 'bridge'),
    ('record', 'record'),
    ('rviz', 'rviz'),
)


def vehicle(**values: str) -> list[LaunchDescriptionEntity]:
    """Return the enabled parts."""
    the_plan = plan(values)
    check_computer(the_plan)
    lock = the_plan.lock()
    print(f'The state of the vehicle is in {the_plan.directory}', flush=True)
    here = Path(__file__).resolve().parent
    return [
        # Keeps the lock until the launch ends.
        OpaqueFunction(function=lambda context: context.extend_globals({'oht50_lock': lock})),
        *(
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(here / f'{name}_launch.py'))
            )
            for name, argument in PARTS
            if argument is None or values[argument] == 'true'
        ),
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the vehicle."""
    return description(
        (
            'sim',
            'serial_port',
            'params_file',
            'namespace',
            'bridge',
            'host',
            'port',
            'record',
            'description',
            'rviz',
            'use_sim_time',
            'state_dir',
            'log_level',
        ),
        vehicle,
    )
