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
"""A client of the tests that resumes after each loss of its connection, and keeps every event."""

from support import Connection
from support import wait_for
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import WebSocketException

from oht50_bridge.protocol.catalogue import EVENTS

PATIENCE = 60.0  # s
NUMBERED = frozenset(name for name, event in EVENTS.items() if not event.is_state)


class Resuming:
    """A client that resumes.

    Attributes:
        epoch: of the events that it knows.
        seq: the highest number that it knows.
        events: number, type, time and data of each numbered event, in order.
        overtaking: type, time and data of events without a number, which overtook others.
        results: whether each resumption was whole.

    """

    def __init__(self, vehicle, events=('module.*', 'system.*', 'safety.*', 'mission.*')):
        self._vehicle = vehicle
        self._patterns = list(events)
        self.epoch, self.seq = None, 0
        self.events = []
        self.overtaking = []
        self.results = []
        self._connection = None

    def connect(self):
        """Connect and resume; the bridge may have to be waited for."""
        self._connection = wait_for(self._attempt, PATIENCE, what='the bridge takes connections')
        connection = self._connection
        connection.send('auth', token=self._vehicle.token('operator'), resume=True)
        established = connection.wait('connection.established', PATIENCE)['data']
        connection.send('subscribe', events=self._patterns)
        if self.epoch is not None:
            connection.send('resume', epoch=self.epoch, after=self.seq)
            result = connection.wait('resume.result', PATIENCE)['data']
            self.results.append(result['recovered'])
            if not result['recovered']:
                # Something is missing: it goes on from where the bridge is now.
                self.seq = result['seq']
        self.epoch = established['epoch']
        # Until here what has no number is the last stop or clear, and no new event.
        self._keep(overtaking=False)

    def _attempt(self):
        try:
            return Connection(self._vehicle.url, None).__enter__()
        except (OSError, EOFError, WebSocketException):
            return None

    def wait(self, kind, timeout=20.0):
        """Wait for an event, and keep what comes until then."""
        try:
            self._connection.wait(kind, timeout)
        finally:
            self._keep()

    def read_to_the_end(self):
        """Keep all that arrives until the connection is lost."""
        try:
            while True:
                self._connection.receive(20.0)
        except (OSError, EOFError, ConnectionClosed):
            self._keep()

    def _keep(self, overtaking=True):
        """Keep each event that was received, once."""
        for message in self._connection.received:
            if message['type'] not in NUMBERED:
                continue
            event = (message['type'], message['timestamp'], str(message['data']))
            seq = message.get('seq')
            if seq is None:
                if overtaking:
                    self.overtaking.append(event)
            elif seq > self.seq:
                self.events.append((seq, *event))
                self.seq = seq
        self._connection.received.clear()

    def close(self):
        """Close the connection."""
        self._connection.__exit__(None, None, None)
