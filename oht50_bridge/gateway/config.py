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

from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.protocol.catalogue import DEFAULT_PORT
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.rates import SLOWEST
from oht50_bridge.protocol.replies import Limits


@dataclass(frozen=True)
class GatewayConfig:
    """Settings of the gateway; the defaults are the specification's. Times in seconds.

    Attributes:
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        server_version: told to clients.
        tls: certificate and key; None serves ws://, on the loopback only unless `insecure`.
        insecure: listen without TLS where other machines can connect.
        origins: whose pages may connect, such as https://panel.example:8443, besides those of
            this host, on whatever port; `*`: all. Programs send no origin and are let in.
        proxies: networks of proxies whose X-Forwarded-For is believed.
        query_token: take `?token=&client_id=&subscription=` (URLs end up in logs).
        compression: permessage-deflate: fewer bytes for more CPU and 50 KiB per client.
        max_connections: authenticated, at the same time.
        max_unauthenticated: peers besides these that have not authenticated; of more, the oldest
            of the address that has most goes.
        address_connections: authenticated connections of one address; 0: max_connections is the
            only limit, as everybody may come through one router.
        address_handshakes_per_second: of one address, after address_handshake_burst.
        address_commands_per_second: of all clients of one address, twice as many in a burst; 0
            lifts the limit.
        failure_delay: longest time that an address waits for the news that a token is not valid.
        max_deliveries: per second, of the whole server; 0 lifts it.
        rates: Hz per event type, instead of the catalogue's; 0 lifts the limit.
        ring: events kept for resumption.

    """

    host: str = '127.0.0.1'
    port: int = DEFAULT_PORT
    server_version: str = '0'
    tls: TlsFiles | None = None
    insecure: bool = False
    origins: Sequence[str] = ()
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    query_token: bool = False
    compression: bool = False
    max_connections: int = 100
    max_unauthenticated: int = 64
    address_connections: int = 0
    address_handshakes_per_second: float = 100.0
    address_handshake_burst: int = 200
    address_commands_per_second: float = 200.0
    failure_delay: float = 10.0
    max_deliveries: float = 1000.0
    rates: Mapping[str, float] = field(default_factory=dict)
    commands_per_second: float = 20.0
    command_burst: int = 40
    violations: int = 10
    ring: int = 10_000
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
            'ring',
            'outbox_capacity',
        ):
            if getattr(self, name) < 1:
                raise ValueError(f'{name}: must be at least 1, is {getattr(self, name)}')
        for name in (
            'max_deliveries',
            'address_connections',
            'address_handshakes_per_second',
            'address_commands_per_second',
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
        """What clients are told."""
        return Limits(
            max_connections=self.max_connections,
            max_events_per_second=self.max_deliveries,
            max_payload_bytes=MAX_PAYLOAD_BYTES,
            commands_per_second=self.commands_per_second,
            command_burst=self.command_burst,
            idle_timeout=self.idle_timeout,
            ping_interval=self.ping_interval,
        )
