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
"""Keys: files named by key id, read again when they change."""

import errno
import os
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed448
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat

from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.keys import KeyFiles
from oht50_bridge.gateway.auth.keys import keys_path
from oht50_bridge.gateway.auth.keys import load_key
from oht50_bridge.gateway.auth.keys import make_key
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.tokens import TokenAuthority

ED25519 = ed25519.Ed25519PrivateKey.generate()


def public(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private(key, protection=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection or NoEncryption())


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / 'keys'
    path.mkdir()
    return path


def put(directory, name, content, mode=0o600):
    path = directory / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ('key', 'algorithm'),
    [
        (rsa.generate_private_key(65537, 2048), 'RS256'),
        (ec.generate_private_key(ec.SECP256R1()), 'ES256'),
        (ED25519, 'EdDSA'),
    ],
    ids=['RSA', 'P-256', 'Ed25519'],
)
def test_the_kind_of_a_key_fixes_its_algorithm(directory, key, algorithm):
    loaded = load_key(put(directory, 'a.pem', public(key), 0o644))
    assert (loaded.kid, loaded.algorithm, loaded.signs) == ('a', algorithm, False)
    signing = load_key(put(directory, 'a.pem', private(key)))
    assert (signing.algorithm, signing.signs) == (algorithm, True)
    token = TokenAuthority([signing]).issue('ann', 'viewer').access
    assert TokenAuthority([loaded]).verify(token).subject == 'ann'
    assert 'PRIVATE' not in repr(signing)


@pytest.mark.parametrize(
    ('name', 'content', 'mode', 'remedy'),
    [
        ('a.pem', public(rsa.generate_private_key(65537, 1024)), 0o644, 'at least 2048'),
        ('a.pem', public(ec.generate_private_key(ec.SECP384R1())), 0o644, 'P-256'),
        ('a.pem', public(ed448.Ed448PrivateKey.generate()), 0o644, 'Ed25519'),
        ('a.pem', public(dsa.generate_private_key(1024)), 0o644, 'P-256'),
        ('a.pem', b'', 0o644, 'PEM'),
        ('a.pem', b'-----BEGIN CERTIFICATE-----\n', 0o644, 'openssl x509'),
        ('a.pem', public(ED25519), 0o666, 'chmod go-w'),
        ('a.pem', private(ED25519), 0o640, 'a.pem, and replace the secret'),
        ('a.pem', private(ED25519, BestAvailableEncryption(b'p')), 0o600, 'openssl pkey'),
        ('a.secret', b'x' * 40, 0o640, 'a.secret, and replace the secret'),
        ('a.secret', b'x' * 31, 0o600, 'at least 32'),
        ('a.secret', public(ED25519), 0o600, 'a key in PEM'),
        ('a.pub', public(ED25519), 0o644, '<kid>.pem'),
        ('a b.pem', public(ED25519), 0o644, 'A-Z'),
        ('a' * 65 + '.pem', public(ED25519), 0o644, '64'),
    ],
    ids=[
        'short RSA',
        'P-384',
        'Ed448',
        'DSA',
        'empty',
        'certificate',
        'writable public key',
        'readable private key',
        'encrypted',
        'readable secret',
        'short secret',
        'key as secret',
        'other suffix',
        'space',
        'long',
    ],
)
def test_what_is_wrong_is_named_with_the_file_and_the_remedy(
    directory, name, content, mode, remedy
):
    path = put(directory, name, content, mode)
    with pytest.raises(TokenFileError) as refused:
        KeyFiles(directory)
    assert str(path) in str(refused.value)
    assert remedy in str(refused.value)
    assert 'xxxx' not in str(refused.value)


def test_a_directory_others_can_write_or_that_is_empty_is_refused(directory):
    with pytest.raises(TokenFileError, match='keygen'):
        KeyFiles(directory)
    put(directory, 'a.pem', public(ED25519))
    directory.chmod(0o777)
    with pytest.raises(TokenFileError, match='chmod go-w'):
        KeyFiles(directory)


def test_what_somebody_else_owns_is_refused(directory):
    if os.geteuid() != 0:
        pytest.skip('only root can give files away')
    path = put(directory, 'a.secret', b'x' * 40)
    os.chown(path, 65534, 65534)
    with pytest.raises(TokenFileError, match='chown'):
        KeyFiles(directory)


def kids(files):
    return [key.kid for key in files.keys]


def test_keys_come_and_go_while_it_runs(directory):
    put(directory, '2026-10.pem', public(ED25519))
    put(directory, '.2026-12.pem.swp', b'rubbish')
    files = KeyFiles(directory)
    assert files.reload() is None
    put(directory, '2026-11.secret', b'x' * 40)
    assert files.reload() == []
    assert kids(files) == ['2026-11', '2026-10']
    assert files.reload() is None
    (directory / '2026-10.pem').unlink()
    assert files.reload() == []
    assert kids(files) == ['2026-11']
    (directory / '2026-11.secret').unlink()
    assert files.reload() == []
    assert files.keys == []


