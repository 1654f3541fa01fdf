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
"""No emergency stop is dropped because a node is away, and nothing moves before it is latched."""

import os
import signal

import pytest
from support import wait_for

BOARD, SPEED = 'travel_motor', 'command_speed'
STANDS = 0.003  # m/s


@pytest.fixture(autouse=True)
def cleared(vehicle):
    """Leave no stop latched behind, and no node hung."""
    yield
    for name in ('safety_node', 'hardware_node', 'bridge_node'):
        os.kill(vehicle.node_pid(name), signal.SIGCONT)
    with vehicle.client('admin') as admin:
        admin.clear_estop()


def latched(vehicle):
    """Return the stop that clients are informed of, None without one."""
    try:
        with vehicle.client('viewer', ['safety.*']) as viewer:
            return viewer.wait('safety.estop', 1.0)['data']['estop_id']
    except (OSError, AssertionError):
        return None


def moved_until_latched(vehicle, simulator, stopped_at):
    """Return how far the vehicle came, m, from when it stood until the stop was latched."""
    travelled = []

    def known():
        travelled.append(abs(simulator.truth()['position'] - stopped_at))
        latch = vehicle.vehicle_dir / 'estop.json'
        return latch.exists() and '"reason": "drill"' in latch.read_text()

    wait_for(known, 30.0, what='the stop is latched')
    return max(travelled)


def stand(simulator):
    """Wait until the vehicle stands; return where, m."""
    wait_for(lambda: abs(simulator.truth()['velocity']) < STANDS, what='the vehicle stands')
    return simulator.truth()['position']


def refusal(client, command, **fields):
    """Return why a command failed."""
    client.send(command, request_id=command, **fields)
    answer = client.wait('error', where=lambda message: message.get('request_id') == command)
    return answer['description']


@pytest.mark.parametrize(
    'away',
    [
        ('safety_node',),
        ('hardware_node',),
        ('mission_node', 'config_node'),
        ('safety_node', 'hardware_node'),
    ],
    ids='+'.join,
)
def test_a_stop_while_nodes_restart_is_latched_before_anything_moves(
    vehicle, simulator, moving, away
):
    with vehicle.client('operator', ['safety.*']) as operator:
        before = {name: vehicle.node_pid(name) for name in away}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        operator.send('emergency_stop', reason='drill', request_id='stop')
        # The other commander goes on commanding all the while.
        stopped_at = stand(simulator)
        assert moved_until_latched(vehicle, simulator, stopped_at) < 0.01
        answer = operator.wait(('command.result', 'error'))
        assert answer['request_id'] == 'stop'
        if answer['type'] == 'error':
            assert 'NOT LATCHED' in answer['description'], answer
        for name, pid in before.items():
            vehicle.wait_for_new(name, pid)
        wait_for(lambda: latched(vehicle), what='clients are informed of the stop')


def test_a_stop_while_safety_node_hangs_stops_the_motor_without_it(vehicle, simulator, moving):
    pid = vehicle.node_pid('safety_node')
    with vehicle.client('admin', ['safety.*']) as admin:
        simulator.watch(BOARD, SPEED)
        os.kill(pid, signal.SIGSTOP)
        admin.send('emergency_stop', reason='drill', request_id='stop')
        stopped_at = stand(simulator)
        answer = admin.wait(('command.result', 'error'))
        assert answer['type'] == 'error'
        assert 'NOT LATCHED' in answer['description']
        assert 'on its way' in refusal(admin, 'clear_estop')
        os.kill(pid, signal.SIGCONT)
        assert moved_until_latched(vehicle, simulator, stopped_at) < 0.01
        stop = admin.wait('safety.estop')
    assert latched(vehicle) == stop['data']['estop_id']


def test_a_stop_survives_the_bridge_that_took_it(vehicle, simulator, moving):
    safety_node, bridge = vehicle.node_pid('safety_node'), vehicle.node_pid('bridge_node')
    with vehicle.client('operator') as operator:
        os.kill(safety_node, signal.SIGSTOP)
        assert 'NOT LATCHED' in refusal(operator, 'emergency_stop', reason='drill')
        stopped_at = stand(simulator)
        os.kill(bridge, signal.SIGKILL)
        os.kill(safety_node, signal.SIGKILL)
    assert moved_until_latched(vehicle, simulator, stopped_at) < 0.01
    vehicle.wait_for_new('safety_node', safety_node)
    vehicle.wait_for_new('bridge_node', bridge)
    wait_for(lambda: latched(vehicle), what='clients are informed of the stop')
