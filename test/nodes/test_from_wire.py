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
"""Every command to the vehicle has its service; units are converted."""

import pytest

from oht50_bridge import srv
from oht50_bridge.nodes.from_wire import SERVICE_CALLS
from oht50_bridge.nodes.parameter_values import from_parameters
from oht50_bridge.nodes.parameter_values import to_parameters
from oht50_bridge.protocol import commands
from oht50_bridge.protocol.catalogue import COMMANDS


def test_every_command_to_the_vehicle_has_its_service():
    assert set(SERVICE_CALLS) == {
        entry.model for entry in COMMANDS.values() if entry.level is not None
    }
    assert {call.service for call in SERVICE_CALLS.values()} == {
        getattr(srv, name) for name in dir(srv) if hasattr(getattr(srv, name), 'Request')
    }


def request(**fields):
    command = COMMANDS[fields['type']].model.model_validate(fields)
    call = SERVICE_CALLS[type(command)]
    made = call.request(command, 'alice')
    assert isinstance(made, call.service.Request)
    return made


def test_start_mission():
    made = request(
        type='start_mission',
        mission_type='transport',
        payload_kg=12.5,
        target_position={'x': 1250.0, 'y': 0.0, 'z': -5.0},
    )
    assert (made.target_position.x, made.target_position.z) == (1.25, -0.005)
    assert (made.payload, made.station, made.mission_id, made.source) == (12.5, '', '', 'alice')
    made = request(type='start_mission', mission_type='inspection', station='a', mission_id='m')
    assert (made.station, made.mission_id, made.mission_type) == ('a', 'm', 'inspection')


@pytest.mark.parametrize(
    ('command', 'action'), [('pause_mission', 1), ('resume_mission', 2), ('cancel_mission', 3)]
)
def test_control_mission(command, action):
    made = request(type=command, mission_id='m')
    assert (made.action, made.mission_id, made.source) == (action, 'm', 'alice')


def test_emergency_stop_is_remote():
    made = request(type='emergency_stop', reason='manual_trigger')
    assert (made.reason, made.trigger_type, made.source) == ('manual_trigger', 'remote', 'alice')


def test_others():
    clear = request(type='clear_estop', estop_id='estop-1', next_action='resume')
    assert (clear.estop_id, clear.next_action) == ('estop-1', 'resume')
    assert request(type='clear_estop').estop_id == ''
    lock = request(type='set_maintenance', active=True)
    assert (lock.active, lock.override_others, bool(lock.source)) == (True, False, True)
    assert request(type='set_maintenance', active=False, override=True).override_others
    assert request(type='set_telemetry_rate', rate=5.0).rate == 5.0
    changes = request(type='update_config', changes={'a': 1}).changes
    assert from_parameters(changes) == {'a': 1}
    made = request(type='rollback_config', to_version='1.2.2', reason='safety_concern')
    assert (made.to_version, made.reason) == ('1.2.2', 'safety_concern')
    made = request(type='acknowledge_alarm', alarm_id='alarm-1')
    assert (made.alarm_id, made.source) == ('alarm-1', 'alice')
    for command in (
        'get_system_status',
        'get_vehicle',
        'get_config',
        'list_modules',
        'scan_modules',
    ):
        request(type=command)


@pytest.mark.parametrize(
    ('model', 'response', 'data'),
    [
        (commands.SetTelemetryRate, srv.SetTelemetryRate.Response(rate=5.0), {'rate': 5.0}),
        (commands.EmergencyStop, srv.EmergencyStop.Response(estop_id='e'), {'estop_id': 'e'}),
        (
            commands.StartMission,
            srv.StartMission.Response(mission_id='m', estimated_duration=9.0),
            {'mission_id': 'm', 'estimated_duration': 9.0},
        ),
        (commands.PauseMission, srv.ControlMission.Response(mission_id='m'), {'mission_id': 'm'}),
        (
            commands.GetConfig,
            srv.GetConfig.Response(version='1.0.0', config=to_parameters({'a': 1})),
            {'version': '1.0.0', 'config': {'a': 1}},
        ),
        (
            commands.GetVehicle,
            srv.GetVehicle.Response(
                track_length=50.0,
                vehicle_length=1.2,
                stations=['charger', 'a'],
                station_positions=[1.0, 12.3],
                station_docks=[True, False],
            ),
            {
                'mode': 'live',
                'rail_length': 50_000.0,
                'vehicle_length': 1200.0,
                'stations': [
                    {'name': 'charger', 'x': 1000.0, 'dock': True},
                    {'name': 'a', 'x': 12_300.0, 'dock': False},
                ],
                'hoist': False,
            },
        ),
        (
            commands.GetVehicle,
            srv.GetVehicle.Response(simulated=True, track_length=1.0, hoist=True),
            {
                'mode': 'simulation',
                'rail_length': 1000.0,
                'vehicle_length': None,  # not given: the rail is that of the vehicle's middle
                'stations': [],
                'hoist': True,
            },
        ),
        (commands.ListModules, srv.ListModules.Response(), {'modules': []}),
    ],
)
def test_data_of_a_reply(model, response, data):
    assert SERVICE_CALLS[model].data(response) == data
