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
"""What a client reports to its user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import Literal

from oht50_bridge.client.errors import Outcome

StateName = Literal[
    'idle',
    'connecting',
    'authenticating',
    'restoring',
    'live',
    'lost',
    'waiting',
    'denied',
    'closed',
]


@dataclass(frozen=True)
class LinkState:
    """The state of the connection.

    Attributes:
        name: only in `live` can commands be sent, and are events received as they come.
        reason: why it is lost, waiting or denied; else empty.
        code: the close code of the connection that was lost; 1006: there was no close frame.
        attempt: attempts in a row that did not become stable.
        delay: s from the beginning of `waiting` to the next attempt.

    """

    name: StateName
    reason: str = ''
    code: int | None = None
    attempt: int = 0
    delay: float | None = None


@dataclass(frozen=True)
class Gap:
    """Events of the event class may be missing from here on.

    Attributes:
        since: the `timestamp` of the last message before the connection was lost.
        until: the `timestamp` of `connection.established` of the new one.

    """

    since: str
    until: str


@dataclass(frozen=True)
class Tokens:
    """An access token, and a refresh token if there is one. The latter works once."""

    token: str
    refresh_token: str | None = None


@dataclass(frozen=True)
class StopResult:
    """How an emergency stop ended.

    Attributes:
        confirmed: the vehicle said that it is stopped.
        estop_id: the stop, where the vehicle named it.
        after: s from the order to the confirmation, or to the end of the attempts.
        outcome: of an order that was not confirmed; None if it was.
        message: that of the bridge, or why it could not be reached.
        reply: the data of the `command.result` that confirmed it; None if an event did.

    """

    confirmed: bool
    estop_id: str | None
    after: float
    outcome: Outcome | None
    message: str
    reply: dict[str, Any] | None = None
