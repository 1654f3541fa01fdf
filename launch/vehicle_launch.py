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
"""The vehicle: every node, started again when it dies, with real or simulated boards."""

from pathlib import Path

from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource

from oht50_bridge.bringup.launching import description
from oht50_bridge.bringup.launching import plan

# Launch file of this folder and the argument that asks for it, in the order of their start.
PARTS = (
    ('simulation', 'sim'),
    ('nodes', None),
    ('description', 'description'),
    ('bridge', 'bridge'),
    ('record', 'record'),
    ('rviz', 'rviz'),
)


def vehicle(**values):
    """Return the parts that are asked for."""
    the_plan = plan(values)
    lock = the_plan.lock()
    print(f'The vehicle keeps what is its own in {the_plan.directory}', flush=True)
    here = Path(__file__).resolve().parent
    return [
        # Holds the lock as long as the launch runs.
        OpaqueFunction(function=lambda context: context.extend_globals({'oht50_lock': lock})),
        *(
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(here / f'{name}_launch.py'))
            )
            for name, asked in PARTS
            if asked is None or values[asked] == 'true'
        ),
    ]


def generate_launch_description():
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
