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
"""Files that are replaced atomically, even if the process dies or the power fails."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PROBE_BYTES = 4096  # a block: a full disk may take an empty file


def replace_file(path: Path, content: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Replace a file; whatever fails, the file has either the old or the new content.

    Args:
        path: the file; its directory must exist.
        content: the new content.
        durable: wait for the disk. Otherwise the new content survives the end of the process, but
            not a power failure.
        mode: permissions of the file, before the umask.

    Raises:
        OSError: the file could not be written, or may not survive a power failure.

    """
    new = path.with_name(f'{path.name}.new')
    try:
        # A FIFO of this name would be waited for; it is refused, and removed below.
        file = os.open(
            new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NONBLOCK, mode
        )
        try:
            written = 0
            while written < len(content):
                written += os.write(file, content[written:])
            if durable:
                os.fsync(file)
        finally:
            os.close(file)
        os.replace(new, path)  # noqa: PTH105 - a system call like those before it
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)  # noqa: PTH108 - likewise
        raise
    if durable:
        sync_directory(path.parent)


def remove(path: Path) -> None:
    """Remove a file, if it exists, so that it does not reappear after a power failure.

    Raises:
        OSError: the file could not be removed.

    """
    path.unlink(missing_ok=True)
    if path.parent.exists():
        sync_directory(path.parent)


def try_disk(directory: Path) -> None:
    """Find out whether files of a directory could be replaced now; nothing of it stays.

    Raises:
        OSError: the disk refuses, such as one that is full or was mounted read-only.

    """
    # Of its own name: another process may try the same directory.
    probe = directory / f'.probe-{os.getpid()}'
    try:
        probe.write_bytes(bytes(PROBE_BYTES))
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def sync_directory(directory: Path) -> None:
    """Write the entries of a directory to the disk.

    Raises:
        OSError: the disk refused.

    """
    file = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
