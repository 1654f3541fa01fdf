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
"""docs/protocol.md: its tables are the catalogue's, its session is one that a gateway holds.

`python test/conformance/test_documentation.py` writes the tables anew.
"""

import json
import re
from pathlib import Path

import pytest

from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.command_runner import MAX_RUNNING
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.outbox import EVENT_BURST
from oht50_bridge.protocol import asyncapi
from oht50_bridge.protocol import errors
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import FAMILIES
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.catalogue import name_of
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.patterns import expand

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs' / 'protocol.md'
TEXT = PAGE.read_text(encoding='utf-8')
ROLES = load_roles(ROOT / 'config' / 'roles.yaml')
SCHEMAS = asyncapi.schemas()


def table(head, rows):
    lines = [head, ['---'] * len(head), *rows]
    return ''.join('| ' + ' | '.join(line) + ' |\n' for line in lines)


def summary(name):
    """The first sentence of a message's description."""
    return SCHEMAS[name]['description'].splitlines()[0]


def leaves(part, schema, path='', unit=''):
    """Path, kind and unit of every field below a part of a schema."""
    for option in (part, *part.get('allOf', ())):
        if '$ref' in option:
            part = {
                **schema['$defs'][option['$ref'].rsplit('/', 1)[1]],
                **{key: value for key, value in part.items() if key.startswith('x-')},
            }
    unit = part.get('x-unit', unit)
    if 'properties' in part:
        # A list of units belongs to the fields below, in their order.
        units = unit.split(', ') if unit else [''] * len(part['properties'])
        for (name, field), each in zip(part['properties'].items(), units, strict=True):
            yield from leaves(field, schema, f'{path}.{name}' if path else name, each)
        return
    yield path, kind_of(part, schema), unit
    if '$ref' in part.get('items', ()):
        yield from leaves(part['items'], schema, f'{path}[]')
    for option in part.get('anyOf', ()):
        if '$ref' in option:
            yield from leaves(option, schema, path)


def kind_of(part, schema):
    if 'anyOf' in part:
        return ' or '.join(kind_of(option, schema) for option in part['anyOf'])
    if '$ref' in part:
        target = schema['$defs'][part['$ref'].rsplit('/', 1)[1]]
        return '{' + ', '.join(target['properties']) + '}'
    if 'enum' in part:
        return ', '.join(f'`{value}`' for value in part['enum'])
    if part.get('type') == 'array':
        return f'list of {part["items"].get("type", "object")}s'
    return {'object': 'object', 'null': 'null'}.get(part.get('type'), part.get('type', 'any'))


def events_table():
    return table(
        ['type', 'class', 'at most, Hz', 'least level', 'is sent when'],
        [
            [f'`{name}`', entry.delivery, f'{entry.rate:g}', entry.level, summary(name)]
            for name, entry in EVENTS.items()
        ],
    )


def fields_table():
    rows = []
    for name in EVENTS:
        shown = f'`{name}`'
        for path, kind, unit in leaves(SCHEMAS[name]['properties']['data'], SCHEMAS[name]):
            rows.append([shown, f'`{path}`', kind, unit])
            shown = ''
    return table(['type', 'field of `data`', 'value', 'unit'], rows)


def commands_table():
    rows = []
    for name, entry in COMMANDS.items():
        schema = SCHEMAS[name]
        fields = []
        for field, part in schema['properties'].items():
            if field in ('type', 'request_id'):
                continue
            kind = kind_of(part, schema).removesuffix(' or null')
            unit = part.get('x-unit') or next(
                (option['x-unit'] for option in part.get('anyOf', ()) if 'x-unit' in option), ''
            )
            star = '' if field in schema.get('required', ()) else '?'
            fields.append(f'`{field}`{star} {kind}' + (f', {unit}' if unit else ''))
        roles = [role for role in ROLES.names if name in ROLES[role].commands]
        rows.append(
            [
                f'`{name}`',
                '; '.join(fields),
                ', '.join(f'`{name_of(r)}`' for r in entry.replies),
                ', '.join(roles) if entry.level else 'all',
                summary(name),
            ]
        )
    return table(['command', 'fields (`?`: optional)', 'reply', 'roles', 'what it does'], rows)


def roles_table():
    rows = []
    for role in ROLES.names:
        families = [
            family for family in FAMILIES if set(expand(f'{family}.*')) <= ROLES[role].events
        ]
        assert set(families) == {EVENTS[kind].family for kind in ROLES[role].events}
        rows.append(
            [
                role,
                ', '.join(f'`{family}.*`' for family in families),
                ', '.join(f'`{name}`' for name in COMMANDS if name in ROLES[role].commands),
            ]
        )
    return table(['role', 'may read', 'may order'], rows)


def errors_table():
    return table(
        ['code', 'name', 'closes with', 'temporary', 'for example'],
        [
            [
                error.code,
                error.title,
                str(error.close or ''),
                'yes' if error.temporary else 'no',
                example['description'],
            ]
            for error, example in zip(ErrorCode, asyncapi.examples_of('error'), strict=True)
        ],
    )


