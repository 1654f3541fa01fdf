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
"""The clients of the specification, section 8, as they stand there but for URL and token."""

import json
import re
import subprocess
import sys
from datetime import datetime

import pytest
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


@pytest.mark.parametrize('language', ['python', 'javascript'])
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
