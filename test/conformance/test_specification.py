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
"""The JSON blocks and tables of docs/websocket_events.md, read from the document itself."""

import asyncio
import json
import re
import types
import typing
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from pydantic import ValidationError
from websockets.exceptions import ConnectionClosed

from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.catalogue import name_of
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.commands import Auth
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.examples import ERRORS
from oht50_bridge.protocol.examples import EXAMPLES
from oht50_bridge.protocol.patterns import expand

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = (ROOT / 'docs' / 'websocket_events.md').read_text(encoding='utf-8')
BLOCKS = [json.loads(text) for text in re.findall(r'```json\n(.*?)```', SPECIFICATION, re.DOTALL)]
EVENT_BLOCKS = [block for block in BLOCKS if block['type'] in EVENTS]
COMMAND_BLOCKS = [block for block in BLOCKS if block['type'] in COMMANDS]
ERROR_BLOCKS = [block for block in BLOCKS if block['type'] == 'error']
BY_TYPE = {'ids': lambda block: block.get('error_code', block['type'])}

#: Events of ours that the specification does not have.
ADDED = {'mission.state', 'safety.state', 'system.alarms'}

#: Enumerations of ours where the specification shows but one of the values.
SHOWN_ONCE = {
    ('system.error', 'severity'): 'P0',
    ('module.status_change', 'old_status'): 'online',
    ('module.status_change', 'new_status'): 'error',
}


def table(heading):
    """The rows of the table under a heading, as lists of cells without their markup."""
    section = SPECIFICATION.split(heading, 1)[1].split('\n#', 1)[0]
    rows = [line.strip('|').split('|') for line in section.splitlines() if line.startswith('|')]
    return [[re.sub(r'^(\*\*|`)(.*)\1$', r'\2', cell.strip()) for cell in row] for row in rows[2:]]


def readings(value):
    """Every reading of an example: one alternative at each place where it lists several."""
    if isinstance(value, dict):
        for items in product(*(list(readings(item)) for item in value.values())):
            yield dict(zip(value, items, strict=True))
    elif isinstance(value, str) and '|' in value:
        yield from value.split('|')
    else:
        yield value


def enumerations(model, path=()):
    """The path and values of every field of a model that takes one of some words."""
    for name, field in model.model_fields.items():
        options = [field.annotation]
        if typing.get_origin(field.annotation) in (typing.Union, types.UnionType):
            options = typing.get_args(field.annotation)
        for option in options:
            if typing.get_origin(option) is typing.Literal and name != 'type':
                yield (*path, name), typing.get_args(option)
            elif hasattr(option, 'model_fields'):
                yield from enumerations(option, (*path, name))


def at(block, path):
    for key in path:
        block = block[key]
    return block


def listed(block, path=()):
    """The paths at which an example lists alternatives."""
    for key, value in block.items():
        if isinstance(value, dict):
            yield from listed(value, (*path, key))
        elif isinstance(value, str) and '|' in value:
            yield (*path, key)


def test_every_block_is_checked_and_every_event_has_one():
    checked = [*EVENT_BLOCKS, *COMMAND_BLOCKS, *ERROR_BLOCKS]
    assert [block for block in BLOCKS if block not in checked] == []
    assert len(BLOCKS) == SPECIFICATION.count('```json') == 23
    assert sorted(block['type'] for block in EVENT_BLOCKS) == sorted(EVENTS.keys() - ADDED)


# Events


@pytest.mark.parametrize('block', EVENT_BLOCKS, **BY_TYPE)
def test_every_reading_of_an_event_goes_in_and_comes_out_the_same(block):
    for reading in readings(block):
        event = EVENTS[block['type']].model.model_validate(reading)
        assert json.loads(Encoder().encode(event)) == reading


@pytest.mark.parametrize('block', EVENT_BLOCKS, **BY_TYPE)
def test_enumerations_have_exactly_the_listed_values(block):
    ours = dict(enumerations(EVENTS[block['type']].model))
    assert set(listed(block)) <= set(ours)
    for path, values in ours.items():
        shown = at(block, path)
        if (block['type'], path[-1]) in SHOWN_ONCE:
            assert shown == SHOWN_ONCE[block['type'], path[-1]] and shown in values
        else:
            assert '|'.join(values) == shown


