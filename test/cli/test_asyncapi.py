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
import json

import pytest
import yaml

from oht50_bridge.cli.main import main
from oht50_bridge.protocol import asyncapi
from oht50_bridge.protocol.catalogue import MODELS


def test_the_document_is_printed_as_yaml(capsys):
    assert main(['asyncapi']) == 0
    text = capsys.readouterr().out
    assert yaml.safe_load(text) == json.loads(json.dumps(asyncapi.document()))
    assert '&id' not in text  # no aliases, which not every reader of YAML knows


def test_the_files_are_written_and_obsolete_schemas_removed(tmp_path, capsys):
    (tmp_path / 'schemas').mkdir()
    (tmp_path / 'schemas' / 'obsolete.json').write_text('{}')
    assert main(['asyncapi', '--write', str(tmp_path)]) == 0
    assert capsys.readouterr().out == ''
    assert {path.stem for path in (tmp_path / 'schemas').iterdir()} == set(MODELS)
    schema = json.loads((tmp_path / 'schemas' / 'ping.json').read_text())
    assert schema == json.loads(json.dumps(asyncapi.schemas()['ping']))
    assert (tmp_path / 'asyncapi.yaml').read_text().startswith('asyncapi: 3.0.0')


@pytest.mark.parametrize('inside', ['file', 'file/below'])
def test_a_directory_that_cannot_be_written_is_reported(tmp_path, capsys, inside):
    (tmp_path / 'file').write_text('')
    assert main(['asyncapi', '--write', str(tmp_path / inside)]) == 1
    assert '--write' in capsys.readouterr().err
