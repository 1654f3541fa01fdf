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
"""The simulator as a process: start, wire, habits, end."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import serial
from simulator_process import SimulatorProcess

from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.bringup.parameters import simulated_lines
from oht50_bridge.hardware.rtu import frame
from oht50_bridge.hardware.rtu import intact
from oht50_bridge.hardware.rtu import read_request
from oht50_bridge.hardware.rtu import write_request
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import available_priority
from oht50_bridge.priority import scheduling_of
from oht50_bridge.simulator.control import SimulatorClient
from oht50_bridge.simulator.server import DEFAULT_CONFIG
from oht50_bridge.simulator.server import Simulator

pytestmark = pytest.mark.cover_processes

CALM = {'loss': 0.0, 'overwrite': 0.0, 'quiet_after': 0.0}
LINES = {
    'all': {'boards': [
        {'id': 'motor', 'profile': 'driver_2_motor', 'address': 4, 'misbehaviour': CALM},
        {'id': 'power', 'profile': 'stm32_power', 'address': 2, 'misbehaviour': CALM},
    ]},
}  # fmt: skip


@pytest.fixture
def simulator():
    with SimulatorProcess(LINES) as process:
        yield process


@pytest.fixture
def port(simulator):
    with serial.Serial(simulator.port('all'), 115200, timeout=0.2) as opened:
        yield opened


def ask(port, request, length=None, timeout=0.2):
    """Return a reply of a length, however late the host is, or else what comes within a time."""
    port.timeout = timeout if length is None else 10.0
    port.reset_input_buffer()
    port.write(request)
    reply = port.read(length or 256)
    assert not reply or intact(reply)
    return reply


def test_default_wiring_starts_and_ends_clean():
    process = SimulatorProcess()
    directory = process.directory
    assert sorted(path.name for path in directory.iterdir()) == [
        'control.sock',
        'drive',
        'safety',
        'sense',
    ]
    assert stat.S_ISCHR(Path(process.port('drive')).stat().st_mode)
    process.client.close()
    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(5) == 0
    assert list(directory.iterdir()) == []
    process.close()


def test_dies_with_its_parent():
    code = (
        'from simulator_process import SimulatorProcess; import os;'
        'print(SimulatorProcess().process.pid, flush=True); os.kill(os.getpid(), 9)'
    )
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, env=environment, timeout=20
    )
    pid = int(result.stdout)
    deadline = time.monotonic() + 5
    while Path(f'/proc/{pid}').exists() and 'Z' not in _state(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _state(pid):
    try:
        with Path(f'/proc/{pid}/stat').open(encoding='ascii') as file:
            return file.read().rsplit(')', 1)[1].split()[0]
    except FileNotFoundError:
        return 'Z'


@pytest.mark.parametrize(
    'arguments', [['--lines', '{"a": {"boards": [{"id": "x"}]}}'], ['--config', '/none']]
)
def test_a_fault_in_the_configuration_is_said(tmp_path, arguments):
    command = [sys.executable, '-m', 'oht50_bridge.simulator', '--dir', str(tmp_path), *arguments]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    result = subprocess.run(command, capture_output=True, env=environment, timeout=20)
    assert result.returncode == 2
    assert b'simulator: ' in result.stderr


def test_configured_anew_while_bytes_wait_on_a_line(simulator):
    client = simulator.client
    with serial.Serial(simulator.port('all'), 115200) as port:
        simulator.process.send_signal(signal.SIGSTOP)
        while _state(simulator.process.pid) != 'T':
            time.sleep(0.001)
        configuring = threading.Thread(target=client.configure, kwargs={'lines': LINES})
        configuring.start()
        time.sleep(0.1)  # it is to be found first, and both at once
        port.write(read_request(4, 0, 1))
        time.sleep(0.1)
        simulator.process.send_signal(signal.SIGCONT)
        configuring.join()
    assert client.truth()['velocity'] == 0
    with serial.Serial(simulator.port('all'), 115200) as port:
        assert ask(port, read_request(4, 0x0104, 1), 7)[3:5] == b'\0\3'


def test_answers_reads_and_writes(port, simulator):
    assert ask(port, read_request(4, 0x0104, 1), 7)[3:5] == b'\0\3'
    assert ask(port, write_request(4, 7, [55]), 8) == write_request(4, 7, [55])
    assert simulator.client.read('motor', 'kp') == 0.55
    assert ask(port, write_request(4, 8, [1, 2]), 8)[:6] == write_request(4, 8, [1, 2])[:6]


def test_stays_silent_for_absent_boards_and_wrong_checksums(port, simulator):
    assert ask(port, read_request(9, 0, 1)) == b''
    request = read_request(4, 0, 1)
    assert ask(port, request[:-1] + b'?') == b''
    assert ask(port, request, 7)
    simulator.client.misbehave('motor', absent=True)
    assert ask(port, request) == b''


def test_exceptions_are_those_of_the_boards(port):
    assert ask(port, read_request(4, 0x0200, 1), 5)[1:3] == b'\x83\2'
    assert ask(port, write_request(2, 0x0000, [1]), 5)[1:3] == b'\x86\2'  # read-only
    assert ask(port, write_request(2, 0x0030, [599]), 5)[1:3] == b'\x86\3'  # out of range
    assert ask(port, read_request(2, 0x0200, 1), 7)[3:5] == b'\0\0'  # unknown reads 0
    partly = write_request(2, 0x0102, [1, 2, 5])
    assert ask(port, partly, 5)[1:3] == b'\x90\2'
    assert ask(port, read_request(2, 0x0102, 2), 9)[3:7] == b'\0\1\0\2'  # the first two stayed


def test_replies_take_their_time_on_the_wire(port):
    started = time.monotonic()
    reply = ask(port, read_request(2, 0, 36), 77, 1.0)
    assert len(reply) == 77
    assert time.monotonic() - started > 85 * 10 / 115200


def test_habits(port, simulator):
    client, request = simulator.client, read_request(4, 0, 1)
    client.misbehave('motor', loss=1.0)
    assert ask(port, request) == b''
    client.misbehave('motor', loss=0.0, delay=0.1)
    started = time.monotonic()
    assert ask(port, request, 7, 1.0) and time.monotonic() - started > 0.1
    client.misbehave('motor', delay=0.0, corrupt=1.0)
    port.write(request)
    assert not intact(port.read(7))
    client.misbehave('motor', corrupt=0.0, overwrite=1.0)
    ask(port, write_request(4, 7, [55]), 8)
    deadline = time.monotonic() + 5
    while client.read('motor', 'kp') != 1.0:
        assert time.monotonic() < deadline
    with pytest.raises(RuntimeError, match='no misbehaviour'):
        client.misbehave('motor', mood=1)


def test_reboot_forgets(port, simulator):
    ask(port, write_request(4, 7, [55]), 8)
    simulator.client.reboot('motor')
    assert simulator.client.read('motor', 'kp') == 1.0
    assert ask(port, read_request(4, 0, 1), timeout=0.05) == b''


def test_swap_puts_another_board_in_its_place(port, simulator):
    simulator.client.swap('motor', 'oht_v2_final_motor')
    assert ask(port, read_request(4, 0x0104, 1), 7)[3:5] == b'\0\4'
    assert simulator.client.read('motor', 'linear_unit') == 5
    assert simulator.client.misbehave('motor')['loss'] == 0.0


def test_configure_begins_anew(port, simulator):
    simulator.client.write('motor', 'kp', 0.5)
    boards = [{'id': 'motor', 'profile': 'driver_2_motor', 'address': 7, 'misbehaviour': CALM}]
    simulator.client.configure(lines={'other': {'boards': boards}}, vehicle={'start': 9.0})
    assert not os.path.lexists(simulator.port('all'))
    assert simulator.client.truth()['position'] == 9.0
    assert simulator.client.read('motor', 'kp') == 1.0
    with serial.Serial(simulator.port('other'), 115200, timeout=0.5) as other:
        assert ask(other, read_request(7, 0, 1), 7)


def test_no_watchdog(port, simulator):
    ask(port, write_request(4, 10, [100, 100]), 8)
    ask(port, write_request(4, 4, [1]), 8)
    ask(port, write_request(4, 1, [1, 50]), 8)
    deadline = time.monotonic() + 5
    while simulator.client.truth()['velocity'] < 0.49:
        assert time.monotonic() < deadline
    ask(port, write_request(4, 1, [0]), 8)
    while simulator.client.truth()['velocity'] > 0:
        assert time.monotonic() < deadline


def test_log_of_changes(port, simulator):
    simulator.client.watch('motor', 'kp')
    before = time.monotonic()
    for value in (5, 5, 6):
        ask(port, write_request(4, 7, [value]), 8)
    log = simulator.client.log()
    assert [(board, name, words) for _, board, name, words in log] == [
        ('motor', 'kp', [5]), ('motor', 'kp', [6]),
    ]  # fmt: skip
    assert before < log[0][0] < log[1][0] < time.monotonic()


def test_unplug_and_plug(port, simulator):
    simulator.client.unplug('all')
    assert not os.path.lexists(simulator.port('all'))
    with pytest.raises(OSError):
        ask(port, read_request(4, 0, 1))
    simulator.client.plug('all')
    with serial.Serial(simulator.port('all'), 115200, timeout=0.5) as again:
        assert ask(again, read_request(4, 0, 1), 7)


def test_frames_in_pieces_and_strange_functions(port):
    request = read_request(4, 0, 1)
    port.write(request[:3])
    time.sleep(0.005)
    port.write(request[3:])
    assert intact(port.read(7))
    assert ask(port, frame(4, b'\x2b\0\0\0\0')) == b''  # the motor board ignores it


def test_control_socket_in_a_deep_folder(tmp_path):
    folder = tmp_path / ('x' * 100) / ('y' * 100)
    process = subprocess.Popen(
        [sys.executable, '-m', 'oht50_bridge.simulator', '--dir', str(folder)],
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline()
        with SimulatorClient(folder) as client:
            assert client.truth()['velocity'] == 0
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


def test_the_boards_have_the_priority_that_the_simulator_reports(tmp_path):
    command = [sys.executable, '-m', 'oht50_bridge.simulator', '--dir', str(tmp_path)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    try:
        assert b'ready' in process.stdout.readline()
        available = available_priority(RealtimePriority.SIMULATED_BOARDS)
        assert scheduling_of(process.pid) == available._replace(obstacle='')
    finally:
        process.terminate()
        _, said = process.communicate(timeout=10)
    assert said.decode() == f'simulator: {available}\n'


def test_the_default_wiring_is_that_of_the_shipped_parameters():
    def places(lines):
        return {
            (name, board['id'], board['profile'], board['address'])
            for name, line in lines.items()
            for board in line['boards']
        }

    assert places(DEFAULT_CONFIG['lines']) == places(simulated_lines(read_parameters(None)))


def test_a_board_whose_address_is_fixed_is_at_no_other(tmp_path):
    board = {'id': 'safety', 'profile': 'safety_module_fw', 'address': 3}
    with pytest.raises(ValueError, match=r'address 3: .*always at 5, set that'):
        Simulator({'lines': {'a': {'boards': [board]}}}, tmp_path)


def test_the_boards_have_been_on_for_a_while_at_the_start_and_start_slowly_later(simulator):
    boards = [{'id': 'safety', 'profile': 'safety_module_fw', 'address': 5}]
    simulator.client.configure(lines={'other': {'boards': boards}})
    with serial.Serial(simulator.port('other'), 115200, timeout=0.5) as other:
        assert ask(other, read_request(5, 0, 1), 7)
        simulator.client.reboot('safety')
        assert ask(other, read_request(5, 0, 1)) == b''


def test_noise_reaches_the_boards(simulator):
    boards = [{'id': 'safety', 'profile': 'safety_module_fw', 'address': 5}]
    simulator.client.configure(lines={'other': {'boards': boards}})
    with serial.Serial(simulator.port('other'), 115200, timeout=0.5) as other:
        simulator.client.noise('other', b'\xff')
        assert ask(other, read_request(5, 0, 1)) == b''
        other.baudrate = 9600
        other.write(b'\0')
        other.flush()
        time.sleep(0.1)
        other.baudrate = 115200
        assert ask(other, read_request(5, 0, 1), 7)
