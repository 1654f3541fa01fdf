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

from oht50_bridge.protocol import codec
from oht50_bridge.protocol.errors import ProtocolError


def test_an_emergency_stop_needs_no_reason():
    assert codec.command(codec.parse('{"type":"emergency_stop"}')).reason == ''


@pytest.mark.parametrize(
    'destination', [{'station': 'dock-1'}, {'target_position': {'x': 1, 'y': 0, 'z': 0.5}}]
)
def test_a_mission_has_one_destination(destination):
    value = {'type': 'start_mission', 'mission_type': 'transport', **destination}
    assert codec.command(codec.parse(json.dumps(value)))


@pytest.mark.parametrize('name', ['a\\u001b]52', 'a\\n', 'a\\u009b', '\\u202e', '', 'x' * 129])
@pytest.mark.parametrize(
    'command',
    ['{"type":"cancel_mission","mission_id":"%s"}', '{"type":"clear_estop","estop_id":"%s"}'],
)
def test_a_name_from_a_client_can_be_shown_anywhere(command, name):
    with pytest.raises(ProtocolError, match=r'WS-004 .*_id: ') as refused:
        codec.command(codec.parse(command % name))
    assert str(refused.value).isprintable()
