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
"""State files: read as a whole against a model, or put aside by name.

A state file may hold anything at the start of a process: half of it, another format, numbers that
no field can hold, a directory or a FIFO instead of a file. `load_state` returns what a model
describes and nothing else. What is wrong is renamed, so that a person can look at it, and the
owner of the file goes on with the safe reading: stopped, locked, not trusted.
"""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any
from typing import NoReturn
from typing import TypeVar

from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import ValidationError

from oht50_bridge.regular_file import Check
from oht50_bridge.regular_file import aside_names
from oht50_bridge.regular_file import put_aside
from oht50_bridge.regular_file import read_regular
from oht50_bridge.text import shown

REASON_LENGTH = 200  # characters of what is reported about a file

ModelT = TypeVar('ModelT', bound=BaseModel)


class StateModel(BaseModel):
    """The content of a state file: exactly these fields, of these types, with finite numbers."""

    model_config = ConfigDict(strict=True, extra='forbid', allow_inf_nan=False, frozen=True)


class UnreadableError(Exception):
    """A state file is wrong; the message says why, and under which name it is kept."""


def load_state(
    path: Path,
    model: type[ModelT],
    *,
    check: Check | None = None,
    lasting: bool = False,
    aside: bool = True,
) -> ModelT | None:
    """Return the content of a state file, None if there is none.

    It does not wait for a FIFO, and does not read more than MAXIMUM_BYTES.

    Args:
        path: the file.
        model: what it must hold.
        check: is given the path and the status of the file, and raises ValueError if the file
            must not be trusted.
        lasting: the file is always there once it was written. Then a missing one counts as
            unreadable while one that was put aside is beside it: the process that put it aside
            ended before it had written what it took it for.
        aside: rename a file that is wrong; otherwise leave it where it is.

    Raises:
        UnreadableError: the file is wrong or cannot be read.

    """
    try:
        content = read_regular(path, check)
        if content is not None:
            return parse_state(content, model)
        if not lasting or not _was_put_aside(path):
            return None
        reason, kept = 'missing, but one that was wrong is beside it', ''
    except (OSError, ValueError) as error:
        reason = _reason(error)
        kept = put_aside(path) if aside else ''
    raise UnreadableError(f'{path}: {reason}{kept}')


def parse_state(content: bytes, model: type[ModelT]) -> ModelT:
    """Return what a document in JSON holds.

    Raises:
        ValueError: it is no document of this model; the message is short and printable.

    """
    try:
        document = json.loads(
            content.decode('utf-8'), object_pairs_hook=_object, parse_constant=_no_constant
        )
        # An escape can give half of a surrogate pair, which no message and no log can hold.
        json.dumps(document, ensure_ascii=False).encode('utf-8')
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = '.'.join(str(part) for part in first['loc'])
        raise ValueError(
            shown(f'{where}: {first["msg"]}' if where else first['msg'], REASON_LENGTH)
        ) from None
    except RecursionError:
        raise ValueError('nested too deeply') from None
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(shown(f'not JSON of this format: {error}', REASON_LENGTH)) from None


def _was_put_aside(path: Path) -> bool:
    try:
        return bool(aside_names(path))
    except FileNotFoundError:
        return False


def _reason(error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return str(error)
    if error.errno == errno.ENOENT:
        return 'a link that leads nowhere'
    return error.strerror or type(error).__name__


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError('a name is there twice')
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is no number of JSON')
