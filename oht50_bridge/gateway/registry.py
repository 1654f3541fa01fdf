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
"""The WebSockets that are open, and how many more may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.session import Session
from oht50_bridge.gateway.session import SessionState


class Registered(Protocol):
    """An open WebSocket."""

    address: str
    session: Session


class Registry:
    """Every open WebSocket.

    Args:
        config: limits of connections.

    """

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._clients: dict[Registered, None] = {}

    def add(self, client: Registered) -> None:
        """Count a WebSocket."""
        self._clients[client] = None

    def remove(self, client: Registered) -> None:
        """Count a WebSocket no more."""
        self._clients.pop(client, None)

    @property
    def open_count(self) -> int:
        """WebSockets, authenticated or not, without those that are being closed."""
        return sum(client.session.state is not SessionState.CLOSED for client in self._snapshot())

    @property
    def authenticated_count(self) -> int:
        """Authenticated clients."""
        return sum(1 for _ in self._authenticated())

    def full(self, address: str) -> str | None:
        """Return why no further client of an address may authenticate; None: one may."""
        clients = list(self._authenticated())
        if len(clients) >= self._config.max_connections:
            return f'{self._config.max_connections} connections are open'
        limit = self._config.address_connections
        if limit and sum(client.address == address for client in clients) >= limit:
            return f'{limit} connections of this address are open'
        return None

    def _authenticated(self) -> Iterator[Registered]:
        return (
            client for client in self._snapshot() if client.session.state is SessionState.ACTIVE
        )

    def _snapshot(self) -> list[Registered]:
        # A copy: figures are also read from other threads.
        return list(self._clients)
