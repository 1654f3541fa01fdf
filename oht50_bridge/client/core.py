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
"""The state machine of a client. No sockets and no clock: messages and times in, actions out."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from oht50_bridge.client.actions import AskForToken
from oht50_bridge.client.actions import ClientAction
from oht50_bridge.client.actions import CloseLink
from oht50_bridge.client.actions import ErrorOccurred
from oht50_bridge.client.actions import OpenLink
from oht50_bridge.client.actions import StateChanged
from oht50_bridge.client.actions import TokenReason
from oht50_bridge.client.credentials import Credentials
from oht50_bridge.client.delays import Delays
from oht50_bridge.client.dialogue import Dialogue
from oht50_bridge.client.errors import BadFrameError
from oht50_bridge.client.errors import NotSent
from oht50_bridge.client.messages import parsed
from oht50_bridge.client.options import ClientOptions
from oht50_bridge.client.reports import LinkState
from oht50_bridge.client.reports import StateName
from oht50_bridge.client.reports import Tokens
from oht50_bridge.protocol.errors import ErrorCode

ANSWER_TIMEOUT = 12.0  # s for the reply to `auth`; the bridge delays that to a wrong token by 10 s
RETRY_PERIOD = 1.0  # s between attempts for which nothing is waited

CLOSE_NORMAL = 1000
CLOSE_ABNORMAL = 1006  # there was no close frame
CLOSE_BAD_FRAME = 4000  # a page may send no 1002
CLOSE_REFUSED = ErrorCode.AUTHENTICATION_FAILED.close

Actions = list[ClientAction]
#: States in which there is a connection, or one is being made.
ATTEMPT: tuple[StateName, ...] = ('connecting', 'authenticating', 'restoring', 'live')


class ClientCore:
    """A client from its first attempt to its end.

    The caller carries out the actions that a method returns, in order, and reports what comes of
    them with their generation or ticket. What belongs to an older one is ignored. All times are
    in seconds of one steady clock.

    Args:
        options: what the client does.
        tokens: those it starts with; None: they are asked for.
        has_source: whether tokens can be asked for.
        random: returns a number from 0 to 1.

    Attributes:
        state: that of the connection.
        dialogue: what is said on it.
        credentials: the tokens.

    """

    def __init__(
        self,
        options: ClientOptions,
        tokens: Tokens | None,
        has_source: bool,
        random: Callable[[], float],
    ) -> None:
        self._options = options
        self.credentials = Credentials(tokens, has_source, options.refresh)
        self._delays = Delays(options.backoff, random)
        self._out: Actions = []
        self.dialogue = Dialogue(options, self.credentials, self._out)
        self.state = LinkState('idle')
        self._generation = 0
        self._ticket = 0
        self._token_reason: TokenReason | None = None  # for which the next attempt needs one
        self._deadline = math.inf  # of the state: of an attempt, or of waiting
        self._ask_again_at = math.inf  # for a token, while live
        self._retried_at = -math.inf

    # What the user asks for

    def connect(self, now: float) -> Actions:
        """Connect, unless there is a connection or an attempt already."""
        if self.state.name in ('idle', 'closed', 'denied'):
            self._delays.failures = 0
            if self.state.name == 'denied' and self.credentials.has_source:
                self._token_reason = 'first'  # noqa: S105 - no token
            self._begin(now)
        return self._taken()

    def retry(self, now: float) -> Actions:
        """Try now instead of waiting, at most once a second."""
        if self.state.name == 'waiting' and now - self._retried_at >= RETRY_PERIOD:
            self._retried_at = now
            self._begin(now)
        return self._taken()

    def close(self) -> Actions:
        """End."""
        if self.state.name != 'closed':
            self._end(LinkState('closed'))
        return self._taken()

    def call(
        self, command: str, fields: Mapping[str, Any], timeout: float, now: float
    ) -> tuple[str, Actions]:
        """Send a command; return its id and what to do.

        Raises:
            NotSent: there is no connection, or the message is too large.
            TypeError, ValueError: a field cannot be sent as JSON.

        """
        if self.state.name != 'live':
            raise NotSent(f'{command} was not sent: the connection is {self.state.name}')
        return self.dialogue.call(command, fields, timeout, now), self._taken()

    def subscribe(
        self, patterns: Iterable[str], rate: float | None, timeout: float, now: float
    ) -> tuple[str | None, Actions]:
        """Subscribe; the id is None if that is a part of what makes the client live."""
        return self.dialogue.subscribe(patterns, rate, timeout, now), self._taken()

    def unsubscribe(
        self, patterns: Iterable[str], timeout: float, now: float
    ) -> tuple[str | None, Actions]:
        """Unsubscribe; the id is None if that is a part of what makes the client live."""
        return self.dialogue.unsubscribe(patterns, timeout, now), self._taken()

    # What happens

    def opened(self, generation: int, now: float) -> Actions:
        """Authenticate, subscribe and resume: the WebSocket is open."""
        if generation == self._generation and self.state.name == 'connecting':
            self._enter(LinkState('authenticating', attempt=self._delays.failures))
            self._deadline = now + ANSWER_TIMEOUT
            self.dialogue.begin(generation, now)
        return self._taken()

    def received(self, generation: int, frame: str | bytes, now: float) -> Actions:
        """Process a frame of the bridge."""
        if generation == self._generation and self.state.name in ATTEMPT:
            try:
                self.dialogue.receive(parsed(frame), now)
            except BadFrameError as error:
                self._out.append(ErrorOccurred(error))
                self._out.append(CloseLink(generation, CLOSE_BAD_FRAME, 'not a message'))
                self._lose(CLOSE_BAD_FRAME, str(error), now)
            else:
                self._progress(now)
        return self._taken()

    def lost(self, generation: int, code: int | None, reason: str, now: float) -> Actions:
        """Note the end of a connection, or that none could be made.

        Args:
            generation: that of the attempt.
            code: close code that was received; None: none was.
            reason: for people.
            now: time.

        """
        if generation == self._generation and self.state.name in ATTEMPT:
            refusal = self.dialogue.refusal
            self._lose(code, str(refusal) if refusal is not None else reason, now)
        return self._taken()

    def token_given(self, ticket: int, tokens: Tokens | None, now: float) -> Actions:
        """Use what the function that supplies tokens gave; None: it has none."""
        if ticket == self._ticket:
            self._ticket += 1
            if tokens is None:
                self._end(LinkState('denied', 'there is no token'))
            else:
                reason, self._token_reason = self._token_reason, None
                self.credentials.adopt(tokens, reason or 'expiring')
                if self.state.name == 'live':
                    self.dialogue.extend(now)
                else:
                    self._open(now)
        return self._taken()

    def token_failed(self, ticket: int, error: Exception, now: float) -> Actions:
        """Ask again later: the function that supplies tokens failed."""
        if ticket == self._ticket:
            self._ticket += 1
            self._out.append(ErrorOccurred(error))
            delay = self._delays.before_token()
            if self.state.name == 'live':
                self._ask_again_at = now + delay
            else:
                self._wait(delay, None, f'no token: {error}', now)
        return self._taken()

    def tick(self, now: float) -> Actions:
        """Do what is due."""
        is_lost = self.dialogue.tick(now)
        name = self.state.name
        if name == 'waiting' and now >= self._deadline:
            self._begin(now)
        elif is_lost or now >= self._deadline:
            self._out.append(CloseLink(self._generation, CLOSE_NORMAL))
            self._lose(None, 'the bridge does not answer', now)
        elif now >= self._ask_again_at:
            self._ask('expiring')
        return self._taken()

    def next_tick(self) -> float:
        """Return when `tick` must be called; infinite: never."""
        return min(self._deadline, self._ask_again_at, self.dialogue.next_tick())

    # States

    def _begin(self, now: float) -> None:
        """Begin an attempt, with the token that it needs."""
        self._generation += 1
        self._deadline = math.inf
        self._enter(LinkState('connecting', attempt=self._delays.failures))
        reason = self._token_reason or self.credentials.needed(now)
        if reason is None:
            self._open(now)
        elif self.credentials.has_source:
            self._ask(reason)
        else:
            self._end(LinkState('denied', 'there is no token'))

    def _open(self, now: float) -> None:
        self._deadline = now + self._options.connect_timeout
        self._out.append(OpenLink(self._generation))

    def _ask(self, reason: TokenReason) -> None:
        self._ask_again_at = math.inf
        self._token_reason = reason
        self._ticket += 1
        self._out.append(AskForToken(self._ticket, reason))

    def _progress(self, now: float) -> None:
        """Go on to the next state if a message was the last that this one waited for."""
        dialogue = self.dialogue
        if self.state.name == 'authenticating' and dialogue.established is not None:
            self._deadline = math.inf
            self._enter(LinkState('restoring', attempt=self._delays.failures))
        if self.state.name == 'restoring' and dialogue.is_live:
            self.credentials.live()
            self._delays.live(now)
            self._enter(LinkState('live', attempt=self._delays.failures))
        if self.state.name == 'live' and dialogue.is_expiring:
            dialogue.is_expiring = False
            if self.credentials.has_source:
                self._ask('expiring')
            else:
                dialogue.extend(now)

    def _lose(self, code: int | None, reason: str, now: float) -> None:
        """Try again later, or at once with another token."""
        self._stop_listening()
        self.dialogue.lost()
        self._delays.fail(now)
        self._enter(LinkState('lost', reason, code or CLOSE_ABNORMAL, self._delays.failures))
        if code != CLOSE_REFUSED:
            self._wait(self._delays.after(code), code, reason, now)
        elif not self.credentials.refused():
            self._end(LinkState('denied', reason, code))
        else:
            self._token_reason = 'refused'  # noqa: S105 - no token
            # A source whose tokens last only moments must not be asked without a pause.
            if self._delays.failures == 1:
                self._begin(now)
            else:
                self._wait(self._delays.after(code), code, reason, now)

    def _wait(self, delay: float, code: int | None, reason: str, now: float) -> None:
        self._stop_listening()
        self._deadline = now + delay
        code = code or CLOSE_ABNORMAL
        self._enter(LinkState('waiting', reason, code, self._delays.failures, delay))

    def _end(self, state: LinkState) -> None:
        if self.state.name in ATTEMPT:
            self._out.append(CloseLink(self._generation, CLOSE_NORMAL))
        self._stop_listening()
        self.dialogue.lost()
        self._token_reason = None
        self._enter(state)

    def _stop_listening(self) -> None:
        """Ignore what still comes of the present attempt."""
        self._generation += 1
        self._ticket += 1
        self._deadline = self._ask_again_at = math.inf

    def _enter(self, state: LinkState) -> None:
        self.state = state
        self._out.append(StateChanged(state))

    def _taken(self) -> Actions:
        actions = self._out[:]
        self._out.clear()
        return actions
