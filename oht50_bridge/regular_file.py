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
"""Files of unknown content: read without waiting and without end, or renamed out of the way.

It needs no library, because launch files import the modules that read keys.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

MAXIMUM_BYTES = 4 * 1024 * 1024  # of a state file; what the vehicle writes is far below it
KEPT = 9  # files of one name that are put aside; then the newest replaces the last
ASIDE = '.unreadable-'  # and a number follow the name of a file that was put aside

Check = Callable[[Path, os.stat_result], None]


def read_regular(path: Path, check: Check | None = None) -> bytes | None:
    """Return the bytes of a regular file, None if nothing has its name.

    Args:
        path: the file; a symbolic link is followed, one that leads nowhere is not a missing file.
        check: as in `load_state`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, longer than MAXIMUM_BYTES, or not to be trusted.

    """
    try:
        # A FIFO without a writer would be waited for, a terminal would become the controlling one.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        if path.is_symlink():
            raise
        return None
    with os.fdopen(file, 'rb') as opened:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError('not a regular file')
        if check is not None:
            check(path, status)
        content = opened.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        raise ValueError(f'longer than {MAXIMUM_BYTES} bytes')
    return content


def put_aside(path: Path) -> str:
    """Rename what is wrong; return what was done, as the end of a sentence. It never fails."""
    aside = _free_name(path)
    try:
        os.replace(path, aside)  # noqa: PTH105 - a link is renamed, not what it leads to
    except OSError as error:
        return f'; it stays there ({error.strerror})'
    return f'; kept as {aside.name}'


def copy_aside(path: Path, content: bytes) -> str:
    """Keep a copy of what is wrong, as `put_aside` keeps the file. It never fails."""
    aside = _free_name(path)
    try:
        file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o600)
        with os.fdopen(file, 'wb') as opened:
            opened.write(content)
    except OSError as error:
        return f'; it cannot be kept ({error.strerror})'
    return f'; kept as {aside.name}'


def _free_name(path: Path) -> Path:
    for number in range(1, KEPT + 1):
        aside = path.with_name(f'{path.name}{ASIDE}{number}')
        if not os.path.lexists(aside):
            break
    return aside


def aside_names(path: Path) -> list[str]:
    """Return the names of the files that were put aside in place of a path.

    Raises:
        OSError: the directory cannot be read.

    """
    prefix = f'{path.name}{ASIDE}'
    return sorted(
        entry.name
        for entry in path.parent.iterdir()
        if entry.name.startswith(prefix) and entry.name[len(prefix) :].isdecimal()
    )
