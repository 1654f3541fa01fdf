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
"""Certificates for tests, made when they are needed."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oht50_bridge.gateway.tls import TlsFiles

CERTIFICATES_ONLY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def pem_key(key, passphrase=None):
    protection = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )


class Authority:
    """Issues certificates."""

    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name, self.key, None)

    def _sign(self, name, key, issuer):
        now = datetime.datetime.now(datetime.timezone.utc)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName(
            [x509.DNSName('localhost'), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
            .add_extension(names, False)
            # Python asks for these from 3.13 on, as RFC 5280 does.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
        )
        if issuer is None:
            builder = builder.add_extension(CERTIFICATES_ONLY, True)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name):
        """A key, and a certificate of it for this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        return key, self._sign(name, key, self.certificate)


def write(path, content, mode=0o600):
    """Replace a file as a tool that renews certificates does: whole, by a rename."""
    new = path.with_name(f'{path.name}.new')
    new.write_bytes(content)
    new.chmod(mode)
    new.replace(path)


def install(directory, authority, name='vehicle', client_ca=None):
    """Write a fresh certificate and its key; the files, and the certificate."""
    key, certificate = authority.issue(name)
    files = TlsFiles(
        directory / 'certificate.pem',
        directory / 'key.pem',
        directory / 'clients.pem' if client_ca else None,
    )
    if client_ca:
        write(files.client_ca, pem(client_ca.certificate))
    write(files.key, pem_key(key))
    write(files.certificate, pem(certificate))
    return files, certificate
