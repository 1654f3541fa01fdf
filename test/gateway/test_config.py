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
import pytest

from oht50_bridge.gateway.config import GatewayConfig


@pytest.mark.parametrize(
    'wrong',
    [
        {'auth_timeout': 0},
        {'max_connections': 0},
        {'max_deliveries': -1},
        {'rates': {'no.such': 1}},
        {'rates': {'system.status': -1}},
        {'rates': {'system.status': 1e-320}},
        {'rates': {'system.status': float('inf')}},
        {'history': 0},
        {'max_deliveries': float('nan')},
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GatewayConfig(**wrong)


def test_defaults_are_the_specifications():
    limits = GatewayConfig().limits
    assert (
        limits.max_connections,
        limits.max_events_per_second,
        limits.max_payload_bytes,
        limits.idle_timeout,
        limits.ping_interval,
    ) == (100, 1000, 16384, 300, 30)
