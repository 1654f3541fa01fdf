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
"""A bridge without a vehicle behind it: the test decides what is reported, and when."""

import asyncio
import contextlib
import threading
from datetime import datetime
from datetime import timezone

from gateway.serving import SECRET
from gateway.serving import Serving
from support import ROOT

from oht50_bridge.cli.link import link
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.paths import page_dir
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.examples import EXAMPLES

CALM = {'latched': False, 'stops': [], 'reset_hindrances': []}
HINDRANCES = ('forward_hindrance', 'backward_hindrance', 'motor_hindrance')
#: What is reported each second, and at `rate` the telemetry.
START = {
    'telemetry.realtime': {'velocity': {'linear': 0.0, 'angular': 0.0}},
    'system.status': {},
    'telemetry.status': {},
    'safety.state': {**CALM, **dict.fromkeys(HINDRANCES, '')},
    'mission.state': {
        'phase': 'none',
        'mission_id': None,
        'mission_type': None,
        'target_position': {'x': None, 'y': None, 'z': None},
        'reason': '',
        'ended': None,
    },
    'system.alarms': {'alarms': [], 'more_alarms': 0},
}
#: One stop is latched.
STOPPED = {
    'latched': True,
    'stops': [
        {
            'estop_id': 'estop-1',
            'trigger_type': 'remote',
            'reason': 'drill',
            'source': 'ann',
            'time': '2026-11-23T10:30:00Z',
        }
    ],
}
VEHICLE = {
    'name': 'stage',
    'mode': 'simulation',
    'rail_length': 50_000.0,
    'vehicle_length': 600.0,
    'stations': [{'name': 'station-a', 'x': 5000.0, 'dock': False}],
    'hoist': False,
}


def stamp(ahead=0.0):
    """Return the time, `ahead` s from now, as it stands in an event."""
    time = datetime.fromtimestamp(datetime.now(timezone.utc).timestamp() + ahead, timezone.utc)
    return time.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def alarm(number, severity='P2', source='dock', **more):
    """Return an alarm as the vehicle lists it."""
    return {
        'alarm_id': f'alarm-{number}',
        'code': f'SYS-{number:03}',
        'name': f'Alarm {number}',
        'severity': severity,
        'description': '',
        'source': source,
        'since': stamp(),
        'gone': None,
        'count': 1,
        'acknowledged_by': None,
        'acknowledged_at': None,
        **more,
    }


def made(kind, **data):
    """Return an event of now."""
    example = EXAMPLES[kind]
    values = {**example, 'timestamp': stamp(), 'data': {**example['data'], **data}}
    return EVENTS[kind].model.model_validate(values)


class Stage:
    """A gateway with the page, in a thread.

    Attributes:
        facts: data of the state events that it reports, by type.
        rate: of the telemetry, Hz; 0: nothing is reported by itself.
        commands: types of the commands that the vehicle was given.
        answers: what it answers, by the type of the command: a CommandOutcome.

    """

    def __init__(self, authority=None, rate=10.0, roles=None, **settings):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.authority = authority or TokenAuthority([Key('HS256', SECRET)])
        self._settings = {'page': page_dir(), **settings}
        self._roles = roles or load_roles(ROOT / 'config' / 'roles.yaml')
        self.facts = {kind: dict(data) for kind, data in START.items()}
        self.rate, self.commands, self.answers = rate, [], {}
        self._server, self._beat = None, None
        self.port, self._modules = 0, []
        self.start()

    @property
    def origin(self):
        """The address of the page."""
        return f'http://127.0.0.1:{self.port}'

    def link(self, role='operator', origin=None, subject='ann', refreshing=True):
        """Return a link that signs a browser in."""
        pair = self.authority.issue(subject, role)
        return link(origin or self.origin, pair, refreshing=refreshing)

    def run(self, coroutine):
        """Return what a coroutine gives in the thread of the bridge."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def start(self):
        """Serve; on the port of before, if there was one."""

        async def act():
            self._server = Serving(
                authority=self.authority,
                roles=self._roles,
                handler=self._handle,
                port=self.port,
                **self._settings,
            )
            await self._server.__aenter__()
            self._beat = asyncio.ensure_future(self._report())

        self.run(act())
        self.port = self._server.gateway.port

    def stop(self):
        """End all connections, and listen no more."""

        async def act():
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)
            with contextlib.suppress(OSError):
                await self._server.__aexit__()

        self.run(act())

    def close(self):
        """End it."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def publish(self, kind, **data):
        """Report something now; of the state class it also is what is reported from now on."""
        if kind in self.facts:
            self.facts[kind].update(data)
            data = self.facts[kind]
        self._loop.call_soon_threadsafe(lambda: self._server.gateway.publish(made(kind, **data)))

    def show_modules(self, modules):
        """List boards, each of which has just answered."""
        self._modules = modules

    def count(self, command):
        """Return how often the vehicle was given a command."""
        return self.commands.count(command)

    @property
    def clients(self):
        """How many clients are authenticated."""
        return self._server.gateway.stats().clients

    async def _report(self):
        number = 0
        while True:
            await asyncio.sleep(min(1.0, 1 / self.rate) if self.rate else 0.05)
            if not self.rate:
                continue
            number += 1
            each_second = number % max(1, round(self.rate)) == 0
            for kind, data in self.facts.items():
                if kind == 'telemetry.realtime':
                    due = self.rate >= 1 or number % round(1 / self.rate) == 0
                else:
                    due = number == 1 if kind == 'system.alarms' else each_second
                if due:
                    self._server.gateway.publish(made(kind, **data))

    async def _handle(self, command, caller):
        self.commands.append(command.type)
        if command.type in self.answers:
            return self.answers[command.type]
        data = {}
        if command.type == 'get_vehicle':
            data = {**VEHICLE, 'may': self._roles[caller.role].may}
        elif command.type == 'get_config':
            data = {'config': {'speed_limit': 0.5}, 'version': '1.0.0'}
        elif command.type == 'list_modules':
            data = {'modules': [{**each, 'last_seen': stamp()} for each in self._modules]}
        elif command.type == 'emergency_stop':
            data = {'estop_id': f'estop-{self.count("emergency_stop")}'}
            self._server.gateway.publish(made('safety.estop', trigger_type='remote', **data))
        return CommandOutcome(True, 'done', data)