TABLES = {
    'events': events_table,
    'fields': fields_table,
    'commands': commands_table,
    'roles': roles_table,
    'errors': errors_table,
}


def with_tables(text):
    for name, make in TABLES.items():
        text, count = re.subn(
            rf'(<!-- table: {name} -->\n).*?(<!-- end -->)',
            lambda match, make=make: f'{match[1]}\n{make()}\n{match[2]}',
            text,
            flags=re.DOTALL,
        )
        assert count == 1, name
    return text


@pytest.mark.parametrize('name', TABLES)
def test_a_table_is_the_catalogues(name):
    assert TABLES[name]() in TEXT, 'out of date: run python test/conformance/test_documentation.py'


def test_no_event_command_or_error_is_left_out():
    for word in (*EVENTS, *COMMANDS, *(error.code for error in ErrorCode)):
        assert f'`{word}`' in TEXT or f'| {word} |' in TEXT, word


def test_the_close_codes_are_all_there():
    section = TEXT.split('## Close codes')[1].split('\n## ')[0]
    ours = {error.close for error in ErrorCode if error.close} | {
        value for name, value in vars(errors).items() if name.startswith('CLOSE_')
    }
    of_the_library = {1000, 1002, 1007}
    assert {int(code) for code in re.findall(r'^\| (\d{4}) ', section, re.M)} == (
        ours | of_the_library
    )


def test_the_numbers_are_those_of_the_code():
    config = GatewayConfig()
    for words in (
        PATH,
        f'at most {MAX_PAYLOAD_BYTES:,} bytes',
        f'within {config.auth_timeout:g} s',
        f'{config.expiry_notice:g} s before the token ends',
        f'burst {EVENT_BURST})',
        f'within about {config.command_timeout:g} s',
        f'{config.commands_per_second:g} commands per second with a burst of '
        f'{config.command_burst}, then WS-003; after {config.violations} of these',
        f'At most {MAX_RUNNING} commands',
        f'the last {config.history:,} event-class events',
        f'All {config.max_connections} connections',
        f'for {config.idle_timeout:g} s, not even',
    ):
        assert words in TEXT.replace('\n', ' '), words


# The session

STEPS = [
    (line[0], line[2:])
    for line in re.search(r'```session\n(.*?)```', TEXT, re.DOTALL)[1].splitlines()
]
TIMED = {'auth.expiring'}  # comes by the clock


def keys(value):
    """The shape of a message: its keys, at every level."""
    if not isinstance(value, dict):
        return None
    if value.get('type') == 'command.result':
        value = {
            **value,
            'data': {key: value['data'][key] for key in ('command', 'accepted', 'message')},
        }
    return {key: None if key == 'rates' else keys(item) for key, item in value.items()}


def is_published(message):
    return message['type'] in EVENTS and 'request_id' not in message


async def test_a_gateway_holds_the_session_that_is_shown(serving):
    async with serving(server_version='1.0.0') as server:
        pair = server.authority.issue('ann', 'operator')
        epoch = None

        def publish(message):
            server.gateway.publish(
                EVENTS[message['type']].model.model_validate(
                    {key: item for key, item in message.items() if key != 'seq'}
                )
            )

        peer = await server.connect()
        away = False
        for number, (mark, text) in enumerate(STEPS):
            if mark == '!':
                peer.websocket.transport.abort()
                for _, later in STEPS[number + 1 :]:
                    message = json.loads(later) if later.startswith('{') else {'type': ''}
                    if message['type'] in EVENTS and (
                        'seq' in message or EVENTS[message['type']].is_state
                    ):
                        publish(message)
                peer, away = await server.connect(), True
            elif mark == '>':
                command = json.loads(text)
                for key, value in (('token', pair.access), ('refresh_token', pair.refresh)):
                    if key in command:
                        command[key] = value
                if 'epoch' in command:
                    command['epoch'] = epoch
                await peer.websocket.send(json.dumps(command))
            elif mark == '<':
                shown = json.loads(text)
                if shown['type'] in TIMED:
                    continue
                if is_published(shown) and not away:
                    publish(shown)
                message = await peer.receive()
                assert keys(message) == keys(shown)
                for key in (
                    'type',
                    'seq',
                    'request_id',
                    'error_code',
                    'error_name',
                    'description',
                    'temporary',
                ):
                    assert message.get(key) == shown.get(key)
                if is_published(shown) or shown['type'].startswith('subscription.'):
                    assert message['data'] == shown['data']
                if shown['type'] == 'resume.result':
                    assert message['data'] == {**shown['data'], 'epoch': epoch}
                epoch = message.get('data', {}).get('epoch', epoch)


if __name__ == '__main__':
    PAGE.write_text(with_tables(TEXT), encoding='utf-8')
