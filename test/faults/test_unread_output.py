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
"""Output that nobody reads, or that cannot be written, never ends or stops a vehicle."""

import os
import signal
import subprocess

import pytest
from support import Up
from support import own_domain
from support import wait_for


class Redirected(Up):
    """A vehicle whose output goes where a redirection of the shell sends it."""

    redirection = ''

    def command(self, boards, arguments):
        return [
            'sh',
            '-c',
            f'exec "$@" {self.redirection}',
            'sh',
            *super().command(boards, arguments),
        ]

    def wait_until_up(self):
        with self.connected():
            return self

    def connected(self):
        """Return a connection, once the bridge accepts one."""

        def connect():
            assert self.process.poll() is None, self.log.read_text()
            try:
                connection = self.client('admin', ['system.status'])
                return connection if connection.__enter__() else None
            except OSError:
                return None

        return wait_for(connect, 120.0, 'the vehicle is up', pause=0.2)


def kill(vehicle, name):
    """Kill a node and wait until it is back."""
    pid = wait_for(lambda: vehicle.node_pid(name), what=f'{name} runs')
    os.kill(pid, signal.SIGKILL)
    vehicle.wait_for_new(name, pid)


def goes_on(vehicle):
    """Have nodes die, which prints, and see that the vehicle and its bridge go on."""
    for name in ('telemetry_node', 'mission_node'):
        kill(vehicle, name)
    with vehicle.client('admin', ['system.status']) as client:
        assert client.wait('system.status', 30.0)['data']['status']
    assert vehicle.process.poll() is None


@pytest.mark.parametrize('redirection', ['>&- 2>&-', '2>/dev/full >/dev/full'])
def test_a_vehicle_goes_on_without_its_output(tmp_path, redirection):
    class Vehicle(Redirected):
        def command(self, boards, arguments):
            command = super().command(boards, arguments)
            return ['bash', '-c', f'exec "$@" {redirection}', 'sh', *command[4:]]

    with own_domain() as domain, Vehicle(tmp_path, domain) as vehicle:
        vehicle.connected()
        goes_on(vehicle)
        assert vehicle.stop() == 0


def test_a_vehicle_goes_on_when_its_reader_does_not_read_and_when_it_ends(tmp_path):
    fifo = tmp_path / 'fifo'
    os.mkfifo(fifo)

    class Vehicle(Redirected):
        redirection = f'2>{fifo}'

        def command(self, boards, arguments):
            # Debug messages, which fill a pipe in no time.
            return [word.replace('info', 'debug') for word in super().command(boards, arguments)]

    with own_domain() as domain:
        reader = subprocess.Popen(['sleep', '1000'], stdin=os.open(fifo, os.O_RDWR))
        try:
            with Vehicle(tmp_path, domain) as vehicle:
                vehicle.connected()
                goes_on(vehicle)
                reader.kill()
                reader.wait()
                goes_on(vehicle)
                assert vehicle.stop() == 0
        finally:
            reader.kill()
            reader.wait()
