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
"""A disk that turns read-only while the vehicle runs, and a clock that no message can hold."""

import os
import signal
import subprocess
import time

from support import Up
from support import filesystem
from support import listens
from support import own_domain
from support import wait_for

from oht50_bridge.nodes import NODES


def test_a_vehicle_runs_on_when_its_disk_turns_read_only(tmp_path):
    with filesystem(tmp_path / 'disk', '4m') as disk, own_domain() as domain:
        vehicle = Up(tmp_path, domain, '--state-dir', str(disk / 'state'))
        vehicle.state_dir = disk / 'state'
        with vehicle:
            vehicle.wait_for('OHT-50 is up', 120.0)
            vehicle.up_at = time.time()
            with vehicle.client('admin', ['system.error', 'system.status']) as client:
                client.wait('system.status')
                turn_read_only(disk)
                while client.wait('system.error')['data']['error_code'] != 'SYS-003':
                    pass
            for name in NODES:
                pid = vehicle.node_pid(name)
                os.kill(pid, signal.SIGKILL)
                vehicle.wait_for_new(name, pid)
            wait_for(lambda: settled(vehicle), 60.0, 'every node stays', pause=0.5)
            wait_for(lambda: listens(vehicle.port), 60.0, 'the bridge listens', pause=0.5)
            # Whether a stop of before was lost with safety_node is not known.
            vehicle.wait_for('estop.json cannot be written')
            with vehicle.client('admin', ['system.status', 'safety.estop']) as client:
                assert client.wait('safety.estop')['data']['trigger_type'] == 'software'
                assert client.wait('system.status')['data']['status'] == 'estop'
            subprocess.run(['umount', '--lazy', disk], check=True)
            with vehicle.client('admin', ['system.status']) as client:

                def cleared():
                    client.attempt('clear_estop')
                    return client.wait('system.status')['data']['status'] != 'estop'

                wait_for(
                    cleared, 30.0, 'the stop can be cleared on a disk that is well', pause=0.5
                )
            assert vehicle.stop() == 0
        log = vehicle.log.read_text()
        assert 'Traceback' not in log
        assert 'mounted read-only' in log


def turn_read_only(disk):
    """Let nothing be written but to open files, which would refuse a plain `remount,ro`."""
    subprocess.run(['mount', '--bind', disk, disk], check=True)
    subprocess.run(['mount', '-o', 'remount,bind,ro', disk], check=True)


def settled(vehicle):
    return all(vehicle.has_settled(name) for name in NODES)


SITE = """
import time
OFFSET = 2_200_000_000 - time.time()  # 2039
time_, time_ns = time.time, time.time_ns
time.time = lambda: time_() + OFFSET
time.time_ns = lambda: time_ns() + int(OFFSET * 1e9)
"""


def test_no_node_dies_of_a_clock_after_2038(tmp_path):
    (tmp_path / 'sitecustomize.py').write_text(SITE)
    with (
        own_domain() as domain,
        Up(tmp_path, domain, environment={'PYTHONPATH': str(tmp_path)}) as vehicle,
    ):
        vehicle.wait_for('OHT-50 is up', 120.0)
        pids = {name: vehicle.node_pid(name) for name in NODES}
        log = vehicle.log
        wait_for(lambda: log.read_text().count('after 2038-01-19') >= 4, 60.0, 'the nodes say so')
        assert {name: vehicle.node_pid(name) for name in NODES} == pids
        assert vehicle.stop() == 0
        text = log.read_text()
        assert 'Traceback' not in text
        assert text.count('after 2038-01-19') <= len(NODES), 'each says it once'
