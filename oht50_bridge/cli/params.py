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
"""Check a ROS parameter file before a vehicle is started with it.

`oht50 params check FILE` reads the file as its nodes would, on top of config/vehicle.yaml, and
prints a line for each fault: file, line, node, parameter, what is there, and what to write. The
exit code is 78 when there is one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.cli.options import add_namespace
from oht50_bridge.text import shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of this command."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    check = actions.add_parser(
        'check', help='check a parameter file', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    check.add_argument(
        'file',
        nargs='?',
        type=Path,
        metavar='FILE',
        help='ROS parameter file whose values override config/vehicle.yaml (default: that alone)',
    )
    check.add_argument(
        '--sim', action='store_true', help='for simulated boards: serial lines need no device'
    )
    check.add_argument(
        '--serial', metavar='PORT', default='', help='for one serial port of all boards'
    )
    add_namespace(check)


def run(arguments: argparse.Namespace) -> int:
    """Check the file.

    Raises:
        ParameterError: what is wrong, a line for each fault.

    """
    read_parameters(
        arguments.file,
        namespace=arguments.namespace,
        simulated=arguments.sim,
        serial_port=arguments.serial,
    )
    print(f'{shown(str(arguments.file or "config/vehicle.yaml"))}: no faults')
    return 0
