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
"""A bridge that is killed takes no event with it: who resumes misses none, and gets none twice."""

import os
import signal

import pytest
from resuming import Resuming
from support import wait_for

CLIENTS = 5
ROUNDS = 4
BOARD = 'dock'


@pytest.fixture
def clients(vehicle):
    clients = [Resuming(vehicle) for _ in range(CLIENTS)]
    for client in clients:
        client.connect()
    yield clients
    for client in clients:
        client.close()


def changes(client):
    """Return the changes of the board's status that a client knows of."""
    return [
        data for _, kind, _, data in client.events if 'status_change' in kind and BOARD in data
    ]


def kill_while_a_board_is_lost(vehicle, simulator):
    """Kill the bridge; until there is another one, a board is lost and found again."""
    pid = vehicle.node_pid('bridge_node')
    said = vehicle.log.stat().st_size

    def logged(change):
        wait_for(lambda: f'{BOARD}: {change}' in vehicle.log.read_text()[said:], what=change)

    os.kill(pid, signal.SIGKILL)
    simulator.misbehave(BOARD, absent=True)
    logged('online -> offline')
    simulator.misbehave(BOARD, absent=False)
    logged('offline -> online')
    vehicle.wait_for_new('bridge_node', pid)


def test_no_event_is_lost_or_doubled_over_kills_of_the_bridge(vehicle, simulator, clients):
    for lost in range(1, ROUNDS + 1):
        kill_while_a_board_is_lost(vehicle, simulator)
        for client in clients:
            client.close()
            client.connect()
        for client in clients:
            while len(changes(client)) < 2 * lost:
                client.wait('module.status_change')
    for client in clients:
        assert client.results == [True] * ROUNDS
        seqs = [event[0] for event in client.events]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert len({event[1:] for event in client.events}) == len(client.events), 'none twice'
        lost = [data for data in changes(client) if "'new_status': 'offline'" in data]
        assert len(lost) >= ROUNDS
    shortest = min(len(client.events) for client in clients)
    assert len({tuple(client.events[:shortest]) for client in clients}) == 1


def test_what_cannot_be_whole_is_not_called_whole(vehicle, clients):
    bridge, hardware = vehicle.node_pid('bridge_node'), vehicle.node_pid('hardware_node')
    os.kill(bridge, signal.SIGKILL)
    os.kill(hardware, signal.SIGKILL)
    vehicle.wait_for_new('bridge_node', bridge)
    vehicle.wait_for_new('hardware_node', hardware)
    epoch = clients[0].epoch
    for client in clients[:2]:
        client.close()
        client.connect()
        assert client.results == [False]
        assert client.epoch != epoch
    assert 'hardware_node was started again meanwhile' in vehicle.log.read_text()
