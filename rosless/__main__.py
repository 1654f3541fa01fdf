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

"""Run a module of nodes with or without ROS 2.

    python -m rosless MODULE [ARGUMENTS] [--ros-args ...]

is `python -m MODULE ...` with rclpy at hand: a real one if ROS 2 is sourced, else rosless's.
"""

from __future__ import annotations

import argparse
import runpy
import sys

import rosless


def main() -> None:
    """Run the module that the command line names, as `python -m` would."""
    parser = argparse.ArgumentParser(
        prog='python -m rosless',
        description='Run a Python module with rclpy at hand: that of a sourced ROS 2, else the '
        'subset of it that rosless supplies.',
        epilog="All further arguments are the module's, for example: "
        '--ros-args -r __ns:=/x -p name:=value --params-file FILE --log-level debug',
    )
    parser.add_argument('module', help='module to run, as in python -m MODULE')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help='arguments of the module')
    args = parser.parse_args()
    rosless.install()
    sys.argv[1:] = args.arguments
    runpy.run_module(args.module, run_name='__main__', alter_sys=True)


if __name__ == '__main__':
    main()
