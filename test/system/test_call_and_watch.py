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
"""`oht50 call` and `oht50 watch` against a running vehicle."""

import json
import subprocess

import pytest
from support import OHT50
from support import place


def call(vehicle, *arguments):
    return subprocess.run(
        [*OHT50, 'call', *arguments, '--url', vehicle.url, '--state-dir', str(vehicle.state_dir)],
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_call_prints_the_reply(vehicle):
    result = call(vehicle, 'set_telemetry_rate', 'rate=5')
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)['rate'] == 5.0
    with vehicle.client('viewer', ['telemetry.status']) as client:
        client.wait('telemetry.status', where=lambda event: event['data']['rate'] == 5.0)
    assert call(vehicle, 'set_telemetry_rate', 'rate=10').returncode == 0


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['set_telemetry_rate', 'rate=99'], 'rate'),
        (['set_telemetry_rate', 'rate'], 'FIELD=VALUE'),
        (['no_such_command'], 'no_such_command'),
        (['emergency_stop', '--role', 'viewer'], 'WS-006'),
    ],
)
def test_refused_call_says_why(vehicle, arguments, named):
    result = call(vehicle, *arguments)
    assert (result.returncode, result.stdout) == (1, '')
    assert named in result.stderr
    assert 'Traceback' not in result.stderr


def test_nobody_listens(vehicle, tmp_path):
    result = subprocess.run(
        [
            *OHT50,
            'call',
            'ping',
            '--url',
            'ws://127.0.0.1:9/ws/telemetry',
            '--state-dir',
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (result.returncode, result.stdout) == (1, '')
    assert 'Traceback' not in result.stderr


def test_watch_shows_the_boards_values(vehicle, simulator):
    place(vehicle, simulator, 33.25)
    process = subprocess.Popen(
        [*OHT50, 'watch', vehicle.url, '--state-dir', str(vehicle.state_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    event = {'type': None}
    while event['type'] != 'telemetry.realtime':
        event = json.loads(process.stdout.readline())
    process.send_signal(2)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, f'{vehicle.url}: connected\n')
    assert event['data']['position']['x'] == 33250.0
    assert event['data']['sensors']['battery'] == 85.0
