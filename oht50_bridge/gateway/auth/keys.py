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
"""The keys of tokens: a directory of files named by key id, or the file of one secret.

`<kid>.pem` holds a public key, or a private key that also signs: RSA of at least 2048 bits
(RS256), P-256 (ES256) or Ed25519 (EdDSA). `<kid>.secret` holds a secret (HS256). The kind of a
key determines its algorithm. Of the keys that can sign, the last by name signs.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from oht50_bridge.atomic_file import create_file
from oht50_bridge.gateway.auth.private_files import KEYS
from oht50_bridge.gateway.auth.private_files import MIN_SECRET_BYTES
from oht50_bridge.gateway.auth.private_files import WRITTEN_BY_OTHERS
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import check_status
from oht50_bridge.gateway.auth.private_files import load_secret
from oht50_bridge.gateway.auth.private_files import make_secret
from oht50_bridge.gateway.auth.private_files import read_private
from oht50_bridge.gateway.auth.private_files import read_trusted
from oht50_bridge.gateway.auth.private_files import secret_path
from oht50_bridge.paths import expanded
from oht50_bridge.paths import make_private

ALGORITHMS = ('HS256', 'RS256', 'ES256', 'EdDSA')
MIN_RSA_BITS = 2048
_PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

KID = re.compile(r'[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}')
GENERATORS: dict[str, Callable[[], _PrivateKey]] = {
    'EdDSA': ed25519.Ed25519PrivateKey.generate,
    'ES256': lambda: ec.generate_private_key(ec.SECP256R1()),
    'RS256': lambda: rsa.generate_private_key(65537, 3072),
}


def algorithm_of(public: Any) -> str:
    """Return the algorithm of a public key.

    Raises:
        ValueError: no algorithm of ALGORITHMS uses such a key.

    """
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < MIN_RSA_BITS:
            raise ValueError(
                f'an RSA key of {public.key_size} bits, at least {MIN_RSA_BITS} are needed'
            )
        return 'RS256'
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return 'ES256'
    if isinstance(public, ed25519.Ed25519PublicKey):
        return 'EdDSA'
    raise ValueError('not an RSA, P-256 or Ed25519 key')


@dataclass(frozen=True)
class Key:
    """A key and the only algorithm it is used with.

    Attributes:
        algorithm: one of ALGORITHMS.
        material: secret of at least 32 bytes (HS256), or a public key in PEM.
        kid: key id in the header of the tokens that this key verifies; None: it verifies tokens
            without a key id.
        private: private key in PEM that signs; None: the key cannot sign, unless it is a secret.

    Raises:
        ValueError: the algorithm cannot use the material.

    """

    algorithm: str
    material: bytes
    kid: str | None = None
    private: bytes | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(f'algorithm {self.algorithm}: one of {", ".join(ALGORITHMS)}')
        if self.algorithm != 'HS256':
            try:
                algorithm = algorithm_of(load_pem_public_key(self.material))
            except UnsupportedAlgorithm as error:
                raise ValueError(str(error)) from error
            if algorithm != self.algorithm:
                raise ValueError(f'the key is for {algorithm}, not for {self.algorithm}')
        elif len(self.material) < MIN_SECRET_BYTES:
            raise ValueError(f'HS256 needs a secret of at least {MIN_SECRET_BYTES} bytes')
        elif b'-----BEGIN ' in self.material:
            # A public key must never serve as a secret: everybody could forge tokens with it.
            raise ValueError('HS256 needs a secret, this is a key in PEM')

    @property
    def signs(self) -> bool:
        """Whether the key can sign tokens."""
        return self.algorithm == 'HS256' or self.private is not None

    def __repr__(self) -> str:
        return f'Key(algorithm={self.algorithm!r}, kid={self.kid!r})'


def keys_path(given: str, state_dir: Path, *, strict: bool = True) -> Path:
    """Return the path of the keys: `given`, else OHT50_KEYS, else the secret, created if missing.

    Args:
        given: directory of keys, or file of a secret; empty: as above.
        state_dir: directory of the secret.
        strict: raise when the secret cannot be used; otherwise return its path all the same.

    Raises:
        TokenFileError: the secret is not safe to use; the message holds the remedy.
        OSError: the secret cannot be read or created.

    """
    chosen = given or os.environ.get(KEYS)
    if chosen:
        return expanded(chosen)
    try:
        return make_secret(state_dir)
    except (OSError, TokenFileError):
        if strict:
            raise
        return secret_path(state_dir)


class KeyFiles:
    """The keys of a path, which are read again when their files change.

    Args:
        path: directory of key files, or the file of a secret.
        strict: every file must be right now; otherwise one that is wrong has no key until it is
            corrected, and is one of the problems.

    Attributes:
        keys: the keys in force; of those that can sign, the one that signs comes first.
        problems: what was wrong at the start, unless `strict`.

    Raises:
        TokenFileError: a file is wrong, or there is none; the message names file and remedy.
        OSError: the path or a file in it cannot be read.

    """

    def __init__(self, path: Path, *, strict: bool = True) -> None:
        self._path = path
        self.keys: list[Key] = []
        self.problems: list[Exception] = []
        self._wrong: object = None  # the files and what was wrong with them at the last try
        if not strict:
            self._signature: object = None
            self.problems = self.reload() or []
            return
        self._signature = self._read_signature()
        keys, problems = self._load({})
        if problems:
            raise problems[0]
        if not keys:
            raise TokenFileError(
                f'{path} holds no key: put <kid>.pem or <kid>.secret there, or create a key with '
                '`oht50 token keygen`'
            )
        self.keys = keys

    def reload(self) -> list[Exception] | None:
        """Read the files again if they changed; return the problems, or None if nothing changed.

        A removed file removes its key. A file that became wrong leaves its former key in force and
        is one of the problems, once. It is read again with each call: perhaps no file descriptor
        was left to read it, or the disk did not answer.
        """
        try:
            signature = self._read_signature()
        except OSError as error:
            signature = error.errno
            if signature == self._signature:
                return None
            self._signature = signature
            return [error]
        if signature == self._signature:
            return None
        try:
            self.keys, problems = self._load({key.kid: key for key in self.keys})
        except (OSError, TokenFileError) as error:
            problems = [error]
        if not problems:
            self._signature, self._wrong = signature, None
            return []
        self._signature = 'wrong'
        known, self._wrong = self._wrong, (signature, [str(problem) for problem in problems])
        return None if known == self._wrong else problems

    def _read_signature(self) -> object:
        """Return a value that changes whenever one of the files changes."""
        files = sorted(self._files().items()) if self._path.is_dir() else [('', self._path)]
        found: list[tuple[str | int, ...]] = [('', self._path.stat().st_mode)]
        for name, path in files:
            try:
                status = path.stat()
            except FileNotFoundError:
                if path == self._path:
                    raise
                continue  # it was removed after the directory was read
            found.append(
                (
                    name,
                    status.st_mode,
                    status.st_uid,
                    status.st_ino,
                    status.st_size,
                    status.st_mtime_ns,
                )
            )
        return found

    def _files(self) -> dict[str, Path]:
        return {path.name: path for path in self._path.iterdir() if not path.name.startswith('.')}

    def _load(self, old: dict[str | None, Key]) -> tuple[list[Key], list[Exception]]:
        if not self._path.is_dir():
            try:
                return [Key('HS256', load_secret(self._path))], []
            except ValueError as error:
                raise TokenFileError(f'{self._path}: {error}; replace it') from error
        check_status(self._path, self._path.stat(), WRITTEN_BY_OTHERS)
        found: dict[str | None, Key] = {}
        problems: list[Exception] = []
        seen: set[str] = set()
        for path in sorted(self._files().values()):
            kid = path.stem
            try:
                if kid in seen:
                    found.pop(kid, None)
                    raise TokenFileError(f'{path}: another file has the key id {kid}: rename one')
                seen.add(kid)
                found[kid] = load_key(path)
                continue
            except FileNotFoundError:
                continue  # it was removed after the directory was read
            except (OSError, TokenFileError) as error:
                problems.append(error)
            if kid in old:
                found[kid] = old[kid]
        return sorted(
            found.values(), key=lambda key: (key.signs, key.kid or ''), reverse=True
        ), problems


def load_key(path: Path) -> Key:
    """Return the key of a file, whose name without suffix is the key id.

    Raises:
        TokenFileError: the file is not safe to use, or not a key; the message holds the remedy.
        OSError: the file cannot be read.

    """
    kid = path.stem
    if path.suffix not in ('.pem', '.secret') or not KID.fullmatch(kid):
        raise TokenFileError(
            f'{path}: name it <kid>.pem or <kid>.secret with at most 64 characters of A-Z a-z 0-9 '
            '. _ - as kid, or move it elsewhere'
        )
    try:
        if path.suffix == '.secret':
            return Key('HS256', load_secret(path), kid)
        content = read_trusted(path)
        if b'PRIVATE KEY-----' not in content:
            return Key(algorithm_of(load_pem_public_key(content)), content, kid)
        private = load_pem_private_key(read_private(path), None)
        public = private.public_key()
        return Key(
            algorithm_of(public),
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            kid,
            content,
        )
    except TypeError as error:
        raise TokenFileError(
            f'{path}: the private key is encrypted; remove the passphrase with `openssl pkey`'
        ) from error
    except UnsupportedAlgorithm as error:
        raise TokenFileError(f'{path}: {error}; use an RSA, P-256 or Ed25519 key') from error
    except ValueError as error:
        reason = str(error).partition('\n')[0]
        raise TokenFileError(
            f'{path}: {reason}; store one key in PEM (of a certificate: openssl x509 -pubkey '
            '-noout), or a secret in a file named .secret'
        ) from error


def make_key(directory: Path, kid: str, algorithm: str) -> Key:
    """Create a key that signs, in a file of mode 0600, and return it.

    Args:
        directory: the directory of keys, created if missing.
        kid: key id, the name of the file without suffix.
        algorithm: one of ALGORITHMS.

    Raises:
        TokenFileError: the key id is not valid.
        FileExistsError: a key of this id exists.
        OSError: the file cannot be written.

    """
    if not KID.fullmatch(kid):
        raise TokenFileError(f'{kid!r}: a key id has at most 64 characters of A-Z a-z 0-9 . _ -')
    make_private(directory)
    if algorithm == 'HS256':
        path, content = directory / f'{kid}.secret', secrets.token_urlsafe(48).encode()
    else:
        path = directory / f'{kid}.pem'
        private = GENERATORS[algorithm]()
        content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    create_file(path, content)
    return load_key(path)
