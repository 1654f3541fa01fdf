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
"""`oht50 up`: side by side, clean ends, clear refusals."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from simulator_process import SimulatorProcess
from support import AT_ONCE
from support import OHT50
from support import Up as Vehicle
from support import Vehicle as Started
from support import command_line
from support import own_domain
from support import place
from support import processes_of
from support import wait_for

from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.bringup.parameters import simulated_lines


def marker(vehicle):
    return str(vehicle.state_dir)


def members(group):
    """Return the ids of the processes of a process group."""
    found = []
    for entry in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            if os.getpgid(int(entry.name)) == group:
                found.append(int(entry.name))
    return found


@pytest.mark.slow
def test_two_vehicles_side_by_side_and_nothing_survives_ctrl_c(tmp_path):
    with own_domain() as one, own_domain() as two:
        (tmp_path / 'a').mkdir()
        (tmp_path / 'b').mkdir()
        first = Vehicle(tmp_path / 'a', one)
        second = Vehicle(tmp_path / 'b', two)
        try:
            for vehicle in (first, second):
                vehicle.wait_until_up()
            with first.simulator() as simulator:
                place(first, simulator, 7.0)
            with second.simulator() as simulator:
                place(second, simulator, 9.0)
            for vehicle, position in ((first, 7000.0), (second, 9000.0)):
                with vehicle.client('viewer', ['telemetry.realtime']) as client:
                    client.wait(
                        'telemetry.realtime',
                        where=lambda event, at=position: event['data']['position']['x'] == at,
                    )
        finally:
            codes = [first.stop(), second.stop()]
    assert codes == [0, 0]
    for vehicle in (first, second):
        assert 'Traceback' not in vehicle.log.read_text()
        assert processes_of(marker(vehicle)) == []
        assert list((vehicle.vehicle_dir / 'simulator').iterdir()) == []


def test_nothing_survives_the_killing_of_the_supervisor_for_2_s(tmp_path):
    with own_domain() as domain:
        vehicle = Vehicle(tmp_path, domain).wait_until_up()
        assert len(processes_of(marker(vehicle))) >= 7
        vehicle.process.kill()
        vehicle.process.wait()
        wait_for(lambda: processes_of(marker(vehicle)) == [], 2.0, 'every process has ended')
    assert 'Traceback' not in vehicle.log.read_text()


@pytest.mark.parametrize('start', sorted({Vehicle, Started}, key=str))
def test_sigterm_to_every_process_at_once_stops_the_motor_and_ends_all(tmp_path, start):
    """What systemd does at `systemctl stop`, and to who is left when the first process died."""
    with own_domain() as domain:
        vehicle = start(tmp_path, domain).wait_until_up()
        with vehicle.simulator() as simulator:
            commander = vehicle.spawn('commander', '0.3')
            wait_for(lambda: simulator.truth()['velocity'] > 0.28, what='the vehicle moves')
            simulator.watch('travel_motor', 'command_speed')
            reported = time.monotonic()
            for pid in processes_of(marker(vehicle)):
                if 'simulator' not in command_line(pid):
                    with contextlib.suppress(ProcessLookupError):  # it ended with another
                        os.kill(pid, signal.SIGTERM)
            wait_for(
                lambda: simulator.read('travel_motor', 'command_speed') == 0,
                what='the speed register is 0',
            )
            assert next(at for at, _, _, words in simulator.log() if words == [0]) - reported < 0.5
            commander.kill()
            commander.wait()
            # One that has ended meanwhile has no command line.
            wait_for(
                lambda: all(
                    'simulator' in (command_line(pid) or 'simulator')
                    for pid in processes_of(marker(vehicle))
                ),
                5.0,
                'their end',
            )
            code = vehicle.process.wait(5)
            if start is Vehicle:
                assert code == 0
            else:  # `ros2 launch` ends at once and leaves its processes to their own signals
                os.killpg(vehicle.process.pid, signal.SIGTERM)
                wait_for(lambda: members(vehicle.process.pid) == [], 5.0, 'the end of the others')
        assert 'Traceback' not in vehicle.log.read_text()


# The other layout, whose board does not need a line of its own.
ONE_PORT = """
/**/hardware_node:
  ros__parameters:
    module:
      safety: {profile: oht_v2_safety, address: 6}
