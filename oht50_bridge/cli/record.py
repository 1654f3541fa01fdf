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
"""Record all topics of a vehicle to a bag (MCAP, as by `ros2 bag record`) until Ctrl-C."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path

from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.process import module_command
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_graph
from oht50_bridge.cli.options import add_state_dir
from oht50_bridge.cli.options import graph_environment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        'output',
        nargs='?',
        type=Path,
        metavar='BAG',
        help='folder to create (default: bags/TIME in the state directory of the vehicle)',
    )
    add_graph(parser)
    add_state_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replace this process by the recorder.

    Raises:
        CommandError: a library is missing, or the namespace is not valid.

    """
    plan = Plan(
        state_dir=arguments.state_dir, domain=arguments.domain, namespace=arguments.namespace
    )
    output = arguments.output or plan.new_bag()
    require_rosbags()
    command = [
        *module_command('oht50_bridge.nodes'),
        'recorder',
        str(output),
        '--ros-args',
        '-r',
        f'__ns:={plan.namespace}',
        *plan.remap_arguments(),
    ]
    os.execve(command[0], command, graph_environment(arguments))  # noqa: S606


def require_rosbags() -> None:
    """Check that the library is installed that reads and writes bags.

    Raises:
        CommandError: it is missing.

    """
    if importlib.util.find_spec('rosbags') is None:
        raise CommandError(
            'the library rosbags is missing: pip install rosbags; the launch files '
            'record_launch.py and replay_launch.py do not need it'
        )
