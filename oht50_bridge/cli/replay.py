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
"""Replay the events of a recorded vehicle to WebSocket clients, with their original timestamps.

A separate bridge in the namespace /replay serves them. It has no vehicle, so it refuses commands.
The replay starts when the first client connects.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from shlex import quote

from oht50_bridge.bag import BagError
from oht50_bridge.bag import cut_off
from oht50_bridge.bag import recorded_vehicle
from oht50_bridge.bag import repair
from oht50_bridge.bringup.output import STDERR
from oht50_bridge.bringup.output import ProcessOutput
from oht50_bridge.bringup.process import POLL_PERIOD
from oht50_bridge.bringup.process import Process
from oht50_bridge.bringup.process import module_command
from oht50_bridge.bringup.process import stop
from oht50_bridge.bringup.replay import ReplayPlan
from oht50_bridge.bringup.restart import describe_exit
from oht50_bridge.bringup.supervisor import check_port
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_domain
from oht50_bridge.cli.options import add_listening
from oht50_bridge.cli.options import add_state_dir
from oht50_bridge.cli.options import graph_environment
from oht50_bridge.cli.record import require_rosbags
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.signals import StopSignal
from oht50_bridge.standard_streams import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('bag', type=Path, metavar='BAG', help='folder of the bag')
    parser.add_argument(
        '--vehicle',
        metavar='NS',
        default='',
        help='ROS namespace of the vehicle in the bag; needed if the bag holds several',
    )
    parser.add_argument(
        '--rate',
        type=rate,
        default=1.0,
        metavar='R',
        help='speed of the replay, as a factor (default: %(default)s)',
    )
    parser.add_argument(
        '--repair',
        action='store_true',
        help='first make a whole bag of a recording that was cut off; it is kept as BAG.cut-off',
    )
    parser.add_argument('--loop', action='store_true', help='start again at the end')
    add_listening(parser)
    add_domain(parser)
    add_state_dir(parser)


def rate(text: str) -> float:
    """Return the speed of the replay that a text gives, as a factor."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 1000.0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number above 0, at most 1000')
    return value


def run(arguments: argparse.Namespace) -> int:
    """Replay until SIGINT or SIGTERM.

    Raises:
        CommandError: the bag cannot be replayed; the message holds the remedy.

    """
    require_rosbags()
    check_port(arguments.host, arguments.port)
    try:
        if arguments.repair and cut_off(arguments.bag):
            count, kept = repair(arguments.bag)
            say(f'{arguments.bag}: {count} messages; the recording is kept as {kept}')
        replay = ReplayPlan(
            state_dir=arguments.state_dir,
            vehicle=recorded_vehicle(arguments.bag, arguments.vehicle),
            host=arguments.host,
            port=arguments.port,
        )
        environment = graph_environment(arguments) | replay.environment()
        parameters = replay.parameter_file()
    except (BagError, OSError, TokenFileError) as error:
        raise CommandError(str(error)) from error
    ros = ['--ros-args', '-r', f'__ns:={replay.namespace}', '--log-level', 'warn']
    # Not above: until there is something to stop, Ctrl-C ends the command, also during a repair.
    stop_signal = StopSignal()
    output = ProcessOutput(STDERR)
    bridge = Process(
        'bridge_node',
        [
            *module_command('oht50_bridge.nodes'),
            'bridge_node',
            *ros,
            '--params-file',
            str(parameters),
        ],
        environment,
        output=output,
    )
    player = Process(
        'player',
        [
            *module_command('oht50_bridge.nodes'),
            'player',
            str(arguments.bag),
            replay.vehicle,
            str(arguments.rate),
            'loop' if arguments.loop else 'once',
            *ros,
        ],
        environment,
        output=output,
    )
    try:
        bridge.start(stdout=None)
        child = player.start(stdout=None)
        say(
            f'Replaying {replay.vehicle} of {arguments.bag} when the first client connects: '
            f'oht50 watch {quote(f"ws://{arguments.host}:{arguments.port}{PATH}")}',
            sys.stdout,
        )
        while not stop_signal.wait(POLL_PERIOD):
            bridge.restart_if_ended()
            if code := child.poll():
                raise CommandError(f'the player ended ({describe_exit(code)}, see above)')
    finally:
        stop([bridge, player])
        output.close()
    return 0
