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
"""What is measured: vehicles as people start them, the server of a peer, and their processes."""

from __future__ import annotations

import getpass
import importlib
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

import psutil
from support import Up
from support import Vehicle
from support import free_port
from support import own_domain

from oht50_bridge.bringup.process import module_command
from oht50_bridge.gateway.auth.private_files import secret_path

EVENT = b'{"type":"telemetry.realtime","timestamp":"2024-12-19T10:30:00.000Z","data":{"position":{"x":10.5,"y":0.0,"z":0.0},"velocity":{"linear":0.8,"angular":0.0},"acceleration":{"linear":0.0,"angular":0.0},"orientation":{"roll":0.0,"pitch":0.0,"yaw":0.0},"sensors":{"battery":85.2,"temperature":42.5,"humidity":null}}}'  # noqa: E501
RATE = 10.0  # Hz
SETTLING = 1.5  # s, from the last connection to the first measurement
LIFTED = """
/**/bridge_node:
  ros__parameters: {max_connections: 2000, max_unauthenticated: 2000, max_deliveries: 0.0}
"""


@contextmanager
def vehicle(parameters: str = '', *options: str) -> Iterator[Up]:
    """Run a vehicle with parameters of its own, as YAML, and options of `oht50 up`."""
    with tempfile.TemporaryDirectory() as name, own_domain() as domain:
        directory = Path(name)
        if parameters:
            file = directory / 'parameters.yaml'
            file.write_text(parameters)
            options = ('--params', str(file), *options)
        up = Vehicle(directory, domain, *options).wait_until_up()
        try:
            yield up
        finally:
            up.stop()


def _serve_foxglove(port: int) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it tells of each client that leaves
    foxglove = importlib.import_module('foxglove')
    foxglove.start_server(host='127.0.0.1', port=port)
    channel = foxglove.Channel('telemetry.realtime', message_encoding='json')
    at = time.monotonic()
    while True:
        channel.log(EVENT)
        at += 1 / RATE
        time.sleep(max(0.0, at - time.monotonic()))


@contextmanager
def foxglove_server() -> Iterator[tuple[int, int]]:
    """Run a server of the Foxglove SDK that sends telemetry; yield its port and process id."""
    port = free_port()
    process = multiprocessing.get_context('spawn').Process(target=_serve_foxglove, args=(port,))
    process.start()
    assert process.pid is not None
    try:
        _listens(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.join()


NGINX = """
daemon off;
worker_processes 1;
user {user};
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream bridges {{ least_conn; {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location = /ws/telemetry {{
      proxy_pass http://bridges;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $host;
      proxy_read_timeout 330s;
      proxy_buffering off;
    }}
  }}
}}
"""


@contextmanager
def second_bridge(up: Up) -> Iterator[tuple[int, int]]:
    """Run another bridge on the graph of a vehicle; yield its port and process id."""
    port = free_port()
    parameters = {
        'port': port,
        'state_dir': str(up.state_dir / 'second_bridge'),
        'keys': str(secret_path(up.state_dir)),
    }
    given = [word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')]
    # By another name: two nodes of one name are two vehicles, of which none moves.
    command = [*module_command('oht50_bridge.nodes'), 'bridge_node', '--ros-args']
    names = ['-r', f'__ns:={up.namespace}', '-r', '__node:=second_bridge']
    with subprocess.Popen([*command, *names, *given], env=up.environment) as process:
        try:
            _listens(port)
            yield port, process.pid
        finally:
            process.terminate()


@contextmanager
def nginx(*ports: int) -> Iterator[tuple[int, int]]:
    """Run nginx before bridges; yield its port and the process id of its worker."""
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        file = Path(directory) / 'nginx.conf'
        file.write_text(
            NGINX.format(
                directory=directory,
                port=port,
                servers=' '.join(f'server 127.0.0.1:{each};' for each in ports),
                user=getpass.getuser(),
            )
        )
        with subprocess.Popen(['nginx', '-p', directory, '-c', str(file)]) as process:
            try:
                _listens(port)
                (worker,) = psutil.Process(process.pid).children()
                yield port, worker.pid
            finally:
                process.terminate()


def _listens(port: int) -> None:
    """Wait until something listens on a port."""
    while True:
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            time.sleep(0.02)


class Cpu:
    """Processor time of processes: of all their threads that run still, to the nanosecond.

    Args:
        pids: of the processes.

    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._begin = self._now()

    def _now(self) -> float:
        return sum(
            int(task.read_text().split()[0])
            for pid in self._pids
            for task in Path(f'/proc/{pid}/task').glob('*/schedstat')
        ) / 1e9  # fmt: skip

    def used(self) -> float:
        """Return the s since it was made."""
        return self._now() - self._begin


def pss(*pids: int) -> float:
    """Return the memory of processes, what they share counted once, MB."""
    found = 0
    for pid in pids:
        rollup = Path(f'/proc/{pid}/smaps_rollup').read_text()
        found += int(re.search(r'^Pss:\s+(\d+)', rollup, re.MULTILINE).group(1))  # type: ignore[union-attr]  # every rollup has it
    return found * 1024 / 1e6


def processes(up: Up) -> dict[int, str]:
    """Return the processes of a vehicle: name by pid."""
    root = psutil.Process(up.process.pid)
    found = {root.pid: 'oht50 up'}
    for child in root.children(recursive=True):
        words = ' '.join(child.cmdline())
        name = re.search(r'nodes (\w+)|(simulator|preload|watchdog)', words)
        found[child.pid] = next(filter(None, name.groups())) if name else words[:20]
    return found


def cpu_since_start(up: Up) -> float:
    """Return the s that the processes of a vehicle have used, those that have ended included."""
    total = 0.0
    for pid in processes(up):
        times = psutil.Process(pid).cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total
