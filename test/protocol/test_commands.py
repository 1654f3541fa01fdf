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
from pathlib import Path

import pytest

from oht50_bridge.protocol import codec
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.replies import Error

DATA = Path(__file__).parent / 'data'


@pytest.mark.parametrize('line', (DATA / 'commands.jsonl').read_text().splitlines())
def test_the_commands_of_the_specification_are_taken(line):
    command = codec.command(codec.parse(line))
    assert command.model_dump(exclude_unset=True) == json.loads(line)


@pytest.mark.parametrize('line', (DATA / 'errors.jsonl').read_text().splitlines())
def test_the_errors_of_the_specification_are_ours_with_a_flag_added(line):
    example = json.loads(line)
    code = next(code for code in ErrorCode if code.code == example['error_code'])
    assert code.title == example['error_name']
    error = Error(**example, temporary=code.temporary)
    assert json.loads(codec.Encoder().encode(error)) == {**example, 'temporary': code.temporary}


def test_an_emergency_stop_needs_no_reason():
    assert codec.command(codec.parse('{"type":"emergency_stop"}')).reason == ''


@pytest.mark.parametrize('destination', [
    {'station': 'dock-1'}, {'target_position': {'x': 1, 'y': 0, 'z': 0.5}}])
def test_a_mission_has_one_destination(destination):
    value = {'type': 'start_mission', 'mission_type': 'transport', **destination}
    assert codec.command(codec.parse(json.dumps(value)))
