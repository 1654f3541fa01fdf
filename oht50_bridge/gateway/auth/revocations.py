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
"""The list of revoked tokens: a JSON file that `oht50 token revoke` writes.

  {"subjects": {"ann": 1795420800.0}, "tokens": {"X1dMm5oNJ3pc": 1795507205.0}}

The time of a subject: its tokens that were issued earlier are refused. The time of an id of a
token or family: the entry is kept until then. `"everybody": TIME` refuses all tokens that were
issued earlier. All times are in seconds since 1970-01-01 UTC.

A list that cannot be read at a start is put aside, and one that refuses everybody's tokens of
before takes its place: whose tokens it revoked is not known.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import math
import os
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.gateway.auth.claims import LEEWAY
from oht50_bridge.gateway.auth.claims import MAX_REFRESH_LIFE
from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.private_files import WRITTEN_BY_OTHERS
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import check_status
from oht50_bridge.paths import make_private

#: After this time every token that was issued before has expired.
LONGEST = MAX_REFRESH_LIFE + 2 * LEEWAY  # s

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Revocations:
    """Revoked subjects and tokens; times are in seconds since the Unix epoch.

    Attributes:
        subjects: by subject, the time before which its refused tokens were issued.
        tokens: by id of a token or family, the time until which the entry is kept.
        everybody: the time before which all tokens that are refused were issued.

    """

    subjects: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, float] = field(default_factory=dict)
    everybody: float = 0.0

    def cover(self, claims: Claims) -> bool:
        """Return whether a token is revoked."""
        return (
            claims.token_id in self.tokens
            or claims.family in self.tokens
            or claims.began_at < max(self.everybody, self.subjects.get(claims.subject, -math.inf))
        )


def load_revocations(path: Path) -> Revocations:
    """Return the revocations of a file, which stays where it is.

    Raises:
        TokenFileError: other users may change the file, or it is not a list of revocations; the
            message holds the remedy.
        FileNotFoundError: it is missing.

    """
    return _load(path, aside=False)


def _load(path: Path, *, aside: bool) -> Revocations:
    # Not above: a launch file imports this module without the libraries of the nodes.
    from oht50_bridge.gateway.auth.stored_revocations import StoredRevocations
    from oht50_bridge.state_file import UnreadableError
    from oht50_bridge.state_file import load_state

    try:
        stored = load_state(path, StoredRevocations, check=_check_trust, lasting=True, aside=aside)
    except UnreadableError as error:
        raise TokenFileError(
            f'{error}: not a list of revocations; correct it, or remove it and write it '
            'anew with `oht50 token revoke`'
        ) from error
    if stored is None:
        raise FileNotFoundError(path)
    return Revocations(**stored.model_dump())


def _check_trust(path: Path, status: os.stat_result) -> None:
    try:
        check_status(path, status, WRITTEN_BY_OTHERS)
    except TokenFileError as error:
        raise ValueError(str(error)) from error


def load_or_replace(path: Path, now: float) -> Revocations:
    """Return the revocations of a file; nobody's token of before counts if it cannot be read.

    Args:
        path: the file. If it cannot be read it is put aside, and a list that says so replaces it.
        now: the present time, seconds since the Unix epoch.

    """
    try:
        return _load(path, aside=True)
    except FileNotFoundError:
        return Revocations()
    except TokenFileError as error:
        logger.error(
            '%s. Whose tokens it revoked is not known: all tokens issued until now are refused',
            error,
        )
    strict = Revocations(everybody=now)
    with contextlib.suppress(OSError):  # then it is found unreadable at the next start too
        _write(path, strict)
    return strict


def _write(path: Path, revocations: Revocations) -> None:
    replace_file(path, json.dumps(asdict(revocations), indent=2).encode() + b'\n')
    _give_to_bridge(path)


def revoke(
    path: Path,
    *,
    subject: str | None = None,
    issued_before: float | None = None,
    token_id: str | None = None,
    wall: float | None = None,
) -> Revocations:
    """Add to the list and return it; a new entry for a subject replaces the former one.

    Args:
        path: the file, created if missing. One that cannot be read is replaced as at a start.
        subject: the subject whose tokens are refused.
        issued_before: refuse the tokens of `subject` that were issued before this time, seconds
            since the Unix epoch; None: those issued until now.
        token_id: id of a token or a family (`jti` or `fam`).
        wall: the present time, seconds since the Unix epoch; None: of the system clock.

    Raises:
        OSError: the list cannot be written.

    """
    now = time.time() if wall is None else wall
    make_private(path.parent)
    lock_path = path.with_name(f'{path.name}.lock')
    with os.fdopen(os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)) as lock:
        _give_to_bridge(lock_path)
        fcntl.flock(lock, fcntl.LOCK_EX)
        old = load_or_replace(path, now)
        subjects = {
            name: moment for name, moment in old.subjects.items() if moment + LONGEST > now
        }
        tokens = {name: until for name, until in old.tokens.items() if until > now}
        if subject is not None:
            subjects[subject] = now if issued_before is None else issued_before
        if token_id is not None:
            tokens[token_id] = now + LONGEST
        everybody = old.everybody if old.everybody + LONGEST > now else 0.0
        new = Revocations(subjects, tokens, everybody)
        _write(path, new)
    return new


def _give_to_bridge(path: Path) -> None:
    """Give a file that root wrote to the user of the bridge, who owns its directory."""
    owner = path.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid)


class RevocationFile:
    """A list of revocations, which is read again when its file changes.

    Args:
        path: the file; a missing file is an empty list, one that cannot be read refuses the
            tokens of everybody that were issued until now.
        wall: clock, seconds since the Unix epoch.

    """

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        # Before the content: what is written in between is found by the next `reload`.
        self._signature: object = self._read_signature()
        self._problem = ''  # of the last try to read it
        self.revocations = load_or_replace(path, wall())

    def reload(self) -> list[Exception] | None:
        """Read the file again if it changed; return the problems, or None if nothing changed.

        A file that became wrong or was removed leaves the former list in force and is a problem,
        once. It is read again with each call: perhaps no file descriptor was left to read it, or
        the disk did not answer.
        """
        signature = self._read_signature()
        if signature == self._signature:
            return None
        try:
            if signature is None:
                raise TokenFileError(
                    f'{self._path} was removed; its revocations stay in force until the next start'
                )
            self.revocations = load_revocations(self._path)
        except (OSError, TokenFileError) as error:
            self._signature = 'wrong'
            known, self._problem = self._problem, str(error)
            return None if known == str(error) else [error]
        self._signature, self._problem = signature, ''
        return []

    def _read_signature(self) -> object:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return (status.st_mode, status.st_uid, status.st_ino, status.st_size, status.st_mtime_ns)
