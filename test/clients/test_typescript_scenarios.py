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
"""The scenarios with the TypeScript client on the WebSocket of ws, of Node and of Chromium."""

import json
import subprocess
import sys

import pytest
from chromium import missing
from clients.javascript import NODE
from clients.javascript import PROGRAMS
from clients.javascript import compiled
from clients.javascript import version

# They have time limits, as what they are about has.
pytestmark = [pytest.mark.processes, pytest.mark.no_cover, pytest.mark.real_time]

NAMES = [each['name'] for each in json.loads((PROGRAMS / 'scenarios.json').read_text())]
WITH_WEBSOCKET = 22  # Node; before, it is asked for


class Runner:
    """The program that runs scenarios, one after another."""

    def __init__(self, whose):
        compiled(PROGRAMS)
        options = ['--experimental-websocket'] if version() < WITH_WEBSOCKET else []
        self._process = subprocess.Popen(
            [NODE, *options, PROGRAMS / 'build' / 'run-scenarios.js', whose, sys.executable],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, name):
        """Return the error of a scenario, or None."""
        self._process.stdin.write(name + '\n')
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline()).get('error')

    def close(self):
        """End it."""
        self._process.stdin.close()
        assert self._process.wait(30) == 0
        self._process.stdout.close()


@pytest.fixture(
    scope='module',
    params=[
        'ws',
        pytest.param('built-in', marks=pytest.mark.slow),
        pytest.param(
            'chromium',
            marks=[pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())],
        ),
    ],
)
def runner(request):
    runner = Runner(request.param)
    yield runner
    runner.close()


@pytest.mark.parametrize('name', NAMES)
def test_scenario(runner, name):
    assert runner.run(name) is None


def test_a_scenario_that_is_none_fails(runner):
    assert runner.run('such a one') == 'there is no such scenario'
    assert len(NAMES) == len(set(NAMES)) > 40
