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
"""What the core of a client asks to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import Literal

from oht50_bridge.client.errors import ClientError
from oht50_bridge.client.reports import Gap
from oht50_bridge.client.reports import LinkState
from oht50_bridge.client.reports import Tokens

TokenReason = Literal['first', 'expiring', 'refused']


@dataclass(frozen=True)
class OpenLink:
    """Open a WebSocket; whatever it reports carries this generation."""

    generation: int


@dataclass(frozen=True)
class SendText:
    """Send a text frame."""

    generation: int
    text: str


@dataclass(frozen=True)
class CloseLink:
    """Close the WebSocket and listen to it no more."""

    generation: int
    code: int
    reason: str = ''


@dataclass(frozen=True)
class AskForToken:
    """Call the function that supplies tokens; its result carries this ticket."""

    ticket: int
    reason: TokenReason


@dataclass(frozen=True)
class Answered:
    """A request was answered with these data."""

    request_id: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """A request failed."""

    request_id: str
    error: ClientError


@dataclass(frozen=True)
class StateChanged:
    """The state changed."""

    state: LinkState


@dataclass(frozen=True)
class EventReceived:
    """An event of the vehicle came."""

    event: dict[str, Any]


@dataclass(frozen=True)
class GapFound:
    """Events may be missing."""

    gap: Gap


@dataclass(frozen=True)
class RoleChanged:
    """The role that is in force."""

    role: str


@dataclass(frozen=True)
class TokensIssued:
    """The bridge issued new tokens; those of before do not work any more, or soon."""

    tokens: Tokens


@dataclass(frozen=True)
class ErrorOccurred:
    """Something went wrong that belongs to no request."""

    error: Exception


ClientAction = (
    OpenLink
    | SendText
    | CloseLink
    | AskForToken
    | Answered
    | Failed
    | StateChanged
    | EventReceived
    | GapFound
    | RoleChanged
    | TokensIssued
    | ErrorOccurred
)
