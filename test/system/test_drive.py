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
"""Drive commands move the vehicle; whatever fails, the motor stops in time."""

import contextlib
import os
import signal
import time

import pytest
from support import wait_for

NOISES = 5
BOARD = 'travel_motor'
SPEED = 'command_speed'


def stop_delay(simulator, since):
    """Return the time from `since` (monotonic, s) to the speed register's last becoming 0, s."""
    wait_for(lambda: simulator.read(BOARD, SPEED) == 0, what='the speed register is 0')
    return next(at for at, _, _, words in simulator.log() if words == [0]) - since


def test_drive_command_moves_the_vehicle_and_clients_see_it(vehicle, simulator, drive):
    with vehicle.client('viewer', ['telemetry.realtime', 'system.status']) as client:
        start = client.wait('telemetry.realtime')['data']['position']['x']
        drive(0.3)
        client.wait(
            'telemetry.realtime',
            where=lambda e: e['data']['velocity']['linear'] == pytest.approx(0.3, abs=0.03),
        )
        moved = client.wait(
            'telemetry.realtime', where=lambda event: event['data']['position']['x'] > start + 100
        )
        assert moved['data']['position']['x'] / 1000 <= simulator.truth()['position']
        client.wait('system.status', where=lambda event: event['data']['status'] == 'moving')


@pytest.mark.slow
def test_noise_on_the_line_of_the_safety_board_does_not_stop_the_vehicle(
    vehicle, simulator, moving
):
    with vehicle.client('operator', ['system.*', 'safety.*', 'module.*']) as operator:
        simulator.watch('travel_motor', 'enable', 'command_speed')
        for _ in range(NOISES):
            simulator.noise('safety', b'\xff')
            time.sleep(0.7)  # of all effects of the noise, the loss is the latest
        assert simulator.truth()['velocity'] > 0.28
        assert not [words for *_, words in simulator.log() if words == [0]]
        with contextlib.suppress(TimeoutError):
            while True:  # what is on its way
                operator.receive(0.5)
        events = {message['type'] for message in operator.received}
        assert not events & {'safety.estop', 'module.status_change'}, events


def test_killed_commander_stops_the_motor_within_300_ms(simulator, moving):
    simulator.watch(BOARD, SPEED)
    moving.kill()
    assert stop_delay(simulator, time.monotonic()) < 0.300


def test_killed_safety_node_stops_the_motor_within_400_ms(vehicle, simulator, moving):
    simulator.watch(BOARD, SPEED)
    os.kill(vehicle.node_pid('safety_node'), signal.SIGKILL)
    assert stop_delay(simulator, time.monotonic()) < 0.400


def test_killed_hardware_node_stops_the_motor_within_400_ms(vehicle, simulator, moving):
    simulator.watch(BOARD, SPEED)
    os.kill(vehicle.node_pid('hardware_node'), signal.SIGKILL)
    assert stop_delay(simulator, time.monotonic()) < 0.400


def test_stopped_hardware_process_cannot_be_driven_on(vehicle, simulator, moving):
    """Commands that grew old while hardware_node was frozen do not move the motor."""
    pid = vehicle.node_pid('hardware_node')
    os.kill(pid, signal.SIGSTOP)
    try:
        moving.kill()
        moving.wait()
        time.sleep(0.3)
        simulator.watch(BOARD, SPEED)
    finally:
        woken = time.monotonic()
        os.kill(pid, signal.SIGCONT)
    assert stop_delay(simulator, woken) < 0.300
