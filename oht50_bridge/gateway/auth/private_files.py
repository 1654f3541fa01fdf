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
"""The files that tokens depend on: checks their permissions, reads them, creates the secret."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from oht50_bridge.atomic_file import create_file
from oht50_bridge.paths import make_private
from oht50_bridge.regular_file import read_regular

SECRET_FILE = 'OHT50_JWT_SECRET_FILE'  # noqa: S105 - the name of an environment variable
KEYS = 'OHT50_KEYS'
REVOCATIONS = 'OHT50_REVOCATIONS_FILE'

MIN_SECRET_BYTES = 32
READ_BY_OTHERS = 0o077
WRITTEN_BY_OTHERS = 0o022


class TokenFileError(Exception):
    """A file that tokens depend on is wrong or not safe; the message holds the remedy."""


class ReadableError(TokenFileError):
    """Others can read a file."""


def read_private(path: Path) -> bytes:
    """Return the content of a file that no other user may read.

    Raises:
        TokenFileError: other users may read the file, or it belongs to another user.
        OSError: the file cannot be read.

    """
    try:
        return _read(path, READ_BY_OTHERS)
    except ReadableError as error:
        raise TokenFileError(f'{error}, and replace the secret') from error


def read_trusted(path: Path) -> bytes:
    """Return the content of a file that no other user may change.

    Raises:
        TokenFileError: other users may write the file, or it belongs to another user.
        OSError: the file cannot be read.

    """
    return _read(path, WRITTEN_BY_OTHERS)


def _read(path: Path, forbidden: int) -> bytes:
    try:
        content = read_regular(path, lambda name, status: check_status(name, status, forbidden))
    except ValueError as error:
        raise TokenFileError(f'{path}: {error}; replace it') from error
    if content is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return content


def check_status(path: Path, status: os.stat_result, forbidden: int) -> None:
    """Check the owner and the permissions of a file or directory.

    Args:
        path: the file or directory, for the message.
        status: its status.
        forbidden: permission bits that must not be set: READ_BY_OTHERS or WRITTEN_BY_OTHERS.

    Raises:
        TokenFileError: the file is not safe to use; the message holds the remedy.

    """
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        if forbidden == READ_BY_OTHERS:
            raise ReadableError(f'{path} can be read by others: chmod 600 {path}')
        raise TokenFileError(f'{path} can be changed by others: chmod go-w {path}')
    if status.st_uid not in (0, os.geteuid()):
        raise TokenFileError(f'{path} belongs to another user: chown it to the user of the bridge')


def secret_path(state_dir: Path) -> Path:
    """Return the file of the secret: OHT50_JWT_SECRET_FILE, else one in the state directory."""
    given = os.environ.get(SECRET_FILE)
    return Path(given) if given else state_dir / 'jwt_secret'


def make_secret(state_dir: Path) -> Path:
    """Return the file of the secret; create it if missing, unless OHT50_JWT_SECRET_FILE names it.

    Raises:
        TokenFileError: the file is not safe to use; the message holds the remedy.
        OSError: the file cannot be read or created.

    """
    path = secret_path(state_dir)
    if os.environ.get(SECRET_FILE):
        load_secret(path)
    else:
        load_or_create_secret(path)
    return path


def load_or_create_secret(path: Path) -> bytes:
    """Return the secret in `path`; create it with mode 0600 if it is missing.

    Two processes that start at the same time get the same secret.

    Raises:
        TokenFileError: other users may read the file, it belongs to another user, or is too short.
        OSError: the directory or file cannot be used.

    """
    if not path.exists():
        make_private(path.parent)
        with contextlib.suppress(FileExistsError):  # another process was first: use its secret
            create_file(path, secrets.token_urlsafe(48).encode())
    return load_secret(path)


def load_secret(path: Path) -> bytes:
    """Return the secret in `path` without white space at its ends.

    Raises:
        TokenFileError: other users may read the file, it belongs to another user, or is too short.
        OSError: the file cannot be read.

    """
    secret = read_private(path).strip()
    if len(secret) < MIN_SECRET_BYTES:
        raise TokenFileError(
            f'{path} holds {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed: '
            'remove it and start again to get a new one'
        )
    return secret


def revocations_path(state_dir: Path) -> Path:
    """Return the file: OHT50_REVOCATIONS_FILE, else one in the state directory."""
    given = os.environ.get(REVOCATIONS)
    return Path(given) if given else state_dir / 'revoked.json'
