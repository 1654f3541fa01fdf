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
import importlib.util

from support import ROOT

from oht50_bridge.client import typed
from oht50_bridge.protocol.catalogue import EVENTS

SPEC = importlib.util.spec_from_file_location(
    'write_client_types', ROOT / 'tools' / 'write_client_types.py'
)
write_client_types = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(write_client_types)


def test_the_types_are_those_of_the_protocol():
    written = (ROOT / 'oht50_bridge' / 'client' / 'typed.py').read_text()
    assert written == write_client_types.source(), 'run tools/write_client_types.py'


def test_each_event_has_a_type_with_its_fields():
    for entry in EVENTS.values():
        made = getattr(typed, f'{entry.model.__name__}Dict')
        assert made.__required_keys__ == {'type', 'timestamp', 'data'}
        data = getattr(typed, f'{entry.model.model_fields["data"].annotation.__name__}Dict')
        example = entry.model.example['data']
        assert data.__required_keys__ == set(example)