"""


@pytest.mark.slow
def test_every_board_on_one_serial_port(tmp_path):
    """With a safety board that can share a line; that of safety_module_fw cannot."""
    params = tmp_path / 'one_port.yaml'
    params.write_text(ONE_PORT)
    lines = simulated_lines(read_parameters(params, simulated=True))
    boards = [board for line in lines.values() for board in line['boards']]
    with SimulatorProcess({'bus': {'boards': boards}}) as simulator, own_domain() as domain:
        vehicle = Vehicle(
            tmp_path, domain, '--params', str(params), boards=('--serial', simulator.port('bus'))
        )
        try:
            vehicle.wait_until_up()
            client = simulator.client
            with vehicle.client('operator', ['telemetry.*', 'system.*', 'safety.*']) as operator:
                operator.wait(
                    'system.status', 20.0, lambda event: event['data']['state'] == 'ready'
                )
                commander = vehicle.spawn('commander', '0.3')
                try:
                    wait_for(lambda: client.truth()['velocity'] > 0.28, what='the vehicle moves')
                    client.watch('travel_motor', 'command_speed')
                    sent = time.monotonic()
                    operator.send('emergency_stop')
                    stopped = operator.wait('safety.estop')['data']['estop_id']
                    wait_for(lambda: client.read('travel_motor', 'command_speed') == 0)
                    assert wait_for(client.log)[0][0] - sent < AT_ONCE
                finally:
                    commander.kill()
                    commander.wait()
        finally:
            assert vehicle.stop() == 0
        assert client.read('travel_motor', 'enable') is False
        # In another domain and state directory the same boards have the same latch.
        environment = {'XDG_STATE_HOME': vehicle.environment['XDG_STATE_HOME']}
        with own_domain() as other_domain:
            (tmp_path / 'other').mkdir()
            other = Vehicle(
                tmp_path / 'other',
                other_domain,
                '--params',
                str(params),
                boards=('--serial', simulator.port('bus')),
                environment=environment,
            )
            try:
                other.wait_until_up()
                with other.client('viewer', ['safety.*']) as viewer:
                    assert viewer.wait('safety.estop')['data']['estop_id'] == stopped
            finally:
                assert other.stop() == 0


def refusal(*arguments, code=1, **environment):
    result = subprocess.run(
        [*OHT50, 'up', '--sim', *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert result.returncode == code, result.stderr
    assert 'Traceback' not in result.stderr
    return result.stderr


def test_wrong_parameters_end_the_start(tmp_path):
    state = ['--state-dir', str(tmp_path / 'state'), '--port', '1999']
    broken = tmp_path / 'broken.yaml'
    broken.write_text('{')
    assert 'broken.yaml' in refusal('--params', str(broken), *state, code=os.EX_CONFIG)
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text(
        '/**/hardware_node:\n  ros__parameters:\n    module:\n      power: {profile: none_such}\n'
    )
    message = refusal('--params', str(wrong), *state, code=os.EX_CONFIG)
    assert 'none_such' in message
    assert processes_of(str(tmp_path)) == []


def test_secret_that_others_can_read_is_refused(tmp_path):
    secret = tmp_path / 'secret'
    secret.write_text('x' * 64)
    secret.chmod(0o644)
    message = refusal(
        '--state-dir', str(tmp_path / 'state'), '--port', '1999', OHT50_JWT_SECRET_FILE=str(secret)
    )
    assert 'chmod 600' in message


def test_refusals_name_the_fault_and_the_remedy(shared_vehicle, tmp_path):
    vehicle = shared_vehicle
    state = ['--state-dir', str(tmp_path / 'other'), '--domain', '101']
    assert '--port' in refusal('--port', str(vehicle.port), *state)
    taken = ['--domain', str(vehicle.domain), '--state-dir', str(vehicle.state_dir)]
    assert '--domain' in refusal('--port', '1999', *taken)


def test_dead_node_is_started_again(shared_vehicle):
    vehicle = shared_vehicle
    before = vehicle.node_pid('telemetry_node')
    os.kill(before, signal.SIGKILL)
    vehicle.wait_for_new('telemetry_node', before)
    with vehicle.client('viewer', ['telemetry.realtime']) as client:
        client.wait('telemetry.realtime')
    assert 'telemetry_node ended (SIGKILL); starting it again' in vehicle.log.read_text()
