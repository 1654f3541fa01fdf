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
"""What was reported to a client as failed is not carried out later by a node that hung."""

import os
import signal

import pytest
from support import wait_for

TARGET = {'x': 25000.0, 'y': 0.0, 'z': 0.0}  # mm
COMMANDS = {
    'start_mission': ('mission_node', {'mission_type': 'transport', 'target_position': TARGET}),
    'set_telemetry_rate': ('telemetry_node', {'rate': 3.0}),
    'set_maintenance': ('safety_node', {'active': True}),
    'update_config': ('config_node', {'changes': {'telemetry_rate': 3.0}}),
    'scan_modules': ('hardware_node', {}),
    'acknowledge_alarm': ('system_node', {'alarm_id': 'alarm-1'}),
}


@pytest.fixture(autouse=True)
def going_on(vehicle):
    """Leave no node hung."""
    yield
    for name, _ in COMMANDS.values():
        os.kill(vehicle.node_pid(name), signal.SIGCONT)


@pytest.mark.parametrize('command', COMMANDS)
def test_a_node_that_hung_refuses_what_has_failed_meanwhile(vehicle, command):
    name, fields = COMMANDS[command]
    pid = vehicle.node_pid(name)
    said = vehicle.log.stat().st_size
    with vehicle.client('admin', ['mission.*', 'config.*', 'module.*']) as admin:
        os.kill(pid, signal.SIGSTOP)
        admin.send(command, request_id='late', **fields)
        answer = admin.wait('error', where=lambda message: message.get('request_id') == 'late')
        assert answer['error_code'] == 'WS-009'
        os.kill(pid, signal.SIGCONT)
        wait_for(
            lambda: f'{command} not carried out: it came' in vehicle.log.read_text()[said:],
            what='the refusal in the log',
        )
        assert vehicle.node_pid(name) == pid
        effects = ('mission.started', 'config.updated', 'module.discovered')
        assert not [event for event in admin.received if event['type'] in effects]
        assert admin.call('list_modules')['accepted']
