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
"""Show the live state and events of a vehicle in the terminal until Ctrl-C.

For a vehicle of this machine the command signs a token; for another one, set OHT50_TOKEN.
Where the output is no terminal, or TERM is unset or "dumb", each event is a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

from oht50_bridge.cli.credentials import client_token
from oht50_bridge.cli.options import add_client
from oht50_bridge.cli.screen import cell
from oht50_bridge.cli.screen import has_screen
from oht50_bridge.cli.screen import make_console
from oht50_bridge.standard_streams import say
from oht50_bridge.text import json_text
from oht50_bridge.text import shown

if TYPE_CHECKING:
    from rich.console import RenderableType

EVENTS_SHOWN = 8
#: What is shown by its newest value; of the others the last ones are listed.
VALUES = (
    'telemetry.realtime',
    'telemetry.status',
    'system.status',
    'system.alarms',
    'mission.state',
    'safety.state',
)
FIRST_RETRY = 0.5  # s, until the first attempt to connect again
LAST_RETRY = 5.0  # s, between attempts after a while


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        'url', nargs='?', metavar='URL', help='address of the vehicle (default: %(default)s)'
    )
    add_client(parser, role='viewer')


def run(arguments: argparse.Namespace) -> int:
    """Show the vehicle until Ctrl-C, and connect again after a lost connection.

    Returns:
        1 when lines are written and the connection was lost, which ends the command.

    """
    if not has_screen():
        try:
            asyncio.run(follow(arguments, Lines(arguments.url), again=False))
        except OutputClosedError:
            return 0  # what is left of the line is dropped at the exit
        return 1
    from rich.live import Live

    view = View(arguments.url)
    with Live(console=make_console(), get_renderable=view.render, refresh_per_second=10):
        asyncio.run(follow(arguments, view, again=True))
    return 0


class Output(Protocol):
    """What shows events and the state of the connection."""

    def put(self, event: dict[str, Any]) -> None:
        """Show an event."""

    def connection(self, state: str) -> None:
        """Show the state of the connection."""


class OutputClosedError(Exception):
    """The output cannot be written, as behind a `| head` that has ended."""


class Lines:
    """Events as lines of JSON on the standard output, the connection on the standard error."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put(self, event: dict[str, Any]) -> None:
        """Write an event.

        Raises:
            OutputClosedError: the output cannot be written any more.

        """
        try:
            print(json_text(event), flush=True)
        except OSError:  # as those of the connection are
            raise OutputClosedError from None

    def connection(self, state: str) -> None:
        """Write the state of the connection."""
        say(shown(f'{self._url}: {state}'))


class View:
    """The content of the screen: the newest values and the last events."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.state = 'connecting'
        self._values: dict[str, dict[str, Any]] = {}
        self._events: deque[tuple[str, str, str]] = deque(maxlen=EVENTS_SHOWN)
        self._received = 0

    def put(self, event: dict[str, Any]) -> None:
        """Add an event."""
        self._received += 1
        if event['type'] in VALUES:
            self._values[event['type']] = event
        elif event['type'] != 'error':
            self._events.append((event['timestamp'], event['type'], text_of(event['data'])))

    def connection(self, state: str) -> None:
        """Show the state of the connection."""
        self.state = state

    def render(self) -> RenderableType:
        """Return the present content."""
        from rich.console import Group
        from rich.table import Table

        values = Table()
        values.add_column('quantity')
        values.add_column('value', justify='right', min_width=12)
        values.add_column('unit')
        for quantity, value, unit in self._rows():
            values.add_row(quantity, cell(text_of(value)), unit)
        events = Table()
        for column in ('time', 'event', 'data'):
            events.add_column(column)
        for row in self._events:
            events.add_row(*map(cell, row))
        return Group(cell(f'OHT-50  {self.url}  {self.state}'), values, events)

    def _rows(self) -> Iterator[tuple[str, Any, str]]:
        telemetry = self._values.get('telemetry.realtime', {}).get('data', {})
        system = self._values.get('system.status', {}).get('data', {})
        stream = self._values.get('telemetry.status', {}).get('data', {})

        def part(name: str, key: str) -> Any:
            return telemetry.get(name, {}).get(key)

        yield 'status', system.get('status'), ''
        yield 'state', system.get('state'), ''
        yield from self._reasons()
        for axis in 'xyz':
            yield f'position {axis}', part('position', axis), 'mm'
        yield 'velocity', part('velocity', 'linear'), 'm/s'
        yield 'acceleration', part('acceleration', 'linear'), 'm/s²'
        for angle in ('roll', 'pitch', 'yaw'):
            yield angle, part('orientation', angle), 'rad'
        yield 'battery', part('sensors', 'battery'), '%'
        yield 'temperature', part('sensors', 'temperature'), '°C'
        yield 'telemetry', stream.get('rate'), 'Hz'
        yield 'clients', stream.get('connected_clients'), ''
        yield 'uptime', system.get('uptime'), 's'
        yield 'events received', self._received, ''

    def _reasons(self) -> Iterator[tuple[str, Any, str]]:
        """Yield what the mission does, and why the vehicle does not move."""
        mission = self._values.get('mission.state', {}).get('data', {})
        safety = self._values.get('safety.state', {}).get('data', {})
        alarms = self._values.get('system.alarms', {}).get('data', {}).get('alarms', ())
        hindrances = [safety.get(f'{name}_hindrance') for name in ('forward', 'backward', 'motor')]
        yield 'mission', mission.get('phase'), ''
        yield 'mission waits', mission.get('reason') or None, ''
        yield 'no motion', '; '.join(dict.fromkeys(filter(None, hindrances))) or None, ''
        yield 'alarms', ', '.join(alarm['code'] for alarm in alarms) or None, ''


def text_of(value: Any) -> str:
    """Return the text of a value, a dash for an unknown one."""
    if value is None:
        return '-'
    if isinstance(value, dict):
        return ', '.join(f'{name} {text_of(inner)}' for name, inner in value.items())
    return f'{value:.3f}' if isinstance(value, float) else str(value)


async def follow(arguments: argparse.Namespace, output: Output, again: bool) -> None:
    """Connect and pass events to the output.

    Args:
        arguments: the options of `add_client`.
        output: receives the events and the state of the connection.
        again: connect again after a lost connection; otherwise return.

    """
    from websockets.exceptions import WebSocketException

    from oht50_bridge.client import BridgeError
    from oht50_bridge.client import Client

    retry = FIRST_RETRY
    while True:
        try:
            async with Client(arguments.url, client_token(arguments)) as vehicle:
                output.connection('connected')
                retry = FIRST_RETRY
                await vehicle.subscribe('*')
                async for event in vehicle.events():
                    output.put(event)
        except (BridgeError, OSError, WebSocketException) as error:
            output.connection(f'not connected ({error})' + ('; trying again' if again else ''))
        if not again:
            return
        await asyncio.sleep(retry)
        retry = min(LAST_RETRY, 2 * retry)
