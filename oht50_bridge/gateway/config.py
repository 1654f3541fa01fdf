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

import ssl
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.replies import Limits


@dataclass(frozen=True)
class GatewayConfig:
    """Settings of the gateway; the defaults are the specification's. Times in seconds.

    Attributes:
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        server_version: told to clients.
        tls: context with TLS 1.2 or above; None serves ws://, for loopback or behind a proxy.
        origins: values of the Origin header that are let in, None among them for clients that
            send none; None: every one (the token, not the origin, is what authenticates).
        query_token: take `?token=&client_id=&subscription=` (URLs end up in logs).
        compression: permessage-deflate: fewer bytes for more CPU and 50 KiB per client.
        max_connections: at the same time, authenticated or not.
        max_deliveries: per second, of the whole server; 0 lifts it.
        rates: Hz per event type, instead of the catalogue's; 0 lifts the limit.
        ring: events kept for resumption.

    """

    host: str = '127.0.0.1'
    port: int = 8000
    server_version: str = '0'
    tls: ssl.SSLContext | None = None
    origins: Sequence[str | None] | None = None
    query_token: bool = False
    compression: bool = False
    max_connections: int = 100
    max_deliveries: float = 1000.0
    rates: Mapping[str, float] = field(default_factory=dict)
    commands_per_second: float = 20.0
    command_burst: int = 40
    violations: int = 10
    ring: int = 10_000
    outbox_capacity: int = 1000
    outbox_age: float = 10.0
    auth_timeout: float = 10.0
    idle_timeout: float = 300.0
    ping_interval: float = 30.0
    expiry_notice: float = 60.0
    command_timeout: float = 2.0
    close_timeout: float = 10.0
    shutdown_timeout: float = 2.0

    def __post_init__(self) -> None:
        for name in ('auth_timeout', 'idle_timeout', 'ping_interval', 'command_timeout',
                     'close_timeout', 'shutdown_timeout', 'outbox_age', 'commands_per_second'):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name}: must be above 0, is {getattr(self, name)}')
        for name in ('max_connections', 'command_burst', 'violations', 'ring', 'outbox_capacity'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name}: must be at least 1, is {getattr(self, name)}')
        if not self.max_deliveries >= 0:
            raise ValueError(f'max_deliveries: must not be below 0, is {self.max_deliveries}')
        for kind, rate in self.rates.items():
            if kind not in EVENTS:
                raise ValueError(f'rates: {kind} unknown, one of {", ".join(EVENTS)}')
            if not rate >= 0:
                raise ValueError(f'rates.{kind}: must not be below 0, is {rate}')

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
            ping_interval=self.ping_interval)
