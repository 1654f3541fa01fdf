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
"""What the supervisor refuses before it starts a process, and how it reports a failed start."""

import os
import signal
import socket

import pytest
from support import NO_HOSTS
from support import filesystem
from support import fill
from support import free_port
from support import own_domain
from support import processes_of

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.host_check import HostFault
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.supervisor import Supervisor
from oht50_bridge.bringup.supervisor import check_host
from oht50_bridge.bringup.supervisor import check_port
from oht50_bridge.signals import SIGNALS

pytestmark = pytest.mark.processes

SUSPENDING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


@pytest.fixture(autouse=True)
def _restored():
    """Restore the signal handlers that a supervisor replaces."""
    numbers = (*SIGNALS, *SUSPENDING)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def supervisor(plan):
    def never():
        raise AssertionError('the bridge listens')

    return Supervisor(plan, os.environ, 'warn', never)


def test_the_supervisor_is_not_suspended(tmp_path, capfd):
    supervisor(Plan(tmp_path, 0, simulated=True))
    for number in SUSPENDING:
        os.kill(os.getpid(), number)
    assert capfd.readouterr().err.count('cannot be suspended') == 1


def test_a_port_in_use_is_refused():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(BringUpError, match=f'port {port}'):
            check_port('127.0.0.1', port)
    check_port('127.0.0.1', port)


@pytest.mark.parametrize('host', NO_HOSTS)
def test_what_cannot_be_the_name_of_a_host_is_refused(host):
    with pytest.raises(BringUpError, match=r'no name of a host: .*; choose another with --host'):
        check_port(host, 0)


def test_a_name_of_several_addresses_is_listened_on_as_the_bridge_does(monkeypatch):
    """Also where one of them is of IPv6, or not of this machine."""
    addresses = {'two': ['192.0.2.1', '127.0.0.1'], 'six': ['::1'], 'other': ['192.0.2.1']}
    found = socket.getaddrinfo

    def getaddrinfo(host, *rest, **options):
        return [one for each in addresses[host] for one in found(each, *rest, **options)]

    monkeypatch.setattr(socket, 'getaddrinfo', getaddrinfo)
    check_port('two', free_port())
    check_port('six', free_port())
    with pytest.raises(BringUpError, match=r'other port .*: Cannot assign requested address; '):
        check_port('other', free_port())
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        with pytest.raises(BringUpError, match='Address already in use'):
            check_port('two', listener.getsockname()[1])


def test_a_parameter_file_is_checked_before_anything_is_started(tmp_path):
    params = tmp_path / 'broken.yaml'
    params.write_text('{')
    plan = Plan(tmp_path / 'state', 0, params=params, simulated=True, port=free_port())
    with pytest.raises(BringUpError, match=r'broken\.yaml'):
        supervisor(plan).run()
    assert not (tmp_path / 'state').exists()


def test_lines_are_checked_before_anything_is_started(tmp_path):
    plan = Plan(tmp_path / 'state', 0, serial_port='/dev/ttyS0', port=free_port())
    with pytest.raises(BringUpError, match='line of its own'):
        supervisor(plan).run()
    assert not (tmp_path / 'state').exists()


def test_a_warning_that_cannot_be_said_does_not_keep_a_vehicle_from_its_start(
    tmp_path, monkeypatch, no_stderr
):
    warning = HostFault('clock', 'it is set to the past', fatal=False)
    monkeypatch.setattr('oht50_bridge.bringup.supervisor.host_faults', lambda *_: [warning])
    with no_stderr():
        check_host(os.environ, VehicleParameters({'bridge_node': {}}), tmp_path)


def test_a_full_disk_is_named_with_the_remedy(tmp_path):
    with filesystem(tmp_path / 'disk', '64k') as disk:
        fill(disk)
        plan = Plan(disk / 'state', 0, simulated=True, port=free_port())
        with pytest.raises(BringUpError, match=r'disk/state\S*: No space left on device; '):
            supervisor(plan).run()


def test_a_vehicle_that_runs_already_is_refused(tmp_path):
    plan = Plan(tmp_path, 0, simulated=True, port=free_port())
    with plan.lock(), pytest.raises(BringUpError, match='runs already'):
        supervisor(plan).run()


def test_when_a_process_refuses_its_configuration_all_are_stopped(tmp_path):
    # What the files alone do not tell: there is no such chip here.
    params = tmp_path / 'wrong.yaml'
    params.write_text('/**/safety_node:\n  ros__parameters: {gpio_chip: /dev/gpiochip-none}\n')
    with own_domain() as domain:
        plan = Plan(tmp_path / 'state', domain, params=params, simulated=True, port=free_port())
        # The bridge may listen before the process has come to its parameters.
        with pytest.raises(BringUpError, match='refused its configuration'):
            Supervisor(plan, os.environ, 'warn', lambda: None).run()
    assert processes_of(str(tmp_path)) == []
