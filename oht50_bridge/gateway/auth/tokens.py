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
"""Access and refresh tokens (JWT): verification, signing and rotation."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import jwt

from oht50_bridge.gateway.auth.claims import LEEWAY
from oht50_bridge.gateway.auth.claims import MAX_ACCESS_LIFE
from oht50_bridge.gateway.auth.claims import MAX_REFRESH_LIFE
from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.claims import TokenPair
from oht50_bridge.gateway.auth.claims import TokenType
from oht50_bridge.gateway.auth.claims import check_claim
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.refresh_answers import GRACE
from oht50_bridge.gateway.auth.refresh_answers import Answer
from oht50_bridge.gateway.auth.refresh_answers import RefreshAnswers
from oht50_bridge.gateway.auth.refresh_store import RefreshStore
from oht50_bridge.gateway.auth.revocations import Revocations


class TokenAuthority:
    """Verifies tokens, and signs them if one of its keys can sign.

    It reads nothing but `kid` in the header of a token, and only to choose one of its own keys: a
    token can determine neither its algorithm nor its key.

    Args:
        keys: the keys that verify; without any, no token is accepted. The first that can sign
            signs.
        issuer: `iss` that tokens must have and are signed with; None: any, and none is written.
        audience: `aud` that tokens must have and are signed with; None: tokens must not have one.
        access_life: life of access tokens signed here, s.
        refresh_life: life of refresh tokens signed here, s.
        wall: clock, seconds since the Unix epoch.
        steady: clock, s, monotonic; a change of the date does not prolong `GRACE`.
        store: the store of used refresh tokens; None: one in memory.

    Raises:
        ValueError: two keys have the same id, or a life is too long.

    """

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        issuer: str | None = None,
        audience: str | None = None,
        access_life: float = 15 * 60.0,
        refresh_life: float = 12 * 3600.0,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        store: RefreshStore | None = None,
    ) -> None:
        if not 0 < access_life <= MAX_ACCESS_LIFE:
            raise ValueError(f'access_life: above 0, at most {MAX_ACCESS_LIFE:.0f} s')
        if not 0 < refresh_life <= MAX_REFRESH_LIFE:
            raise ValueError(f'refresh_life: above 0, at most {MAX_REFRESH_LIFE:.0f} s')
        self._issuer = issuer
        self._audience = audience
        self._access_life = access_life
        self._refresh_life = refresh_life
        self._wall = wall
        self._steady = steady
        self._store = store or RefreshStore(wall=wall)
        self._answers = RefreshAnswers()
        self._revocations: Revocations | None = None
        self.use_keys(keys)

    def use_keys(self, keys: Sequence[Key]) -> None:
        """Replace the keys; from any thread.

        Tokens of a removed key are refused, and count as revoked in sessions that use them.
        """
        by_kid = {key.kid: key for key in keys}
        if len(by_kid) != len(keys):
            raise ValueError('two keys have the same kid')
        self._keys = by_kid
        self._signing = next((key for key in keys if key.signs), None)

    def use_revocations(self, revocations: Revocations) -> None:
        """Replace the revocations; from any thread."""
        self._revocations = revocations

    def verify(self, token: str, kind: TokenType = TokenType.ACCESS) -> Claims:
        """Return the claims of a token. A refresh token that was used before revokes its family.

        It does not within `GRACE` of its use, while its successor is unused.

        Raises:
            TokenError: it is malformed, forged, expired, of the other kind, used or revoked.

        """
        if kind == TokenType.REFRESH:
            return self.verify_refresh(token)[0]
        return self._read(token, kind)[0]

    def verify_refresh(self, token: str) -> tuple[Claims, tuple[Claims, TokenPair] | None]:
        """Return the claims of a refresh token, and what it was exchanged for.

        That is None for an unused token. For one that was used within `GRACE`, while its
        successor is unused, it is what `refresh` returned, with `repeated` set.

        Raises:
            TokenError: as `verify`; or the pair has expired or was revoked since.

        """
        claims, issued = self._read(token, TokenType.REFRESH)
        answer = self._check_use(claims, issued)
        if answer is None:
            return claims, None
        self._read(answer.pair.refresh, TokenType.REFRESH)
        self._read(answer.pair.access, TokenType.ACCESS)
        return claims, (answer.claims, replace(answer.pair, repeated=True))

    def _read(self, token: str, kind: TokenType) -> tuple[Claims, float]:
        """Return the claims of a token, used or not, and the time of its issue."""
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get('kid'))
            if key is None:
                raise TokenError('signed with an unknown key')
            if 'crit' in header:
                raise TokenError('its header requires an unknown extension')
            # The times are checked in `_checked`, with the clock of this authority.
            payload = jwt.decode(
                token,
                key.material,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={
                    'require': ['exp', 'iat', 'sub', 'role', 'typ'],
                    'verify_exp': False,
                    'verify_iat': False,
                    'verify_nbf': False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenError(f'not a valid token ({type(error).__name__})') from None
        claims = self._checked(payload, kind, key)
        if self.is_revoked(claims):
            raise TokenError('revoked')
        return claims, _moment(payload, 'iat')

    def _checked(self, payload: dict[str, Any], kind: TokenType, key: Key) -> Claims:
        expires, issued = _moment(payload, 'exp'), _moment(payload, 'iat')
        starts = _moment(payload, 'nbf') if 'nbf' in payload else issued
        began = _moment(payload, 'auth_time') if 'auth_time' in payload else issued
        now = self._wall()
        longest = MAX_ACCESS_LIFE if kind == TokenType.ACCESS else MAX_REFRESH_LIFE
        if payload['typ'] != kind:
            article = 'an' if kind == TokenType.ACCESS else 'a'
            raise TokenError(f'not {article} {kind.value} token')
        if expires + LEEWAY <= now:
            raise TokenError('expired')
        if max(issued, starts) > now + LEEWAY:
            raise TokenError('not valid yet')
        if expires - issued > longest:
            raise TokenError(f'lives longer than {longest:.0f} s')
        subject, role = check_claim('sub', payload['sub']), check_claim('role', payload['role'])
        token_id, family = (
            None if payload.get(name) is None else check_claim(name, payload[name])
            for name in ('jti', 'fam')
        )
        if kind == TokenType.REFRESH and (token_id is None or family is None):
            raise TokenError('a refresh token needs jti and fam')
        return Claims(subject, role, expires, kind, min(began, issued), token_id, family, key)

    def _check_use(self, claims: Claims, issued: float) -> Answer | None:
        assert claims.token_id is not None and claims.family is not None
        if issued < self._store.not_before:
            raise TokenError('it is unknown whether it was used before')
        if self._store.is_current(claims.family, claims.token_id):
            # Who has the successor has received the answer.
            self._answers.end(claims.family)
            return None
        answer = self._answers.find(claims.family, claims.token_id, self._steady())
        if answer is None or not self._store.is_current(claims.family, answer.pair.refresh_id):
            self._answers.end(claims.family)
            self._store.revoke(claims.family, self._wall() + MAX_REFRESH_LIFE + LEEWAY)
            raise TokenError('refresh token used before, its family is revoked')
        return answer

    def is_revoked(self, claims: Claims) -> bool:
        """Return whether a token that was accepted earlier is revoked now.

        Its family was revoked, the list of revocations covers it, or its key was removed.
        """
        key = claims.key
        return (
            (key is not None and self._keys.get(key.kid) != key)
            or (claims.family is not None and self._store.is_revoked(claims.family))
            or (self._revocations is not None and self._revocations.cover(claims))
        )

    def issue(self, subject: str, role: str) -> TokenPair:
        """Return a new pair of tokens, the first of its family.

        Raises:
            TokenError: no key can sign, or `verify` would refuse the subject or the role.

        """
        return self._issue(subject, role, _new_id(), None)[0]

    def refresh(self, token: str, subject: str | None = None) -> tuple[Claims, TokenPair]:
        """Exchange a refresh token, once, for a new pair and the claims of its access token.

        Await `saved` before you send the pair to the client. For `GRACE`, while the new refresh
        token is unused, the old one is answered with the same pair: the first answer may be lost.

        Args:
            token: the refresh token.
            subject: whom it must be issued to; None: anybody. One of another subject stays unused.

        Raises:
            TokenError: the token is not valid, of another subject, or was used before; then its
                family is revoked.

        """
        claims, again = self.verify_refresh(token)
        if subject not in (None, claims.subject):
            raise TokenError('the session belongs to another subject')
        if again is not None:
            return again
        assert claims.token_id is not None and claims.family is not None
        pair, fresh = self._issue(claims.subject, claims.role, claims.family, claims.began_at)
        now = self._steady()
        self._answers.keep(claims.family, Answer(claims.token_id, fresh, pair, now + GRACE), now)
        return fresh, pair

    def saved(self) -> Future[None]:
        """Return a future that is done when the used tokens are on the disk, or a write failed."""
        return self._store.saved()

    def _issue(
        self, subject: str, role: str, family: str, began: float | None
    ) -> tuple[TokenPair, Claims]:
        signing, now = self._signing, self._wall()
        if signing is None:
            raise TokenError('this bridge does not issue tokens; ask the issuer of the first one')
        payload: dict[str, Any] = {
            'sub': check_claim('sub', subject),
            'role': check_claim('role', role),
            'iat': now,
            'fam': family,
        }
        if self._issuer is not None:
            payload['iss'] = self._issuer
        if self._audience is not None:
            payload['aud'] = self._audience
        if began is not None:
            payload['auth_time'] = began
        access_id, refresh_id = _new_id(), _new_id()
        expires, end = now + self._access_life, now + self._refresh_life
        access = {'typ': TokenType.ACCESS.value, 'exp': expires, 'jti': access_id}
        refresh = {'typ': TokenType.REFRESH.value, 'exp': end, 'jti': refresh_id}
        pair = TokenPair(
            _sign(signing, payload | access),
            _sign(signing, payload | refresh),
            expires,
            refresh_id,
        )
        if began is not None:
            # What was exchanged may come from an issuer whose tokens live longer than ours.
            self._store.rotate(family, refresh_id, now + MAX_REFRESH_LIFE + LEEWAY)
        return pair, Claims(
            subject,
            role,
            expires,
            TokenType.ACCESS,
            now if began is None else began,
            access_id,
            family,
            signing,
        )


def _new_id() -> str:
    # Not base64, where an id may begin with "-", which `oht50 token revoke --token-id` would read
    # as an option.
    return secrets.token_hex(12)


def _sign(key: Key, payload: dict[str, Any]) -> str:
    headers = None if key.kid is None else {'kid': key.kid}
    return jwt.encode(payload, key.private or key.material, key.algorithm, headers=headers)


def _moment(payload: dict[str, Any], claim: str) -> float:
    value = payload[claim]
    try:
        moment = float(value) if type(value) in (int, float) else math.nan
    except OverflowError:
        moment = math.nan
    if not math.isfinite(moment):
        raise TokenError(f'{claim} is not a number')
    return moment
