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
"""Start the vehicle, each node as a process, until Ctrl-C.

Nodes that die are started again. DDS stays on this machine unless --discovery subnet.
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
        help='all boards are on this serial port (default: the lines that the parameters name)',
    )
    add_listening(parser)
    parser.add_argument(
        '--tls-cert',
        type=Path,
        metavar='FILE',
        help='PEM certificate to serve wss:// with; read again when it changes',
    )
    parser.add_argument(
        '--tls-key', type=Path, metavar='FILE', help='PEM private key of the certificate'
    )
    parser.add_argument(
        '--tls-client-ca',
        type=Path,
        metavar='FILE',
        help='clients need a certificate issued by one of these',
    )
    parser.add_argument(
        '--insecure',
        action='store_true',
        help='listen beyond this machine without TLS: others can read everything, tokens included',
    )
    parser.add_argument(
        '--params',
        type=Path,
        metavar='FILE',
        help='ROS 2 parameter file; its values go over those of config/vehicle.yaml',
    )
    add_graph(parser)
    parser.add_argument(
        '--log-level',
        choices=('debug', 'info', 'warn', 'error'),
        default='warn',
        help='what the nodes print (%(default)s)',
    )
    add_keys(parser)
    add_state_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the vehicle until it is told to end."""
    from oht50_bridge.bringup.supervisor import Supervisor

    return Supervisor(arguments).run()
