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
"""Options that several commands have in common, and the types of their values."""

from __future__ import annotations

import argparse
import os
import re
from datetime import datetime
from datetime import timezone
from pathlib import Path
from typing import Any

from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.paths import default_state_dir
from oht50_bridge.protocol.endpoint import DEFAULT_PORT
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.text import shown

DEFAULT_URL = f'ws://127.0.0.1:{DEFAULT_PORT}{PATH}'
DISCOVERY_RANGE = {'localhost': 'LOCALHOST', 'subnet': 'SUBNET'}
LONGEST_DURATION = 10 * 365 * 86_400.0  # s; far beyond, no date can hold its end
SECONDS = {'': 1.0, 's': 1.0, 'm': 60.0, 'h': 3600.0}
LOCAL_TTL = 15 * 60.0  # s, of the tokens that commands sign for themselves


class CommandError(Exception):
    """A command cannot be carried out; the message holds the remedy."""


class Options(argparse.Namespace):
    """The options of a command. A user without a home directory may lack a default.

    Attributes:
        state_dir: found when a command asks for it, so that none fails for lack of what it does
            not need.

    """

    def __getattr__(self, name: str) -> Any:
        if name == 'state_dir':
            return default_state_dir()
        raise AttributeError(name)


def add_state_dir(parser: argparse.ArgumentParser) -> None:
    """Add --state-dir."""
    parser.add_argument(
        '--state-dir',
        type=Path,
        metavar='DIR',
        default=argparse.SUPPRESS,  # see Options
        help='directory of persistent state, such as the signing secret and the latched emergency '
        'stop (default: oht50 in XDG_STATE_HOME, else in ~/.local/state)',
    )


def add_listening(parser: argparse.ArgumentParser) -> None:
    """Add the address of a server: --host and --port."""
    parser.add_argument(
        '--host', default='127.0.0.1', help='address to listen on (default: %(default)s)'
    )
    parser.add_argument(
        '--port',
        type=port,
        default=DEFAULT_PORT,
        help='TCP port to listen on (default: %(default)s)',
    )


def add_domain(parser: argparse.ArgumentParser) -> None:
    """Add --domain and --discovery."""
    _add_domain_id(parser)
    parser.add_argument(
        '--discovery',
        choices=tuple(DISCOVERY_RANGE),
        default='localhost',
        help='where DDS discovers nodes: on this machine or in the subnet (default: %(default)s)',
    )


def add_graph(parser: argparse.ArgumentParser) -> None:
    """Add the options that select a vehicle in the ROS graph."""
    add_namespace(parser)
    add_domain(parser)


def add_vehicle(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the state directory of a vehicle, without joining its graph."""
    add_namespace(parser)
    _add_domain_id(parser)
    add_state_dir(parser)


def add_namespace(parser: argparse.ArgumentParser) -> None:
    """Add --namespace."""
    parser.add_argument(
        '--namespace',
        metavar='NS',
        default=NAMESPACE,
        help='ROS namespace of the vehicle, unique in its domain (default: %(default)s)',
    )


def _add_domain_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--domain',
        type=domain,
        metavar='N',
        default=os.environ.get('ROS_DOMAIN_ID') or '0',
        help='DDS domain, 0 to 232 (default: ROS_DOMAIN_ID, else 0)',
    )


def graph_environment(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the environment of a node in the domain that the options of `add_domain` select."""
    return {
        **os.environ,
        'ROS_DOMAIN_ID': str(arguments.domain),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': DISCOVERY_RANGE[arguments.discovery],
    }


def add_client(parser: argparse.ArgumentParser, role: str) -> None:
    """Add the options of a client, which signs itself a token of `role` unless it has one."""
    parser.set_defaults(url=DEFAULT_URL)
    parser.add_argument(
        '--role',
        default=role,
        metavar='R',
        help='role of the token that this command signs (default: %(default)s)',
    )
    add_keys(parser)
    add_state_dir(parser)


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to sign tokens: their keys, issuer and audience."""
    parser.add_argument(
        '--keys',
        default='',
        metavar='PATH',
        help='directory of keys, or file of a secret (default: OHT50_KEYS, else the secret in the '
        'state directory)',
    )
    parser.add_argument(
        '--issuer',
        default='',
        metavar='ISS',
        help='issuer (iss) of tokens (default: OHT50_TOKEN_ISSUER, else none)',
    )
    parser.add_argument(
        '--audience',
        default='',
        metavar='AUD',
        help='audience (aud) of tokens (default: OHT50_TOKEN_AUDIENCE, else none)',
    )


def port(text: str) -> int:
    """Return the TCP port that a text gives."""
    return _integer(text, 65535, minimum=1)


def domain(text: str) -> int:
    """Return the DDS domain that a text gives; above 232 its UDP ports would exceed 65535."""
    return _integer(text, 232)


def _integer(text: str, maximum: int, minimum: int = 0) -> int:
    if not text.isdecimal() or not minimum <= int(text) <= maximum:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from {minimum} to {maximum}')
    return int(text)


def duration(text: str) -> float:
    """Return the seconds that a text such as 900s, 15m or 0.5h gives."""
    match = re.fullmatch(r'(\d+(?:\.\d+)?)([smh]?)', text, re.ASCII)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f'{text!r} is not a duration such as 900s, 15m or 0.5h')
    seconds = float(match[1]) * SECONDS[match[2]]
    if seconds > LONGEST_DURATION:
        raise argparse.ArgumentTypeError(
            f'{shown(text, 20)} is longer than {LONGEST_DURATION / SECONDS["h"]:.0f}h'
        )
    return seconds


def moment(text: str) -> float:
    """Return a UTC time such as 2026-11-23T10:30:00Z in seconds since the Unix epoch."""
    try:
        when = datetime.fromisoformat(re.sub('[zZ]$', '+00:00', text))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a time such as 2026-11-23T10:30:00Z'
        ) from None
    return when.replace(tzinfo=when.tzinfo or timezone.utc).timestamp()
