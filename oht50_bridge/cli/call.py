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
"""Send one command to a vehicle and print its reply as JSON.

A field that is a text is sent as it is given. Any other value is sent as JSON if it is JSON, else
as a text. An emergency stop is sent whatever its fields are:

  oht50 call set_telemetry_rate rate=5
  oht50 call emergency_stop reason=drill
  oht50 call clear_estop estop_id=estop-0f3a5c7e9b1d
  oht50 call set_maintenance active=true
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Collection
from collections.abc import Sequence
from typing import TYPE_CHECKING

from oht50_bridge.cli.credentials import client_token
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_client
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.stop_request import NAME as EMERGENCY_STOP
from oht50_bridge.standard_streams import say
from oht50_bridge.text import TextError
from oht50_bridge.text import decoded_argument
from oht50_bridge.text import json_text
from oht50_bridge.text import shown

if TYPE_CHECKING:
    from oht50_bridge.client import Client

#: Fields by which the client finds the reply to its command.
CHOSEN_HERE = ('type', 'request_id')

REPLY_TIMEOUT = 5.0  # s; the bridge itself gives up after 2 s
STOP_RETRIED = 10.0  # s, for which an emergency stop is sent again until it is confirmed
#: The outcome of an emergency stop that nothing confirmed.
NOT_CONFIRMED = {
    'not_sent': 'the emergency stop could not be sent',
    'refused': 'the emergency stop was refused',
    'unknown': 'the emergency stop was sent, but not confirmed',
}
NOT_STOPPED = '. Nobody says that the vehicle stops: press the emergency stop button'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        'name', metavar='COMMAND', help='name of the command, such as emergency_stop'
    )
    parser.add_argument(
        'fields',
        nargs='*',
        metavar='FIELD=VALUE',
        help='field of the command, such as reason=drill',
    )
    parser.add_argument('--url', help='address of the vehicle (default: %(default)s)')
    add_client(parser, role='admin')


def run(arguments: argparse.Namespace) -> int:
    """Send the command; return 1 if the vehicle rejects it.

    Raises:
        CommandError: the bridge cannot be reached, or refused the command.

    """
    fields = fields_of(arguments.name, arguments.fields)
    try:
        reply = asyncio.run(send(arguments.url, client_token(arguments), arguments.name, fields))
    except KeyboardInterrupt:
        raise CommandError(
            f'interrupted before the emergency stop was confirmed{NOT_STOPPED}'
            if arguments.name == EMERGENCY_STOP
            else 'interrupted: no reply has come; it may have happened'
        ) from None
    print(json_text(reply, indent=2))
    return 0 if reply.get('accepted', True) else 1


def fields_of(command: str, texts: Sequence[str]) -> dict[str, object]:
    """Return the fields of a command.

    Args:
        command: its name.
        texts: of the form FIELD=VALUE. Of an emergency stop, others are reported and left out.

    Raises:
        CommandError: a text cannot be sent.

    """
    fields: dict[str, object] = {}
    for text in texts:
        try:
            name, value = parse_field(text, texts_of(command))
        except CommandError as error:
            if command != EMERGENCY_STOP:
                raise
            say(f'oht50 call: left out: {error}')
        else:
            fields[name] = value
    return fields


def texts_of(command: str) -> frozenset[str]:
    """Return the names of the fields of a command that are texts."""
    entry = COMMANDS.get(command)
    if entry is None:
        return frozenset()
    return frozenset(
        name
        for name, schema in entry.model.model_json_schema()['properties'].items()
        if {kind.get('type') for kind in schema.get('anyOf', [schema])} <= {'string', 'null'}
    )


def parse_field(text: str, texts: Collection[str] = ()) -> tuple[str, object]:
    """Return name and value of FIELD=VALUE.

    Args:
        text: of this form.
        texts: the fields whose value is a text and not JSON.

    Raises:
        CommandError: the text has another form, or is no valid Unicode.

    """
    try:
        name, equals, value = decoded_argument(text).partition('=')
    except TextError as error:
        raise CommandError(f'{shown(text)}: {error}') from error
    if not name or not equals:
        raise CommandError(f'{text!r} is not of the form FIELD=VALUE')
    if name in CHOSEN_HERE:
        raise CommandError(f'{name}: it is chosen by this command; leave it out')
    if name in texts:
        return name, value
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


async def send(url: str, token: str, name: str, fields: dict[str, object]) -> dict[str, object]:
    """Connect, send one command and return the data of its reply.

    An emergency stop is sent again until it is confirmed, at most for STOP_RETRIED: on another
    connection after 0.5 s, and then each second, as during a restart of the bridge.

    Raises:
        CommandError: the bridge cannot be reached, or refused the command; its text says whether
            the command may have happened.

    """
    from websockets.exceptions import WebSocketException

    from oht50_bridge.client import BridgeError
    from oht50_bridge.client import Client
    from oht50_bridge.client import ClientError
    from oht50_bridge.client import OutcomeUnknown

    try:
        # One command needs no events.
        vehicle = Client(url, token, subscriptions=(), resume=False)
        try:
            if name == EMERGENCY_STOP:
                return await stop(vehicle, fields)
            await vehicle.connect(attempts=1)
            return await vehicle.request(name, fields, REPLY_TIMEOUT)
        finally:
            await vehicle.close()
    except BridgeError as error:
        raise CommandError(f'{url}: {error}') from error
    except OutcomeUnknown as error:
        raise CommandError(f'{url}: {error}; it may have happened') from error
    except (ClientError, OSError, WebSocketException) as error:
        raise CommandError(f'{url}: {error}') from error


async def stop(vehicle: Client, fields: dict[str, object]) -> dict[str, object]:
    """Stop the vehicle and return the data of the reply that confirms it.

    Raises:
        CommandError: nothing confirmed it.
        BridgeError: the role may not stop the vehicle.

    """
    result = await vehicle.stop(fields=fields, timeout=STOP_RETRIED)
    if result.confirmed and result.reply is not None:
        return result.reply
    raise CommandError(
        f'{vehicle.url}: {NOT_CONFIRMED[result.outcome or "unknown"]} within '
        f'{result.after:.1f} s: {result.message}{NOT_STOPPED}'
    )