@pytest.mark.parametrize('block', EVENT_BLOCKS, **BY_TYPE)
def test_no_field_may_be_missing_or_added(block):
    model = EVENTS[block['type']].model
    reading = next(readings(block))

    def places(value, path=()):
        for key, item in value.items():
            yield (*path, key)
            if isinstance(item, dict) and (*path, key) != ('data', 'changes'):
                yield from places(item, (*path, key))

    for path in places(reading):
        if path == ('type',):
            continue  # it chose the model
        if path[:2] == ('data', 'changes') and len(path) > 2:
            continue  # names of the configuration, free
        broken = json.loads(json.dumps(reading))
        value = at(broken, path[:-1]).pop(path[-1])
        with pytest.raises(ValidationError, match=path[-1]):
            model.model_validate(broken)
        at(broken, path[:-1]).update({path[-1]: value, path[-1] + '_': value})
        with pytest.raises(ValidationError, match=path[-1] + '_'):
            model.model_validate(broken)


@pytest.mark.parametrize('block', EVENT_BLOCKS, **BY_TYPE)
async def test_an_event_reaches_a_subscriber_as_it_stands_there(serving, block):
    reading = next(readings(block))
    async with serving() as server:
        peer = await server.enter(block['type'], role='admin')
        server.gateway.publish(EVENTS[block['type']].model.model_validate(reading))
        assert await peer.receive() == reading


# Commands


@pytest.mark.parametrize('block', COMMAND_BLOCKS, **BY_TYPE)
async def test_a_command_is_accepted_as_it_stands_there(serving, block):
    status = EVENTS['system.status'].model.model_validate(EXAMPLES['system.status'])
    async with serving(answers={'get_system_status': status}) as server:
        if block['type'] == 'auth':
            peer = await server.connect()
            await peer.send(**{'kind': 'auth', **without_type(block), 'token': server.token()})
        else:
            peer = await server.enter('telemetry.realtime')
            await peer.websocket.send(json.dumps(block))
        answer = await peer.receive()
        assert answer['type'] in [name_of(model) for model in COMMANDS[block['type']].replies]
        assert answer.get('request_id') == block.get('request_id')
        if answer['type'] == 'subscription.confirmed':
            assert answer['data']['events'] == block['events']
            assert answer['data']['denied'] == []
            assert set(answer['data']['rates']) == {
                kind for pattern in block['events'] for kind in expand(pattern)
            }
        if COMMANDS[block['type']].level is not None:
            ((command, caller),) = server.commands
            assert command.model_dump(exclude_unset=True) == block
            assert caller.subject == 'ann'
        else:
            assert server.commands == []


def without_type(block):
    return {key: value for key, value in block.items() if key != 'type'}


def test_the_parameters_of_a_connection_are_those_of_auth():
    for name, _, required, _ in table('### **1.3 '):
        assert Auth.model_fields[name].is_required() is (required == 'Yes')


async def test_the_endpoint_is_the_one(serving):
    assert f'ws://localhost:{GatewayConfig().port}{PATH}\n' in SPECIFICATION
    async with serving() as server:
        assert server.url.endswith(PATH)
        await server.enter()


# Errors, each from its cause


async def bad_token(server):
    peer = await server.connect()
    await peer.send('auth', token='eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...')
    return peer


async def unknown_type(server):
    peer = await server.enter()
    await peer.send('subscribe', events=['invalid.event'])
    return peer


async def flood(server):
    peer = await server.enter()
    with suppress(ConnectionClosed):
        for _ in range(server.gateway.config.command_burst + 20):
            await peer.send('ping')
    return peer


async def bad_message(server):
    peer = await server.enter()
    await peer.send('subscribe', events=['*'], rate=0)
    return peer


async def large_message(server):
    peer = await server.enter()
    await peer.websocket.send('x' * (MAX_PAYLOAD_BYTES + 1))
    return peer


async def forbidden(server):
    peer = await server.enter(role='viewer')
    await peer.send('emergency_stop')
    return peer


async def one_too_many(server):
    for _ in range(server.gateway.config.max_connections - server.gateway.stats().connections):
        await server.enter()
    peer = await server.connect()
    await peer.send('auth', token=server.token())
    return peer


