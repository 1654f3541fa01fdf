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
"""Figures of the gateway: counters, a snapshot for the vehicle, metrics for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from prometheus_client import CollectorRegistry
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric


@dataclass
class Counts:
    """What is counted since the start of the gateway.

    Attributes:
        errors: error messages to clients, by code.
        delivered: event frames sent, by type.
        refused: peers refused before they had a connection, by reason.
        certificate: changes of the certificate's files, by outcome.
        replaced: state values that newer ones replaced while they were queued.
        oversized: messages that were too large to send.

    """

    errors: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    certificate: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    oversized: int = 0


@dataclass(frozen=True)
class Stats:
    """Figures of the gateway at one moment.

    Attributes:
        clients: authenticated clients now.
        connections: open WebSockets now, authenticated or not.
        unauthenticated: connections now that have not authenticated, those without a WebSocket
            included.
        waiting: messages queued for clients now.
        deliveries: event frames sent since the start.
        replaced: as in `Counts`.
        slow_consumers: clients closed because they did not read fast enough.
        non_finite: NaN and infinite values sent as null.
        oversized: as in `Counts`.
        audit_lost: audit records that could not be written.
        errors: as in `Counts`.
        refused: as in `Counts`.
        certificate: as in `Counts`.

    """

    clients: int
    connections: int
    unauthenticated: int
    waiting: int
    deliveries: int
    replaced: int
    slow_consumers: int
    non_finite: int
    oversized: int
    audit_lost: int
    errors: Mapping[str, int]
    refused: Mapping[str, int]
    certificate: Mapping[str, int]


class Metrics:
    """The metrics of one gateway in the format of Prometheus.

    Args:
        stats: returns the figures now.
        counts: counts by type.

    """

    def __init__(self, stats: Callable[[], Stats], counts: Counts) -> None:
        self._stats = stats
        self._counts = counts
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """Return the metrics in the text format, version 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, as a collector of prometheus_client does."""
        figures = self._stats()
        for name, meaning in (
            ('clients', 'authenticated clients'),
            ('connections', 'open connections'),
            ('unauthenticated', 'connections that have not authenticated'),
            ('waiting', 'messages queued for clients'),
        ):
            yield GaugeMetricFamily(f'oht50_gateway_{name}', meaning, getattr(figures, name))
        for name, meaning in (
            ('replaced', 'state values replaced by newer ones while they were queued'),
            ('slow_consumers', 'clients closed because they did not read fast enough'),
            ('non_finite', 'NaN and infinite values sent as null'),
            ('oversized', 'messages too large to send'),
            ('audit_lost', 'audit records that could not be written'),
        ):
            yield CounterMetricFamily(f'oht50_gateway_{name}', meaning, getattr(figures, name))
        for name, meaning, label, counts in (
            ('deliveries', 'event frames sent', 'type', self._counts.delivered),
            ('errors', 'error messages to clients', 'code', figures.errors),
            ('refused', 'peers refused before they had a connection', 'reason', figures.refused),
            (
                'certificate',
                "changes of the certificate's files",
                'outcome',
                {outcome: figures.certificate.get(outcome, 0) for outcome in ('renewed', 'kept')},
            ),
        ):
            family = CounterMetricFamily(f'oht50_gateway_{name}', meaning, labels=[label])
            for value, count in counts.items():
                family.add_metric([value], count)
            yield family
