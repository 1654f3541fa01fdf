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
"""The servers beside ours: of peers, a second bridge of ours, and nginx before both."""

from __future__ import annotations

import getpass
import importlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

import psutil
from readers import token
from support import ROOT
from support import Up
from support import free_port
from support import listens
from support import own_domain

from oht50_bridge.bringup.process import module_command
from oht50_bridge.gateway.auth.private_files import secret_path

EVENT = b'{"type":"telemetry.realtime","timestamp":"2024-12-19T10:30:00.000Z","data":{"position":{"x":10.5,"y":0.0,"z":0.0},"velocity":{"linear":0.8,"angular":0.0},"acceleration":{"linear":0.0,"angular":0.0},"orientation":{"roll":0.0,"pitch":0.0,"yaw":0.0},"sensors":{"battery":85.2,"temperature":42.5,"humidity":null}}}'  # noqa: E501
RATE = 10.0  # Hz
ROS_SETUP = ROOT / 'build' / 'ros' / 'install' / 'setup.bash'
ROS_BRIDGES = {
    'oht50_bridge': 'bridge_node',
    'foxglove_bridge': 'foxglove_bridge',
    'rosbridge_server': 'rosbridge_websocket',
}
PATIENCE = 20.0  # s, until a server listens
ENDING = 5.0  # s, until it has ended


def _wait_until_it_listens(port: int, is_alive: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while is_alive() and time.monotonic() < end:
        if listens(port):
            return
        time.sleep(0.02)
    raise RuntimeError(f'nothing listens on port {port}: see what it printed above')


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
        _wait_until_it_listens(port, process.is_alive)
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
def _running(
    port: int, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the context; yield it once it listens.

    Raises:
        RuntimeError: it ends, or does not listen within `PATIENCE`.

    """
    with subprocess.Popen(command, env=environment) as process:
        try:
            _wait_until_it_listens(port, lambda: process.poll() is None)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()  # rosbridge goes on after SIGTERM


@contextmanager
def second_bridge(
    up: Up,
    command: Sequence[str] = (*module_command('oht50_bridge.nodes'), 'bridge_node'),
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[int, int]]:
    """Run another bridge on the graph of a vehicle; yield its port and process id."""
    port = free_port()
    parameters = {
        'port': port,
        'state_dir': str(up.state_dir / 'second_bridge'),
        'keys': str(secret_path(up.state_dir)),
    }
    given = [word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')]
    # By another name: two nodes of one name are two vehicles, of which none moves.
    names = ['-r', f'__ns:={up.namespace}', '-r', '__node:=second_bridge']
    words = [*command, '--ros-args', *names, *given]
    with _running(port, words, environment or up.environment) as process:
        yield port, process.pid


@contextmanager
def bridge_alone() -> Iterator[tuple[int, int, str]]:
    """Run a bridge and a node that publishes telemetry; yield its port, process id, a token."""
    port = free_port()
    with tempfile.TemporaryDirectory() as state_dir, own_domain() as domain:
        environment = {
            **os.environ,
            'ROS_DOMAIN_ID': str(domain),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'PYTHONPATH': str(ROOT / 'test'),
        }
        environment.pop('CYCLONEDDS_URI', None)  # as that of a vehicle
        found = token(state_dir, 'viewer')  # which makes the keys
        given = ['-p', f'port:={port}', '-p', f'state_dir:={state_dir}']
        bridge = [*module_command('oht50_bridge.nodes'), 'bridge_node', '--ros-args', *given]
        source = [*module_command('telemetry_source'), str(RATE)]
        with (
            _running(port, bridge, environment) as process,
            subprocess.Popen(source, env=environment, stdin=subprocess.PIPE) as publisher,
        ):
            try:
                yield port, process.pid, found
            finally:
                publisher.terminate()


@dataclass(frozen=True)
class Ros:
    """A ROS 2 with this package: its environment, and the executables that it has."""

    environment: dict[str, str]

    @classmethod
    def find(cls) -> Ros | None:
        """Return the one that `make test-ros` has built the package for; None: it has not."""
        if not ROS_SETUP.exists():
            return None
        # Without what this Python brings; that of ROS 2 has the libraries of `make test-ros`.
        paths = [str(ROS_SETUP.parents[1] / 'venv' / 'bin'), os.environ['PATH']]
        plain = {'HOME': os.environ['HOME'], 'PATH': ':'.join(paths)}
        script = '. "$0" && env -0'
        words = ['bash', '-c', script, str(ROS_SETUP)]
        output = subprocess.run(words, env=plain, check=True, stdout=subprocess.PIPE).stdout
        pairs = (each.split('=', 1) for each in output.decode().split('\0') if '=' in each)
        return cls(dict(pairs))

    def executable(self, package: str, name: str) -> str | None:
        """Return the path of an executable; None: this ROS 2 does not have it."""
        for prefix in self.environment.get('AMENT_PREFIX_PATH', '').split(':'):
            path = Path(prefix, 'lib', package, name)
            if path.is_file():
                return str(path)
        return None

    def on_graph_of(self, up: Up) -> dict[str, str]:
        """Return the environment of a process that sees the topics of a vehicle."""
        names = ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE')
        return {**self.environment, **{name: up.environment[name] for name in names}}


@contextmanager
def ros_bridge(ros: Ros, up: Up, package: str) -> Iterator[tuple[int, int] | None]:
    """Run a bridge of ROS 2 on the graph of a vehicle.

    Yields its port and process id; None: this ROS 2 does not have it.
    """
    path = ros.executable(package, ROS_BRIDGES[package])
    environment = ros.on_graph_of(up)
    if path is None:
        print(f'{ROS_SETUP} has no {package}: it is not measured', file=sys.stderr)
        yield None
    elif package == 'oht50_bridge':
        with second_bridge(up, [path], environment) as found:
            yield found
    else:
        port = free_port()
        words = [path, '--ros-args', '-p', f'port:={port}', '-p', 'address:=127.0.0.1']
        words += ['--log-level', 'error']
        with _running(port, words, environment) as process:
            yield port, process.pid


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
        with _running(port, ['nginx', '-p', directory, '-c', str(file)]) as process:
            (worker,) = psutil.Process(process.pid).children()
            yield port, worker.pid
