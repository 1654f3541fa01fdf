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
"""Access and refresh tokens (JWT): keys, signing, verification, rotation."""

from __future__ import annotations

import math
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Literal

import jwt

TokenType = Literal['access', 'refresh']

ALGORITHMS = ('HS256', 'RS256', 'ES256', 'EdDSA')
MIN_SECRET_BYTES = 32
MAX_ACCESS_LIFE = 30 * 60.0
MAX_REFRESH_LIFE = 24 * 3600.0
LEEWAY = 5.0


class TokenError(Exception):
    """A token that is not taken. The message never holds any part of the token."""


class SecretFileError(Exception):
    """The secret file is not safe to use; the message holds the remedy."""


@dataclass(frozen=True)
class Key:
    """A key and the one algorithm it is good for.

    Attributes:
        algorithm: one of ALGORITHMS.
        material: secret of at least 32 bytes (HS256), or a public key in PEM.
        kid: value of the token header that names this key; None: of tokens without one.

    """

    algorithm: str
    material: bytes
    kid: str | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(f'algorithm {self.algorithm}: one of {", ".join(ALGORITHMS)}')
        if self.algorithm == 'HS256' and len(self.material) < MIN_SECRET_BYTES:
            raise ValueError(f'HS256 wants a secret of at least {MIN_SECRET_BYTES} bytes')

    def __repr__(self) -> str:
        return f'Key(algorithm={self.algorithm!r}, kid={self.kid!r})'


@dataclass(frozen=True)
class Claims:
    """What a verified token says. Times in seconds since the Unix epoch."""

    subject: str
    role: str
    expires_at: float
    kind: TokenType
    token_id: str | None = None
    family: str | None = None


@dataclass(frozen=True, repr=False)
class TokenPair:
    """An access token and the refresh token that extends it once."""

    access: str
    refresh: str
    expires_at: float


