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
"""Files that are the old or the new one, whole, however the process or the power ends."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, content: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Make a file's content this one; however it ends, the file is the old or the new one, whole.

    Args:
        path: the file; its directory must be there.
        content: what it is to hold.
        durable: wait for the disk. Without, it outlives the process but not the power.
        mode: permissions of a new file, before the umask.

    Raises:
        OSError: it could not be written, or it is not certain that it outlives a power failure.

    """
    new = path.with_name(f'{path.name}.new')
    try:
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            written = 0
            while written < len(content):
                written += os.write(file, content[written:])
            if durable:
                os.fsync(file)
        finally:
            os.close(file)
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
    if durable:
        sync_directory(path.parent)


def remove(path: Path) -> None:
    """Remove a file so that it does not come back after a power failure.

    Raises:
        OSError: it could not be removed.

    """
    path.unlink(missing_ok=True)
    if path.parent.exists():
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Have the disk hold which files a directory has.

    Raises:
        OSError: it could not be made certain.

    """
    file = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
