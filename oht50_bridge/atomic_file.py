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
import errno
import fcntl
import os
import tempfile
from pathlib import Path

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
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


def create_file(path: Path, content: bytes) -> None:
    """Create a file that only its owner may read, whole or not at all, and replace no other.

    Args:
        path: the file; its directory must exist.
        content: what is written, and waited for.

    Raises:
        FileExistsError: it exists, perhaps made by another process just now.
        OSError: it could not be written.

    """
    # mkstemp sets mode 0600, and a hidden name: who reads the directory finds whole files only.
    file, new = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}-')
    try:
        with os.fdopen(file, 'wb') as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(new, path)  # unlike a rename it never replaces a file
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _rename_to_new(new, path)
            return
        os.unlink(new)  # noqa: PTH108 - a system call like those before it
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)  # noqa: PTH108 - likewise
        raise


def _rename_to_new(new: str, path: Path) -> None:
    """Rename a file, on a filesystem without hard links; one process after the other."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        os.rename(new, path)  # noqa: PTH104 - likewise
    finally:
        os.close(directory)


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
