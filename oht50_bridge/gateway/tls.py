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
"""TLS of the gateway: the certificate, its renewal, and the check of unencrypted addresses."""

from __future__ import annotations

import ipaddress
import logging
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oht50_bridge.gateway.host_addresses import host_addresses

#: Only key exchange with forward secrecy and authenticated encryption, as TLS 1.3 always has.
CIPHERS = 'ECDHE+AESGCM:ECDHE+CHACHA20'

logger = logging.getLogger(__name__)


class TlsError(Exception):
    """TLS cannot work as configured; the message names the file and the remedy."""


class InsecureError(Exception):
    """The gateway would listen without encryption where other machines can connect."""


@dataclass(frozen=True)
class TlsFiles:
    """The PEM files of a server.

    Attributes:
        certificate: certificate of the server, followed by those of its issuers.
        key: private key of the certificate.
        client_ca: issuers of the certificates that clients must present; None: clients need no
            certificate.

    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that are given."""
        return tuple(path for path in (self.certificate, self.key, self.client_ca) if path)


def _no_passphrase() -> str:
    raise TlsError('the key is encrypted: store it without a passphrase, with mode 0600')


def load(files: TlsFiles) -> ssl.SSLContext:
    """Return the TLS context of a server.

    Raises:
        TlsError: a file is missing or wrong, or other users may read the key.

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
    context.num_tickets = 0  # connections last for hours, so resumption is of no use
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


def _signature(files: TlsFiles) -> tuple[tuple[int, int, int] | None, ...]:
    """Return a value that changes whenever one of the files changes."""
    found: list[tuple[int, int, int] | None] = []
    for path in files.paths:
        try:
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)


class Certificate:
    """The certificate in force. Renewed files apply to new handshakes, not to open connections.

    Args:
        files: the files of the certificate.
        report: called when the files changed, with 'renewed' and the path of the certificate, or
            with 'kept' and the reason.

    Attributes:
        context: the context to start the server with; each handshake switches to the newest one.

    Raises:
        TlsError: the files are wrong.

    """

    def __init__(self, files: TlsFiles, report: Callable[[str, str], None]) -> None:
        self._files = files
        self._report = report
        self._seen = self._loaded = _signature(files)
        self._current = load(files)
        self.context = load(files)
        self.context.sni_callback = self._choose

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext
    ) -> None:
        connection.context = self._current

    def reload(self) -> None:
        """Read the files again if they changed, but not since the last call.

        Wrong files change nothing: the certificate in force stays.
        """
        before, self._seen = self._seen, _signature(self._files)
        if self._seen != before or self._seen == self._loaded:
            return
        self._loaded = self._seen
        try:
            self._current = load(self._files)
        except TlsError as error:
            logger.error(
                'TLS: the new files are refused, the certificate in force stays: %s', error
            )
            self._report('kept', str(error))
            return
        logger.info('TLS: %s is in force', self._files.certificate)
        self._report('renewed', str(self._files.certificate))


def is_loopback(host: str) -> bool:
    """Return whether every address of a host name is a loopback address.

    Raises:
        OSError: the name has no address.

    """
    if not host:
        return False  # all interfaces
    addresses = [
        ipaddress.ip_address(str(entry[4][0]).partition('%')[0]) for entry in host_addresses(host)
    ]
    return all(
        (getattr(address, 'ipv4_mapped', None) or address).is_loopback for address in addresses
    )


def check_listening(host: str, encrypted: bool, insecure: bool) -> None:
    """Refuse to listen without encryption where other machines can connect.

    Args:
        host: name or address to listen on.
        encrypted: whether the server has a certificate.
        insecure: whether the configuration explicitly allows it.

    Raises:
        InsecureError: other machines could connect without encryption.
        OSError: the name has no address.

    """
    if not encrypted and not insecure and not is_loopback(host):
        raise InsecureError(
            f'host {host!r} can be reached from other machines, and without TLS anybody between '
            'can read and change all messages, including tokens'
        )
