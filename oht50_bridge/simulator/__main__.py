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
"""`python -m oht50_bridge.simulator`: the boards in a process of their own."""

from __future__ import annotations

from oht50_bridge.signals import exit_on_signal
from oht50_bridge.standard_streams import open_standard_streams
from oht50_bridge.standard_streams import say

open_standard_streams()
exit_on_signal()

import argparse  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from oht50_bridge.priority import RealtimePriority  # noqa: E402
from oht50_bridge.priority import request_priority  # noqa: E402
from oht50_bridge.simulator.server import DEFAULT_CONFIG  # noqa: E402
from oht50_bridge.simulator.server import Simulator  # noqa: E402
from oht50_bridge.strict_yaml import read_yaml  # noqa: E402


def _announce(paths: dict[str, Any]) -> None:
    print(json.dumps(paths), flush=True)


def main() -> int:
    """Parse the command line and serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog='oht50_bridge.simulator', description=__doc__)
    parser.add_argument(
        '--dir', type=Path, required=True, help='folder for ports and control socket'
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--config', type=Path, help='YAML file: lines, vehicle, seed')
    source.add_argument(
        '--lines', help='JSON: {line: {baudrate, boards: [{id, profile, address}]}}'
    )
    parser.add_argument('--vehicle', help='JSON: fields of the vehicle, with --lines')
    parser.add_argument('--die-with-parent', action='store_true', help='end when the parent dies')
    parser.add_argument(
        '--linger',
        type=float,
        default=0.0,
        metavar='S',
        help='s to go on after SIGINT or SIGTERM, so that nodes can stop the motor first',
    )
    arguments = parser.parse_args()
    config = dict(DEFAULT_CONFIG)
    try:
        if arguments.config:
            config |= read_yaml(arguments.config)
        if arguments.lines:
            config['lines'] = json.loads(arguments.lines)
        if arguments.vehicle:
            config['vehicle'] = json.loads(arguments.vehicle)
        simulator = Simulator(
            config, arguments.dir.absolute(), arguments.die_with_parent, arguments.linger
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        say(f'simulator: {type(error).__name__}: {error}')
        return 2
    say(f'simulator: {request_priority(RealtimePriority.SIMULATED_BOARDS)}')
    simulator.run(_announce)
    return 0


if __name__ == '__main__':
    sys.exit(main())