class TokenAuthority:
    """Verifies tokens, and signs them if it holds a secret key.

    Which refresh tokens were used is kept in memory: after a restart of the process one that
    had been used would be taken once more, until its own expiry.

    Args:
        keys: keys to verify with. The first HS256 one also signs.
        issuer: required and written `iss`; None: not looked at.
        audience: required and written `aud`; None: tokens must not carry one.
        access_life: s, of tokens signed here.
        refresh_life: s, of tokens signed here.
        wall: clock, seconds since the Unix epoch.

    """

    def __init__(
        self, keys: Sequence[Key], *, issuer: str | None = None, audience: str | None = None,
        access_life: float = 15 * 60.0, refresh_life: float = 12 * 3600.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if not keys:
            raise ValueError('no key: without one no token could be verified')
        self._keys = {key.kid: key for key in keys}
        if len(self._keys) != len(keys):
            raise ValueError('two keys have the same kid')
        if not 0 < access_life <= MAX_ACCESS_LIFE:
            raise ValueError(f'access_life: above 0, at most {MAX_ACCESS_LIFE:.0f} s')
        if not 0 < refresh_life <= MAX_REFRESH_LIFE:
            raise ValueError(f'refresh_life: above 0, at most {MAX_REFRESH_LIFE:.0f} s')
        self._signing = next((key for key in keys if key.algorithm == 'HS256'), None)
        self._issuer = issuer
        self._audience = audience
        self._access_life = access_life
        self._refresh_life = refresh_life
        self._wall = wall
        self._used: dict[str, float] = {}
        self._revoked: dict[str, float] = {}

    def verify(self, token: str, kind: TokenType = 'access') -> Claims:
        """Return what a token says.

        Raises:
            TokenError: it is malformed, forged, expired, of the other kind, or revoked.

        """
        try:
            kid = jwt.get_unverified_header(token).get('kid')
            key = self._keys.get(kid)
            if key is None:
                raise TokenError('signed with an unknown key')
            # The times are checked below, by the injected clock.
            payload = jwt.decode(
                token, key.material, algorithms=[key.algorithm],
                audience=self._audience, issuer=self._issuer,
                options={'require': ['exp', 'iat', 'sub', 'role', 'typ'], 'verify_exp': False,
                         'verify_iat': False, 'verify_nbf': False})
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenError(f'not a valid token ({type(error).__name__})') from None
        return self._checked(payload, kind)

    def _checked(self, payload: dict[str, Any], kind: TokenType) -> Claims:
        expires, issued = _moment(payload, 'exp'), _moment(payload, 'iat')
        starts = _moment(payload, 'nbf') if 'nbf' in payload else issued
        now = self._wall()
        longest = MAX_ACCESS_LIFE if kind == 'access' else MAX_REFRESH_LIFE
        subject, role = payload['sub'], payload['role']
        if payload['typ'] != kind:
            raise TokenError(f'not an {kind} token' if kind == 'access' else f'not a {kind} token')
        if expires + LEEWAY <= now:
            raise TokenError('expired')
        if max(issued, starts) > now + LEEWAY:
            raise TokenError('not valid yet')
        if expires - issued > longest:
            raise TokenError(f'lives longer than {longest:.0f} s')
        if not isinstance(subject, str) or not subject or not isinstance(role, str) or not role:
            raise TokenError('sub and role must be strings that are not empty')
        token_id, family = payload.get('jti'), payload.get('fam')
        if kind == 'refresh' and not (isinstance(token_id, str) and isinstance(family, str)):
            raise TokenError('a refresh token wants jti and fam')
        if family is not None and family in self._revoked:
            raise TokenError('revoked')
        return Claims(subject, role, expires, kind, token_id, family)

    def is_revoked(self, claims: Claims) -> bool:
        """Return whether a token taken before belongs to a family that was revoked since."""
        return claims.family is not None and claims.family in self._revoked

    def issue(self, subject: str, role: str, *, family: str | None = None) -> TokenPair:
        """Return a new pair.

        Raises:
            TokenError: there is no key to sign with.

        """
        if self._signing is None:
            raise TokenError('tokens are not issued here, ask the issuer of the first one')
        now = self._wall()
        family = family or secrets.token_urlsafe(12)
        return TokenPair(
            self._sign(subject, role, 'access', now, self._access_life, family),
            self._sign(subject, role, 'refresh', now, self._refresh_life, family),
            now + self._access_life)

    def refresh(self, token: str) -> tuple[Claims, TokenPair]:
        """Trade a refresh token for a new pair; it works once.

        Raises:
            TokenError: it is not valid, or was used before: then its family is revoked.

        """
        claims = self.verify(token, 'refresh')
        if self._signing is None:
            raise TokenError('tokens are not issued here, ask the issuer of the first one')
        assert claims.token_id is not None and claims.family is not None
        self._forget()
        if claims.token_id in self._used:
            self._revoked[claims.family] = self._wall() + MAX_REFRESH_LIFE + LEEWAY
            raise TokenError('refresh token used before, its family is revoked')
        self._used[claims.token_id] = claims.expires_at + LEEWAY
        pair = self.issue(claims.subject, claims.role, family=claims.family)
        fresh = Claims(
            claims.subject, claims.role, pair.expires_at, 'access', None, claims.family)
        return fresh, pair

    def _forget(self) -> None:
        now = self._wall()
        for table in (self._used, self._revoked):
            for name in [name for name, until in table.items() if until <= now]:
                del table[name]

    def _sign(
        self, subject: str, role: str, kind: TokenType, now: float, life: float, family: str,
    ) -> str:
        assert self._signing is not None
        payload: dict[str, Any] = {
            'sub': subject, 'role': role, 'typ': kind, 'iat': now, 'exp': now + life,
            'jti': secrets.token_urlsafe(12), 'fam': family}
        if self._issuer is not None:
            payload['iss'] = self._issuer
        if self._audience is not None:
            payload['aud'] = self._audience
        headers = None if self._signing.kid is None else {'kid': self._signing.kid}
        return jwt.encode(payload, self._signing.material, 'HS256', headers=headers)


def _moment(payload: dict[str, Any], claim: str) -> float:
    value = payload[claim]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenError(f'{claim} is not a number')
    return float(value)


def load_or_create_secret(path: Path) -> bytes:
    """Return the secret in `path`, made there first (mode 0600) if there is none.

    Two processes that start together end up with the same secret.

    Raises:
        SecretFileError: others may read the file, it is not ours, or it is too short.
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
        SecretFileError: others may read the file, it is not ours, or it is too short.
        OSError: it cannot be read.

    """
    with path.open('rb') as file:
        status = os.fstat(file.fileno())
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise SecretFileError(
                f'{path} can be read by others: chmod 600 {path}, and replace the secret')
        if status.st_uid not in (0, os.geteuid()):
            raise SecretFileError(f'{path} belongs to another user: chown it to the one who runs')
        secret = file.read().strip()
    if len(secret) < MIN_SECRET_BYTES:
        raise SecretFileError(
            f'{path} holds {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed: '
            f'remove it and start again to get a new one')
    return secret
