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
"""Messages of the gateway itself, and the size of all messages."""

import json

import pytest

from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.delivery import payload_of
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.responses import Responses
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.errors import ErrorCode


async def test_an_oversized_event_is_replaced_by_an_error_and_counted(serving, event):
    async with serving() as server:
        peer = await server.enter('*')
        server.gateway.publish(event('system.error', description='x' * 17_000))
        assert (await peer.receive())['error_code'] == 'WS-005'
        assert server.gateway.stats().oversized == 1
        assert await peer.barrier() == []


async def test_a_reply_too_large_to_be_sent_is_an_error_with_its_request_id(serving):
    async def handler(command, caller):
        return CommandOutcome(data={'config': 'x' * 17_000})

    async with serving(handler=handler) as server:
        peer = await server.enter()
        await peer.send('get_config', request_id='r')
        error = await peer.receive()
        assert (error['error_code'], error['request_id']) == ('WS-005', 'r')
        assert await peer.barrier() == []


async def test_a_numbered_event_of_the_largest_size_fits_too(serving, event):
    async with serving() as server:
        peer = await server.enter('*', resume=True)
        room = 16 * 1024 - len(Encoder().encode(event('system.error', description='')))
        for spare in (0, len(',"seq":2}')):
            server.gateway.publish(event('system.error', description='x' * (room - spare)))
            text = await peer.websocket.recv()
            assert len(text) <= 16 * 1024 and '"seq":' in text


TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'


@pytest.fixture
def counts():
    return Counts()


@pytest.fixture
def responses(counts):
    return Responses(counts, lambda: 1_700_000_000.5)


def test_an_error_is_counted_stamped_and_contains_no_token(responses, counts):
    error = responses.error(ErrorCode.SLOW_CONSUMER, f'not {TOKEN}', 'r-1')
    assert error.timestamp == '2023-11-14T22:13:20.500Z'
    assert (error.error_code, error.request_id, error.description) == (
        'WS-010',
        'r-1',
        'not (token)',
    )
    assert counts.errors == {'WS-010': 1}


def test_the_data_of_an_outcome_cannot_replace_its_standard_keys(responses):
    outcome = CommandOutcome(False, 'blocked', {'accepted': True, 'mission_id': 'm-1'})
    data = responses.result('start_mission', outcome).data.model_dump()
    assert (data['command'], data['accepted'], data['message']) == (
        'start_mission',
        False,
        'blocked',
    )
    assert data['mission_id'] == 'm-1'


def test_the_event_of_an_outcome_is_the_answer(responses, event):
    status = event('system.status')
    assert responses.result('get_system_status', CommandOutcome(event=status)) is status


def test_a_message_that_is_too_large_becomes_an_error(responses, counts, event, caplog):
    frame = responses.frame(event('safety.estop', estop_id='x' * 20_000))
    error = json.loads(payload_of(frame))
    assert error['error_code'] == 'WS-005'
    assert counts.oversized == 1
    assert 'safety.estop' in caplog.text
