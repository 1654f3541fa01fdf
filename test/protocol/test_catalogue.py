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
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import FAMILIES


def test_rates_are_those_of_the_specification():
    assert {name: kind.rate for name, kind in EVENTS.items()} == {
        'telemetry.realtime': 10,
        'telemetry.status': 1,
        'system.status': 1,
        'system.error': 5,
        'system.alarms': 1,
        'mission.started': 5,
        'mission.progress': 5,
        'mission.completed': 5,
        'mission.state': 5,
        'safety.zone_entered': 1,
        'safety.estop': 1,
        'safety.clear': 1,
        'safety.state': 1,
        'config.updated': 0.1,
        'config.rollback': 0.1,
        'module.discovered': 5,
        'module.status_change': 5,
    }


def test_classes_are_those_of_the_protocol():
    assert {name for name, kind in EVENTS.items() if kind.is_state} == {
        'telemetry.realtime',
        'telemetry.status',
        'system.status',
        'mission.progress',
        'mission.state',
        'safety.state',
        'system.alarms',
    }
    assert {name for name, kind in EVENTS.items() if kind.immediate} == {
        'safety.estop',
        'safety.clear',
        'mission.started',
        'mission.completed',
    }
    assert FAMILIES == ('system', 'telemetry', 'mission', 'safety', 'config', 'module')


def test_levels_are_those_of_the_protocol():
    assert {name for name, kind in EVENTS.items() if kind.level == 'operator'} == {
        'config.updated',
        'config.rollback',
        'module.discovered',
        'module.status_change',
    }
    assert {kind.level for kind in EVENTS.values()} == {'viewer', 'operator'}
    needed = {name: command.level for name, command in COMMANDS.items()}
    assert {name for name, level in needed.items() if level is None} == {
        'auth',
        'refresh_token',
        'ping',
        'subscribe',
        'unsubscribe',
        'resume',
    }
    assert {name for name, level in needed.items() if level == 'viewer'} == {
        'get_system_status',
        'get_vehicle',
        'get_config',
        'list_modules',
    }
    assert {name for name, level in needed.items() if level == 'admin'} == {
        'clear_estop',
        'set_maintenance',
        'update_config',
        'rollback_config',
        'scan_modules',
    }
