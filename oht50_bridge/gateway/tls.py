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
"""TLS of the gateway: the certificate and its renewal, and where one may listen without."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Key exchange with forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
CIPHERS = 'ECDHE+AESGCM:ECDHE+CHACHA20'

_log = logging.getLogger(__name__)


class TlsError(Exception):
    """TLS cannot be had as configured; the message names the file and the remedy."""


class InsecureError(Exception):
    """The address can be reached from other machines and nothing would be encrypted."""


@dataclass(frozen=True)
class TlsFiles:
    """PEM files.

    Attributes:
        certificate: of the server, followed by those of its issuers.
        key: private key of the certificate.
        client_ca: certificates of which one must have issued each client's; None: clients
            need no certificate.

    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(path for path in (self.certificate, self.key, self.client_ca) if path)


def _no_passphrase() -> str:
    raise TlsError('it is encrypted: store it without a passphrase, with mode 0600')


def load(files: TlsFiles) -> ssl.SSLContext:
    """Return a context of a server.

    Raises:
        TlsError: a file is missing, wrong, or a key that others may read.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(['http/1.1'])
    context.options |= (
        ssl.OP_NO_COMPRESSION
        | ssl.OP_NO_RENEGOTIATION
        | ssl.OP_CIPHER_SERVER_PREFERENCE
        | ssl.OP_NO_TICKET
    )
    context.num_tickets = 0  # a connection lives for hours
    for path in files.paths:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise TlsError(
                f'{path}: {error.strerror}; name a PEM file that the bridge may read'
            ) from error
        if path == files.key and stat.S_IMODE(mode) & 0o007:
            raise TlsError(f'{path} can be read by others: chmod 640 {path}, and replace the key')
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_passphrase)
    except TlsError as error:
        raise TlsError(f'{files.key}: {error}') from None
    except (OSError, ValueError) as error:
        reason = getattr(error, 'reason', None) or error
        raise TlsError(
            f'{files.certificate} and {files.key}: {reason}; give a PEM certificate and '
            'the private key that belongs to it'
        ) from error
    if files.client_ca is not None:
        try:
            context.load_verify_locations(files.client_ca)
        except (OSError, ValueError) as error:
            reason = getattr(error, 'reason', None) or error
            raise TlsError(f'{files.client_ca}: {reason}; give certificates as PEM') from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _state(files: TlsFiles) -> tuple[tuple[int, int, int] | None, ...]:
    """Return by what a change of the files shows."""
    found: list[tuple[int, int, int] | None] = []
    for path in files.paths:
        try:
            status = os.stat(path)
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)


class Certificate:
    """The certificate in force. New handshakes use new files; connections keep what they have.

    Args:
        files: where it is.
        told: called with 'renewed' or 'kept' and the reason, when the files changed.

    Raises:
        TlsError: the files are wrong.

    """

    def __init__(self, files: TlsFiles, told: Callable[[str, str], None]) -> None:
        self._files = files
        self._told = told
        self._seen = self._loaded = _state(files)
        self._current = load(files)
        #: What the server is started with; each handshake turns to the newest.
        self.context = load(files)
        self.context.sni_callback = self._choose

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext
    ) -> None:
        connection.context = self._current

    def look(self) -> None:
        """Read the files again if they changed and have stood still since the last look.

        Wrong ones change nothing: the certificate in force stays.
        """
        before, self._seen = self._seen, _state(self._files)
        if self._seen != before or self._seen == self._loaded:
            return
        self._loaded = self._seen
        try:
            self._current = load(self._files)
        except TlsError as error:
            _log.error(
                'TLS: the new files are not taken, the certificate in force stays: %s', error
            )
            self._told('kept', str(error))
            return
        _log.info('TLS: %s is in force', self._files.certificate)
        self._told('renewed', str(self._files.certificate))


def is_loopback(host: str) -> bool:
    """Return whether every address of a host name is this machine's own.

    Raises:
        OSError: the name has no address.

    """
    if not host:
        return False  # every interface
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition('%')[0]) for entry in found]
    return all(
        (getattr(address, 'ipv4_mapped', None) or address).is_loopback for address in addresses
    )


def check_listening(host: str, encrypted: bool, insecure: bool) -> None:
    """See to it that nothing listens in the clear where others can connect.

    Args:
        host: name or address to listen on.
        encrypted: whether there is a certificate.
        insecure: whether it was allowed in as many words.

    Raises:
        InsecureError: it would.
        OSError: the name has no address.

    """
    if not encrypted and not insecure and not is_loopback(host):
        raise InsecureError(
            f'host {host!r} can be reached from other machines, and without TLS whoever is in '
            'between reads and changes everything, tokens included'
        )
