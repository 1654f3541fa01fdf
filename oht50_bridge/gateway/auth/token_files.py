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
"""Keeps a token authority up to date with its files: keys, revocations, used refresh tokens."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oht50_bridge.gateway.auth.keys import KeyFiles
from oht50_bridge.gateway.auth.refresh_store import RefreshStore
from oht50_bridge.gateway.auth.revocations import RevocationFile
from oht50_bridge.gateway.auth.tokens import TokenAuthority

ISSUER = 'OHT50_TOKEN_ISSUER'
AUDIENCE = 'OHT50_TOKEN_AUDIENCE'
PERIOD = 0.5  # s, between two checks of the files

logger = logging.getLogger(__name__)


class TokenFiles:
    """A token authority, and a thread that updates it when its files change. Close it after use.

    Args:
        keys: directory of keys, or file of a secret.
        revocations: file of revocations; it may be missing.
        used: file of the refresh tokens that were used.
        issuer: the `iss` that tokens must have; empty: OHT50_TOKEN_ISSUER, else any.
        audience: the `aud` that tokens must have; empty: OHT50_TOKEN_AUDIENCE, else tokens must
            not have one.
        record: called from the thread for each change, as `AuditWriter.record`.

    Attributes:
        authority: the authority.

    A file that is wrong ends nothing: no token is accepted by a key that cannot be read, none that
    was issued before by anybody when the revocations cannot be read.

    """

    def __init__(
        self,
        *,
        keys: Path,
        revocations: Path,
        used: Path,
        issuer: str = '',
        audience: str = '',
        record: Callable[..., None] = lambda what, **fields: None,
    ) -> None:
        self._keys = KeyFiles(keys, strict=False)
        self._revocations = RevocationFile(revocations)
        self._record = record
        self._store = RefreshStore(used)
        self.authority = TokenAuthority(
            self._keys.keys,
            issuer=issuer or os.environ.get(ISSUER) or None,
            audience=audience or os.environ.get(AUDIENCE) or None,
            store=self._store,
        )
        self.authority.use_revocations(self._revocations.revocations)
        for problem in self._keys.problems:
            logger.error('%s; until it is corrected, no token is accepted by this key', problem)
        if not self._keys.keys:
            logger.error('%s: no key can be used, so no token is accepted', keys)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name='token-files', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the threads. It may be called again."""
        self._ending.set()
        self._thread.join(5.0)  # a thread that still waits for the disk ends with the process
        self._store.close()

    def _run(self) -> None:
        while not self._ending.wait(PERIOD):
            try:
                self._check()
            except Exception:
                # If this thread ended, no revocation would take effect any more.
                logger.exception('internal error while reading keys or revocations')

    def _check(self) -> None:
        problems = self._keys.reload()
        if problems is not None:
            self.authority.use_keys(self._keys.keys)
            self._report('keys', problems, kids=[key.kid for key in self._keys.keys])
        problems = self._revocations.reload()
        if problems is not None:
            revocations = self._revocations.revocations
            self.authority.use_revocations(revocations)
            self._report(
                'revocations',
                problems,
                subjects=dict(revocations.subjects),
                tokens=dict(revocations.tokens),
            )

    def _report(self, what: str, problems: list[Exception], **fields: Any) -> None:
        for problem in problems:
            logger.error('%s; the former content stays in force', problem)
        counts = ', '.join(f'{len(values)} {name}' for name, values in fields.items())
        logger.info('%s changed: %s', what, counts)  # the audit log has all of them
        self._record(what, **fields, problems=[str(problem) for problem in problems])
