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
import base64
import hmac
import json
import re
import time
from typing import NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat

from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.revocations import Revocations
from oht50_bridge.gateway.auth.tokens import TokenAuthority

SECRET = b'0123456789abcdef0123456789abcdef'
PUBLIC = (
    Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
)


def signed(secret=SECRET, algorithm='HS256', headers=None, **changes):
    now = time.time()
    payload = {
        'sub': 'ann',
        'role': 'viewer',
        'typ': 'access',
        'iat': now,
        'exp': now + 900,
        **changes,
    }
    return jwt.encode(
        {key: value for key, value in payload.items() if value is not ...},
        secret,
        algorithm,
        headers=headers,
    )


def test_a_token_of_ours_says_what_was_signed():
    authority = TokenAuthority([Key('HS256', SECRET)])
    claims = authority.verify(authority.issue('ann', 'admin').access)
    assert (claims.subject, claims.role) == ('ann', 'admin')
    assert claims.expires_at == pytest.approx(time.time() + 900, abs=5)
    assert authority.verify(signed()).role == 'viewer'


class FromNow(NamedTuple):
    """A time that the test reckons when it runs, long after it was collected."""

    seconds: float


@pytest.mark.parametrize(
    'changes',
    [
        {'exp': ...},
        {'iat': ...},
        {'sub': ...},
        {'role': ...},
        {'typ': ...},
        {'sub': ''},
        {'role': 5},
        {'typ': 'refresh'},
        {'typ': 'other'},
        {'exp': FromNow(-10)},
        {'exp': FromNow(1900)},
        {'iat': FromNow(60)},
        {'nbf': FromNow(60)},
        {'exp': '2099'},
        {'exp': True},
        {'exp': 10**400},
        {'nbf': None},
        {'auth_time': 'x'},
        {'fam': ['f']},
        {'fam': 5},
        {'sub': 'J\udcf6rg'},
        {'role': '\ud800'},
        {'fam': '\udfff'},
        {'jti': 'x\udcf6'},
        {'sub': 'ann\r\n[WARN]'},
        {'role': 'admin\x1b]52;'},
        {'sub': 'a' * 257},
        {'jti': 'a' * 257},
        {'aud': 'else'},
        {'secret': b'z' * 32},
    ],
    ids=lambda changes: '-'.join(changes),
)
def test_what_is_not_right_is_refused_without_a_word_of_the_token(changes):
    token = signed(
        **{
            name: time.time() + value.seconds if isinstance(value, FromNow) else value
            for name, value in changes.items()
        }
    )
    with pytest.raises(TokenError) as refused:
        TokenAuthority([Key('HS256', SECRET)]).verify(token)
    assert token.split('.')[1] not in str(refused.value)


@pytest.mark.parametrize(
    ('subject', 'role'),
    [('J\udcf6rg', 'viewer'), ('', 'viewer'), ('a\nb', 'viewer'), ('a', '\ud800')],
)
def test_what_would_be_refused_is_not_issued(subject, role):
    with pytest.raises(TokenError):
        TokenAuthority([Key('HS256', SECRET)]).issue(subject, role)


def test_leeway_is_five_seconds():
    authority = TokenAuthority([Key('HS256', SECRET)])
    authority.verify(signed(exp=time.time() - 3))
    authority.verify(signed(iat=time.time() + 3))


def test_the_algorithm_is_the_keys_not_the_tokens():
    authority = TokenAuthority([Key('HS256', SECRET)])
    for token in (signed('', 'none'), signed(SECRET * 2, 'HS512')):
        with pytest.raises(TokenError):
            authority.verify(token)


