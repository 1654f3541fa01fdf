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
"""The state machine of one connection. No sockets: messages in, actions out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import Enum

from oht50_bridge.gateway.actions import Action
from oht50_bridge.gateway.actions import Authenticated
from oht50_bridge.gateway.actions import CloseConnection
from oht50_bridge.gateway.actions import ReplayEvents
from oht50_bridge.gateway.actions import RunCommand
from oht50_bridge.gateway.actions import SendError
from oht50_bridge.gateway.actions import SendMessage
from oht50_bridge.gateway.actions import SendPing
from oht50_bridge.gateway.actions import Subscribed
from oht50_bridge.gateway.actions import Unsubscribed
from oht50_bridge.gateway.auth.claims import LEEWAY
from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.claims import TokenPair
from oht50_bridge.gateway.auth.roles import Roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.clock import Clock
from oht50_bridge.gateway.command_limit import CommandLimit
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.protocol import codec
from oht50_bridge.protocol import commands
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import PROTOCOL_VERSION
from oht50_bridge.protocol.catalogue import name_of
from oht50_bridge.protocol.errors import CLOSE_IDLE
from oht50_bridge.protocol.errors import CLOSE_RATE_LIMIT
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.errors import ProtocolError
from oht50_bridge.protocol.patterns import expand
from oht50_bridge.protocol.rates import SLOWEST
from oht50_bridge.protocol.stop_request import NAME
from oht50_bridge.protocol.stop_request import read_stop


class SessionState(Enum):
    """State of a connection."""

    CONNECTING = 'connecting'
    AUTHENTICATING = 'authenticating'
    ACTIVE = 'active'
    CLOSED = 'closed'


_NEXT = {
    SessionState.CONNECTING: {SessionState.AUTHENTICATING, SessionState.CLOSED},
    SessionState.AUTHENTICATING: {SessionState.ACTIVE, SessionState.CLOSED},
    SessionState.ACTIVE: {SessionState.CLOSED},
    SessionState.CLOSED: set(),
}


class IllegalTransitionError(Exception):
    """A transition that does not exist: a defect of the caller."""


class Session:
    """One connection from its first byte to its end.

    The caller carries out the actions that a method returns, in order.

    Args:
        config: timeouts and limits.
        authority: verifies tokens.
        roles: what a role may do.
        epoch: name of this run of the server.
        clock: both clocks.
        full: called for a valid token; returns why no further session may begin, else None.
        charge: takes one command from the limit of the address; returns whether there was
            one.

    """

    def __init__(
        self,
        config: GatewayConfig,
        authority: TokenAuthority,
        roles: Roles,
        epoch: str,
        clock: Clock,
        *,
        full: Callable[[], str | None] = lambda: None,
        charge: Callable[[], bool] = lambda: True,
    ) -> None:
        self._config = config
        self._authority = authority
        self._roles = roles
        self._epoch = epoch
        self._clock = clock
        self._full = full
        self.state = SessionState.CONNECTING
        self.session_id = secrets.token_urlsafe(12)
        self.client_id = f'client-{secrets.token_hex(6)}'
        self.claims: Claims | None = None
        self.resumable = False
        self._readable: frozenset[str] = frozenset()
        #: Granted types and their requested rates, Hz; None: the limit.
        self.subscriptions: dict[str, float | None] = {}
        self._refresh_token: str | None = None
        self._refreshes = False  # instead of the client, which gave its refresh token with `auth`
        self._noticed = False
        self._limit = CommandLimit(config, charge)
        self._opened = self._heard = self._pinged = clock.steady()

    # Life

    def open(self) -> None:
        """Start: the WebSocket handshake is complete."""
        self._enter(SessionState.AUTHENTICATING)
        self._opened = self._heard = self._pinged = self._clock.steady()

    def close(self) -> None:
        """End: the connection closes or is lost. Repeating it has no effect."""
        if self.state is not SessionState.CLOSED:
            self._enter(SessionState.CLOSED)

    def _enter(self, state: SessionState) -> None:
        if state not in _NEXT[self.state]:
            raise IllegalTransitionError(f'{self.state.value} -> {state.value}')
        self.state = state
        if state is SessionState.CLOSED:
            self._readable = frozenset()

    def heard(self) -> None:
        """Note that a frame arrived, pongs included."""
        self._heard = self._clock.steady()

    def may_read(self, kind: str) -> bool:
        """Return whether an event type is subscribed and the present role may read it."""
        return kind in self._readable and kind in self.subscriptions

    def may_command(self, name: str) -> bool:
        """Return whether the present role may give a command to the vehicle."""
        return name in self._roles[self.role].commands

    @property
    def role(self) -> str:
        """Role of the present token; empty before there is one."""
        return self.claims.role if self.claims else ''

    @property
    def subject(self) -> str:
        """Subject of the present token; empty before there is one."""
        return self.claims.subject if self.claims else ''

    def rate_of(self, kind: str) -> float:
        """Return the granted rate of a type, Hz; 0: no limit."""
        limit, wanted = self._config.rate_of(kind), self.subscriptions.get(kind)
        if wanted is None or not EVENTS[kind].is_state:
            return limit
        wanted = max(wanted, SLOWEST)
        return wanted if limit == 0 else min(limit, wanted)

    # Time

    def _deadlines(self) -> tuple[float, float, float, float]:
        """Return the s until: time limit, next ping, expiry notice, expiry."""
        now = self._clock.steady()
        limit = self._heard + self._config.idle_timeout - now
        if self.state is SessionState.AUTHENTICATING:
            limit = min(limit, self._opened + self._config.auth_timeout - now)
        ping = self._pinged + self._config.ping_interval - now
        if self.claims is None:
            return limit, ping, float('inf'), float('inf')
        left = self.claims.expires_at - self._clock.wall()
        notice = float('inf') if self._noticed else left - self._config.expiry_notice
        return limit, ping, notice, left + LEEWAY

    def next_tick(self) -> float:
        """Return in how many s `tick` must be called; a revocation or a new date hastens it."""
        if self.claims is not None and self._authority.is_revoked(self.claims):
            return 0.0
        return max(0.0, min(self._deadlines()))

    def tick(self) -> list[Action]:
        """Return the actions that are due by time."""
        if self.state not in (SessionState.AUTHENTICATING, SessionState.ACTIVE):
            return []
        limit, ping, notice, expiry = self._deadlines()
        if limit <= 0 and self.state is SessionState.AUTHENTICATING:
            return self._fail(
                ErrorCode.AUTHENTICATION_FAILED,
                f'no valid auth within {self._config.auth_timeout:g} s',
            )
        if limit <= 0:
            self.close()
            reason = f'nothing received for {self._config.idle_timeout:g} s'
            return [CloseConnection(CLOSE_IDLE, reason)]
        if expiry <= 0:
            return self._fail(ErrorCode.AUTHENTICATION_FAILED, 'Invalid or expired token: expired')
        if self.claims is not None and self._authority.is_revoked(self.claims):
            return self._fail(ErrorCode.AUTHENTICATION_FAILED, 'Invalid or expired token: revoked')
        actions: list[Action] = []
        if ping <= 0:
            self._pinged = self._clock.steady()
            actions.append(SendPing())
        if notice <= 0:
            self._noticed = True
            actions += self._expiring()
        return actions

    def _expiring(self) -> list[Action]:
        if self._refresh_token is not None:
            token, self._refresh_token = self._refresh_token, None
            try:
                return self._extend(*self._authority.refresh(token), None)
            except TokenError:
                pass  # the client is informed in time to send its own token
        assert self.claims is not None
        return [
            SendMessage(
                replies.AuthExpiring(
                    timestamp=self._stamp(),
                    data=replies.AuthExpiringData(
                        expires_at=timestamp_from_seconds(self.claims.expires_at)
                    ),
                )
            )
        ]

    # Messages

    def receive(self, message: str | bytes) -> list[Action]:
        """Process a message of the client.

        Raises:
            IllegalTransitionError: the connection is not open.

        """
        if self.state not in (SessionState.AUTHENTICATING, SessionState.ACTIVE):
            raise IllegalTransitionError(f'message while {self.state.value}')
        self.heard()
        # First, and apart: only the sender and the type of a stop can be wrong.
        if actions := self.stop(message):
            return actions
        try:
            value = codec.parse(message)
        except ProtocolError as violation:
            if violation.error.close is None and not self._limit.allow(self._clock.steady()):
                return self._too_fast(violation.request_id)
            return self._fail(violation.error, violation.description, violation.request_id)
        name, request_id = value['type'], codec.request_id_of(value)
        if not self._limit.allow(self._clock.steady()):
            return self._too_fast(request_id)
        try:
            if self.state is SessionState.AUTHENTICATING and name != 'auth':
                raise ProtocolError(
                    ErrorCode.AUTHENTICATION_REQUIRED, 'send auth first', request_id
                )
            return self._execute(codec.command(value))
        except ProtocolError as violation:
            return self._fail(violation.error, violation.description, violation.request_id)

    def stop(self, message: str | bytes) -> list[Action]:
        """Return the emergency stop of a message; what else is decided of its sender is no matter.

        It counts for a session that was closed, unless its token is not valid any more.
        """
        claims = self.claims
        if claims is None or not self.may_command(NAME) or (stop := read_stop(message)) is None:
            return []
        if claims.expires_at + LEEWAY <= self._clock.wall() or self._authority.is_revoked(claims):
            return []
        return [RunCommand(stop.command, stop.ignored)]

    def _too_fast(self, request_id: str | None) -> list[Action]:
        close = CLOSE_RATE_LIMIT if self._limit.exhausted else None
        if close is not None:
            self.close()
        return [
            SendError(
                ErrorCode.RATE_LIMIT_EXCEEDED,
                f'Too many events per second: {self._config.commands_per_second:g} are allowed',
                request_id,
                close,
            )
        ]

    def _fail(
        self, error: ErrorCode, description: str, request_id: str | None = None
    ) -> list[Action]:
        if error.close is not None:
            self.close()
        return [SendError(error, description, request_id, error.close)]

    def _execute(self, command: commands.Command) -> list[Action]:
        match command:
            case commands.Auth():
                return self.authenticate(command)
            case commands.RefreshToken():
                return self._refresh(command)
            case commands.Ping(request_id=request_id):
                pong = replies.Pong(timestamp=self._stamp(), request_id=request_id)
                return [SendMessage(pong)]
            case commands.Subscribe():
                return self._subscribe(command.events, command.rate, command.request_id)
            case commands.Unsubscribe():
                return self._unsubscribe(command)
            case commands.Resume():
                self.resumable = True
                return [ReplayEvents(command)]
        name = name_of(type(command))
        if not self.may_command(name):
            raise ProtocolError(
                ErrorCode.PERMISSION_DENIED, f'role {self.role} may not {name}', command.request_id
            )
        return [RunCommand(command)]

    def authenticate(self, command: commands.Auth) -> list[Action]:
        """Process a token: the first makes the session active, a later one extends it."""
        answered = None
        try:
            claims = self._authority.verify(command.token)
            if command.refresh_token is not None:
                other, answered = self._authority.verify_refresh(command.refresh_token)
                if other.subject != claims.subject:
                    raise TokenError('token and refresh_token name different subjects')
            if self.claims is not None and self.claims.subject != claims.subject:
                raise TokenError('the session belongs to another subject')
        except TokenError as error:
            return self._fail(
                ErrorCode.AUTHENTICATION_FAILED,
                f'Invalid or expired token: {error}',
                command.request_id,
            )
        if self.state is SessionState.ACTIVE:
            # One that was kept is forgotten: it may have more rights than this token.
            self._refresh_token = command.refresh_token
            self._refreshes = command.refresh_token is not None
            actions = self._extend(claims, None, command.request_id)
        elif (reason := self._full()) is not None:
            self.claims = claims  # an emergency stop behind it counts
            return self._fail(ErrorCode.CONNECTION_LIMIT_REACHED, reason, command.request_id)
        else:
            self._enter(SessionState.ACTIVE)
            self._refresh_token = command.refresh_token
            self._refreshes = command.refresh_token is not None
            self.client_id = command.client_id or self.client_id
            self.claims, self._readable = claims, self._roles[claims.role].events
            actions = [
                Authenticated(claims, again=False),
                SendMessage(
                    replies.ConnectionEstablished(
                        timestamp=self._stamp(),
                        request_id=command.request_id,
                        data=replies.ConnectionEstablishedData(
                            client_id=self.client_id,
                            session_id=self.session_id,
                            role=claims.role,
                            expires_at=timestamp_from_seconds(claims.expires_at),
                            protocol_version=PROTOCOL_VERSION,
                            limits=self._config.limits,
                            server_version=self._config.server_version,
                            epoch=self._epoch,
                        ),
                    )
                ),
            ]
        if answered is not None:
            # The client did not receive what its refresh token was exchanged for.
            actions += self._extend(*answered, None)
        self.resumable = self.resumable or command.resume
        if command.subscription:
            actions += self._subscribe(command.subscription, None, None)
        return actions

    def _refresh(self, command: commands.RefreshToken) -> list[Action]:
        assert self.claims is not None
        try:
            if self._authority.is_revoked(self.claims):
                raise TokenError('revoked')
            claims, pair = self._authority.refresh(command.refresh_token, self.subject)
        except TokenError as error:
            return self._fail(
                ErrorCode.AUTHENTICATION_FAILED,
                f'Invalid or expired token: {error}',
                command.request_id,
            )
        return self._extend(claims, pair, command.request_id)

    def _extend(
        self, claims: Claims, pair: TokenPair | None, request_id: str | None
    ) -> list[Action]:
        self.claims, self._readable = claims, self._roles[claims.role].events
        self._noticed = False
        if pair is not None and self._refreshes:
            # A refresh token kept by the server is replaced by the new one.
            self._refresh_token = pair.refresh
        return [
            Authenticated(claims, again=True, repeated=pair is not None and pair.repeated),
            SendMessage(
                replies.AuthRefreshed(
                    timestamp=self._stamp(),
                    request_id=request_id,
                    data=replies.AuthRefreshedData(
                        role=claims.role,
                        expires_at=timestamp_from_seconds(claims.expires_at),
                        token=pair.access if pair else None,
                        refresh_token=pair.refresh if pair else None,
                    ),
                ),
                when_saved=pair is not None,
            ),
        ]

    def _subscribe(
        self, patterns: list[str], rate: float | None, request_id: str | None
    ) -> list[Action]:
        actions: list[Action] = []
        granted, denied, effective = [], [], []
        for pattern in dict.fromkeys(patterns):
            types = expand(pattern)
            allowed = [kind for kind in types if kind in self._readable]
            if not types:
                actions.append(_unknown(pattern, request_id))
            elif not allowed:
                denied.append(pattern)
            else:
                effective.append(pattern)
                granted += allowed
        granted = list(dict.fromkeys(granted))
        added = tuple(kind for kind in granted if kind not in self.subscriptions)
        self.subscriptions.update(dict.fromkeys(granted, rate))
        if effective or denied:
            actions += [
                SendMessage(
                    replies.SubscriptionConfirmed(
                        timestamp=self._stamp(),
                        request_id=request_id,
                        data=replies.SubscriptionConfirmedData(
                            events=effective,
                            denied=denied,
                            rates={kind: self.rate_of(kind) for kind in granted},
                        ),
                    )
                ),
                Subscribed(added, tuple(granted), tuple(denied)),
            ]
        return actions

    def _unsubscribe(self, command: commands.Unsubscribe) -> list[Action]:
        actions: list[Action] = []
        known, removed = [], []
        for pattern in dict.fromkeys(command.events):
            types = expand(pattern)
            if types:
                known.append(pattern)
                removed += [kind for kind in types if kind in self.subscriptions]
            else:
                actions.append(_unknown(pattern, command.request_id))
        for kind in dict.fromkeys(removed):
            del self.subscriptions[kind]
        if known:
            actions += [
                Unsubscribed(tuple(dict.fromkeys(removed))),
                SendMessage(
                    replies.SubscriptionRemoved(
                        timestamp=self._stamp(),
                        request_id=command.request_id,
                        data=replies.SubscriptionRemovedData(events=known),
                    )
                ),
            ]
        return actions

    def _stamp(self) -> str:
        return timestamp_from_seconds(self._clock.wall())


def _unknown(pattern: str, request_id: str | None) -> SendError:
    return SendError(
        ErrorCode.INVALID_EVENT_TYPE, f'Unknown event type: {pattern[:64]}', request_id
    )
