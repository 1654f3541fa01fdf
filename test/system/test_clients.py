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
"""The clients of the specification, and those of the command line."""

import json
import re
import subprocess
import sys
from datetime import datetime

import pytest
from support import OHT50
from support import ROOT
from support import place

SPECIFICATION = (ROOT / 'docs' / 'websocket_events.md').read_text()
URL = 'ws://localhost:8000/ws/telemetry'
SECONDS = 4

PYTHON_HANDLERS = """
def show(kind):
    return lambda data: print(json.dumps([kind, data]), flush=True)
update_telemetry, update_system_status = show('telemetry'), show('status')
handle_error = show('error')
"""
JAVASCRIPT_HANDLERS = """
const WebSocket = require('ws');
const show = kind => data => console.log(JSON.stringify([kind, data]));
const updateTelemetry = show('telemetry'), updateSystemStatus = show('status');
const handleError = show('error');
"""


def code(language):
    """Return the specification's client in a language."""
    section = SPECIFICATION.split('## 📚 **8. Client Examples**')[1]
    return re.search(rf'```{language}\n(.*?)```', section, re.DOTALL)[1]


def output(command, directory):
    """Return what a client printed in some seconds."""
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    assert not err, err
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(
    'language', ['python', pytest.param('javascript', marks=pytest.mark.slow)]
)
def test_client_of_the_specification(language, vehicle, simulator, tmp_path):
    place(vehicle, simulator, 12.345)
    source = (
        code(language).replace(URL, vehicle.url).replace('your-jwt-token', vehicle.token('viewer'))
    )
    assert vehicle.url in source
    if language == 'python':
        script = tmp_path / 'client.py'
        script.write_text(source.replace('import json', 'import json' + PYTHON_HANDLERS))
        command, directory = [sys.executable, str(script)], tmp_path
    else:
        directory = ROOT / 'test' / 'clients'
        command = [str(directory / 'node'), '-e', JAVASCRIPT_HANDLERS + source]
    received = output(command, directory)
    assert [data for kind, data in received if kind == 'error'] == []
    telemetry = [data for kind, data in received if kind == 'telemetry']
    statuses = [data for kind, data in received if kind == 'status']
    assert 3 <= len(statuses) <= SECONDS + 2
    # About 10 Hz, whatever of the seconds the client needed to start.
    assert 15 <= len(telemetry) <= 10 * SECONDS + 3
    expected = example('telemetry.realtime')
    for data in telemetry:
        assert keys(data) == keys(expected)
    newest = telemetry[-1]
    assert newest['position'] == {'x': 12345.0, 'y': 0.0, 'z': 0.0}
    missing = {path for path, value in leaves(newest) if value is None}
    assert missing == {'sensors.humidity'}


def test_rates_of_telemetry_and_status(vehicle):
    with vehicle.client('viewer', ['telemetry.realtime', 'system.status']) as client:
        while sum(m['type'] == 'system.status' for m in client.received) < 5:
            client.receive()
        for kind, rate in (('telemetry.realtime', 10.0), ('system.status', 1.0)):
            events = [m for m in client.received if m['type'] == kind][1:]
            span = events[-1]['at'] - events[0]['at']
            assert (len(events) - 1) / span == pytest.approx(rate, rel=0.15), kind
            stamps = [datetime.fromisoformat(m['timestamp']) for m in events]
            assert stamps == sorted(stamps)


def test_a_viewer_can_ask_what_the_vehicle_is_and_what_it_may_do(vehicle):
    with vehicle.client('viewer') as client:
        answer = client.call('get_vehicle')
    assert (answer['name'], answer['mode'], answer['hoist']) == ('oht50', 'simulation', False)
    assert answer['stations'][0] == {'name': 'charger', 'x': 1000.0, 'dock': True}
    assert answer['rail_length'] == 50_000.0
    assert 'get_vehicle' in answer['may']['order']
    assert 'emergency_stop' not in answer['may']['order']


def example(kind):
    """Return the data of the specification's example of an event."""
    for block in re.findall(r'```json\n(.*?)```', SPECIFICATION, re.DOTALL):
        message = json.loads(block)
        if message['type'] == kind:
            return message['data']
    raise AssertionError(f'{kind} is not in the specification')


def keys(value):
    return {path for path, _ in leaves(value)}


def leaves(value, path=''):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f'{path}.{name}' if path else name)
    else:
        yield path, value


# `oht50 call` and `oht50 watch`


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
