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
"""What a session wants done; its connection carries it out."""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.protocol import commands
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.errors import ErrorCode


@dataclass(frozen=True)
class SendMessage:
    """Send a message; `when_saved`: after the disk holds that a refresh token was used."""

    message: Message
    when_saved: bool = False


@dataclass(frozen=True)
class SendError:
    """Send an error, and close if `close` is given; `recorded`: the audit log has it already."""

    error: ErrorCode
    description: str
    request_id: str | None = None
    close: int | None = None
    recorded: bool = False


@dataclass(frozen=True)
class CloseConnection:
    """CloseConnection the connection."""

    code: int
    reason: str


@dataclass(frozen=True)
class SendPing:
    """Send a protocol ping."""


@dataclass(frozen=True)
class Authenticated:
    """The session became active, or was extended (`again`).

    `repeated`: by a used refresh token, which was answered with the same pair once more.
    """

    claims: Claims
    again: bool
    repeated: bool = False


@dataclass(frozen=True)
class Subscribed:
    """`added` are the types that were not subscribed before; `granted` all of the command.

    `denied` are the patterns that the role may not read.
    """

    added: tuple[str, ...]
    granted: tuple[str, ...]
    denied: tuple[str, ...]


@dataclass(frozen=True)
class Unsubscribed:
    """These types are no longer subscribed."""

    removed: tuple[str, ...]


@dataclass(frozen=True)
class RunCommand:
    """Pass a command to the vehicle; the role allows it.

    `ignored` are the parts of an emergency stop that could not be used.
    """

    command: commands.Command
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplayEvents:
    """Send the events that were missed."""

    command: commands.Resume


Action = (
    SendMessage
    | SendError
    | CloseConnection
    | SendPing
    | Authenticated
    | Subscribed
    | Unsubscribed
    | RunCommand
    | ReplayEvents
)
