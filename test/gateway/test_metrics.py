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
"""The metrics in the text format of Prometheus."""

import pytest

from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.metrics import Metrics
from oht50_bridge.gateway.metrics import Stats


@pytest.fixture
def lines():
    """Return the lines of the text format for fixed figures."""
    counts = Counts()
    counts.delivered.update({'safety.estop': 4})
    stats = Stats(
        clients=2,
        connections=3,
        unauthenticated=5,
        waiting=7,
        deliveries=4,
        replaced=11,
        slow_consumers=13,
        non_finite=17,
        oversized=19,
        audit_lost=23,
        errors={'WS-001': 29},
        refused={'tls': 31},
        certificate={'renewed': 37},
    )
    return Metrics(lambda: stats, counts).text().decode().splitlines()


@pytest.mark.parametrize(
    'line',
    [
        'oht50_gateway_clients 2.0',
        'oht50_gateway_connections 3.0',
        'oht50_gateway_unauthenticated 5.0',
        'oht50_gateway_waiting 7.0',
        'oht50_gateway_replaced_total 11.0',
        'oht50_gateway_slow_consumers_total 13.0',
        'oht50_gateway_non_finite_total 17.0',
        'oht50_gateway_oversized_total 19.0',
        'oht50_gateway_audit_lost_total 23.0',
        'oht50_gateway_deliveries_total{type="safety.estop"} 4.0',
        'oht50_gateway_errors_total{code="WS-001"} 29.0',
        'oht50_gateway_refused_total{reason="tls"} 31.0',
        'oht50_gateway_certificate_total{outcome="renewed"} 37.0',
        'oht50_gateway_certificate_total{outcome="kept"} 0.0',
    ],
)
def test_each_figure_is_a_metric(lines, line):
    assert line in lines


def test_each_metric_has_a_help_text(lines):
    named = {line.split()[2] for line in lines if line.startswith('# HELP')}
    typed = {line.split()[2] for line in lines if line.startswith('# TYPE')}
    assert named == typed
    assert len(named) == 13
