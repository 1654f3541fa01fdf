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
"""Print an access token of this machine's vehicles; revoke tokens; make keys.

The token alone goes to standard output, so that it can be put into a variable:

  TOKEN=$(oht50 token --role viewer)
  oht50 token revoke --subject ann
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from oht50_bridge.cli.credentials import issue_pair
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_keys
from oht50_bridge.cli.options import add_state_dir
from oht50_bridge.cli.options import duration
from oht50_bridge.cli.options import moment
from oht50_bridge.gateway.auth.keys import ALGORITHMS
from oht50_bridge.gateway.auth.keys import KEYS
from oht50_bridge.gateway.auth.keys import make_key
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.revocations import Revocations
from oht50_bridge.gateway.auth.revocations import load_revocations
from oht50_bridge.gateway.auth.revocations import revocations_path
from oht50_bridge.gateway.auth.revocations import revoke
from oht50_bridge.protocol.base import timestamp_from_seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument('--role', metavar='R', help='viewer, operator, admin or system')
    parser.add_argument(
        '--subject', default='local', metavar='S', help='who the token is for (%(default)s)'
    )
    parser.add_argument(
        '--ttl',
        type=duration,
        default='15m',
        metavar='TIME',
        help='life such as 900s, 15m or 0.5h; at most 30m (%(default)s)',
    )
    parser.add_argument('--kid', help='the key that signs (the last by name that can)')
    parser.add_argument(
        '--pair', action='store_true', help='print the refresh token, too, as JSON'
    )
    add_keys(parser)
    add_state_dir(parser)
    actions = parser.add_subparsers(dest='action', metavar='ACTION')
    add = actions.add_parser(
        'revoke',
        help='take tokens no more',
        description='Take tokens no more; sessions that use them end within 2 s.',
    )
    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument(
        '--subject',
        dest='revoked_subject',
        metavar='S',
        help=(
            'every token of S that was issued before now, or before --until; the newest command '
            'about a subject holds'
        ),
    )
    which.add_argument(
        '--token-id',
        metavar='ID',
        help=(
            'the token of this id, or the family of this id with all that comes from it by '
            'refreshing; `oht50 audit show --what auth` has both'
        ),
    )
    end = add.add_mutually_exclusive_group()
    end.add_argument(
        '--until',
        type=moment,
        metavar='T',
        help=('also tokens that are issued up to this UTC time, such as 2026-11-23T10:30:00Z'),
    )
    end.add_argument(
        '--for',
        dest='span',
        type=duration,
        metavar='TIME',
        help=('also tokens that are issued for so long from now, such as 8h'),
    )
    shown = actions.add_parser(
        'list-revoked', help='show what is revoked', description='Show what is revoked.'
    )
    made = actions.add_parser(
        'keygen',
        help='make a key that signs',
        description=(
            'Make a key that signs in the directory of keys, and print its public key: that one '
            'goes into the directory of every vehicle, as <kid>.pem.'
        ),
    )
    made.add_argument('kid', metavar='KID', help='its name, such as 2026-11')
    made.add_argument('--algorithm', choices=ALGORITHMS, default='EdDSA', help='(%(default)s)')
    made.add_argument(
        '--keys', default=argparse.SUPPRESS, metavar='DIR', help='directory of keys (OHT50_KEYS)'
    )
    for action in (add, shown):
        # Without a default of its own, which would hide what stands before the action.
        action.add_argument(
            '--state-dir',
            type=Path,
            metavar='DIR',
            default=argparse.SUPPRESS,
            help='where the list is kept',
        )


def run(arguments: argparse.Namespace) -> int:
    """Print the token, or do what is asked for instead."""
    try:
        if arguments.action is not None:
            {'revoke': add_revocation, 'list-revoked': list_revoked, 'keygen': keygen}[
                arguments.action
            ](arguments)
            return 0
    except TokenFileError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f'{error.filename}: {error.strerror}; choose another directory, or run as the owner '
            'of this one'
        ) from error
    if arguments.role is None:
        raise CommandError('--role is missing: viewer, operator, admin or system')
    pair = issue_pair(arguments, arguments.role, arguments.subject, arguments.ttl, arguments.kid)
    if arguments.pair:
        print(json.dumps({'token': pair.access, 'refresh_token': pair.refresh}))
    else:
        print(pair.access)
    return 0


def add_revocation(arguments: argparse.Namespace) -> None:
    """Put a subject or an id on the list."""
    path = revocations_path(arguments.state_dir)
    until = arguments.until
    if arguments.span is not None:
        until = time.time() + arguments.span
    if arguments.token_id is not None:
        if until is not None:
            raise CommandError(
                'an id stays revoked for as long as its tokens live: leave out --until and --for'
            )
        revoke(path, token_id=arguments.token_id)
    else:
        revoke(path, subject=arguments.revoked_subject, issued_before=until)
    print(f'revoked in {path}; sessions that use it end within 2 s', file=sys.stderr)


def list_revoked(arguments: argparse.Namespace) -> None:
    """Print the list."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    path = revocations_path(arguments.state_dir)
    try:
        revocations = load_revocations(path)
    except FileNotFoundError:
        revocations = Revocations()
    table = Table(box=None, pad_edge=False)
    for column in ('what', 'which', 'refused'):
        table.add_column(column, overflow='fold')
    for subject, before in revocations.subjects.items():
        table.add_row('subject', Text(subject), f'issued before {timestamp_from_seconds(before)}')
    for token_id, until in revocations.tokens.items():
        table.add_row('id', Text(token_id), f'kept until {timestamp_from_seconds(until)}')
    Console().print(table)


def keygen(arguments: argparse.Namespace) -> None:
    """Make a key and print what is public of it."""
    directory = arguments.keys or os.environ.get(KEYS)
    if not directory:
        raise CommandError('--keys is missing: the directory that the key goes to')
    key = make_key(Path(directory), arguments.kid, arguments.algorithm)
    if key.private is not None:
        print(key.material.decode(), end='')
