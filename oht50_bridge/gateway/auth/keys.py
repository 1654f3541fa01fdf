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

`<kid>.pem` holds a public key, or a private one that also signs: RSA of at least 2048 bits
(RS256), P-256 (ES256) or Ed25519 (EdDSA). `<kid>.secret` holds a secret (HS256). A key's kind
fixes its algorithm. Among the keys that can sign, the last by name does.
"""

from __future__ import annotations

import os
import re
import secrets
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

from oht50_bridge.gateway.auth.private_files import MIN_SECRET_BYTES
from oht50_bridge.gateway.auth.private_files import WRITTEN_BY_OTHERS
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import check_status
from oht50_bridge.gateway.auth.private_files import load_secret
from oht50_bridge.gateway.auth.private_files import make_secret
from oht50_bridge.gateway.auth.private_files import read_private
from oht50_bridge.gateway.auth.private_files import read_trusted

ALGORITHMS = ('HS256', 'RS256', 'ES256', 'EdDSA')
MIN_RSA_BITS = 2048
KEYS = 'OHT50_KEYS'
KID = re.compile(r'[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}')
PRIVATE = {
    'EdDSA': ed25519.Ed25519PrivateKey.generate,
    'ES256': lambda: ec.generate_private_key(ec.SECP256R1()),
    'RS256': lambda: rsa.generate_private_key(65537, 3072),
}


def algorithm_of(public: Any) -> str:
    """Return the one algorithm that a public key is good for.

    Raises:
        ValueError: it is good for none of ours.

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
    """A key and the one algorithm it is good for.

    Attributes:
        algorithm: one of ALGORITHMS.
        material: secret of at least 32 bytes (HS256), or a public key in PEM.
        kid: value of the token header that names this key; None: of tokens without one.
        private: private key in PEM, to sign with; a secret signs without.

    Raises:
        ValueError: the material is not good for the algorithm.

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
                raise ValueError(f'a key for {algorithm}, not for {self.algorithm}')
        elif len(self.material) < MIN_SECRET_BYTES:
            raise ValueError(f'HS256 wants a secret of at least {MIN_SECRET_BYTES} bytes')
        elif b'-----BEGIN ' in self.material:
            # What is public must never verify as a secret.
            raise ValueError('HS256 wants a secret, this is a key in PEM')

    @property
    def signs(self) -> bool:
        """Whether tokens can be signed with it."""
        return self.algorithm == 'HS256' or self.private is not None

    def __repr__(self) -> str:
        return f'Key(algorithm={self.algorithm!r}, kid={self.kid!r})'


def keys_path(given: str, state_dir: Path) -> Path:
    """Return where the keys are: as given, of OHT50_KEYS, else the secret, made on first use.

    Raises:
        TokenFileError: the secret is not safe to use; the message holds the remedy.
        OSError: it cannot be read or made.

    """
    chosen = given or os.environ.get(KEYS)
    return Path(chosen).expanduser() if chosen else make_secret(state_dir)


class KeyFiles:
    """The keys of a path, read again when they changed.

    Args:
        path: directory of key files, or the file of a secret.

    Attributes:
        keys: what is in force, the one that signs before all others that can.

    Raises:
        TokenFileError: a file is wrong, or there is none; the message names it and the remedy.
        OSError: the path or a file in it cannot be read.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._signature = self._look()
        keys, problems = self._load({})
        if problems:
            raise problems[0]
        if not keys:
            raise TokenFileError(
                f'{path} holds no key: put <kid>.pem or <kid>.secret there, or have one made '
                'with `oht50 token keygen`'
            )
        self.keys = keys

    def changed(self) -> list[Exception] | None:
        """Read again what changed since; None: nothing did.

        A removed key is gone at once. A file that is wrong keeps the key it had before, if it had
        one, and is among the problems returned.
        """
        try:
            signature = self._look()
        except OSError as error:
            signature = error.errno
            if signature == self._signature:
                return None
            self._signature = signature
            return [error]
        if signature == self._signature:
            return None
        self._signature = signature
        try:
            self.keys, problems = self._load({key.kid: key for key in self.keys})
        except (OSError, TokenFileError) as error:
            return [error]
        return problems

    def _look(self) -> object:
        """Return what differs after a change of the files."""
        files = sorted(self._files().items()) if self._path.is_dir() else [('', self._path)]
        found = [('', self._path.stat().st_mode)]
        for name, path in files:
            try:
                status = path.stat()
            except FileNotFoundError:
                if path == self._path:
                    raise
                continue  # removed since the directory was read
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
            return [Key('HS256', load_secret(self._path))], []
        check_status(self._path, self._path.stat(), WRITTEN_BY_OTHERS)
        found: dict[str | None, Key] = {}
        problems: list[Exception] = []
        seen: set[str] = set()
        for path in sorted(self._files().values()):
            kid = path.stem
            try:
                if kid in seen:
                    found.pop(kid, None)
                    raise TokenFileError(f'{path}: another file has the kid {kid}: rename one')
                seen.add(kid)
                found[kid] = load_key(path)
                continue
            except FileNotFoundError:
                continue  # removed since the directory was read
            except (OSError, TokenFileError) as error:
                problems.append(error)
            if kid in old:
                found[kid] = old[kid]
        return sorted(
            found.values(), key=lambda key: (key.signs, key.kid or ''), reverse=True
        ), problems


def load_key(path: Path) -> Key:
    """Return the key of a file; its name without the suffix is its kid.

    Raises:
        TokenFileError: it is not safe to use, or no key; the message holds the remedy.
        OSError: it cannot be read.

    """
    kid = path.stem
    if path.suffix not in ('.pem', '.secret') or not KID.fullmatch(kid):
        raise TokenFileError(
            f'{path}: name it <kid>.pem or <kid>.secret, the kid of at most 64 of A-Z a-z 0-9 '
            '. _ -, or move it elsewhere'
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
            f'{path}: the private key is encrypted; take the passphrase off with `openssl pkey`'
        ) from error
    except UnsupportedAlgorithm as error:
        raise TokenFileError(f'{path}: {error}; use an RSA, P-256 or Ed25519 key') from error
    except ValueError as error:
        reason = str(error).partition('\n')[0]
        raise TokenFileError(
            f'{path}: {reason}; it wants one key in PEM (of a certificate: openssl x509 -pubkey '
            '-noout), a secret in a file named .secret'
        ) from error


def make_key(directory: Path, kid: str, algorithm: str) -> Key:
    """Make a key that signs, in a file of mode 0600; return it.

    Raises:
        TokenFileError: the kid cannot be one.
        FileExistsError: there is a key of that kid.
        OSError: it cannot be written.

    """
    if not KID.fullmatch(kid):
        raise TokenFileError(f'{kid!r}: a kid has at most 64 of A-Z a-z 0-9 . _ -')
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if algorithm == 'HS256':
        path, content = directory / f'{kid}.secret', secrets.token_urlsafe(48).encode()
    else:
        path, content = (
            directory / f'{kid}.pem',
            PRIVATE[algorithm]().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
    # Under a hidden name first: whoever reads the directory finds whole files only.
    temporary = path.with_name(f'.{path.name}')
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    finally:
        os.unlink(temporary)
    return load_key(path)
