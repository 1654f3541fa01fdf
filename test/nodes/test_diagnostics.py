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
"""Messages of /diagnostics."""

import math

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from oht50_bridge.msg import EstopState
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.nodes.diagnostics import battery_diagnostics
from oht50_bridge.nodes.diagnostics import host_diagnostics
from oht50_bridge.nodes.diagnostics import module_diagnostics
from oht50_bridge.nodes.diagnostics import safety_diagnostics

HOST = {'cpu': 0.5, 'memory': 0.2, 'disk': 0.3, 'temperature': math.nan}


def values(status):
    return {value.key: value.value for value in status.values}


@pytest.mark.parametrize(
    ('alarms', 'level', 'message'),
    [
        ({}, DiagnosticStatus.OK, 'ok'),
        ({'cpu': 'P2'}, DiagnosticStatus.WARN, 'cpu is high'),
        ({'cpu': 'P1', 'disk': 'P2'}, DiagnosticStatus.ERROR, 'cpu is high, disk is high'),
    ],
)
def test_host(alarms, level, message):
    status = host_diagnostics(HOST, alarms)
    assert (status.level, status.message) == (level, message)
    assert values(status)['temperature'] == 'not measured'


@pytest.mark.parametrize(
    ('beat', 'latched', 'level'),
    [
        (None, True, DiagnosticStatus.STALE),
        (SafetyHeartbeat(motion_permitted=True), False, DiagnosticStatus.OK),
        (SafetyHeartbeat(reason='guard'), False, DiagnosticStatus.WARN),
        (SafetyHeartbeat(motion_permitted=True), True, DiagnosticStatus.ERROR),
    ],
)
def test_safety_node(beat, latched, level):
    status = safety_diagnostics(beat, EstopState(latched=latched, reason='button'))
    assert status.level == level
    if beat is not None:
        assert values(status)['emergency stop'] == ('button' if latched else 'not latched')


@pytest.mark.parametrize(
    ('fields', 'level', 'message'),
    [
        (
            {'error_code': 'MOD-001', 'error_description': 'no reply'},
            DiagnosticStatus.ERROR,
            'MOD-001 no reply',
        ),
        ({'replies': 3, 'status': 'online'}, DiagnosticStatus.OK, 'online'),
        ({}, DiagnosticStatus.STALE, 'no answer yet'),
    ],
)
def test_module(fields, level, message):
    status = module_diagnostics(
        ModuleState(module_id='power', line='sense', unit_address=2, **fields)
    )
    assert (status.name, status.level, status.message) == ('power', level, message)
    assert values(status)['address'] == 'sense/2'


@pytest.mark.parametrize(
    ('fields', 'level', 'said'),
    [
        ({'percentage': 0.85}, DiagnosticStatus.OK, 'ok'),
        ({'percentage': 0.29}, DiagnosticStatus.WARN, 'low'),
        ({'percentage': 0.19}, DiagnosticStatus.ERROR, 'empty'),
        (
            {'percentage': 0.85, 'battery_fault': True, 'fault_flags': 4},
            DiagnosticStatus.ERROR,
            '0x0004',
        ),
        ({'percentage': 0.85, 'battery_fault': True}, DiagnosticStatus.ERROR, 'short circuit'),
        ({'percentage': math.nan}, DiagnosticStatus.WARN, 'no mission starts'),
        (
            {'percentage': math.nan, 'state': PowerState.STATE_OFFLINE},
            DiagnosticStatus.ERROR,
            'does not answer',
        ),
    ],
)
def test_battery(fields, level, said):
    status = battery_diagnostics(PowerState(**fields))
    assert status.level == level and said in status.message
    unknown = math.isnan(fields['percentage'])
    assert (values(status)['charge'] == 'not known') == unknown
