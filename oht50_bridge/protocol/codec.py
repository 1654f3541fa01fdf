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
"""Encodes and decodes JSON, strictly in both directions."""

from __future__ import annotations

import json
import math
from typing import Any
from typing import NoReturn

from pydantic import ValidationError

from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.commands import MAX_REQUEST_ID
from oht50_bridge.protocol.commands import Command
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.errors import ProtocolError

MAX_DEPTH = 16
#: A JSON integer of more digits loses precision in parsers that use doubles.
MAX_INTEGER_DIGITS = 16

_SPLICED = {'request_id', 'seq'}


class Encoder:
    """Encodes messages as UTF-8 JSON.

    Attributes:
        non_finite: how many NaN and infinities were sent as null so far.

    """

    def __init__(self) -> None:
        self.non_finite = 0

    def encode(self, message: Message) -> bytes:
        """Return the message as UTF-8 JSON; NaN and infinities become null and are counted."""
        serializer = message.__pydantic_serializer__
        payload: bytes = serializer.to_json(message, exclude=_SPLICED)
        if b'NaN' in payload or b'Infinity' in payload:
            tree = self._finite(serializer.to_python(message, exclude=_SPLICED))
            payload = json.dumps(
                tree, allow_nan=False, ensure_ascii=False, separators=(',', ':')
            ).encode()
        return with_keys(payload, request_id=message.request_id, seq=message.seq)

    def _finite(self, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            self.non_finite += 1
            return None
        if isinstance(value, dict):
            return {key: self._finite(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._finite(item) for item in value]
        return value


def with_keys(payload: bytes, *, request_id: str | None = None, seq: int | None = None) -> bytes:
    """Return the JSON object `payload` with top-level keys added, without encoding it again."""
    if seq is not None:
        payload = b'%b,"seq":%d}' % (payload[:-1], seq)
    if request_id is not None:
        payload = b'%b,"request_id":%b}' % (payload[:-1], json.dumps(request_id).encode())
    return payload


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f'{_shown(name)}: the key occurs twice, send it once')
    return result


def _constant(text: str) -> NoReturn:
    raise ValueError(f'{text} is not JSON, send null')


def _integer(text: str) -> int:
    if len(text.lstrip('-')) > MAX_INTEGER_DIGITS:
        raise ValueError(
            f'integer of {len(text)} digits, at most {MAX_INTEGER_DIGITS} are allowed'
        )
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError('number beyond the range of a double')
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float
)


def _check_text(value: Any) -> None:
    """Refuse half a surrogate pair, which UTF-8 cannot encode, so that it could not be stored."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError('text with half a surrogate pair, send complete characters') from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 64 else text[:64] + '...')


def _depth(value: Any, level: int = 1) -> int:
    if level > MAX_DEPTH or not isinstance(value, dict | list):
        return level
    items = value.values() if isinstance(value, dict) else value
    return max((_depth(item, level + 1) for item in items), default=level)


def parse(message: str | bytes) -> dict[str, Any]:
    """Return the JSON object of a frame from a client, which has a string `type`.

    Raises:
        ProtocolError: WS-005 for more than 16 KiB of UTF-8, otherwise WS-004.

    """
    if isinstance(message, bytes):
        raise ProtocolError(ErrorCode.INVALID_MESSAGE, 'binary frame: send JSON in a text frame')
    if len(message) > MAX_PAYLOAD_BYTES or (
        not message.isascii() and len(message.encode()) > MAX_PAYLOAD_BYTES
    ):
        raise ProtocolError(
            ErrorCode.PAYLOAD_TOO_LARGE, f'message above {MAX_PAYLOAD_BYTES} bytes'
        )
    try:
        value = _DECODER.decode(message)
        if '\\u' in message:
            _check_text(value)
        too_deep = _depth(value) > MAX_DEPTH
    except RecursionError:
        too_deep = True
    except json.JSONDecodeError as error:
        raise ProtocolError(
            ErrorCode.INVALID_MESSAGE, f'not JSON: {error.msg} at character {error.pos}'
        ) from None
    except ValueError as error:
        raise ProtocolError(ErrorCode.INVALID_MESSAGE, str(error)) from None
    if too_deep:
        raise ProtocolError(ErrorCode.INVALID_MESSAGE, f'nested deeper than {MAX_DEPTH} levels')
    if not isinstance(value, dict):
        raise ProtocolError(ErrorCode.INVALID_MESSAGE, 'send a JSON object')
    if not isinstance(value.get('type'), str):
        raise ProtocolError(
            ErrorCode.INVALID_MESSAGE, 'type: give the command as a string', request_id_of(value)
        )
    return value


def request_id_of(value: dict[str, Any]) -> str | None:
    """Return the `request_id` of a parsed message, or None if it has none or not a valid one."""
    request_id = value.get('request_id')
    usable = isinstance(request_id, str) and len(request_id) <= MAX_REQUEST_ID
    return request_id if usable else None


def command(value: dict[str, Any]) -> Command:
    """Return the command model of a parsed message.

    Raises:
        ProtocolError: WS-002 for an unknown command, otherwise WS-004 with the name of the field.

    """
    request_id = request_id_of(value)
    entry = COMMANDS.get(value['type'])
    if entry is None:
        raise ProtocolError(
            ErrorCode.INVALID_EVENT_TYPE,
            f'Unknown command: {_shown(value["type"])[1:-1]}',
            request_id,
        )
    try:
        return entry.model.model_validate(value)
    except ValidationError as error:
        # The value itself is left out: it may be a token.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = '.'.join(str(part) for part in first['loc']) or entry.name
        raise ProtocolError(
            ErrorCode.INVALID_MESSAGE, f'{_shown(field)[1:-1]}: {first["msg"]}', request_id
        ) from None
