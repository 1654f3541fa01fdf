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
"""How many commands a client may give."""

import contextlib

from websockets.exceptions import ConnectionClosed

from oht50_bridge.gateway.command_limit import CommandLimit
from oht50_bridge.gateway.config import GatewayConfig


async def test_too_many_commands_are_ws_003_then_4429(serving):
    async with serving(commands_per_second=0.001, command_burst=5) as server:
        peer = await server.enter()
        for _ in range(20):
            with contextlib.suppress(ConnectionClosed):
                await peer.send('ping')
        code, _, seen = await peer.ended()
        assert code == 4429
        assert [message.get('error_code', 'pong') for message in seen] == (
            ['pong'] * 4 + ['WS-003'] * 10
        )


async def test_the_emergency_stop_is_exempt_from_the_limit(serving):
    async with serving(commands_per_second=0.001, command_burst=1) as server:
        peer = await server.enter()
        for _ in range(100):
            await peer.send('emergency_stop')
        for _ in range(100):
            assert (await peer.receive())['type'] == 'command.result'


CONFIG = GatewayConfig(commands_per_second=20.0, command_burst=40, violations=3)


def test_a_burst_is_allowed_and_then_the_rate():
    limit = CommandLimit(CONFIG, lambda: True)
    assert sum(limit.allow(100.0) for _ in range(100)) == 40
    assert sum(limit.allow(101.0) for _ in range(100)) == 20


def test_violations_in_a_row_exhaust_a_client_and_an_allowed_command_resets_them():
    limit = CommandLimit(CONFIG, lambda: True)
    for _ in range(42):
        limit.allow(100.0)
    assert not limit.exhausted
    assert limit.allow(101.0)
    for _ in range(19 + 2):
        limit.allow(101.0)
    assert not limit.exhausted
    assert not limit.allow(101.0)
    assert limit.exhausted


def test_other_clients_of_the_address_leave_a_client_a_tenth_of_its_rate():
    limit = CommandLimit(CONFIG, lambda: False)
    assert sum(limit.allow(100.0) for _ in range(40)) == 4
    assert not limit.exhausted  # that is not its own violation
