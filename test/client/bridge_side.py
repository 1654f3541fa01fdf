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
"""The bridge's part of a conversation with the core of a client: texts, no sockets."""

import json

from oht50_bridge.client.actions import Answered
from oht50_bridge.client.actions import AskForToken
from oht50_bridge.client.actions import CloseLink
from oht50_bridge.client.actions import ErrorOccurred
from oht50_bridge.client.actions import EventReceived
from oht50_bridge.client.actions import Failed
from oht50_bridge.client.actions import GapFound
from oht50_bridge.client.actions import OpenLink
from oht50_bridge.client.actions import SendText
from oht50_bridge.client.actions import StateChanged
from oht50_bridge.client.core import ClientCore
from oht50_bridge.client.options import ClientOptions
from oht50_bridge.client.reports import Tokens

STAMP = '2026-11-23T10:30:00.000Z'
ENDS = '2026-11-23T10:45:00.000Z'


def stop_event(number, seq=None, stamp=STAMP):
    """An event of the event class."""
    event = {'type': 'safety.estop', 'timestamp': stamp, 'data': {'estop_id': f'e{number}'}}
    return event if seq is None else {**event, 'seq': seq}


class Core:
    """A core whose actions are kept by kind, and a bridge that answers what it is sent."""

    def __init__(self, tokens='t1', has_source=False, random=0.0, **options):
        given = Tokens(tokens) if isinstance(tokens, str) else tokens
        self.core = ClientCore(ClientOptions(**options), given, has_source, lambda: random)
        self.now = 100.0
        self.generation = 0
        self.actions = []

    def do(self, name, *arguments, timed=True):
        """Call a method with the time, and keep what comes of it."""
        method = getattr(self.core, name)
        result = method(*arguments, self.now) if timed else method(*arguments)
        request_id, actions = result if isinstance(result, tuple) else (None, result)
        self.actions += actions
        for action in actions:
            if isinstance(action, OpenLink):
                self.generation = action.generation
        return request_id

    def taken(self, kind):
        """Return and forget the actions of a kind."""
        found = [action for action in self.actions if isinstance(action, kind)]
        self.actions = [action for action in self.actions if not isinstance(action, kind)]
        return found

    @property
    def state(self):
        return self.core.state.name

    def states(self):
        return [action.state.name for action in self.taken(StateChanged)]

    def sent(self):
        """Return and forget the messages that were sent."""
        return [json.loads(action.text) for action in self.taken(SendText)]

    def events(self):
        return [action.event['data'].get('estop_id') for action in self.taken(EventReceived)]

    def receive(self, kind, request_id=None, **fields):
        message = {'type': kind, 'timestamp': STAMP, **fields}
        if request_id is not None:
            message['request_id'] = request_id
        self.do('received', self.generation, json.dumps(message))

    def give(self, event):
        self.do('received', self.generation, json.dumps(event))

    def fail(self, code, request_id=None, temporary=False):
        self.receive(
            'error',
            request_id,
            error_code=code,
            error_name='Name',
            description='why',
            temporary=temporary,
        )

    def establish(self, epoch='a', role='operator'):
        data = {'role': role, 'epoch': epoch, 'expires_at': ENDS}
        self.receive('connection.established', data=data)

    def answer(self, messages, epoch='a', seq=0, recovered=True):
        """Answer what belongs to a new connection."""
        for message in messages:
            if message['type'] == 'subscribe':
                data = {'events': message['events'], 'rates': {}, 'denied': []}
                self.receive('subscription.confirmed', message['request_id'], data=data)
            elif message['type'] == 'resume':
                data = {'recovered': recovered, 'replayed': 0, 'epoch': epoch, 'seq': seq}
                self.receive('resume.result', message['request_id'], data=data)

    def open(self):
        """Let the WebSocket open; return what is sent on it."""
        self.do('opened', self.generation)
        return self.sent()

    def go_live(self, epoch='a', seq=0, recovered=True, role='operator'):
        """Connect and answer everything; return what was sent."""
        if self.state in ('idle', 'closed', 'denied'):
            self.do('connect')
        elif self.state == 'waiting':
            self.pass_time(self.core.state.delay)
        sent = self.open()
        self.establish(epoch, role)
        self.answer(sent, epoch, seq, recovered)
        assert self.state == 'live'
        return sent

    def lose(self, code=None, reason='cut'):
        self.do('lost', self.generation, code, reason)

    def pass_time(self, seconds):
        """Let time pass, with each tick that is due on the way."""
        end = self.now + seconds
        while self.core.next_tick() <= end:
            self.now = max(self.now, self.core.next_tick())
            self.do('tick')
        self.now = end


KINDS = (
    Answered,
    AskForToken,
    CloseLink,
    ErrorOccurred,
    EventReceived,
    Failed,
    GapFound,
    SendText,
    StateChanged,
)
