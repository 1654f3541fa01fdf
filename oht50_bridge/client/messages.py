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
"""Messages as text frames."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from typing import NoReturn

from oht50_bridge.client.errors import BadFrameError
from oht50_bridge.client.errors import NotSent
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES

SHOWN = 80  # characters of a bad frame in its error


def encoded(message: Mapping[str, Any]) -> str:
    """Return the text of a message.

    Raises:
        NotSent: it is larger than the bridge accepts, which would close the connection.
        TypeError, ValueError: it cannot be JSON.

    """
    text = json.dumps(message, allow_nan=False)
    if len(text) > MAX_PAYLOAD_BYTES:
        raise NotSent(
            f'{message["type"]} was not sent: {len(text)} bytes, at most {MAX_PAYLOAD_BYTES} '
            'may be'
        )
    return text


def _constant(text: str) -> NoReturn:
    raise ValueError(f'{text} is not JSON')


def parsed(frame: str | bytes) -> dict[str, Any]:
    """Return the message of a frame.

    Raises:
        BadFrameError: it holds none.

    """
    try:
        if isinstance(frame, bytes):
            raise ValueError('a binary frame')
        message = json.loads(frame, parse_constant=_constant)
        if not isinstance(message, dict) or not isinstance(message.get('type'), str):
            raise ValueError('no object with a type')
        if not isinstance(message.get('data', {}), dict):
            raise ValueError('data that are no object')
    except (ValueError, RecursionError) as error:
        raise BadFrameError(f'no message of the protocol: {error}: {frame[:SHOWN]!r}') from error
    return message


def check_event(message: Mapping[str, Any]) -> None:
    """Check that a message has what every event has.

    Raises:
        BadFrameError: it does not.

    """
    if not isinstance(message.get('timestamp'), str) or 'data' not in message:
        raise BadFrameError(f'an event without timestamp or data: {message["type"]}')
    if not isinstance(message.get('seq', 0), int):
        raise BadFrameError(f'an event whose seq is no integer: {message["type"]}')
