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
"""Settings of the gateway."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from ipaddress import IPv4Network
from ipaddress import IPv6Network
from pathlib import Path

from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.endpoint import DEFAULT_PORT
from oht50_bridge.protocol.rates import SLOWEST
from oht50_bridge.protocol.replies import Limits
from oht50_bridge.settings import setting


@dataclass(frozen=True)
class GatewaySettings:
    """What an operator may set; the defaults are the specification's."""

    host: str = setting('127.0.0.1', 'Address the WebSocket server listens on')
    port: int = setting(
        DEFAULT_PORT,
        'TCP port the WebSocket server listens on; 0: the system chooses one',
        minimum=0,
        maximum=65535,
    )
    max_deliveries: float = setting(
        1000.0,
        'Deliveries to all clients above which state-class events are thinned out, 1/s; 0: no '
        'limit',
        minimum=0.0,
        maximum=1e6,
    )
    max_connections: int = setting(
        100, 'Greatest number of authenticated clients', minimum=1, maximum=10000
    )
    max_unauthenticated: int = setting(
        64,
        'Greatest number of connections that have not authenticated, besides the clients',
        minimum=1,
        maximum=10000,
    )
    address_connections: int = setting(
        0,
        'Greatest number of authenticated clients from one address; 0: only max_connections '
        'limits them',
        minimum=0,
        maximum=10000,
    )
    address_handshakes: float = setting(
        100.0, 'Handshakes from one address, 1/s; 0: no limit', minimum=0.0, maximum=1e6
    )
    address_commands: float = setting(
        200.0,
        'Commands of all clients from one address, 1/s; 0: no limit',
        minimum=0.0,
        maximum=1e6,
    )
    insecure: bool = setting(
        False, 'Listen without TLS where other machines can connect and read everything'
    )
    origins: tuple[str, ...] = setting(
        ('',),
        'Origins of pages that may connect besides those of this host, such as '
        'https://panel.example:8443; *: all',
    )
    trusted_proxies: tuple[str, ...] = setting(
        ('',), 'Addresses or networks of proxies whose X-Forwarded-For header is used'
    )
    query_token: bool = setting(
        False, 'Accept tokens in the query of the URL, which is written to logs'
    )


@dataclass(frozen=True)
class GatewayConfig(GatewaySettings):
    """Everything the gateway is configured with. Times in seconds.

    Attributes:
        server_version: reported to clients.
        tls: certificate and key; None serves ws://, on the loopback only unless `insecure`.
        proxies: the networks of `trusted_proxies`.
        page: directory of the page that is served at `/`; None: there is none.
        compression: permessage-deflate: fewer bytes for more CPU and 50 KiB per client.
        address_handshake_burst: handshakes from one address at once.
        failure_delay: longest time after which an address learns that a token is not valid.
        rates: Hz per event type, instead of the catalogue's; 0: no limit.
        history: events kept for resumption.

    """

    server_version: str = '0'
    tls: TlsFiles | None = None
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    page: Path | None = None
    compression: bool = False
    address_handshake_burst: int = 200
    failure_delay: float = 10.0
    rates: Mapping[str, float] = field(default_factory=dict)
    commands_per_second: float = 20.0
    command_burst: int = 40
    violations: int = 10
    history: int = 10_000
    outbox_capacity: int = 1000
    outbox_age: float = 10.0
    handshake_timeout: float = 5.0
    auth_timeout: float = 10.0
    idle_timeout: float = 300.0
    ping_interval: float = 30.0
    expiry_notice: float = 60.0
    command_timeout: float = 2.0
    close_timeout: float = 10.0
    shutdown_timeout: float = 2.0

    def __post_init__(self) -> None:
        for name in (
            'handshake_timeout',
            'auth_timeout',
            'idle_timeout',
            'ping_interval',
            'command_timeout',
            'close_timeout',
            'shutdown_timeout',
            'outbox_age',
            'commands_per_second',
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name}: must be above 0, is {getattr(self, name)}')
        for name in (
            'max_connections',
            'max_unauthenticated',
            'address_handshake_burst',
            'command_burst',
            'violations',
            'history',
            'outbox_capacity',
        ):
            if getattr(self, name) < 1:
                raise ValueError(f'{name}: must be at least 1, is {getattr(self, name)}')
        for name in (
            'max_deliveries',
            'address_connections',
            'address_handshakes',
            'address_commands',
            'failure_delay',
        ):
            if not getattr(self, name) >= 0:
                raise ValueError(f'{name}: must not be below 0, is {getattr(self, name)}')
        for kind, rate in self.rates.items():
            if kind not in EVENTS:
                raise ValueError(f'rates: {kind} unknown, one of {", ".join(EVENTS)}')
            if rate != 0 and not SLOWEST <= rate < math.inf:
                raise ValueError(
                    f'rates.{kind}: must be 0 or a number from {SLOWEST:g} Hz, is {rate}'
                )

    def rate_of(self, kind: str) -> float:
        """Return the limit per client of an event type, Hz."""
        return self.rates.get(kind, EVENTS[kind].rate)

    @property
    def limits(self) -> Limits:
        """The limits that clients are informed of."""
        return Limits(
            max_connections=self.max_connections,
            max_events_per_second=self.max_deliveries,
            max_payload_bytes=MAX_PAYLOAD_BYTES,
            commands_per_second=self.commands_per_second,
            command_burst=self.command_burst,
            idle_timeout=self.idle_timeout,
            ping_interval=self.ping_interval,
        )
