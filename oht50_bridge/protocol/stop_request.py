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
"""Recognises an emergency stop by its `type` alone, whatever else is wrong with the message.

A stop must not be refused for the form of a field that only informs, nor for JSON that is not
quite JSON. So the keys of the object are found without parsing what belongs to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.commands import MAX_REASON
from oht50_bridge.protocol.commands import MAX_REQUEST_ID
from oht50_bridge.protocol.commands import EmergencyStop
from oht50_bridge.text import TextError
from oht50_bridge.text import check_text
from oht50_bridge.text import shown

NAME = 'emergency_stop'
#: Ignored parts that the result names.
MAX_NAMED = 8

# A text, which may lack its end; a sign; anything else. Each begins at another character, and none
# can fail after its first one, so that the time is linear in the length of the message.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.?)*(?:"|\Z)|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True)
class StopRequest:
    """An emergency stop that a client requests.

    Attributes:
        command: the command; what could not be used is left out.
        ignored: what was left out, and why, for the result.

    """

    command: EmergencyStop
    ignored: tuple[str, ...]


def read_stop(message: str | bytes) -> StopRequest | None:
    """Return the emergency stop that a frame requests, None if it is another message.

    It never raises: only `type` at the top of an object decides. If `type` occurs more than once,
    one that says emergency_stop is enough.
    """
    text = message.decode(errors='replace') if isinstance(message, bytes) else message
    if NAME not in text and '\\u00' not in text:  # a letter of ASCII may be escaped
        return None
    fields, rest = _fields(text.removeprefix('\ufeff'))
    if not any(name == 'type' and _text(value) == NAME for name, value in fields):
        return None
    ignored: list[str] = []
    if isinstance(message, bytes):
        ignored.append('the frame is binary')
    if len(text) > MAX_PAYLOAD_BYTES:
        ignored.append(f'more than {MAX_PAYLOAD_BYTES} bytes')
    if rest:
        ignored.append('what is not JSON')
    reason, request_id = '', None
    seen: set[str] = set()
    for name, value in fields:
        if name in seen:
            ignored.append(f'{shown(name, 64)}: occurs more than once')
            continue
        if name == 'reason':
            reason, fault = _reason(value)
        elif name == 'request_id':
            request_id, fault = _request_id(value)
        else:
            fault = None if name == 'type' else 'not a field of emergency_stop'
        seen.add(name)
        if fault is not None:
            ignored.append(f'{shown(name, 64)}: {fault}')
    if len(ignored) > MAX_NAMED:
        ignored[MAX_NAMED:] = [f'{len(ignored) - MAX_NAMED} more']
    return StopRequest(
        EmergencyStop(type='emergency_stop', reason=reason, request_id=request_id), tuple(ignored)
    )


def _reason(value: str) -> tuple[str, str | None]:
    """Return the reason as one line, and what is wrong with it."""
    text = _text(value)
    if text is None:
        return '', 'not a text'
    reason = shown(text[:MAX_REASON])[:MAX_REASON]
    return reason, None if len(text) <= MAX_REASON else f'beyond {MAX_REASON} characters'


def _request_id(value: str) -> tuple[str | None, str | None]:
    if value == 'null':
        return None, None
    text = _text(value)
    if text is None:
        return None, 'not a text'
    try:
        return check_text(text, MAX_REQUEST_ID), None
    except TextError as error:
        return None, str(error)


def _text(value: str) -> str | None:
    """Return the text of the JSON string at the beginning, None if there is none."""
    if not value.startswith('"'):
        return None
    try:
        text, _ = _DECODER.raw_decode(value)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def _fields(text: str) -> tuple[list[tuple[str, str]], bool]:
    """Return the fields at the top of an object, and whether something is left over.

    Returns:
        The names with the JSON text of their values; empty for what is no object.

    """
    tokens = _TOKEN.finditer(text)
    first = next(tokens, None)
    if first is None or first[0] != '{':
        return [], False
    fields: list[tuple[str, str]] = []
    rest = False
    name: str | None = None
    begin: int | None = None  # of the value
    end = len(text)
    for token in _at_the_top(tokens):
        if token[0] == ':' and name is not None and begin is None:
            begin = token.end()
        elif token[0] in (',', '}'):
            if name is not None and begin is not None:
                fields.append((name, text[begin : token.start()].strip()))
            name = begin = None
            if token[0] == '}':
                end = token.end()
                break
        elif begin is None:
            key = _text(token[0])
            rest = rest or key is None or name is not None
            name = key if name is None else name
    else:
        rest = True
        if name is not None and begin is not None:
            fields.append((name, text[begin:].strip()))
    return fields, rest or bool(text[end:].strip())


def _at_the_top(tokens: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Yield the tokens of an object that are not inside another object or an array in it."""
    depth = 0
    for token in tokens:
        if token[0] in ('{', '['):
            depth += 1
        elif depth and token[0] in ('}', ']'):
            depth -= 1
        elif not depth:
            yield token
