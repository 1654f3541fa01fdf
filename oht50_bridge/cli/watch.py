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
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import cast

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

    from oht50_bridge.client import Client
    from oht50_bridge.client import Gap

EVENTS_SHOWN = 8
REFRESH_PERIOD = 0.1  # s, of the screen
#: Types whose newest value is shown, and the age from which on it is stale, s.
LIMITS = {'telemetry.realtime': 1.0, 'telemetry.status': 3.0, 'system.status': 3.0}
QUEUE = 10_000  # events that wait while the screen is drawn; as many may be sent again at once
DENIED_RETRY = 5.0  # s, until a token is tried again after it was refused
#: What has no age: it is sent when it changes.
REASONS = ('system.alarms', 'mission.state', 'safety.state')


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
    with Live(console=make_console(), get_renderable=view.render, auto_refresh=False) as live:
        asyncio.run(show(live.refresh, follow(arguments, view, again=True)))
    return 0


async def show(refresh: Callable[[], None], following: Coroutine[Any, Any, None]) -> None:
    """Draw the screen while something follows the vehicle.

    It is drawn by the event loop: a thread of its own would read what is being changed, and when
    it failed the last values would stay on the screen as if they were those of now.

    Args:
        refresh: draws the screen; what it raises ends both.
        following: changes what is drawn.

    """
    task = asyncio.create_task(following)
    try:
        while not task.done():
            with suppress(OSError):  # a terminal that is gone for now
                refresh()
            await asyncio.wait([task], timeout=REFRESH_PERIOD)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Output(Protocol):
    """What shows events and the state of the connection."""

    def put(self, event: dict[str, Any]) -> None:
        """Show an event."""

    def gap(self, gap: Gap) -> None:
        """Show that events may be missing."""

    def connection(self, state: str, again_in: float | None = None) -> None:
        """Show the state of the connection, and in how many s another attempt is made."""


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

    def gap(self, gap: Gap) -> None:
        """Write that events may be missing."""
        say(shown(f'{self._url}: {missing(gap)}'))

    def connection(self, state: str, again_in: float | None = None) -> None:
        """Write the state of the connection."""
        say(shown(f'{self._url}: {state}'))


