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
"""The directory of a set of boards, and its lock."""

import os
import time

import pytest

from oht50_bridge.bringup.boards import boards_directory
from oht50_bridge.bringup.boards import lock_port
from oht50_bridge.bringup.boards import open_lock
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.vehicle.estop import LATCH_FILE
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.maintenance import MaintenanceLock


@pytest.fixture(autouse=True)
def state_home(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path / 'state'))


def test_the_directory_depends_on_the_port_alone():
    devices = ['/dev/ttyS1', '/dev/ttyS2', '/dev/a_b', '/dev/a/b', '/dev/a__b']
    assert len({boards_directory(device) for device in devices}) == len(devices)
    assert boards_directory('/dev/ttyS1') == boards_directory('/dev/ttyS1')


def test_one_set_of_boards_is_driven_by_one_vehicle():
    with (
        lock_port('/dev/ttyX'),
        pytest.raises(BringUpError, match='another vehicle uses the port /dev/ttyX'),
    ):
        lock_port('/dev/ttyX')
    lock_port('/dev/ttyX').close()


def test_another_name_of_a_port_in_use_is_refused(tmp_path):
    port, link = tmp_path / 'ttyUSB0', tmp_path / 'ttyOHT485'
    port.touch()
    link.symlink_to(port)
    for first, second in ((port, link), (link, port)):
        with (
            lock_port(str(first)),
            pytest.raises(BringUpError, match=f'another vehicle uses the port {second}'),
        ):
            lock_port(str(second))


@pytest.mark.parametrize('locked', ['estop', 'maintenance'])
def test_another_name_of_the_port_does_not_open_its_latch(tmp_path, locked):
    port, link = tmp_path / 'ttyUSB0', tmp_path / 'ttyOHT485'
    port.touch()
    link.symlink_to(port)
    directory = boards_directory(str(port))
    lock_port(str(port)).close()
    lock_port(str(link)).close()  # nothing is latched
    if locked == 'estop':
        latch = EstopLatch(directory / 'estop.json', time.time_ns)
        latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
        latch.save()
    else:
        MaintenanceLock(directory / 'maintenance.json').lock('alice')
    with pytest.raises(BringUpError, match='emergency stop or maintenance by another name'):
        lock_port(str(link))
    lock_port(str(port)).close()
    port.unlink()
    lock_port(str(link)).close()  # which port it is, is not known while it is absent


def test_a_directory_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / 'state').write_text('a file')
    with pytest.raises(BringUpError, match='XDG_STATE_HOME'):
        lock_port('/dev/ttyX')


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo])
def test_a_lock_that_is_no_file_refuses_the_start(tmp_path, make):
    make(tmp_path / 'lock')
    with pytest.raises((BringUpError, IsADirectoryError)):
        open_lock(tmp_path / 'lock')
    assert (tmp_path / 'lock').exists(), 'another process may hold it'


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, lambda path: path.write_bytes(b'\xff')])
def test_a_latch_whose_port_cannot_be_read_may_be_that_of_any_port(tmp_path, make):
    port = tmp_path / 'ttyX'
    port.touch()
    lock_port(str(port)).close()
    other = boards_directory('/dev/other')
    other.mkdir(parents=True)
    make(other / 'port')
    lock_port(str(port)).close()  # nothing is latched
    (other / LATCH_FILE).write_text('{')
    if (other / 'port').is_file():
        lock_port(str(port)).close()  # it names another port
        return
    with pytest.raises(BringUpError, match='under an emergency stop'):
        lock_port(str(port))
    assert (other / LATCH_FILE).read_text() == '{'
