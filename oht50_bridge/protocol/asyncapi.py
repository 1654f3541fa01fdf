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
"""Generates a JSON Schema of every message and the AsyncAPI document.

Both derive from the models, the catalogue and the examples.
"""

from __future__ import annotations

from typing import Any
from typing import Literal

import yaml
from pydantic.json_schema import models_json_schema

from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.catalogue import MODELS
from oht50_bridge.protocol.catalogue import PROTOCOL_VERSION
from oht50_bridge.protocol.catalogue import REPLIES
from oht50_bridge.protocol.catalogue import name_of
from oht50_bridge.protocol.commands import Command
from oht50_bridge.protocol.endpoint import DEFAULT_PORT
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.protocol.examples import ERRORS
from oht50_bridge.protocol.examples import EXAMPLES

_CHANNEL = 'telemetry'
_ON_THE_WIRE_WHEN_SET = ('request_id', 'seq')
_ANSWERS = {name_of(model) for entry in COMMANDS.values() for model in entry.replies} | {'error'}
_NUMBERED = {name for name, entry in EVENTS.items() if not entry.is_state} | {'error'}

_DESCRIPTION = f"""
Telemetry, status and commands of one OHT-50 vehicle. Every message is one JSON object in a UTF-8
text frame of at most {MAX_PAYLOAD_BYTES} bytes.

A connection presents an access token (JWT) in its first message, `auth`, or in an
`Authorization: Bearer` header; then it subscribes to events by type, `family.*` or `*`.
"""


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (2020-12) of every message by type, each complete in itself."""
    result = {}
    for name, model in MODELS.items():
        top, definitions = _generated([model], '#/$defs/{model}')
        schema = {
            '$schema': 'https://json-schema.org/draft/2020-12/schema',
            **definitions.pop(top),
        }
        if definitions:
            schema['$defs'] = definitions
        result[name] = {**schema, 'examples': examples_of(name)}
    return result


def examples_of(name: str) -> list[dict[str, Any]]:
    """Return the examples of a message type."""
    return [dict(each) for each in (ERRORS if name == 'error' else (EXAMPLES[name],))]


def document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document."""
    _, definitions = _generated(list(MODELS.values()), '#/components/schemas/{model}')
    return {
        'asyncapi': '3.0.0',
        'info': {
            'title': 'OHT-50 WebSocket events',
            'version': PROTOCOL_VERSION,
            'description': _DESCRIPTION.strip(),
            'license': {
                'name': 'Apache-2.0',
                'url': 'https://www.apache.org/licenses/LICENSE-2.0',
            },
        },
        'defaultContentType': 'application/json',
        'servers': {
            'local': _server(f'localhost:{DEFAULT_PORT}', 'ws', 'A vehicle, or a simulated one.'),
            'production': _server('production.example.com', 'wss', 'TLS 1.2 or above.'),
        },
        'channels': {
            _CHANNEL: {
                'address': PATH,
                'description': 'All messages, in both directions.',
                'messages': {name: _ref('messages', name) for name in MODELS},
                'bindings': {
                    'ws': {
                        'method': 'GET',
                        'query': {
                            'type': 'object',
                            'properties': {
                                'token': _text(
                                    'Access token; accepted only if the server allows it.'
                                ),
                                'client_id': _text('Name of the client, with a token.'),
                                'subscription': _text(
                                    'Patterns, separated by commas, with a token.'
                                ),
                            },
                        },
                        'headers': {
                            'type': 'object',
                            'properties': {
                                'Authorization': _text('`Bearer` and an access token.')
                            },
                        },
                    }
                },
            }
        },
        'operations': _operations(),
        'components': {
            'securitySchemes': {
                'bearer': {
                    'type': 'http',
                    'scheme': 'bearer',
                    'bearerFormat': 'JWT',
                    'description': 'In the header, or as `token` of the first message, `auth`.',
                },
                'query': {
                    'type': 'httpApiKey',
                    'in': 'query',
                    'name': 'token',
                    'description': 'Off unless the server allows it: URLs end up in logs.',
                },
            },
            'messages': {name: _message(name, model) for name, model in MODELS.items()},
            'schemas': definitions,
        },
    }


