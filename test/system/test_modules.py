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
"""Boards that are lost, found and listed."""

from datetime import datetime
from itertools import pairwise

from support import wait_for

BOARDS = ('travel_motor', 'power', 'dock', 'safety')
# Between two readings: the period of the location board and the time-out of its neighbour, twice.
LONGEST_GAP = 2 * (0.05 + 0.06)  # s


def test_pulled_board_is_reported_and_the_others_are_polled_on_time(vehicle, simulator):
    with vehicle.client('operator', ['module.*', 'telemetry.realtime']) as client:
        client.wait('telemetry.realtime')
        simulator.misbehave('power', absent=True)
        lost = client.wait('module.status_change', 2.0)
        assert lost['data'].pop('error_description').startswith('Communication timeout')
        assert lost['data'] == {
            'module_id': 'power',
            'old_status': 'online',
            'new_status': 'offline',
            'error_code': 'MOD-001',
        }
        # The location board shares the line with the lost one.
        readings = []

        def on_time():
            # What else the host does may delay one now and then; the lost board, asked several
            # times in these readings, would leave no 20 of them in a row on time.
            readings.append(client.wait('telemetry.realtime'))
            assert readings[-1]['data']['position']['x'] is not None
            stamps = sorted(
                {datetime.fromisoformat(event['timestamp']) for event in readings[-20:]}
            )
            gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(stamps)]
            return len(readings) >= 20 and max(gaps) <= LONGEST_GAP

        wait_for(on_time, what='20 readings on time')
        client.wait(
            'telemetry.realtime', where=lambda event: event['data']['sensors']['battery'] is None
        )
        simulator.misbehave('power', absent=False)
        found = client.wait('module.status_change', 5.0)
        assert found['data']['new_status'] == 'online'
        assert found['data']['error_code'] == ''


def test_a_silent_battery_management_leaves_the_charge_unknown(vehicle, simulator):
    """The power board stays online, and keeps its last state of charge."""
    events = ['telemetry.realtime', 'system.*', 'module.*']
    with vehicle.client('operator', events) as client:
        known = client.wait(
            'telemetry.realtime', where=lambda e: e['data']['sensors']['battery'] is not None
        )
        assert 0.0 < known['data']['sensors']['battery'] <= 100.0
        simulator.misbehave('power', bms_silent=True)
        unknown = client.wait(
            'telemetry.realtime', 8.0, where=lambda e: e['data']['sensors']['battery'] is None
        )
        assert unknown['data']['sensors']['temperature'] is None
        error = client.wait(
            'system.error', 8.0, where=lambda e: e['data']['error_code'] == 'SYS-009'
        )
        assert 'does not answer' in error['data']['description']
        refused = client.call(
            'start_mission',
            mission_type='transport',
            target_position={'x': 9000.0, 'y': 0.0, 'z': 0.0},
        )
        assert not refused['accepted'] and 'charge of its battery' in refused['message']
        simulator.misbehave('power', bms_silent=False)
        client.wait(
            'telemetry.realtime', 5.0, where=lambda e: e['data']['sensors']['battery'] is not None
        )
        assert 'module.status_change' not in {event['type'] for event in client.received}


def test_lost_motor_board_is_an_emergency_stop(vehicle, simulator):
    with vehicle.client('admin', ['safety.*', 'module.*']) as admin:
        simulator.misbehave('travel_motor', absent=True)
        assert admin.wait('safety.estop')['data']['trigger_type'] == 'software'
        simulator.misbehave('travel_motor', absent=False)
        admin.wait('module.status_change', where=lambda e: e['data']['new_status'] == 'online')
        admin.clear_estop()
