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
"""Settings of bridge_node, and the gateway's configuration made from them."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from dataclasses import fields
from pathlib import Path

from oht50_bridge.gateway.admission.limits import networks
from oht50_bridge.gateway.admission.origins import normalised
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.config import GatewaySettings
from oht50_bridge.gateway.page_files import PageError
from oht50_bridge.gateway.page_files import read_page
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.nodes.errors import StartError
from oht50_bridge.paths import NO_PAGE
from oht50_bridge.paths import PAGE_INDEX
from oht50_bridge.paths import page_dir
from oht50_bridge.settings import setting
from oht50_bridge.text import shown
from oht50_bridge.version import VERSION


@dataclass(frozen=True)
class BridgeNodeSettings:
    """Files of the bridge, and how it handles tokens."""

    tls_certificate: str = setting(
        '', 'PEM file of the certificate and its issuers; empty: no TLS'
    )
    tls_key: str = setting('', 'PEM file of the private key of the certificate')
    tls_client_ca: str = setting(
        '', 'PEM file of the authorities whose certificates clients need; empty: clients need none'
    )
    keys: str = setting(
        '',
        'Directory of the keys that verify tokens, or file of a secret; empty: OHT50_KEYS, else a '
        'secret in state_dir',
    )
    token_issuer: str = setting(
        '', 'Required `iss` of a token; empty: OHT50_TOKEN_ISSUER, else it is not checked'
    )
    token_audience: str = setting(
        '', 'Required `aud` of a token; empty: OHT50_TOKEN_AUDIENCE, else a token must have none'
    )
    page: str = setting(
        '',
        'Page that is served at /: empty: the one that came with the bridge; a directory with '
        'index.html; off: none',
    )
    audit_bytes: int = setting(
        16 * 1024 * 1024,
        'Size at which the audit log begins a new file, bytes',
        minimum=4096,
        maximum=2**40,
    )
    audit_files: int = setting(
        32, 'Older files of the audit log that are kept', minimum=1, maximum=10**6
    )
    replay: bool = setting(
        False, 'Serve a recording: commands are refused, events keep their recorded age'
    )

    def tls_files(self) -> TlsFiles | None:
        """Return the files of TLS, None for no TLS.

        Raises:
            StartError: one of them is of no use without another.

        """
        if not self.tls_certificate and not self.tls_key and not self.tls_client_ca:
            return None
        if not self.tls_certificate or not self.tls_key:
            raise StartError('bridge_node: TLS needs both tls_certificate and tls_key')
        return TlsFiles(
            Path(self.tls_certificate),
            Path(self.tls_key),
            Path(self.tls_client_ca) if self.tls_client_ca else None,
        )

    def page_directory(self) -> Path | None:
        """Return the directory of the page, None for no page.

        It may be missing or unreadable: a bridge that is restarted serves clients without it.
        """
        if self.page == NO_PAGE:
            return None
        return Path(self.page) if self.page else page_dir()

    def check_page(self) -> None:
        """Check the directory of another page than the one that came with the bridge.

        This is for the one who starts a vehicle, who can correct a name that is written wrong.

        Raises:
            StartError: the directory has no page, or one that cannot be served.

        """
        if self.page in ('', NO_PAGE):
            return
        directory = Path(self.page)
        fault = _page_fault(directory)
        if fault:
            raise StartError(
                f'bridge_node: page: {shown(self.page, 200)}: {fault}; name the directory of a '
                f'page that was built, "{NO_PAGE}" for none, or "" for the one that came with the '
                'bridge'
            )
        try:
            read_page(directory)
        except PageError as error:
            raise StartError(f'bridge_node: page: {error}') from error


def _page_fault(directory: Path) -> str:
    """Return why a directory holds no page; empty if it holds one."""
    try:
        mode = (directory / PAGE_INDEX).stat().st_mode
    except FileNotFoundError:
        return f'it has no {PAGE_INDEX}' if directory.is_dir() else 'there is no such directory'
    except (OSError, ValueError) as error:
        return f'{PAGE_INDEX} in it: {getattr(error, "strerror", None) or error}'
    return '' if stat.S_ISREG(mode) else f'{PAGE_INDEX} in it is no file'


def gateway_config(settings: GatewaySettings, node_settings: BridgeNodeSettings) -> GatewayConfig:
    """Return the configuration of the gateway.

    Raises:
        StartError: a parameter is wrong.

    """
    try:
        proxies = networks([proxy for proxy in settings.trusted_proxies if proxy])
    except ValueError as error:
        raise StartError(
            f'bridge_node: trusted_proxies: {error}; give addresses or networks such as 10.0.0.0/8'
        ) from error
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    try:
        values['origins'] = tuple(normalised(origin) for origin in settings.origins if origin)
    except ValueError as error:
        raise StartError(f'bridge_node: origins: {error}') from error
    try:
        return GatewayConfig(
            **values,
            server_version=VERSION,
            tls=node_settings.tls_files(),
            proxies=proxies,
            page=node_settings.page_directory(),
        )
    except ValueError as error:
        raise StartError(f'bridge_node: {error}') from error