def test_a_changed_file_that_is_wrong_keeps_its_key_and_no_other(directory):
    put(directory, 'a.secret', b'x' * 40)
    put(directory, 'b.secret', b'y' * 40)
    files = KeyFiles(directory)
    before = files.keys
    put(directory, 'a.secret', b'short')
    (problem,) = files.reload()
    assert 'a.secret' in str(problem)
    assert files.keys == before
    (directory / 'b.secret').unlink()
    assert len(files.reload()) == 1
    assert kids(files) == ['a']
    put(directory, 'c.secret', b'short')
    assert len(files.reload()) == 2
    assert kids(files) == ['a']
    put(directory, 'a.secret', b'z' * 40)
    files.reload()
    assert files.keys[0].material == b'z' * 40


def test_a_changed_file_that_cannot_be_read_for_now_is_read_later(directory, monkeypatch):
    put(directory, 'a.secret', b'x' * 40)
    put(directory, 'b.secret', b'y' * 40)
    files = KeyFiles(directory)
    put(directory, 'a.secret', b'z' * 40)

    def fail(path, *_):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, 'open', fail)
        problems = files.reload()
        assert [problem.errno for problem in problems] == [errno.EIO] * 2
        assert files.reload() is None, 'it is reported once'
        (directory / 'b.secret').unlink()
        assert len(files.reload()) == 1
        assert [key.material for key in files.keys] == [b'x' * 40]
    assert files.reload() == []
    assert [key.material for key in files.keys] == [b'z' * 40]
    assert files.reload() is None


def test_files_that_come_back_as_they_were_are_read_again(directory):
    put(directory, 'a.secret', b'x' * 40)
    put(directory, 'b.secret', b'y' * 40)
    files = KeyFiles(directory)
    away = directory.with_name('b.secret')
    (directory / 'b.secret').rename(away)
    put(directory, 'c.secret', b'short')
    assert len(files.reload()) == 1
    assert kids(files) == ['a']
    (directory / 'c.secret').unlink()
    away.rename(directory / 'b.secret')
    assert files.reload() == []
    assert kids(files) == ['b', 'a']


def test_two_files_of_one_kid_change_nothing(directory):
    put(directory, 'a.secret', b'x' * 40)
    files = KeyFiles(directory)
    put(directory, 'a.pem', public(ED25519))
    (problem,) = files.reload()
    assert 'rename' in str(problem)
    assert [key.algorithm for key in files.keys] == ['HS256']
    put(directory, 'b.secret', b'x' * 40)
    put(directory, 'b.pem', public(ED25519))
    assert len(files.reload()) == 2
    assert kids(files) == ['a']
    with pytest.raises(TokenFileError, match='rename'):
        KeyFiles(directory)


def test_a_directory_that_is_away_keeps_the_keys(directory):
    put(directory, 'a.secret', b'x' * 40)
    files = KeyFiles(directory)
    directory.rename(directory.with_name('away'))
    assert isinstance(files.reload()[0], OSError)
    assert files.reload() is None
    assert kids(files) == ['a']
    directory.with_name('away').rename(directory)
    assert files.reload() == []


def test_one_secret_is_a_key_without_kid_and_is_followed_too(tmp_path):
    path = put(tmp_path, 'secret', b'x' * 40)
    files = KeyFiles(path)
    assert [(key.kid, key.material) for key in files.keys] == [(None, b'x' * 40)]
    put(tmp_path, 'secret', b'y' * 41)
    assert files.reload() == []
    assert files.keys[0].material == b'y' * 41
    path.unlink()
    assert len(files.reload()) == 1
    assert files.keys[0].material == b'y' * 41


def test_where_the_keys_are(tmp_path, monkeypatch):
    assert keys_path('', tmp_path) == tmp_path / 'jwt_secret'
    monkeypatch.setenv('OHT50_KEYS', '/etc/keys')
    assert str(keys_path('', tmp_path)) == '/etc/keys'
    assert str(keys_path('/other', tmp_path)) == '/other'


@pytest.mark.parametrize('algorithm', ['EdDSA', 'ES256', 'RS256', 'HS256'])
def test_a_key_that_is_made_signs_and_is_the_owners_alone(directory, algorithm):
    key = make_key(directory, '2026-11', algorithm)
    (path,) = directory.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (key.algorithm, key.signs, key.kid) == (algorithm, True, '2026-11')
    with pytest.raises(FileExistsError):
        make_key(directory, '2026-11', algorithm)
    with pytest.raises(TokenFileError):
        make_key(directory, '../x', algorithm)
    assert list(directory.iterdir()) == [path]


@pytest.mark.skipif(not shutil.which('openssl'), reason='openssl is not installed')
@pytest.mark.processes
def test_keys_of_openssl_are_accepted(directory):
    for command in (
        ['genpkey', '-algorithm', 'ed25519', '-out', 'fleet.key'],
        ['pkey', '-in', 'fleet.key', '-pubout', '-out', 'keys/fleet.pem'],
    ):
        subprocess.run(['openssl', *command], cwd=directory.parent, check=True)
    issuer = load_key(
        put(directory.parent, 'fleet.pem', (directory.parent / 'fleet.key').read_bytes())
    )
    authority = TokenAuthority(KeyFiles(directory).keys)
    assert authority.verify(TokenAuthority([issuer]).issue('ann', 'viewer').access).key.kid == (
        'fleet'
    )
    with pytest.raises(TokenError, match='does not issue'):
        authority.issue('ann', 'viewer')
