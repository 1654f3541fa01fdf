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
"""Print an access token for the vehicles of this machine, revoke tokens, or create keys.

Only the token is written to standard output, so that it can be assigned to a variable:

  TOKEN=$(oht50 token --role viewer)
  oht50 token --role operator --pair --link     prints a link that signs a browser in
  oht50 token revoke --subject ann
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from oht50_bridge.cli.credentials import issue_pair
from oht50_bridge.cli.link import DEFAULT_BRIDGE
from oht50_bridge.cli.link import bridge_origin
from oht50_bridge.cli.link import link
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_keys
from oht50_bridge.cli.options import add_state_dir
from oht50_bridge.cli.options import duration
from oht50_bridge.cli.options import moment
from oht50_bridge.cli.screen import cell
from oht50_bridge.cli.screen import make_console
from oht50_bridge.cli.screen import make_table
from oht50_bridge.gateway.auth.keys import ALGORITHMS
from oht50_bridge.gateway.auth.keys import make_key
from oht50_bridge.gateway.auth.private_files import KEYS
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import revocations_path
from oht50_bridge.gateway.auth.revocations import Revocations
from oht50_bridge.gateway.auth.revocations import load_revocations
from oht50_bridge.gateway.auth.revocations import revoke
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.standard_streams import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        '--role', metavar='R', help='role of the token: viewer, operator, admin or system'
    )
    parser.add_argument(
        '--subject',
        default='local',
        metavar='S',
        help='subject of the token (default: %(default)s)',
    )
    parser.add_argument(
        '--ttl',
        type=duration,
        default='15m',
        metavar='TIME',
        help='life of the token, such as 900s, 15m or 0.5h; at most 30m (default: %(default)s)',
    )
    parser.add_argument(
        '--kid', help='id of the key that signs (default: the last by name that can sign)'
    )
    parser.add_argument(
        '--pair', action='store_true', help='print access and refresh token as JSON'
    )
    parser.add_argument(
        '--link',
        type=bridge_origin,
        nargs='?',
        const=DEFAULT_BRIDGE,
        metavar='URL',
        help='print a link that signs a browser in to the page of the bridge at URL (default: '
        '%(const)s); with --pair it stays signed in. Anybody who has the link has the role',
    )
    add_keys(parser)
    add_state_dir(parser)
    actions = parser.add_subparsers(dest='action', metavar='ACTION')
    add = actions.add_parser(
        'revoke',
        help='revoke tokens',
        description='Revoke tokens. Sessions that use them end within 2 s.',
    )
    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument(
        '--subject',
        dest='revoked_subject',
        metavar='S',
        help=(
            'revoke all tokens of the subject S that were issued until now, or until --until; a '
            'later command for the same subject replaces this one'
        ),
    )
    which.add_argument(
        '--token-id',
        metavar='ID',
        help=(
            'revoke the token of this id, or all tokens of the family of this id; '
            '`oht50 audit show --what auth` shows both ids'
        ),
    )
    end = add.add_mutually_exclusive_group()
    end.add_argument(
        '--until',
        type=moment,
        metavar='T',
        help='also revoke tokens issued until this UTC time, such as 2026-11-23T10:30:00Z',
    )
    end.add_argument(
        '--for',
        dest='span',
        type=duration,
        metavar='TIME',
        help='also revoke tokens issued within this time from now, such as 8h',
    )
    shown = actions.add_parser(
        'list-revoked', help='list revocations', description='List the revocations.'
    )
    made = actions.add_parser(
        'keygen',
        help='create a key that signs',
        description=(
            'Create a key that signs in the directory of keys, and print its public key. Copy '
            'the public key as <kid>.pem to the directory of keys of each vehicle.'
        ),
    )
    made.add_argument('kid', metavar='KID', help='id of the key, such as 2026-11')
    made.add_argument(
        '--algorithm',
        choices=ALGORITHMS,
        default='EdDSA',
        help='algorithm of the signature (default: %(default)s)',
    )
    made.add_argument(
        '--keys',
        default=argparse.SUPPRESS,
        metavar='DIR',
        help='directory of keys (default: OHT50_KEYS)',
    )
    for action in (add, shown):
        # Without a default of its own, which would override the option before the action.
        action.add_argument(
            '--state-dir',
            type=Path,
            metavar='DIR',
            default=argparse.SUPPRESS,
            help='directory of persistent state, which holds the list (default: as above)',
        )


def run(arguments: argparse.Namespace) -> int:
    """Print the token, or carry out the action.

    Raises:
        CommandError: an option is missing or wrong, or a file cannot be used.

    """
    try:
        if arguments.action is not None:
            {'revoke': add_revocation, 'list-revoked': list_revoked, 'keygen': keygen}[
                arguments.action
            ](arguments)
            return 0
    except TokenFileError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise  # of the output
        raise CommandError(
            f'{error.filename}: {error.strerror}; choose another directory, or run as the owner '
            'of this one'
        ) from error
    if arguments.role is None:
        raise CommandError('--role is missing: viewer, operator, admin or system')
    pair = issue_pair(arguments, arguments.role, arguments.subject, arguments.ttl, arguments.kid)
    if arguments.link:
        print(link(arguments.link, pair, refreshing=arguments.pair))
    elif arguments.pair:
        print(json.dumps({'token': pair.access, 'refresh_token': pair.refresh}))
    else:
        print(pair.access)
    return 0


def add_revocation(arguments: argparse.Namespace) -> None:
    """Revoke the tokens of a subject or an id."""
    path = revocations_path(arguments.state_dir)
    until = arguments.until
    if arguments.span is not None:
        until = time.time() + arguments.span
    if arguments.token_id is not None:
        if until is not None:
            raise CommandError(
                'an id is revoked until its tokens expire: leave out --until and --for'
            )
        revoke(path, token_id=arguments.token_id)
    else:
        revoke(path, subject=arguments.revoked_subject, issued_before=until)
    say(f'revoked in {path}; sessions that use the tokens end within 2 s')


def list_revoked(arguments: argparse.Namespace) -> None:
    """Print the revocations."""
    path = revocations_path(arguments.state_dir)
    try:
        revocations = load_revocations(path)
    except FileNotFoundError:
        revocations = Revocations()
    table = make_table('kind', 'revoked', 'refused tokens')
    for subject, before in revocations.subjects.items():
        table.add_row('subject', cell(subject), f'issued before {timestamp_from_seconds(before)}')
    for token_id, until in revocations.tokens.items():
        table.add_row('id', cell(token_id), f'kept until {timestamp_from_seconds(until)}')
    make_console().print(table)


def keygen(arguments: argparse.Namespace) -> None:
    """Create a key and print its public key."""
    directory = arguments.keys or os.environ.get(KEYS)
    if not directory:
        raise CommandError('--keys is missing: name the directory for the key')
    key = make_key(Path(directory), arguments.kid, arguments.algorithm)
    if key.private is not None:
        print(key.material.decode(), end='')