class View:
    """The content of the screen: the newest values with their age, and the last events.

    Args:
        url: address of the vehicle.
        clock: steady clock, s.

    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self.state = 'connecting'
        self._clock = clock
        self._again_at: float | None = None
        self._values: dict[str, dict[str, Any]] = {}
        self._arrived: dict[str, float] = {}
        self._events: deque[tuple[str, str, str]] = deque(maxlen=EVENTS_SHOWN)
        self._received = 0
        self._gaps = 0

    def put(self, event: dict[str, Any]) -> None:
        """Add an event."""
        self._received += 1
        if event['type'] in LIMITS or event['type'] in REASONS:
            self._values[event['type']] = event
            self._arrived[event['type']] = self._clock()
        elif event['type'] != 'error':
            self._events.append((event['timestamp'], event['type'], text_of(event['data'])))

    def gap(self, gap: Gap) -> None:
        """Show that events may be missing."""
        self._gaps += 1
        self._events.append((gap.until, 'gap', missing(gap)))

    def connection(self, state: str, again_in: float | None = None) -> None:
        """Show the state of the connection."""
        self.state = state
        self._again_at = None if again_in is None else self._clock() + again_in

    def render(self) -> RenderableType:
        """Return the present content."""
        from rich.console import Group
        from rich.table import Table

        values = Table()
        values.add_column('quantity')
        values.add_column('value', justify='right', min_width=12)
        values.add_column('unit')
        values.add_column('age', justify='right', min_width=8)
        for quantity, value, unit, kind in self._rows():
            age, is_stale = self._age(kind)
            style = 'dim' if is_stale else ''
            values.add_row(quantity, cell(text_of(value), style), unit, cell(age, style))
        events = Table()
        for column in ('time', 'event', 'data'):
            events.add_column(column, overflow='fold')
        for row in self._events:
            events.add_row(*map(cell, row))
        return Group(cell(f'OHT-50  {self.url}'), cell(self._connection()), values, events)

    def _connection(self) -> str:
        if self._again_at is None:
            return self.state
        left = max(0.0, self._again_at - self._clock())
        return f'{self.state}; trying again in {left:.0f} s'

    def _age(self, kind: str) -> tuple[str, bool]:
        """Return the age of the value of a type, and whether it is stale; it has its word."""
        if not kind:
            return '', False
        if kind not in self._arrived:
            return 'no data', True
        age = self._clock() - self._arrived[kind]
        is_stale = age > LIMITS[kind]
        return f'{age:.1f} s{" old" if is_stale else ""}', is_stale

    def _rows(self) -> Iterator[tuple[str, Any, str, str]]:
        telemetry = self._values.get('telemetry.realtime', {}).get('data', {})
        system = self._values.get('system.status', {}).get('data', {})
        stream = self._values.get('telemetry.status', {}).get('data', {})

        def part(name: str, key: str) -> Any:
            return telemetry.get(name, {}).get(key)

        yield 'status', system.get('status'), '', 'system.status'
        yield 'state', system.get('state'), '', 'system.status'
        yield from self._reasons()
        for axis in 'xyz':
            yield f'position {axis}', part('position', axis), 'mm', 'telemetry.realtime'
        yield 'velocity', part('velocity', 'linear'), 'm/s', 'telemetry.realtime'
        yield 'acceleration', part('acceleration', 'linear'), 'm/s²', 'telemetry.realtime'
        for angle in ('roll', 'pitch', 'yaw'):
            yield angle, part('orientation', angle), 'rad', 'telemetry.realtime'
        yield 'battery', part('sensors', 'battery'), '%', 'telemetry.realtime'
        yield 'temperature', part('sensors', 'temperature'), '°C', 'telemetry.realtime'
        yield 'telemetry', stream.get('rate'), 'Hz', 'telemetry.status'
        yield 'clients', stream.get('connected_clients'), '', 'telemetry.status'
        yield 'uptime', system.get('uptime'), 's', 'system.status'
        yield 'events received', self._received, '', ''
        yield 'gaps', self._gaps, '', ''

    def _reasons(self) -> Iterator[tuple[str, Any, str, str]]:
        """Yield what the mission does, and why the vehicle does not move."""
        mission = self._values.get('mission.state', {}).get('data', {})
        safety = self._values.get('safety.state', {}).get('data', {})
        alarms = self._values.get('system.alarms', {}).get('data', {}).get('alarms', ())
        hindrances = [safety.get(f'{name}_hindrance') for name in ('forward', 'backward', 'motor')]
        yield 'mission', mission.get('phase'), '', ''
        yield 'mission waits', mission.get('reason') or None, '', ''
        yield 'no motion', '; '.join(dict.fromkeys(filter(None, hindrances))) or None, '', ''
        yield 'alarms', ', '.join(alarm['code'] for alarm in alarms) or None, '', ''


def missing(gap: Gap) -> str:
    """Return what a gap means."""
    return f'events may be missing since {gap.since}'


def text_of(value: Any) -> str:
    """Return the text of a value, a dash for an unknown one."""
    if value is None:
        return '-'
    if isinstance(value, dict):
        return ', '.join(f'{name} {text_of(inner)}' for name, inner in value.items())
    return f'{value:.3f}' if isinstance(value, float) else str(value)


async def follow(arguments: argparse.Namespace, output: Output, again: bool) -> None:
    """Connect and pass events, gaps and the state of the connection to the output.

    Args:
        arguments: the options of `add_client`.
        output: receives them.
        again: connect again after a lost connection; otherwise return.

    Raises:
        CommandError: no token can be signed.

    """
    from websockets.exceptions import InvalidURI

    from oht50_bridge.client import Client
    from oht50_bridge.client import Denied
    from oht50_bridge.client import LinkState

    client_token(arguments)
    try:
        vehicle = Client(
            arguments.url, get_token=lambda reason: client_token(arguments), queue=QUEUE
        )
    except InvalidURI as error:
        output.connection(f'not connected ({error})')
        return

    def report(state: LinkState) -> None:
        if state.name == 'live':
            output.connection('connected')
        elif not again and state.name == 'lost':
            output.connection(f'not connected ({state.reason})')
        elif again and state.name in ('waiting', 'denied'):
            delay = DENIED_RETRY if state.name == 'denied' else state.delay
            output.connection(f'not connected ({state.reason})', delay)

    vehicle.on('state', report)
    try:
        while True:
            with suppress(Denied):
                await pass_on(vehicle, output, again)
            if not again:
                return
            # Another token may be accepted after the bridge was started with other keys.
            await asyncio.sleep(DENIED_RETRY)
    finally:
        await vehicle.close()


async def pass_on(vehicle: Client, output: Output, again: bool) -> None:
    """Connect, and pass on events and gaps; without `again` until the connection is lost.

    Raises:
        Denied: the bridge refused the token.

    """
    from oht50_bridge.client import Gap
    from oht50_bridge.client import LinkState

    items = vehicle.events()

    def end(state: LinkState) -> None:
        if not again and state.name == 'lost':
            items.end()

    remove = vehicle.on('state', end)
    connecting = asyncio.create_task(vehicle.connect())
    try:
        async for item in items:
            if isinstance(item, Gap):
                output.gap(item)
            else:
                output.put(cast(dict[str, Any], item))
    finally:
        remove()
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