@pytest.mark.parametrize(
    'headers',
    [
        {'kid': ['k']},
        {'kid': {}},
        {'kid': 5},
        {'kid': '../jwt_secret'},
        {'kid': '/dev/null'},
        {'crit': ['exp']},
        {'crit': ['b64'], 'b64': False},
        {'b64': False},
    ],
    ids=str,
)
def test_a_header_decides_nothing(headers):
    # PyJWT would not write some of these.
    parts = [
        json.dumps({'typ': 'JWT', 'alg': 'HS256', **headers}).encode(),
        base64.urlsafe_b64decode(signed().split('.')[1] + '=='),
    ]
    text = b'.'.join(base64.urlsafe_b64encode(part).rstrip(b'=') for part in parts)
    mac = base64.urlsafe_b64encode(hmac.digest(SECRET, text, 'sha256')).rstrip(b'=')
    with pytest.raises(TokenError):
        TokenAuthority([Key('HS256', SECRET)]).verify((text + b'.' + mac).decode())


@pytest.mark.parametrize(
    'token',
    [
        '',
        '.',
        '..',
        'a.b.c',
        'é.é.é',
        '\ud800',
        'x' * 16000,
        base64.urlsafe_b64encode(b'[' * 12000).decode() + '.e30.e30',
        base64.urlsafe_b64encode(b'{"alg":' + b'9' * 9000 + b'}').decode() + '.e30.e30',
        base64.urlsafe_b64encode(b'[]').decode() + '.e30.e30',
    ],
    ids=lambda token: ascii(token[:8]),
)
def test_what_is_no_token_is_refused(token):
    with pytest.raises(TokenError):
        TokenAuthority([Key('HS256', SECRET)]).verify(token)


def test_a_public_key_does_not_verify_as_a_secret():
    authority = TokenAuthority([Key('EdDSA', PUBLIC, 'k')])
    text = b'.'.join(
        base64.urlsafe_b64encode(part).rstrip(b'=')
        for part in (
            b'{"alg":"HS256","kid":"k","typ":"JWT"}',
            base64.urlsafe_b64decode(signed().split('.')[1] + '=='),
        )
    )
    mac = base64.urlsafe_b64encode(hmac.digest(PUBLIC, text, 'sha256')).rstrip(b'=')
    with pytest.raises(TokenError):
        authority.verify((text + b'.' + mac).decode())


def test_a_token_of_a_removed_or_replaced_key_is_revoked():
    old, new = Key('HS256', SECRET, 'a'), Key('HS256', SECRET[::-1], 'a')
    authority = TokenAuthority([old])
    claims = authority.verify(authority.issue('ann', 'viewer').access)
    authority.use_keys([old, Key('HS256', SECRET * 2, 'b')])
    assert not authority.is_revoked(claims)
    for keys in ([new], []):
        authority.use_keys(keys)
        assert authority.is_revoked(claims)
    with pytest.raises(TokenError, match='does not issue'):
        authority.issue('ann', 'viewer')


def test_revocation_is_by_subject_before_a_moment_or_by_id():
    now = 1000.0
    authority = TokenAuthority([Key('HS256', SECRET)], wall=lambda: now)
    pair = authority.issue('ann', 'viewer')
    claims = authority.verify(pair.access)
    for revocations, expected in (
        (Revocations({'ann': 1000.5}), True),
        (Revocations({'ann': 1000.0}), False),
        (Revocations({'bob': 2000.0}), False),
        (Revocations({}, {claims.token_id: 9e9}), True),
        (Revocations({}, {claims.family: 9e9}), True),
        (Revocations({}, {'x': 9e9}), False),
    ):
        authority.use_revocations(revocations)
        assert authority.is_revoked(claims) is expected
    # A token that came by refreshing is as old as the login it comes from.
    now = 1001.0
    fresh, second = authority.refresh(pair.refresh)
    later = authority.verify(authority.issue('ann', 'viewer').access)
    authority.use_revocations(Revocations({'ann': 1000.5}))
    assert authority.is_revoked(fresh)
    assert not authority.is_revoked(later)
    with pytest.raises(TokenError, match='revoked'):
        authority.verify(second.access)
    with pytest.raises(TokenError, match='revoked'):
        authority.refresh(second.refresh)


