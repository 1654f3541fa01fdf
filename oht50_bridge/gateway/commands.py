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
"""The interface between the gateway and what carries out commands on the vehicle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Protocol

from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.commands import Command


@dataclass(frozen=True)
class Caller:
    """The client that gave a command."""

    client_id: str
    session_id: str
    subject: str
    role: str


@dataclass(frozen=True)
class CommandOutcome:
    """The outcome of a command.

    Attributes:
        accepted: whether the vehicle carries it out.
        message: for a person: what was done, or why not.
        data: added to the reply; must be JSON.
        event: the answer itself, in place of a `command.result` (get_system_status).

    """

    accepted: bool = True
    message: str = ''
    data: Mapping[str, Any] = field(default_factory=dict)
    event: Message | None = None


class CommandFailedError(Exception):
    """A command did not reach the vehicle; the client receives the message."""


class CommandHandler(Protocol):
    """Carries out commands; called once for each that the role allows.

    Several may run at once, started in the order of arrival. A handler that takes longer than
    `command_timeout` is cancelled. It is not cancelled when the client disconnects.
    """

    async def __call__(self, command: Command, caller: Caller) -> CommandOutcome:
        """Return the outcome.

        Raises:
            CommandFailedError: the command did not reach the vehicle.

        """
