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
"""The AsyncAPI document and the schemas: kept, complete, valid, and true of a running gateway."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from gateway.serving import make_event

from oht50_bridge.cli import asyncapi as command
from oht50_bridge.cli.main import main
from oht50_bridge.protocol import asyncapi
from oht50_bridge.protocol import codec
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import REPLIES
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.protocol.examples import EXAMPLES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / 'docs'
CLIENTS = ROOT / 'test' / 'clients'
MODULES = ROOT / 'node_modules'
MESSAGES = [*EVENTS, *COMMANDS, *REPLIES]


def parsed(name, text):
    return yaml.safe_load(text) if name.endswith('.yaml') else json.loads(text)


def contract(what, messages=()):
    """What the AsyncAPI parser, or the JSON Schema validator given (valid, message)s, finds."""
    assert (MODULES / '@asyncapi' / 'parser').is_dir(), 'run `make test`, it installs the parser'
    lines = ''.join(
        json.dumps({'valid': valid, 'message': message}) + '\n' for valid, message in messages
    )
    return subprocess.run(
        [CLIENTS / 'node', ROOT / 'test' / 'conformance' / 'contract.cjs', what, DOCS],
        input=lines,
        env={**os.environ, 'NODE_PATH': str(MODULES)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# The files


def test_the_kept_files_are_what_the_models_say():
    wanted = command.files()
    kept = {'asyncapi.yaml'} | {f'schemas/{path.name}' for path in DOCS.glob('schemas/*')}
    assert kept == set(wanted), 'run `oht50 asyncapi --write docs`'
    for name, text in wanted.items():
        # By content: how it is laid out is the libraries' affair.
        assert parsed(name, (DOCS / name).read_text(encoding='utf-8')) == parsed(name, text), (
            f'docs/{name} is out of date: run `oht50 asyncapi --write docs`'
        )


def test_the_command_prints_and_writes(tmp_path, capsys):
    assert main(['asyncapi']) == 0
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) == asyncapi.document()
    (tmp_path / 'schemas').mkdir()
    (tmp_path / 'schemas' / 'gone.json').write_text('{}')
    assert main(['asyncapi', '--write', str(tmp_path)]) == 0
    assert (tmp_path / 'asyncapi.yaml').read_text(encoding='utf-8') == printed
    assert {path.stem for path in (tmp_path / 'schemas').iterdir()} == set(MESSAGES)


def test_a_place_that_cannot_be_written_is_reported(tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert main(['asyncapi', '--write', str(tmp_path / 'file')]) == 1
    assert '--write' in capsys.readouterr().err


def test_every_message_is_in_the_document_and_goes_its_way():
    document = asyncapi.document()
    assert set(document['components']['messages']) == set(MESSAGES)
    assert document['channels']['telemetry']['address'] == PATH
    ways = {
        (operation['action'], operation['messages'][0]['$ref'].rsplit('/', 1)[1])
        for operation in document['operations'].values()
    }
    assert ways == {('receive', name) for name in COMMANDS} | {
        ('send', name) for name in (*EVENTS, *REPLIES)
    }
    for name in COMMANDS:
        answers = document['operations'][f'receive.{name}']['reply']['messages']
        assert answers[-1]['$ref'].endswith('/error') and len(answers) > 1


@pytest.mark.parametrize('name', MESSAGES)
def test_every_example_is_a_message(name):
    for example in asyncapi.examples_of(name):
        if name in COMMANDS:
            order = codec.command(codec.parse(json.dumps(example)))
            assert order.model_dump(exclude_unset=True) == example
        else:
            model = EVENTS[name].model if name in EVENTS else REPLIES[name]
            assert json.loads(Encoder().encode(model.model_validate(example))) == example


def test_whatever_is_measured_says_its_unit():
    """No number of an event without a unit but counts."""
    counts = {'connected_clients', 'errors_encountered', 'more_stops', 'more_alarms', 'count'}
    for name in EVENTS:
        schema = asyncapi.schemas()[name]
        for part in schema['$defs'].values():
            for field, content in part['properties'].items():
                numeric = {'number', 'integer'} & {
                    option.get('type') for option in (content, *content.get('anyOf', ()))
                }
                if numeric and field not in counts and part is not schema['$defs'].get('Motion'):
                    assert content.get('x-unit'), f'{name}: {field}'


# With the tools of others


@pytest.mark.slow
def test_the_parser_of_asyncapi_finds_nothing_wrong():
    result = contract('document')
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout) == {'messages': len(MESSAGES)}


def test_a_message_that_does_not_fit_is_found():
    wrong = {**EXAMPLES['safety.estop'], 'seq': 0}
    result = contract('messages', [(True, wrong)])
    assert result.returncode == 1 and 'safety.estop' in result.stdout


async def test_what_a_gateway_sends_fits_the_schemas(serving):
    """A session with every event, every command, resumption, and some errors."""
    seen = []
    async with serving(
        commands_per_second=1e6,
        command_burst=10**6,
        expiry_notice=14.999 * 60,
        answers={'get_system_status': make_event('system.status', uptime=1)},
    ) as server:
        pair = server.authority.issue('ann', 'admin')
        peer = await server.connect()
        await peer.send('ping')
        await peer.send('auth', token=pair.access, resume=True)
        while not seen or seen[-1]['type'] != 'auth.expiring':
            seen.append(await peer.receive())
        await peer.send('subscribe', events=['*', 'invalid.event'], request_id='r')
        while seen[-1]['type'] != 'subscription.confirmed':
            seen.append(await peer.receive())
        for kind in EVENTS:
            server.gateway.publish(make_event(kind))
        server.gateway.publish(
            make_event(
                'system.status',
                health={
                    'cpu': float('nan'),
                    'memory': None,
                    'disk': 1,
                    'temperature': float('inf'),
                },
            )
        )
        server.gateway.publish(make_event('system.error', description='x' * 17_000))
        for name in COMMANDS:
            if name == 'refresh_token':
                await peer.send(name, refresh_token=pair.refresh)
            elif name != 'auth':
                await peer.websocket.send(json.dumps(EXAMPLES[name]))
        await peer.send('resume', epoch=server.gateway.history.epoch, after=0)
        await peer.websocket.send(b'binary')
        await peer.send('start_mission', mission_type='transport')
        kinds = set(EVENTS) | set(REPLIES)
        while kinds - {message['type'] for message in seen}:
            seen.append(await peer.receive())
        seen += await peer.barrier()
        await peer.send('auth', token='x')
        seen += (await peer.ended())[2]
    assert {'WS-001', 'WS-002', 'WS-004', 'WS-005', 'WS-008'} == {
        message['error_code'] for message in seen if message['type'] == 'error'
    }
    assert any('seq' in message for message in seen)
    assert any('request_id' in message for message in seen)
    result = contract('messages', ((True, message) for message in seen))
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout) == {'schemas': len(MESSAGES), 'lines': len(seen)}


def test_what_a_gateway_refuses_its_schema_refuses():
    examples = [
        {**EXAMPLES['start_mission'], **change}
        for change in (
            {'target_position': None},
            {'station': 'dock-1'},
            {'payload_kg': -1},
            {'surplus': 1},
            {'mission_type': 'joyride'},
            {'mission_id': ''},
            {'target_position': {'x': 1}},
        )
    ]
    for example in examples:
        with pytest.raises(codec.ProtocolError):
            codec.command(codec.parse(json.dumps(example)))
    result = contract('messages', ((False, example) for example in examples))
    assert result.returncode == 0, result.stdout + result.stderr
