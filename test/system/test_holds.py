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
"""Missions held by an obstacle: they wait, and go on by themselves when it is gone."""

import pytest
from support import place
from support import wait_for

PARAMETERS = """
/**:
  ros__parameters:
    distance_directions: [forward, "", backward, ""]
/**/hardware_node:
  ros__parameters:
    module:
      safety:
        profile: oht_v2_safety
        distance_inputs: [true, true, true, true]
        # The board's own judgement must not come before that of the vehicle.
        zone_thresholds: [0.01, 0.02, 0.03, 0.04]
/**/mission_node:
  ros__parameters:
    hold_timeout: 12.0
"""


@pytest.fixture
def simulator(vehicle):
    with vehicle.simulator() as simulator:
        simulator.set(obstacles=[])
        place(vehicle, simulator, 20.0)
        yield simulator
        simulator.set(obstacles=[])


@pytest.fixture
def operator(vehicle, simulator):
    with vehicle.client('operator', ['mission.*', 'system.status', 'system.error']) as client:
        yield client
        if client.call('cancel_mission')['accepted']:
            client.wait('mission.completed')


def start(client, x):
    """Start a mission to x, m; it must be accepted at last: the vehicle was put elsewhere."""
    wait_for(
        lambda: client.call(
            'start_mission',
            mission_type='transport',
            target_position={'x': x * 1000.0, 'y': 0.0, 'z': 0.0},
        )['accepted'],
        what='the mission starts',
        pause=0.1,
    )


def held(client):
    """Wait until clients hear that the mission stands still."""
    client.wait('mission.progress', 40.0, lambda e: e['data']['estimated_completion'] is None)
    client.wait(
        'system.status',
        where=lambda e: (e['data']['status'], e['data']['state']) == ('idle', 'busy'),
    )


@pytest.mark.parametrize('obstacle', [22.2, 21.5])
def test_obstacle_holds_a_mission_that_goes_on_when_it_is_gone(
    vehicle, simulator, operator, obstacle
):
    start(operator, 22.8)
    wait_for(lambda: simulator.truth()['position'] > 20.4, what='on the way')
    simulator.set(obstacles=[obstacle])
    held(operator)
    truth = wait_for(lambda: (t := simulator.truth())['velocity'] == 0.0 and t, what='it stands')
    assert 0.4 < obstacle - truth['position'] < 0.6
    assert not any(e['type'] == 'mission.completed' for e in operator.received)
    simulator.set(obstacles=[])
    operator.wait('system.status', where=lambda e: e['data']['status'] == 'moving')
    data = operator.wait('mission.completed', 40.0)['data']
    assert data['status'] == 'success'
    # A busy machine has errors of its own; the hold is none.
    began = next(e for e in operator.received if e['type'] == 'mission.started')['timestamp']
    assert data['summary']['errors_encountered'] == sum(
        e['type'] == 'system.error' and e['timestamp'] >= began for e in operator.received
    )
    assert simulator.truth()['position'] == pytest.approx(22.8, abs=0.002)


def test_obstacle_that_stays_ends_the_mission(vehicle, simulator, operator):
    simulator.set(obstacles=[20.8])
    start(operator, 23.0)
    held(operator)
    data = operator.wait('mission.completed', 30.0)['data']
    assert data['status'] == 'failed'
    simulator.set(obstacles=[])
    position = simulator.truth()['position']
    operator.wait('system.status')
    operator.wait('system.status')
    assert simulator.truth()['position'] == position, 'what has failed does not go on'


def test_emergency_stop_while_held_ends_the_mission_for_good(vehicle, simulator, operator):
    simulator.set(obstacles=[20.8])
    start(operator, 23.0)
    held(operator)
    operator.send('emergency_stop', request_id='stop')
    assert operator.wait('mission.completed')['data']['status'] == 'failed'
    simulator.set(obstacles=[])
    with vehicle.client('admin') as admin:
        admin.clear_estop()
    position = simulator.truth()['position']
    operator.wait('system.status')
    operator.wait('system.status')
    operator.wait('system.status')
    assert simulator.truth()['position'] == position
