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
"""What can go wrong with an order to a vehicle, and whether it may have happened all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Literal

Outcome = Literal['not_sent', 'refused', 'unknown']


class ClientError(Exception):
    """The base of the errors of this package.

    Attributes:
        outcome: of the order. `not_sent`: it did not happen. `refused`: the bridge refused it.
            `unknown`: it may have happened; wait for the event that reports it.

    """

    outcome: Outcome = 'not_sent'


class BridgeError(ClientError):
    """The bridge refused a token or a command.

    Attributes:
        code: error code, such as WS-006.
        temporary: whether the same request may succeed later.

    """

    outcome: Outcome = 'refused'

    def __init__(self, message: Mapping[str, Any]) -> None:
        code, name = message['error_code'], message['error_name']
        super().__init__(f'{code} {name}: {message["description"]}')
        self.code: str = code
        self.temporary: bool = message.get('temporary', False)


class NotSent(ClientError, ConnectionError):  # noqa: N818 - named in every language alike
    """There is no connection, or the message is too large: nothing was sent, or will be later."""


class OutcomeUnknown(ClientError):  # noqa: N818 - as above
    """The command was sent, and no reply came: it may have happened."""

    outcome: Outcome = 'unknown'


class LostAfterSendingError(OutcomeUnknown, ConnectionError):
    """The connection was lost before the reply came."""


class NoReplyError(OutcomeUnknown, TimeoutError):
    """No reply came in time."""


class Denied(ClientError):  # noqa: N818 - as above
    """There is no token, or the bridge refused it and there is no other: the client gave up."""


class SlowReader(ClientError):  # noqa: N818 - as above
    """An iterator was not read: its queue is full, and it has ended."""


class BadFrameError(ClientError):
    """The bridge sent what is no message of the protocol; the connection is made again."""