async def too_early(server):
    peer = await server.connect()
    await peer.send('ping')
    return peer


async def hanging_vehicle(server):
    server.answers['start_mission'] = None
    peer = await server.enter()
    await peer.send('start_mission', mission_type='transport', station='dock-1')
    return peer


async def stopped_reader(server):
    peer = await server.enter('safety.estop')
    peer.websocket.transport.pause_reading()
    number = 0
    while not server.gateway.stats().slow_consumers:
        number += 1
        assert number < 20_000
        server.gateway.publish(
            EVENTS['safety.estop'].model.model_validate(
                {
                    **EXAMPLES['safety.estop'],
                    'data': {
                        **EXAMPLES['safety.estop']['data'],
                        'estop_id': f'{number}-' + 'x' * 4000,
                    },
                }
            )
        )
        if number % 50 == 0:
            await asyncio.sleep(0)
    peer.websocket.transport.resume_reading()
    return peer


CAUSES = {
    ErrorCode.AUTHENTICATION_FAILED: bad_token,
    ErrorCode.INVALID_EVENT_TYPE: unknown_type,
    ErrorCode.RATE_LIMIT_EXCEEDED: flood,
    ErrorCode.INVALID_MESSAGE: bad_message,
    ErrorCode.PAYLOAD_TOO_LARGE: large_message,
    ErrorCode.PERMISSION_DENIED: forbidden,
    ErrorCode.CONNECTION_LIMIT_REACHED: one_too_many,
    ErrorCode.AUTHENTICATION_REQUIRED: too_early,
    ErrorCode.COMMAND_FAILED: hanging_vehicle,
    ErrorCode.SLOW_CONSUMER: stopped_reader,
}


@pytest.mark.parametrize('error', ErrorCode, ids=lambda error: error.code)
async def test_an_error_has_its_cause_and_its_shape(serving, error):
    # The specification's example where it has one, else our own.
    example = next(
        block for block in (*ERROR_BLOCKS, *ERRORS) if block['error_code'] == error.code
    )
    async with serving(command_timeout=0.5, outbox_capacity=50) as server:
        peer = await CAUSES[error](server)
        reported = await peer.receive('error')
        assert set(reported) == set(example) | {'temporary'}
        assert (reported['error_code'], reported['error_name'], reported['temporary']) == (
            example['error_code'],
            example['error_name'],
            error.temporary,
        )
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', reported['timestamp'])
        if example in ERROR_BLOCKS:
            assert reported['description'].startswith(example['description'])
        if error.close is not None:
            assert (await peer.ended())[0] == error.close
        elif error is ErrorCode.AUTHENTICATION_REQUIRED:
            await peer.send('auth', token=server.token())
            assert (await peer.receive())['type'] == 'connection.established'
        elif error is not ErrorCode.RATE_LIMIT_EXCEEDED:
            assert await peer.barrier() == []


def test_our_examples_are_those_of_the_specification():
    for block in (*EVENT_BLOCKS, *COMMAND_BLOCKS):
        assert EXAMPLES[block['type']] == next(readings(block))
    for block in ERROR_BLOCKS:
        ours = next(each for each in ERRORS if each['error_code'] == block['error_code'])
        assert {key: ours[key] for key in block} == block


# Limits


def test_the_limits_are_those_of_the_specification():
    limits, config = GatewayConfig().limits, GatewayConfig()
    ours = {
        'Max Connections': f'{limits.max_connections}',
        'Max Events/sec': f'{limits.max_events_per_second:g}',
        'Max Payload Size': f'{limits.max_payload_bytes // 1024}KB',
        'Connection Timeout': f'{config.idle_timeout:g}s',
        'Ping Interval': f'{config.ping_interval:g}s',
    }
    assert {row[0]: row[1] for row in table('### **5.1 ')} == ours


def test_the_rates_are_those_of_the_specification():
    rows = table('### **5.2 ')
    assert len(rows) == 5
    for pattern, rate, _ in rows:
        kinds = expand(pattern)
        assert kinds
        for kind in kinds:
            assert f'{EVENTS[kind].rate:g} Hz' == rate, kind
