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
"""Text from outside: checked where it enters, escaped where it is shown.

Names (of subjects, missions, stations) are checked once, where they enter: valid Unicode, of
bounded length, without control characters. Free text (reasons, messages of peers) is not refused
for its form; `shown` makes it one line that no terminal and no log can take for anything else.
"""

from __future__ import annotations

import json
import logging
import os
import re
from typing import Any

from oht50_bridge.heap import lacks_memory

#: Characters of the longest name.
MAX_REASON = 200  # characters of a reason in a message to a client
MAX_NAME = 128

# Control characters of ASCII and ISO 8859, separators of lines and paragraphs, characters that
# change the direction of the text around them, and halves of surrogate pairs.
_CONTROLS = '\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069'
_CONTROL = re.compile(f'[{_CONTROLS}]')
_UNSHOWABLE = re.compile(f'[{_CONTROLS}\ud800-\udfff]')
# The same but for the line end.
_IN_LINE = re.compile(f'(?!\n)[{_CONTROLS}\ud800-\udfff]')


class TextError(ValueError):
    """A text from outside cannot be used; the message says why, without the text."""


def check_text(text: str, limit: int = MAX_NAME) -> str:
    """Return a text that UTF-8 can encode and that is not too long.

    Args:
        text: from outside.
        limit: most characters.

    Raises:
        TextError: it is something else.

    """
    if len(text) > limit:
        raise TextError(f'{len(text)} characters, at most {limit} are allowed')
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TextError('not valid Unicode: UTF-8 cannot encode it') from None
    return text


def check_name(text: str, limit: int = MAX_NAME) -> str:
    """Return a text that can be a name: as `check_text`, not empty, no control characters.

    Raises:
        TextError: it is something else.

    """
    if not text:
        raise TextError('empty')
    check_text(text, limit)
    found = _CONTROL.search(text)
    if found is not None:
        raise TextError(f'contains the control character U+{ord(found[0]):04X}')
    return text


def shown(text: str, limit: int | None = None) -> str:
    r"""Return a text as one line of valid Unicode, control characters as \x1b and the like.

    Args:
        text: from outside.
        limit: most characters of it that are shown; None: all.

    """
    if limit is not None and len(text) > limit:
        text = text[:limit] + '...'
    return _UNSHOWABLE.sub(_escaped, text)


def reason_text(text: str) -> str:
    """Return a reason for a client: as `shown` does, and cut so that it fits into a message."""
    text = shown(text)
    return text if len(text) <= MAX_REASON else f'{text[: MAX_REASON - 3]}...'


def shown_lines(text: str) -> str:
    """Return a text as `shown` does, but keep its lines; those after the first are indented.

    The indentation distinguishes them from the beginning of another message.
    """
    return _IN_LINE.sub(_escaped, text).replace('\n', '\n    ')


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return {9: '\\t', 10: '\\n', 13: '\\r'}.get(
        code, f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}'
    )


def json_text(value: Any, **options: Any) -> str:
    """Return a value as JSON without any control character but the line ends of `indent`.

    Args:
        value: of JSON.
        options: of `json.dumps`.

    """
    text = json.dumps(value, ensure_ascii=False, **options)
    # Outside its strings JSON has line ends only, and inside the strings they are escaped.
    return re.sub(_IN_LINE, lambda match: f'\\u{ord(match[0]):04x}', text)


def decoded_argument(text: str) -> str:
    """Return an argument or a variable of the environment, read as UTF-8 in every locale.

    Raises:
        TextError: its bytes are not UTF-8.

    """
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        raise TextError('not valid Unicode: UTF-8 cannot encode it') from None


class OneMessageFormatter(logging.Formatter):
    """Formats log records so that text from outside cannot pass for another record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, with `shown_lines`."""
        return shown_lines(super().format(record))

    def formatException(self, ei: Any) -> str:
        """Return the traceback of an error, or its cause where the place means nothing."""
        return 'no memory is left' if lacks_memory(ei[1]) else super().formatException(ei)


def escape_logs() -> None:
    """Let the log of Python, where nothing else is configured, escape control characters.

    It has severities and names, as the log of ROS.
    """
    if logging.lastResort is not None:
        form = '[%(levelname)s] [%(name)s]: %(message)s'
        logging.lastResort.setFormatter(OneMessageFormatter(form))
