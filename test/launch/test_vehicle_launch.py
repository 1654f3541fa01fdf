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
"""`ros2 launch oht50_bridge vehicle_launch.py`: a whole vehicle, its ends and its refusals."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from support import Launched
from support import own_domain
from support import processes_of
from support import wait_for

from oht50_bridge.bringup.restart import MAXIMUM_EXITS
from oht50_bridge.nodes import NODES


@pytest.mark.parametrize('to_group', [True, False], ids=['terminal', 'process'])
def test_ctrl_c_ends_everything_within_5_s(tmp_path, to_group):
    with own_domain() as domain, Launched(tmp_path, domain) as vehicle:
        vehicle.wait_until_up()
        assert len(processes_of(str(tmp_path))) >= 8
        pressed = time.monotonic()
        (os.killpg if to_group else os.kill)(vehicle.process.pid, signal.SIGINT)
        code = vehicle.process.wait(30)
        # The boards go on for 2 s, so that the motor's stop can be read back.
        assert time.monotonic() - pressed < 5.0
        log = vehicle.log.read_text()
        assert code == 0, log
        assert 'Traceback' not in log
        assert 'process has died' not in log
        assert processes_of(str(tmp_path)) == []


class Job(Launched):
    """A launched vehicle that a terminal can suspend."""

    is_job = True


def drives(client, simulator, x):
    """Start a mission to x, m, and wait until the vehicle moves."""
    target = {'x': x * 1000.0, 'y': 0.0, 'z': 0.0}

    def accepted():
        fields = {'mission_type': 'transport', 'target_position': target}
        return client.attempt('start_mission', **fields)['accepted']

    wait_for(accepted, what='the mission is accepted', pause=0.1)
    wait_for(lambda: abs(simulator.truth()['velocity']) > 0.2, what='the vehicle moves')


def test_ctrl_z_stops_the_motor_and_is_an_emergency_stop_afterwards(tmp_path):
    with own_domain() as domain, Job(tmp_path, domain) as vehicle:
        vehicle.wait_until_up()
        with vehicle.simulator() as simulator, vehicle.client('admin', ['system.*']) as client:
            client.wait('system.status', 30.0, lambda e: e['data']['state'] == 'ready')
            drives(client, simulator, 20.0)
            boards = processes_of(str(tmp_path), re.compile('oht50_bridge.simulator'))
            nodes = [vehicle.node_pid(name) for name in NODES]
            os.killpg(vehicle.process.pid, signal.SIGTSTP)
            suspended = time.monotonic()
            for pid in boards:  # no terminal suspends a board
                os.kill(pid, signal.SIGCONT)
            wait_for(lambda: simulator.read('travel_motor', 'command_speed') == 0.0)
            assert time.monotonic() - suspended < 0.7
            assert {psutil.Process(pid).status() for pid in nodes} == {psutil.STATUS_STOPPED}
            wait_for(lambda: simulator.truth()['velocity'] == 0.0, what='the vehicle stands')
            simulator.watch('travel_motor', 'command_speed')
            os.killpg(vehicle.process.pid, signal.SIGCONT)
            client.wait('system.status', 10.0, lambda e: e['data']['status'] == 'estop')
            assert [vehicle.node_pid(name) for name in NODES] == nodes
            client.wait('system.status', 10.0)
            client.wait('system.status', 10.0)
            assert simulator.log() == []
            client.clear_estop()
            drives(client, simulator, 3.0)


def test_dead_node_is_started_again_until_it_is_no_use(tmp_path):
    with own_domain() as domain, Launched(tmp_path, domain) as vehicle:
        vehicle.wait_until_up()
        pid = None
        for _ in range(MAXIMUM_EXITS):
            pid = wait_for(
                lambda old=pid: (
                    (new := vehicle.node_pid('telemetry_node')) not in (None, old) and new
                )
            )
            os.kill(pid, signal.SIGKILL)
        assert vehicle.process.wait(30) == 1
        log = vehicle.log.read_text()
        assert f'telemetry_node ended {MAXIMUM_EXITS} times within 60 s, last with SIGKILL' in log
        assert processes_of(str(tmp_path)) == []


def test_it_serves_the_page_that_was_installed(tmp_path):
    share = pytest.importorskip('ament_index_python').get_package_share_directory('oht50_bridge')
    page = Path(share, 'page')
    if not page.exists():
        pytest.skip('the page was not built: there was no Node and no network')
    files = [file for file in page.rglob('*') if file.is_file() and file.name[0] != '.']
    assert {'.html', '.js', '.css'} <= {file.suffix for file in files}
    with own_domain() as domain, Launched(tmp_path, domain) as vehicle:
        vehicle.wait_until_up()
        for file in files:
            path = str(file.relative_to(page)).replace('index.html', '')
            with urllib.request.urlopen(f'http://127.0.0.1:{vehicle.port}/{path}') as answer:
                assert answer.status == 200
                assert answer.read() == file.read_bytes(), path


def test_wrong_parameters_end_the_launch(tmp_path):
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text(
        '/**/hardware_node:\n  ros__parameters:\n    module:\n      power: {profile: none_such}\n'
    )
    with own_domain() as domain, Launched(tmp_path, domain, '--params', str(wrong)) as vehicle:
        assert vehicle.process.wait(60) == 1
        assert 'none_such' in vehicle.log.read_text()
        assert processes_of(str(vehicle.state_dir)) == []


def refusal(domain, *arguments, **environment):
    done = subprocess.run(
        ['ros2', 'launch', 'oht50_bridge', 'vehicle_launch.py', *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain), **environment},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_refusals_name_the_fault_and_the_remedy(tmp_path):
    state = f'state_dir:={tmp_path / "state"}'
    with own_domain() as domain:
        assert 'real boards' in refusal(domain, 'use_sim_time:=true', state)
        assert 'replayed' in refusal(domain, 'sim:=true', 'namespace:=/replay/oht50', state)
        assert 'one of the two' in refusal(domain, 'sim:=true', 'serial_port:=/dev/ttyS0', state)
        assert 'line of its own' in refusal(domain, 'serial_port:=/dev/ttyS0', state)
        with Launched(tmp_path, domain) as vehicle:
            vehicle.wait_until_up()
            assert 'runs already' in refusal(domain, 'sim:=true', 'port:=1999', state)
            assert vehicle.stop() == 0


def test_a_computer_that_no_vehicle_can_run_on_is_one_line(tmp_path):
    (tmp_path / 'file').write_text('')
    with own_domain() as domain:
        said = refusal(domain, 'sim:=true', f'state_dir:={tmp_path / "file"}')
        assert f'{tmp_path / "file"} is no directory; name another' in said
        said = refusal(
            domain, 'sim:=true', f'state_dir:={tmp_path / "state"}', CYCLONEDDS_URI='<CycloneDDS'
        )
        assert 'it cannot join a domain with what CYCLONEDDS_URI says (' in said
        assert 'process started' not in said
    assert processes_of(str(tmp_path)) == []


def test_the_arguments_are_described():
    shown = subprocess.run(
        ['ros2', 'launch', 'oht50_bridge', 'vehicle_launch.py', '--show-args'],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    for name in (
        'sim',
        'serial_port',
        'params_file',
        'namespace',
        'bridge',
        'port',
        'record',
        'rviz',
        'use_sim_time',
        'log_level',
    ):
        assert f"'{name}':\n        " in shown
    assert 'no description given' not in shown
