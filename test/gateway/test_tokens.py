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
import multiprocessing
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat

from oht50_bridge.gateway.tokens import Key
from oht50_bridge.gateway.tokens import SecretFileError
from oht50_bridge.gateway.tokens import TokenAuthority
from oht50_bridge.gateway.tokens import TokenError
from oht50_bridge.gateway.tokens import load_or_create_secret

SECRET = b'0123456789abcdef0123456789abcdef'


def signed(secret=SECRET, algorithm='HS256', headers=None, **changes):
    now = time.time()
    payload = {'sub': 'ann', 'role': 'viewer', 'typ': 'access', 'iat': now, 'exp': now + 900,
               **changes}
    return jwt.encode({key: value for key, value in payload.items() if value is not ...}, secret,
                      algorithm, headers=headers)


def test_a_token_of_ours_says_what_was_signed():
    authority = TokenAuthority([Key('HS256', SECRET)])
    claims = authority.verify(authority.issue('ann', 'admin').access)
    assert (claims.subject, claims.role) == ('ann', 'admin')
    assert claims.expires_at == pytest.approx(time.time() + 900, abs=5)
    assert authority.verify(signed()).role == 'viewer'


@pytest.mark.parametrize('changes', [
    {'exp': ...}, {'iat': ...}, {'sub': ...}, {'role': ...}, {'typ': ...}, {'sub': ''},
    {'role': 5}, {'typ': 'refresh'}, {'typ': 'other'}, {'exp': time.time() - 10},
    {'exp': time.time() + 1900}, {'iat': time.time() + 60}, {'nbf': time.time() + 60},
    {'exp': '2099'}, {'exp': True}, {'aud': 'else'}, {'secret': b'z' * 32},
], ids=lambda changes: '-'.join(changes))
def test_what_is_not_right_is_refused_without_a_word_of_the_token(changes):
    token = signed(**changes)
    with pytest.raises(TokenError) as refused:
        TokenAuthority([Key('HS256', SECRET)]).verify(token)
    assert token.split('.')[1] not in str(refused.value)


def test_leeway_is_five_seconds():
    authority = TokenAuthority([Key('HS256', SECRET)])
    authority.verify(signed(exp=time.time() - 3))
    authority.verify(signed(iat=time.time() + 3))


def test_the_algorithm_is_the_keys_not_the_tokens():
    authority = TokenAuthority([Key('HS256', SECRET)])
    for token in (signed('', 'none'), signed(SECRET * 2, 'HS512')):
        with pytest.raises(TokenError):
            authority.verify(token)


def test_keys_are_found_by_kid_and_public_ones_only_verify():
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    authority = TokenAuthority([Key('EdDSA', public, 'k2')])
    assert authority.verify(signed(private, 'EdDSA', {'kid': 'k2'})).subject == 'ann'
    for headers in (None, {'kid': 'k3'}):
        with pytest.raises(TokenError):
            authority.verify(signed(private, 'EdDSA', headers))
    with pytest.raises(TokenError, match='not issued here'):
        authority.issue('ann', 'viewer')
    both = TokenAuthority([Key('EdDSA', public, 'k2'), Key('HS256', SECRET, 'k1')])
    assert both.verify(both.issue('ann', 'viewer').access).subject == 'ann'


def test_issuer_and_audience_are_looked_at_when_configured():
    authority = TokenAuthority([Key('HS256', SECRET)], issuer='fleet', audience='oht50')
    authority.verify(authority.issue('ann', 'viewer').access)
    for changes in ({}, {'iss': 'fleet'}, {'aud': 'oht50'}, {'iss': 'x', 'aud': 'oht50'}):
        with pytest.raises(TokenError):
            authority.verify(signed(**changes))


def test_a_refresh_token_works_once_and_its_replay_revokes_the_family():
    authority = TokenAuthority([Key('HS256', SECRET)])
    first, stranger = authority.issue('ann', 'viewer'), authority.issue('bob', 'viewer')
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
    authority.refresh(stranger.refresh)
    with pytest.raises(TokenError):
        authority.refresh(stranger.access)


def test_short_secrets_long_lives_and_unknown_algorithms_are_refused():
    for make in (lambda: Key('HS256', b'x' * 31), lambda: Key('none', SECRET),
                 lambda: Key('HS512', SECRET), lambda: TokenAuthority([]),
                 lambda: TokenAuthority([Key('HS256', SECRET)], access_life=1801),
                 lambda: TokenAuthority([Key('HS256', SECRET), Key('HS256', SECRET)])):
        with pytest.raises(ValueError):
            make()
    assert '0123' not in repr(Key('HS256', SECRET))


def _load(path, queue):
    queue.put(load_or_create_secret(path))


def test_processes_that_start_together_share_one_secret_of_mode_0600(tmp_path):
    context = multiprocessing.get_context('fork')
    queue, path = context.SimpleQueue(), tmp_path / 'state' / 'secret'
    processes = [context.Process(target=_load, args=(path, queue)) for _ in range(6)]
    for process in processes:
        process.start()
    secrets = {queue.get() for _ in processes}
    for process in processes:
        process.join()
    assert len(secrets) == 1 and len(secrets.pop()) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ['secret']


def test_a_secret_others_can_read_or_that_is_short_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / 'secret'
    path.write_bytes(SECRET + b'\n')
    path.chmod(0o640)
    with pytest.raises(SecretFileError, match='chmod 600'):
        load_or_create_secret(path)
    path.chmod(0o600)
    assert load_or_create_secret(path) == SECRET
    path.write_bytes(b'short')
    with pytest.raises(SecretFileError, match='at least 32'):
        load_or_create_secret(path)
