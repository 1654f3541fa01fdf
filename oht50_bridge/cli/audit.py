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
"""Show the audit log of a vehicle, or check that its records are unchanged.

Typical uses:

  oht50 audit show --what command --since 1h
  oht50 audit show --follow --json
  oht50 audit verify
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_vehicle
from oht50_bridge.cli.options import duration
from oht50_bridge.cli.options import moment
from oht50_bridge.cli.screen import cell
from oht50_bridge.cli.screen import make_table
from oht50_bridge.gateway.audit import reader
from oht50_bridge.gateway.audit.chain import AUDIT_FILE
from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.standard_streams import say
from oht50_bridge.text import json_text
from oht50_bridge.text import shown

#: Fields with a column of their own, and those of the chain.
COLUMNS = ('time', 'what', 'client', 'subject', 'role', 'session', 'n', 'prev', 'hash')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    show = actions.add_parser('show', help='show records', description='Show records.')
    show.add_argument(
        '--what',
        metavar='W',
        action='append',
        help='only records of this kind, such as command; may be repeated',
    )
    show.add_argument('--client', metavar='C', help='only records of this client')
    show.add_argument('--subject', metavar='S', help='only records of this subject')
    show.add_argument(
        '--since',
        type=since,
        metavar='T',
        help='only records since this UTC time, such as 2026-11-23T10:30:00Z, or within this '
        'time until now, such as 90m',
    )
    show.add_argument(
        '--until', type=since, metavar='T', help='only records until this time, in the same forms'
    )
    show.add_argument(
        '--follow', action='store_true', help='continue with new records until Ctrl-C'
    )
    show.add_argument('--json', action='store_true', help='print the records as JSON, one a line')
    verify = actions.add_parser(
        'verify',
        help='check the chain',
        description='Check that no record was changed, removed or moved. If one was, the exit '
        'code is 1.',
    )
    verify.add_argument(
        '--expect',
        type=position,
        metavar='COUNT:HASH',
        help='position that an earlier check printed, which the log must still hold',
    )
    for action in (show, verify):
        action.add_argument(
            'file',
            nargs='?',
            type=Path,
            metavar='FILE',
            help='file of the log (default: that of the vehicle)',
        )
        add_vehicle(action)


def run(arguments: argparse.Namespace) -> int:
    """Show or verify; return 1 if the chain is broken.

    Raises:
        CommandError: the log cannot be read.

    """
    path = arguments.file or log_path(arguments)
    try:
        return {'show': show, 'verify': verify}[arguments.action](path, arguments)
    except OSError as error:
        if error.filename is None:
            raise  # of the output
        raise CommandError(
            f'{error.filename}: {error.strerror}; name the log, its --state-dir or its --domain'
        ) from error


def log_path(arguments: argparse.Namespace) -> Path:
    """Return the log of the vehicle that the options of `add_vehicle` select."""
    from oht50_bridge.bringup.plan import Plan

    return Plan(arguments.state_dir, arguments.domain, arguments.namespace).directory / AUDIT_FILE


def verify(path: Path, arguments: argparse.Namespace) -> int:
    """Print the problems, or the position of the last record."""
    report = reader.examine(path, arguments.expect)
    for problem in report.problems:
        print(shown(problem))
    if report.problems:
        return 1
    name = shown(str(path))
    print(f'{name}: intact, {report.end.records} records. Note this elsewhere, for --expect:')
    print(f'{report.end.records}:{report.end.hash}')
    return 0


def show(path: Path, arguments: argparse.Namespace) -> int:
    """Print the records that match the filters."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    chosen = (record for record in records(path, arguments.follow) if matches(record, arguments))
    if arguments.json:
        for record in chosen:
            print(json_text(record), flush=arguments.follow)
        return 0
    if arguments.follow:
        for record in chosen:
            console.print('  '.join(cells(record)), markup=False)
        return 0
    table = make_table('time', 'what', 'client', 'subject', 'details')
    for record in chosen:
        table.add_row(*map(cell, cells(record)))
    console.print(table, soft_wrap=False)
    return 0


def records(path: Path, follow: bool) -> Iterator[dict[str, Any]]:
    """Yield the records; name lines that are not records on standard error.

    Args:
        path: the log.
        follow: continue with new records, without end.

    """
    for line in reader.follow(path) if follow else reader.read(path):
        if line.record is None:
            say(shown(f'{line}: not a record'))
        else:
            yield line.record


def matches(record: dict[str, Any], arguments: argparse.Namespace) -> bool:
    """Return whether a record matches the filters."""
    return (
        (arguments.what is None or record['what'] in arguments.what)
        and (arguments.client is None or record.get('client') == arguments.client)
        and (arguments.subject is None or record.get('subject') == arguments.subject)
        and (arguments.since is None or record['time'] >= arguments.since)
        and (arguments.until is None or record['time'] <= arguments.until)
    )


def cells(record: dict[str, Any]) -> list[str]:
    """Return time, what, client, subject and details of a record, safe for a terminal."""
    who = record.get('subject') or ''
    if record.get('role'):
        who = f'{who} ({record["role"]})'
    details = ', '.join(
        f'{name}={json_text(value)}'
        for name, value in record.items()
        if name not in COLUMNS and value is not None
    )
    return [
        shown(str(text))
        for text in (record['time'], record['what'], record.get('client') or '', who, details)
    ]


def since(text: str) -> str:
    """Return the timestamp of a UTC time, or of a duration before now."""
    if re.fullmatch(r'[\d.]+[smh]', text):
        return timestamp_from_seconds(time.time() - duration(text))
    return timestamp_from_seconds(moment(text))


def position(text: str) -> LogPosition:
    """Return the position that COUNT:HASH gives."""
    match = re.fullmatch(r'(\d+):([0-9a-f]{64})', text)
    if not match:
        raise argparse.ArgumentTypeError(f'{text!r} is not of the form COUNT:HASH')
    return LogPosition(int(match[1]), match[2])
