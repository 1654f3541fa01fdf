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
"""The options of a client. All times in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Refresh = Literal['client', 'server', 'none']


@dataclass(frozen=True)
class BackoffLimits:
    """Delays between attempts to connect: `first`, then `factor` times more, up to `longest`.

    The close code determines the first one (docs/clients.md).
    """

    first: float = 1.0
    factor: float = 2.0
    longest: float = 30.0


@dataclass(frozen=True)
class Subscription:
    """Patterns to subscribe to; `rate` limits their state-class events, Hz."""

    events: tuple[str, ...] = ('*',)
    rate: float | None = 10.0


@dataclass(frozen=True)
class ClientOptions:
    """What a client does, apart from where it connects and with which token.

    Attributes:
        client_id: names the client in the audit log.
        refresh: who extends the session at `auth.expiring`: the client, the bridge, which is
            given the refresh token for it, or nobody.
        subscriptions: restored, with later changes, on each new connection.
        backoff: delays between attempts.
        connect_timeout: until the WebSocket is open.
        command_timeout: until the reply to a command.
        probe_after: silence after which the bridge is asked for a `pong`.
        pong_timeout: further silence after which the connection counts as lost.
        resume: have events that were missed sent again.
        queue: items that an iterator holds for its reader.

    """

    client_id: str | None = None
    refresh: Refresh = 'client'
    subscriptions: tuple[Subscription, ...] = (Subscription(),)
    backoff: BackoffLimits = BackoffLimits()
    connect_timeout: float = 5.0
    command_timeout: float = 5.0
    probe_after: float = 2.0
    pong_timeout: float = 2.0
    resume: bool = True
    queue: int = 1000
