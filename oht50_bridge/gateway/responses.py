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
"""Messages that the gateway itself makes, and the frames of all messages."""

from __future__ import annotations

import logging
from collections.abc import Callable

from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.delivery import text_frame
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.redact import redact
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.errors import ErrorCode

#: Bytes that the number of an event may add to its payload.
SEQ_ROOM = 24

_log = logging.getLogger(__name__)


class Responses:
    """Makes errors and results, and encodes messages.

    Args:
        counts: counts errors and oversized messages.
        wall: clock, s since the Unix epoch.

    """

    def __init__(self, counts: Counts, wall: Callable[[], float]) -> None:
        self._counts = counts
        self._wall = wall
        self._encoder = Encoder()

    @property
    def non_finite(self) -> int:
        """NaN and infinite values sent as null so far."""
        return self._encoder.non_finite

    def stamp(self) -> str:
        """Return the timestamp of now, as in messages."""
        return timestamp_from_seconds(self._wall())

    def error(
        self, error: ErrorCode, description: str, request_id: str | None = None
    ) -> replies.Error:
        """Return the message of an error; tokens in its description are removed."""
        self._counts.errors[error.code] += 1
        return replies.Error(
            timestamp=self.stamp(),
            request_id=request_id,
            error_code=error.code,
            error_name=error.title,
            description=redact(description),
            temporary=error.temporary,
        )

    def result(self, command: str, outcome: CommandOutcome) -> Message:
        """Return the message of the outcome of a command."""
        if outcome.event is not None:
            return outcome.event
        return replies.CommandResult(
            timestamp=self.stamp(),
            data=replies.CommandResultData(
                **{
                    **outcome.data,
                    'command': command,
                    'accepted': outcome.accepted,
                    'message': outcome.message,
                }
            ),
        )

    def encode(self, message: Message) -> bytes:
        """Return the payload of a message; an error replaces one that is too large."""
        payload = self._encoder.encode(message)
        if len(payload) <= MAX_PAYLOAD_BYTES - SEQ_ROOM:
            return payload
        self._counts.oversized += 1
        _log.error(
            '%s of %d bytes is above %d and is replaced by an error',
            message.type,
            len(payload),
            MAX_PAYLOAD_BYTES,
        )
        return self._encoder.encode(
            self.error(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f'{message.type} of {len(payload)} bytes was not sent',  # `restored` reads it
                message.request_id,
            )
        )

    def frame(self, message: Message) -> bytes:
        """Return the WebSocket frame of a message."""
        return text_frame(self.encode(message))
