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
"""What client and bridge say to each other on a connection. No sockets and no clock."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from oht50_bridge.client.actions import Answered
from oht50_bridge.client.actions import ClientAction
from oht50_bridge.client.actions import ErrorOccurred
from oht50_bridge.client.actions import EventReceived
from oht50_bridge.client.actions import Failed
from oht50_bridge.client.actions import GapFound
from oht50_bridge.client.actions import RoleChanged
from oht50_bridge.client.actions import SendText
from oht50_bridge.client.actions import TokensIssued
from oht50_bridge.client.credentials import Credentials
from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.errors import LostAfterSendingError
from oht50_bridge.client.errors import NoReplyError
from oht50_bridge.client.errors import OutcomeUnknown
from oht50_bridge.client.messages import check_event
from oht50_bridge.client.messages import encoded
from oht50_bridge.client.options import ClientOptions
from oht50_bridge.client.reports import Gap
from oht50_bridge.client.requests import Requests
from oht50_bridge.client.resumption import Resumption
from oht50_bridge.client.wanted import Wanted
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.errors import ErrorCode

#: Codes of the errors after which the bridge closes; why it does, says the error.
CLOSING = {error.code for error in ErrorCode if error.close is not None}


class Dialogue:
    """The messages of one connection after another; what must outlive a connection is kept.

    Args:
        options: what the client does.
        credentials: its tokens.
        out: takes the actions.

    """

    def __init__(
        self, options: ClientOptions, credentials: Credentials, out: list[ClientAction]
    ) -> None:
        self._options = options
        self._credentials = credentials
        self._out = out
        self._generation = 0
        self._requests = Requests()
        self._resumption = Resumption()
        self._wanted = Wanted(options.subscriptions)
        self._restoring: set[str] = set()  # requests that must be answered first
        self._resume_id = ''
        self._rates: dict[str, float | None] = {}  # of subscriptions that are not confirmed yet
        self._gap_since: str | None = None
        self._until = ''
        self._has_begun = False  # on this connection
        self._has_reported = False  # a gap, on this connection
        self._last_stamp = ''
        self._heard = 0.0
        self._probed_at: float | None = None
        self.role = ''
        self.established: dict[str, Any] | None = None
        self.is_live = False
        self.is_expiring = False
        self.refusal: BridgeError | None = None

    def begin(self, generation: int, now: float) -> None:
        """Authenticate, subscribe and resume in one go, on a connection just opened."""
        self._generation = generation
        self._has_begun = True
        self._heard, self._probed_at = now, None
        self.refusal = None
        auth: dict[str, Any] = {'type': 'auth', **self._credentials.auth()}
        if self._options.client_id is not None:
            auth['client_id'] = self._options.client_id
        if self._options.resume:
            auth['resume'] = True
        self._send(auth)
        # Without a number yet, it is asked for before an event can come.
        is_first = self._resumption.is_first
        if is_first:
            self._resume(now)
        self._restore(now)
        if not is_first:
            self._resume(now)

    # What the user asks for

    def call(self, command: str, fields: Mapping[str, Any], timeout: float, now: float) -> str:
        """Send a command and return its id.

        Raises:
            NotSent: the message is too large.
            TypeError, ValueError: a field cannot be sent as JSON.

        """
        return self._request(command, fields, timeout, now)

    def subscribe(
        self, patterns: Iterable[str], rate: float | None, timeout: float, now: float
    ) -> str | None:
        """Subscribe; return the id, or None if it is a part of what makes the client live."""
        events = list(patterns)
        fields = {'events': events} if rate is None else {'events': events, 'rate': rate}
        if not self.is_live:
            self._wanted.add(events, rate)
            if self._has_begun:  # those of this connection were sent before
                self._own('subscribe', fields, now)
            return None
        request_id = self._request('subscribe', fields, timeout, now)
        self._rates[request_id] = rate
        return request_id

    def unsubscribe(self, patterns: Iterable[str], timeout: float, now: float) -> str | None:
        """Unsubscribe; return the id, or None if it is a part of what makes the client live."""
        events = list(patterns)
        if not self.is_live:
            self._wanted.remove(events)
            if self._has_begun:
                self._own('unsubscribe', {'events': events}, now)
            return None
        return self._request('unsubscribe', {'events': events}, timeout, now)

    def abort(self, request_id: str) -> None:
        """Ignore the reply to a request."""
        self._requests.take(request_id)

    def extend(self, now: float) -> None:
        """Extend the session with a token that is there; without any it runs out."""
        self.is_expiring = False
        command = self._credentials.extension()
        if command is not None:
            name = command.pop('type')
            self._request(name, command, self._options.command_timeout, now, is_own=True)

    # What happens

    def receive(self, message: Mapping[str, Any], now: float) -> None:
        """Process a message of the bridge.

        Raises:
            BadFrameError: it lacks what its type has.

        """
        self._heard, self._probed_at = now, None
        kind = message['type']
        given = message.get('request_id')
        request_id = given if isinstance(given, str) else ''
        if isinstance(message.get('timestamp'), str):
            self._last_stamp = message['timestamp']
        if kind == 'error':
            self._error(message)
        elif kind == 'connection.established':
            self._establish(message, now)
        elif kind == 'auth.expiring':
            self.is_expiring = self._options.refresh == 'client'
        elif kind == 'auth.refreshed':
            self._refreshed(message, now)
        elif kind == 'resume.result' and request_id == self._resume_id:
            self._resumed(message.get('data', {}))
        elif kind == 'subscription.confirmed' and request_id in self._rates:
            data = message.get('data', {})
            patterns = [*data.get('events', []), *data.get('denied', [])]
            self._wanted.add(patterns, self._rates.pop(request_id))
        elif kind == 'subscription.removed':
            self._wanted.remove(message.get('data', {}).get('events', []))
        request = self._requests.take(request_id)
        if request is not None and kind != 'error':
            if not request.is_own:
                self._out.append(Answered(request_id, dict(message.get('data', {}))))
        elif kind in EVENTS:
            check_event(message)
            if self._resumption.is_new(message):
                self._out.append(EventReceived(dict(message)))
        self._restored(request_id)

    def tick(self, now: float) -> bool:
        """Do what is due; return whether the bridge counts as lost."""
        for request_id, request in self._requests.due(now):
            text = f'no reply to {request.command} within {request.timeout:g} s'
            self._fail(request_id, request.is_own, NoReplyError(text))
        if self.established is None:
            return False
        if self._probed_at is not None:
            return now >= self._probed_at + self._options.pong_timeout
        if now >= self._heard + self._options.probe_after:
            self.probe(now)
        return False

    def probe(self, now: float) -> None:
        """Ask for a `pong`."""
        self._probed_at = now
        timeout = self._options.pong_timeout + self._options.command_timeout
        self._request('ping', {}, timeout, now, is_own=True)

    def next_tick(self) -> float:
        """Return when `tick` must be called; infinite: never."""
        times = [math.inf, *filter(None, [self._requests.next_deadline()])]
        if self.established is not None:
            if self._probed_at is None:
                times.append(self._heard + self._options.probe_after)
            else:
                times.append(self._probed_at + self._options.pong_timeout)
        return min(times)

    def lost(self) -> None:
        """Note that the connection is lost: nobody knows what became of the commands."""
        if self.is_live:
            self._gap_since = self._last_stamp
        elif self._has_reported:
            self._gap_since = self._until  # until there it was reported
        self._has_begun = self._has_reported = False
        self.established, self.is_live, self.is_expiring = None, False, False
        self._restoring.clear()
        self._rates.clear()
        for request_id, request in self._requests.clear():
            text = f'the connection was lost before the reply to {request.command}'
            if not request.is_own:
                self._out.append(Failed(request_id, LostAfterSendingError(text)))

    # Messages of the bridge

    def _establish(self, message: Mapping[str, Any], now: float) -> None:
        data = dict(message.get('data', {}))
        self.established = data
        self._until = message.get('timestamp', '')
        self._credentials.lasts(message, now)
        is_same = self._resumption.established(data.get('epoch', ''))
        if not (is_same and self._options.resume):
            self._report_gap()
        self._set_role(data.get('role', ''), now)

    def _refreshed(self, message: Mapping[str, Any], now: float) -> None:
        data = message.get('data', {})
        tokens = self._credentials.renewed(data)
        self._credentials.lasts(message, now)
        if tokens is not None:
            self._out.append(TokensIssued(tokens))
        self._set_role(data.get('role', self.role), now)

    def _set_role(self, role: str, now: float) -> None:
        if role == self.role:
            return
        self.role = role
        self._out.append(RoleChanged(role))
        if self.is_live:
            self._restore(now)  # patterns are expanded, by role, when they are subscribed to

    def _resumed(self, data: Mapping[str, Any]) -> None:
        if not data.get('recovered'):
            self._report_gap()
        self._resumption.result(data.get('epoch', ''), data.get('seq', 0))

    def _report_gap(self) -> None:
        since, self._gap_since = self._gap_since, None
        if since is not None:
            self._has_reported = True
            self._out.append(GapFound(Gap(since, self._until)))

    def _restored(self, request_id: str) -> None:
        self._restoring.discard(request_id)
        if self.established is not None and not self._restoring and not self.is_live:
            self.is_live = True
            self._gap_since = None

    def _error(self, message: Mapping[str, Any]) -> None:
        try:
            error = BridgeError(message)
        except KeyError:
            return  # no error that this protocol knows
        request_id = message.get('request_id')
        request = self._requests.take(request_id)
        if request is not None:
            assert request_id is not None
            self._fail(request_id, request.is_own, error)
        elif error.code not in CLOSING:
            self._out.append(ErrorOccurred(error))
        if error.code in CLOSING:
            self.refusal = error

    def _fail(self, request_id: str, is_own: bool, error: BridgeError | OutcomeUnknown) -> None:
        if not is_own:
            self._out.append(Failed(request_id, error))
        elif not (isinstance(error, BridgeError) and error.code in CLOSING):
            self._out.append(ErrorOccurred(error))

    # Messages to the bridge

    def _resume(self, now: float) -> None:
        if self._options.resume:
            fields = self._resumption.fields()
            self._resume_id = self._own('resume', fields, now)

    def _restore(self, now: float) -> None:
        for fields in self._wanted.commands():
            self._own('subscribe', fields, now)

    def _own(self, command: str, fields: Mapping[str, Any], now: float) -> str:
        # Silence is noticed by probing; a long replay is none.
        request_id = self._request(command, fields, math.inf, now, is_own=True)
        if not self.is_live:
            self._restoring.add(request_id)
        return request_id

    def _request(
        self,
        command: str,
        fields: Mapping[str, Any],
        timeout: float,
        now: float,
        is_own: bool = False,
    ) -> str:
        request_id = self._requests.add(command, timeout, now, is_own)
        try:
            self._send({'type': command, 'request_id': request_id, **fields})
        except Exception:
            self._requests.take(request_id)
            raise
        return request_id

    def _send(self, message: Mapping[str, Any]) -> None:
        self._out.append(SendText(self._generation, encoded(message)))
