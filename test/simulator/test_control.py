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
"""The client of a simulator's control socket: results, refusals, a simulator that is gone."""

import socket
import threading

import pytest
from simulator_process import SimulatorProcess

from oht50_bridge.simulator.control import SimulatorClient
from oht50_bridge.simulator.control_server import CONTROL_SOCKET

LINES = {'all': {'boards': [{'id': 'motor', 'profile': 'driver_2_motor', 'address': 4}]}}


@pytest.fixture(scope='module')
def process():
    with SimulatorProcess(LINES) as process:
        yield process


@pytest.fixture
def client(process):
    with SimulatorClient(process.directory) as client:
        client.configure(lines=LINES)
        yield client


def test_the_world_is_set_and_read(client):
    client.set(position=12.5, soc=0.5)
    truth = client.truth()
    assert (truth['position'], truth['velocity']) == (12.5, 0.0)
    assert truth['soc'] == pytest.approx(0.5, abs=1e-3)


def test_registers_are_written_read_and_logged(client):
    client.watch('motor', 'command_speed')
    client.write('motor', 'command_speed', 0.25)
    client.write('motor', 'direction', 'forward')  # not watched
    assert client.read('motor', 'command_speed') == 0.25
    address = client.registers('motor')
    assert all(name.startswith('0x') for name in address)
    (entry,) = client.log()
    assert entry[1:] == ('motor', 'command_speed', [25])
    client.watch('motor', 'command_speed')
    assert client.log() == []


def test_a_reboot_loses_what_was_written(client):
    client.write('motor', 'command_speed', 0.25)
    client.reboot('motor')
    assert client.read('motor', 'command_speed') == 0.0


def test_habits_of_a_board_are_changed_and_all_returned(client):
    assert client.misbehave('motor', loss=0.5)['loss'] == 0.5
    habits = client.misbehave('motor', delay=0.01)
    assert (habits['loss'], habits['delay'], habits['absent']) == (0.5, 0.01, False)


def test_a_board_is_replaced_by_one_of_another_profile(client):
    before = client.registers('motor')
    client.swap('motor', 'oht_v2_final_motor')
    assert client.registers('motor') != before


def test_a_line_is_unplugged_and_plugged(client, process):
    client.unplug('all')
    assert not (process.directory / 'all').exists()
    client.plug('all')
    assert (process.directory / 'all').exists()


@pytest.mark.parametrize(
    ('command', 'arguments', 'reason'),
    [
        ('read', {'board': 'none', 'register': 'x'}, "no board 'none'"),
        ('read', {'board': 'motor'}, 'register'),
        ('misbehave', {'board': 'motor', 'colour': 1}, "no misbehaviour 'colour'"),
        ('set', {'weather': 1}, "cannot set 'weather'"),
        ('dance', {}, 'unknown command'),
    ],
)
def test_a_refused_command_raises_its_reason_and_the_next_one_works(
    client, command, arguments, reason
):
    with pytest.raises(RuntimeError, match=reason):
        client.call(command, **arguments)
    assert client.truth()


def test_clients_have_connections_of_their_own(client, process):
    with SimulatorClient(str(process.directory)) as second:
        second.set(position=3.0)
        assert client.truth()['position'] == 3.0
    assert client.truth()['position'] == 3.0


@pytest.fixture
def server(tmp_path):
    """A control socket whose other side is the test."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / CONTROL_SOCKET))
        listening.listen()
        yield listening


def test_a_simulator_that_is_gone_is_a_connection_error(server, tmp_path):
    with SimulatorClient(tmp_path) as client:
        connection, _ = server.accept()

        def hang_up():
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ConnectionError, match='closed the control socket'):
            client.truth()
        thread.join()


def test_a_simulator_that_does_not_answer_is_a_timeout(server, tmp_path):
    with SimulatorClient(tmp_path, timeout=0.05) as client, pytest.raises(TimeoutError):
        client.truth()


def test_no_simulator_is_an_error_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        SimulatorClient(tmp_path)
