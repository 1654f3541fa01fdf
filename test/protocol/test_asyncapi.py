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
"""What the document says of each message; test/conformance holds it against its standards."""

import yaml

from oht50_bridge.protocol import asyncapi
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import MODELS
from oht50_bridge.protocol.endpoint import DEFAULT_PORT
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.protocol.errors import ErrorCode


def test_every_message_has_a_schema_that_is_complete_in_itself():
    schemas = asyncapi.schemas()
    assert set(schemas) == set(MODELS)
    for name, schema in schemas.items():
        assert schema['properties']['type']['const'] == name
        assert schema['examples']
        assert '#/components/' not in str(schema)


def test_keys_that_are_sent_only_when_set_are_optional():
    estop, status = (asyncapi.schemas()[name] for name in ('safety.estop', 'system.status'))
    assert 'seq' in estop['properties'] and 'seq' not in estop['required']
    assert 'seq' not in status['properties']  # a state-class event is not numbered
    assert 'request_id' in status['properties']  # it is the reply to get_system_status


def test_each_error_code_has_an_example():
    codes = [example['error_code'] for example in asyncapi.examples_of('error')]
    assert codes == [error.code for error in ErrorCode]


def test_the_document_has_the_address_and_an_operation_for_each_message():
    document = asyncapi.document()
    assert document['servers']['local']['host'] == f'localhost:{DEFAULT_PORT}'
    (channel,) = document['channels'].values()
    assert channel['address'] == PATH
    operations = document['operations']
    assert {f'receive.{name}' for name in COMMANDS} <= set(operations)
    assert {f'send.{name}' for name in EVENTS} <= set(operations)
    assert operations['receive.clear_estop']['x-level'] == COMMANDS['clear_estop'].level
    assert operations['send.config.updated']['x-rate-hz'] == EVENTS['config.updated'].rate


def test_the_text_of_the_document_is_the_same_without_libyaml():
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data):
            return True

    options = {'sort_keys': False, 'allow_unicode': True, 'width': 99}
    assert asyncapi.text() == yaml.dump(asyncapi.document(), Dumper=Dumper, **options)
