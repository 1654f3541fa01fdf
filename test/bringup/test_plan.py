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
"""The plan of a vehicle: what it refuses, and what it starts each process with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.identity import VEHICLE


@pytest.fixture(autouse=True)
def state_home(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path / 'state'))


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'namespace': 'oht50'}, 'not a namespace'),
        ({'namespace': '/vé'}, 'not a namespace'),
        ({'namespace': '/replay/oht50'}, 'replayed'),
        ({'simulated': True, 'serial_port': '/dev/ttyS0'}, 'one of the two'),
        ({'use_sim_time': True}, 'real boards'),
    ],
)
def test_what_does_not_go_together_is_refused(options, said):
    with pytest.raises(BringUpError, match=said):
        Plan(Path('state'), 0, **options)


def test_vehicles_differ_in_their_directory(tmp_path):
    plans = [
        Plan(tmp_path, domain, namespace)
        for domain in (0, 1)
        for namespace in ('/oht50', '/hoist_a', '/plant/hoist_a')
    ]
    assert len({plan.directory for plan in plans}) == len(plans)


def test_one_vehicle_is_held_by_one(tmp_path):
    plan = Plan(tmp_path, 0, simulated=True)
    with plan.lock():
        with pytest.raises(BringUpError, match='--domain'):
            plan.lock()
        Plan(tmp_path, 0, '/hoist_a', simulated=True).lock().close()
    plan.lock().close()


def test_vehicles_of_the_same_boards_exclude_one_another_and_share_their_latch(tmp_path):
    plans = [
        Plan(tmp_path / 'one', 0),
        Plan(tmp_path / 'one', 1, '/hoist_a'),
        Plan(tmp_path / 'two', 0, serial_port='/dev/ttyOHT485'),
    ]
    assert len({plan.latch_directory for plan in plans}) == 1
    for plan in plans:
        with plan.lock():
            for other in plans:
                if other is not plan:
                    with pytest.raises(BringUpError, match='port /dev/ttyOHT485;'):
                        other.lock()
    other = Plan(tmp_path / 'one', 0, serial_port='/dev/ttyX')
    assert other.latch_directory != plans[0].latch_directory
    with plans[1].lock():
        other.lock().close()


def test_no_port_is_used_by_two_vehicles(tmp_path):
    first = Plan(tmp_path / 'one', 0)
    assert first.serial_ports == ['/dev/ttyOHT485', '/dev/ttyOHT485_1', '/dev/ttyOHT485_2']
    for port in first.serial_ports:
        other = Plan(tmp_path / 'two', 1, serial_port=port)
        with first.lock(), pytest.raises(BringUpError, match=f'the port {port};'):
            other.lock()
        with other.lock(), pytest.raises(BringUpError, match=f'the port {port};'):
            first.lock()


def test_a_lock_that_is_refused_leaves_nothing_locked(tmp_path):
    first, second = Plan(tmp_path, 0), Plan(tmp_path, 1)
    with first.lock(), pytest.raises(BringUpError):
        second.lock()
    second.lock().close()


def test_simulated_boards_have_the_latch_of_their_vehicle(tmp_path):
    plan = Plan(tmp_path, 0, simulated=True)
    assert plan.latch_directory == plan.directory
    own = yaml.safe_load(plan.parameter_file('safety_node').read_text())
    parameters = own['/oht50/safety_node']['ros__parameters']
    assert parameters['latch_dir'] == str(plan.directory)


def test_the_simulator_gets_the_lines_and_the_motors_of_the_parameters(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('/**:\n  ros__parameters: {travel_channel: 2, hoist_channel: 1}\n')
    command = Plan(tmp_path, 0, simulated=True, params=path).simulator()
    vehicle = json.loads(command[command.index('--vehicle') + 1])
    assert vehicle == {'travel_channel': 2, 'hoist_channel': 1}
    assert 'drive' in json.loads(command[command.index('--lines') + 1])


@pytest.mark.parametrize('simulated', [True, False])
def test_who_starts_the_vehicle_says_whether_its_boards_are_simulated(tmp_path, simulated):
    plan = Plan(tmp_path, 0, simulated=simulated)
    assert own_parameters(plan, 'mission_node')['simulated'] is simulated


def test_each_node_gets_its_own_parameters_last(tmp_path):
    plan = Plan(tmp_path, 0, '/hoist_a', simulated=True, port=1234)
    assert own_parameters(plan, 'bridge_node')['port'] == 1234
    device = own_parameters(plan, 'hardware_node')['line.drive.device']
    assert device == str(plan.directory / 'simulator' / 'drive')


def own_parameters(plan, node):
    """Return what a plan gives to a node last."""
    own = yaml.safe_load(plan.parameter_file(node).read_text())
    return own[f'{plan.namespace}/{node}']['ros__parameters']


def test_the_bridge_gets_its_transport(tmp_path):
    plan = Plan(tmp_path, 0, simulated=True)
    assert not own_parameters(plan, 'bridge_node')['insecure']
    assert own_parameters(plan.with_transport(None, insecure=True), 'bridge_node')['insecure']
    files = TlsFiles(tmp_path / 'cert.pem', tmp_path / 'key.pem')
    own = own_parameters(plan.with_transport(files, insecure=False), 'bridge_node')
    names = ('tls_certificate', 'tls_key', 'tls_client_ca')
    assert [own[name] for name in names] == [str(files.certificate), str(files.key), '']


def test_one_serial_port_for_all_boards_goes_to_their_node(tmp_path):
    params = tmp_path / 'one_port.yaml'
    board = 'module: {safety: {profile: oht_v2_safety, address: 6}}'
    params.write_text(f'/**/hardware_node:\n  ros__parameters: {{{board}}}\n')
    plan = Plan(tmp_path, 0, serial_port='/dev/ttyS0', params=params)
    assert own_parameters(plan, 'hardware_node')['serial_port'] == '/dev/ttyS0'
    assert 'serial_port' not in own_parameters(plan, 'bridge_node')
    assert plan.serial_ports == ['/dev/ttyS0']


def test_a_directory_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / 'state').write_text('')
    with pytest.raises(BringUpError, match='choose another state directory'):
        Plan(tmp_path / 'state', 0, simulated=True).lock()


@pytest.mark.processes
def test_a_launch_file_can_import_it_without_the_libraries_of_the_nodes():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pydantic', 'pymodbus', 'websockets']));"
        'import oht50_bridge.bringup.plan'
    )
    subprocess.run([sys.executable, '-c', code], check=True, timeout=20)


def test_the_processes_of_a_vehicle_have_its_identity(tmp_path):
    plans = [Plan(tmp_path / name, 0, simulated=True) for name in 'aab']
    first, again, other = (plan.environment()[VEHICLE] for plan in plans)
    assert first == again
    assert first.split()[0] != other.split()[0]
    assert str(plans[0].directory) in first
