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
"""Reading the files that tokens depend on, and making the secret."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path

SECRET_FILE = 'OHT50_JWT_SECRET_FILE'  # noqa: S105 - the name of an environment variable

MIN_SECRET_BYTES = 32
READ_BY_OTHERS = 0o077
WRITTEN_BY_OTHERS = 0o022


class TokenFileError(Exception):
    """A file that tokens depend on is not safe to use, or wrong; the message holds the remedy."""


def read_private(path: Path) -> bytes:
    """Return the content of a file that nobody else may read.

    Raises:
        TokenFileError: others may read it, or it is not ours.
        OSError: it cannot be read.

    """
    return _read(path, READ_BY_OTHERS)


def read_trusted(path: Path) -> bytes:
    """Return the content of a file that nobody else may change.

    Raises:
        TokenFileError: others may write it, or it is not ours.
        OSError: it cannot be read.

    """
    return _read(path, WRITTEN_BY_OTHERS)


def _read(path: Path, forbidden: int) -> bytes:
    with path.open('rb') as file:
        check_status(path, os.fstat(file.fileno()), forbidden)
        return file.read()


def check_status(path: Path, status: os.stat_result, forbidden: int) -> None:
    """Check whose a file or directory is, and what others may do to it.

    Raises:
        TokenFileError: the message says what is wrong and what mends it.

    """
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        what, mend = ('changed', 'go-w') if forbidden == WRITTEN_BY_OTHERS else ('read', '600')
        also = ', and replace the secret' if forbidden == READ_BY_OTHERS else ''
        raise TokenFileError(f'{path} can be {what} by others: chmod {mend} {path}{also}')
    if status.st_uid not in (0, os.geteuid()):
        raise TokenFileError(f'{path} belongs to another user: chown it to the one who runs')


def secret_path(state_dir: Path) -> Path:
    """Return the file of the secret: of OHT50_JWT_SECRET_FILE, else in the state directory."""
    given = os.environ.get(SECRET_FILE)
    return Path(given) if given else state_dir / 'jwt_secret'


def make_secret(state_dir: Path) -> Path:
    """Return the file of the secret, made on first use in the state directory; a given one is not.

    Raises:
        TokenFileError: the file is not safe to use; the message holds the remedy.
        OSError: it cannot be read or made.

    """
    path = secret_path(state_dir)
    if os.environ.get(SECRET_FILE):
        load_secret(path)
    else:
        load_or_create_secret(path)
    return path


def load_or_create_secret(path: Path) -> bytes:
    """Return the secret in `path`, made there first (mode 0600) if there is none.

    Two processes that start together end up with the same secret.

    Raises:
        TokenFileError: others may read the file, it is not ours, or it is too short.
        OSError: the directory or file cannot be used.

    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp makes it 0600; link, unlike rename, never replaces what another process made.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, 'wb') as file:
                file.write(secrets.token_urlsafe(48).encode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass  # another process was first; its secret is the one
        finally:
            os.unlink(temporary)
    return load_secret(path)


def load_secret(path: Path) -> bytes:
    """Return the secret in `path`, white space at its ends left out.

    Raises:
        TokenFileError: others may read the file, it is not ours, or it is too short.
        OSError: it cannot be read.

    """
    secret = read_private(path).strip()
    if len(secret) < MIN_SECRET_BYTES:
        raise TokenFileError(
            f'{path} holds {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed: '
            f'remove it and start again to get a new one'
        )
    return secret
