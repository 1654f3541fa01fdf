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
"""The error codes WS-001 to WS-010, the close codes, and the exception for a wrong message."""

from __future__ import annotations

from enum import Enum


class ErrorCode(Enum):
    """An error that is reported to a client.

    Attributes:
        code: code on the wire, such as WS-001.
        title: name on the wire.
        close: close code that ends the connection; None: the connection stays open.
        temporary: whether the client may try again later.

    """

    AUTHENTICATION_FAILED = ('WS-001', 'Authentication Failed', 4401, False)
    INVALID_EVENT_TYPE = ('WS-002', 'Invalid Event Type', None, False)
    RATE_LIMIT_EXCEEDED = ('WS-003', 'Rate Limit Exceeded', None, True)
    INVALID_MESSAGE = ('WS-004', 'Invalid Message', None, False)
    PAYLOAD_TOO_LARGE = ('WS-005', 'Payload Too Large', 1009, False)
    PERMISSION_DENIED = ('WS-006', 'Permission Denied', None, False)
    CONNECTION_LIMIT_REACHED = ('WS-007', 'Connection Limit Reached', 1013, True)
    AUTHENTICATION_REQUIRED = ('WS-008', 'Authentication Required', None, False)
    COMMAND_FAILED = ('WS-009', 'Command Failed', None, True)
    SLOW_CONSUMER = ('WS-010', 'Slow Consumer', 4503, True)

    def __init__(self, code: str, title: str, close: int | None, temporary: bool) -> None:
        self.code = code
        self.title = title
        self.close = close
        self.temporary = temporary


#: WebSocket close codes that do not belong to one error.
CLOSE_GOING_AWAY = 1001
CLOSE_IDLE = 4408
CLOSE_RATE_LIMIT = 4429


class ProtocolError(Exception):
    """A client sent a message that is not valid.

    Attributes:
        error: the error to report to the client.
        description: names the field and the remedy; never holds a secret.
        request_id: that of the message, if it could be read.

    """

    def __init__(self, error: ErrorCode, description: str, request_id: str | None = None) -> None:
        super().__init__(f'{error.code} {description}')
        self.error = error
        self.description = description
        self.request_id = request_id
