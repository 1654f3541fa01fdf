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
"""Run the vehicle, each node as a process, until Ctrl-C.

A node that ends is started again. DDS is limited to this machine unless --discovery is subnet.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from oht50_bridge.cli.options import add_graph
from oht50_bridge.cli.options import add_keys
from oht50_bridge.cli.options import add_listening
from oht50_bridge.cli.options import add_state_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--sim', action='store_true', help='simulate the boards')
    source.add_argument(
        '--serial',
        metavar='PORT',
        help='serial port of all boards (default: the serial lines of the parameters)',
    )
    add_listening(parser)
    parser.add_argument(
        '--tls-cert',
        type=Path,
        metavar='FILE',
        help='PEM certificate for wss://; it is read again when it changes',
    )
    parser.add_argument(
        '--tls-key',
        type=Path,
        metavar='FILE',
        help='PEM private key of the certificate; it is read again when it changes',
    )
    parser.add_argument(
        '--tls-client-ca',
        type=Path,
        metavar='FILE',
        help='PEM certificates of issuers; clients then need a certificate of one of them',
    )
    parser.add_argument(
        '--insecure',
        action='store_true',
        help='accept connections from other machines without TLS: everybody in the network can '
        'read all messages and tokens',
    )
    parser.add_argument(
        '--params',
        type=Path,
        metavar='FILE',
        help='ROS parameter file whose values override config/vehicle.yaml',
    )
    add_graph(parser)
    parser.add_argument(
        '--log-level',
        choices=('debug', 'info', 'warn', 'error'),
        default='warn',
        help='lowest level of the log messages that nodes print (default: %(default)s)',
    )
    add_keys(parser)
    add_state_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the vehicle until SIGINT or SIGTERM."""
    from oht50_bridge.bringup.supervisor import Supervisor

    return Supervisor(arguments).run()