def test_keys_are_found_by_kid_and_public_ones_only_verify():
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    authority = TokenAuthority([Key('EdDSA', public, 'k2')])
    assert authority.verify(signed(private, 'EdDSA', {'kid': 'k2'})).subject == 'ann'
    for headers in (None, {'kid': 'k3'}):
        with pytest.raises(TokenError):
            authority.verify(signed(private, 'EdDSA', headers))
    with pytest.raises(TokenError, match='does not issue'):
        authority.issue('ann', 'viewer')
    both = TokenAuthority([Key('EdDSA', public, 'k2'), Key('HS256', SECRET, 'k1')])
    assert both.verify(both.issue('ann', 'viewer').access).subject == 'ann'


def test_issuer_and_audience_are_looked_at_when_configured():
    authority = TokenAuthority([Key('HS256', SECRET)], issuer='fleet', audience='oht50')
    authority.verify(authority.issue('ann', 'viewer').access)
    for changes in ({}, {'iss': 'fleet'}, {'aud': 'oht50'}, {'iss': 'x', 'aud': 'oht50'}):
        with pytest.raises(TokenError):
            authority.verify(signed(**changes))


def test_ids_can_be_given_on_a_command_line_and_are_all_different():
    authority = TokenAuthority([Key('HS256', SECRET)])
    pairs = [authority.issue('ann', 'viewer') for _ in range(300)]
    access, refresh = (
        [jwt.decode(token, SECRET, ['HS256']) for token in tokens]
        for tokens in zip(*((pair.access, pair.refresh) for pair in pairs), strict=True)
    )
    assert [payload['fam'] for payload in access] == [payload['fam'] for payload in refresh]
    ids = [*(payload['jti'] for payload in access + refresh), *(p['fam'] for p in access)]
    assert len({*ids}) == len(ids)
    assert all(re.fullmatch('[0-9a-f]{24}', name) for name in ids)


def test_a_refresh_token_works_once_and_its_replay_revokes_the_family():
    authority = TokenAuthority([Key('HS256', SECRET)])
    first, other = authority.issue('ann', 'viewer'), authority.issue('bob', 'viewer')
    claims, second = authority.refresh(first.refresh)
    assert (claims.subject, claims.role) == ('ann', 'viewer')
    _, third = authority.refresh(second.refresh)
    with pytest.raises(TokenError, match='revoked'):
        authority.refresh(first.refresh)
    for dead in (third.refresh, second.refresh):
        with pytest.raises(TokenError):
            authority.refresh(dead)
    with pytest.raises(TokenError, match='revoked'):
        authority.verify(third.access)
    authority.refresh(other.refresh)
    with pytest.raises(TokenError):
        authority.refresh(other.access)


def test_a_used_refresh_token_stays_used_for_as_long_as_any_may_live():
    """That of another issuer may live for longer than what it is exchanged for."""
    now = 1_800_000_000.0

    def clock():
        return now

    issuer = TokenAuthority([Key('HS256', SECRET)], refresh_life=24 * 3600.0, wall=clock)
    authority = TokenAuthority([Key('HS256', SECRET)], wall=clock, steady=clock)
    first, other = issuer.issue('ann', 'admin').refresh, issuer.issue('bob', 'viewer').refresh
    authority.refresh(first)
    now += 12.1 * 3600
    authority.refresh(other)  # what is over is forgotten
    with pytest.raises(TokenError, match='used before'):
        authority.refresh(first)


def test_short_secrets_long_lives_and_unknown_algorithms_are_refused():
    for make in (
        lambda: Key('HS256', b'x' * 31),
        lambda: Key('none', SECRET),
        lambda: Key('HS256', PUBLIC),
        lambda: Key('RS256', PUBLIC),
        lambda: Key('EdDSA', SECRET),
        lambda: Key('HS512', SECRET),
        lambda: TokenAuthority([Key('HS256', SECRET)], access_life=1801),
        lambda: TokenAuthority([Key('HS256', SECRET), Key('HS256', SECRET)]),
    ):
        with pytest.raises(ValueError):
            make()
    assert '0123' not in repr(Key('HS256', SECRET))