def _operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for name, command in COMMANDS.items():
        answers = [*(name_of(model) for model in command.replies), 'error']
        operations[f'receive.{name}'] = {
            **_operation('receive', name),
            **({'x-level': command.level} if command.level else {}),
            'reply': {'channel': _channel(), 'messages': [_of_channel(each) for each in answers]},
        }
    for name, event in EVENTS.items():
        operations[f'send.{name}'] = {
            **_operation('send', name),
            'x-delivery': event.delivery,
            'x-rate-hz': event.rate,
            'x-level': event.level,
        }
    for name in REPLIES:
        operations[f'send.{name}'] = _operation('send', name)
    return operations


def _operation(action: Literal['send', 'receive'], name: str) -> dict[str, Any]:
    return {
        'action': action,
        'channel': _channel(),
        'summary': _summary(MODELS[name]),
        'messages': [_of_channel(name)],
    }


def _message(name: str, model: type[Message] | type[Command]) -> dict[str, Any]:
    return {
        'name': name,
        'title': model.__name__,
        'summary': _summary(model),
        'payload': _ref('schemas', model.__name__),
        'examples': [
            {'name': f'{name}-{number}', 'payload': example}
            for number, example in enumerate(examples_of(name), 1)
        ],
    }


def _summary(model: type[Message] | type[Command]) -> str:
    assert model.__doc__ is not None
    return model.__doc__.splitlines()[0]


def _server(host: str, protocol: str, description: str) -> dict[str, Any]:
    return {
        'host': host,
        'protocol': protocol,
        'description': description,
        'security': [_ref('securitySchemes', 'bearer'), _ref('securitySchemes', 'query')],
    }


def _text(description: str) -> dict[str, Any]:
    return {'type': 'string', 'description': description}


def _ref(section: str, name: str) -> dict[str, Any]:
    return {'$ref': f'#/components/{section}/{name}'}


def _channel() -> dict[str, Any]:
    return {'$ref': f'#/channels/{_CHANNEL}'}


def _of_channel(name: str) -> dict[str, Any]:
    return {'$ref': f'#/channels/{_CHANNEL}/messages/{name}'}


class _Dumper(getattr(yaml, 'CSafeDumper', yaml.SafeDumper)):  # type: ignore[misc]  # either
    """Writes the same text with libyaml, six times as fast, and without."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text() -> str:
    """Return the AsyncAPI document as YAML."""
    return yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=99)


def _generated(
    models: list[type[Message] | type[Command]], ref_template: str
) -> tuple[str, dict[str, Any]]:
    """Return the name of the first model, and the schemas by name of all and of their parts."""
    sent: list[tuple[Any, Any]] = [
        (model, 'serialization' if issubclass(model, Message) else 'validation')
        for model in models
    ]
    _, schema = models_json_schema(sent, ref_template=ref_template)
    definitions = {name: _plain(part) for name, part in schema['$defs'].items()}
    for model in models:
        if issubclass(model, Message):
            _as_sent(name_of(model), definitions, definitions[model.__name__], ref_template)
    return models[0].__name__, definitions


def _as_sent(
    kind: str, definitions: dict[str, Any], schema: dict[str, Any], ref_template: str
) -> None:
    """Adapt a schema to the encoder, which sends null for keys without a value, except for two."""
    fields = schema['properties']
    for key, used in (('request_id', kind in _ANSWERS), ('seq', kind in _NUMBERED)):
        if used:
            fields[key] = (
                {'type': 'string', 'maxLength': 128}
                if key == 'request_id'
                else {'type': 'integer', 'minimum': 1}
            )
        else:
            del fields[key]
    prefix = ref_template.format(model='')
    pending = [schema]
    while pending:
        part = pending.pop()
        fields = part.get('properties', {})
        if fields:
            part['required'] = [key for key in fields if key not in _ON_THE_WIRE_WHEN_SET]
        for field in fields.values():
            for option in (field, *field.get('allOf', ())):
                if '$ref' in option:
                    pending.append(definitions[option['$ref'].removeprefix(prefix)])


def _plain(schema: Any) -> Any:
    """Remove generated titles and null defaults, and wrap a `$ref` that has siblings.

    AsyncAPI ignores every other key beside `$ref`.
    """
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {
        key: {name: _plain(field) for name, field in value.items()}
        if key == 'properties'
        else _plain(value)
        for key, value in schema.items()
        if not (key == 'title' or (key == 'default' and value is None))
    }
    if '$ref' in result and len(result) > 1:
        result = {'allOf': [{'$ref': result.pop('$ref')}], **result}
    return result
