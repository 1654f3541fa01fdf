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
"""The scenarios of the clients, with the TypeScript client on the WebSocket of ws and of Node."""

import json
import sys

import pytest
from clients.javascript import PROGRAMS
from clients.javascript import compiled
from clients.javascript import node
from clients.javascript import version

NAMES = [each['name'] for each in json.loads((PROGRAMS / 'scenarios.json').read_text())]
WITH_WEBSOCKET = 22  # Node


@pytest.fixture(scope='module', params=['ws', 'built-in'])
def results(request):
    """What became of each scenario; all run in one program, several at a time."""
    compiled(PROGRAMS)
    if request.param == 'built-in' and version() < WITH_WEBSOCKET:
        pytest.skip('this Node has no WebSocket')
    program = PROGRAMS / 'build' / 'run-scenarios.js'
    result = node(program, request.param, sys.executable, timeout=300)
    assert result.returncode in (0, 1), result.stderr
    return {each['name']: each for each in map(json.loads, result.stdout.splitlines())}


@pytest.mark.parametrize('name', NAMES)
def test_scenario(results, name):
    assert 'error' not in results[name], results[name]['error']


def test_no_scenario_is_missing(results):
    assert set(results) == set(NAMES)
    assert len(NAMES) == len(set(NAMES)) > 40
