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
"""Which processes make a vehicle, and what each is given: for `oht50 up` and the launch files."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import TextIO

import yaml

from oht50_bridge.bringup.parameters import parameter_files
from oht50_bridge.bringup.parameters import simulated_lines
from oht50_bridge.cli.options import CommandError
from oht50_bridge.gateway.auth.keys import KEYS
from oht50_bridge.gateway.auth.private_files import SECRET_FILE
from oht50_bridge.gateway.auth.private_files import make_secret
from oht50_bridge.gateway.auth.revocations import REVOCATIONS
from oht50_bridge.gateway.auth.revocations import revocations_path
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.nodes import REPLAY_NAMESPACE
from oht50_bridge.protocol.catalogue import DEFAULT_PORT

MAXIMUM_ENDS = 10  # of a process within ENDS_WITHIN: then it is not started again
ENDS_WITHIN = 60.0  # s


@dataclass(frozen=True)
class Plan:
    """A vehicle: where it keeps what is its own, and what its processes are given.

    Args:
        state_dir: directory of all vehicles of this machine.
        domain: DDS domain.
        namespace: namespace of its nodes; vehicles of one domain differ in it.
        params: parameter file that goes over config/vehicle.yaml.
        simulated: whether its boards are simulated.
        serial_port: port with every board on it; empty: the lines of the parameters.
        host: address the bridge listens on.
        port: port the bridge listens on.
        use_sim_time: whether the nodes take their time from /clock.
        keys: what verifies tokens, as the bridge's parameter of this name; likewise the next two.
        token_issuer: what `iss` of a token must be.
        token_audience: what `aud` of a token must hold.
        tls: certificate and key of the bridge.
        insecure: whether the bridge may listen beyond this machine without.

    Raises:
        CommandError: these do not go together; the message says why and what to do.

    """

    state_dir: Path
    domain: int
    namespace: str = NAMESPACE
    params: Path | None = None
    simulated: bool = False
    serial_port: str = ''
    host: str = '127.0.0.1'
    port: int = DEFAULT_PORT
    use_sim_time: bool = False
    keys: str = ''
    token_issuer: str = ''
    token_audience: str = ''
    tls: TlsFiles | None = None
    insecure: bool = False

    def __post_init__(self):
        if not re.fullmatch(r'(/[A-Za-z_]\w*)+', self.namespace):
            raise CommandError(f'{self.namespace!r} is no namespace; it is such as {NAMESPACE}')
        if self.namespace.split('/')[1] == REPLAY_NAMESPACE.strip('/'):
            raise CommandError(
                f'{self.namespace}: a vehicle is not run where recordings are replayed; choose '
                f'a namespace outside {REPLAY_NAMESPACE}'
            )
        if self.simulated and self.serial_port:
            raise CommandError('simulated boards are on no serial port: give one of the two')
        if self.use_sim_time and not self.simulated:
            raise CommandError(
                'use_sim_time with real boards: whoever publishes /clock could stop the timers '
                'of the nodes; leave it false'
            )

    @property
    def directory(self) -> Path:
        """The vehicle's own directory."""
        name = f'domain-{self.domain}'
        if self.namespace != NAMESPACE:
            name += self.namespace.replace('/', '-')
        return self.state_dir / name

    def new_bag(self) -> Path:
        """Return a folder for a new bag."""
        return self.directory / 'bags' / time.strftime('%Y-%m-%d-%H-%M-%S')

    @property
    def remappings(self) -> list[tuple[str, str]]:
        """The topics that have another name: each vehicle of a domain keeps its frames apart."""
        if self.namespace == NAMESPACE:
            return []
        return [(f'/{name}', name) for name in ('tf', 'tf_static')]

    def remap_arguments(self) -> list[str]:
        """Return the remappings as ROS arguments."""
        return [text for old, new in self.remappings for text in ('-r', f'{old}:={new}')]

    def lock(self) -> TextIO:
        """Hold the vehicle's directory, so that nobody else drives the same boards.

        Returns:
            an open file; the hold ends when it is closed, or with the process.

        Raises:
            CommandError: somebody holds it, or it cannot be made.

        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = (self.directory / 'lock').open('w')
        except OSError as error:
            raise CommandError(
                f'{error.filename}: {error.strerror}; choose another state directory'
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise CommandError(
                f'the vehicle {self.namespace} of domain {self.domain} runs already; choose '
                'another domain or namespace (oht50 up: --domain, --namespace)'
            ) from None
        return lock

    def environment(self) -> dict[str, str]:
        """Return what the processes need in their environment; makes the secret if need be.

        Raises:
            TokenFileError, OSError: the secret's file cannot be used.

        """
        return token_environment(self.state_dir, self.keys)

    def simulator(self) -> list[str]:
        """Return the command line of the simulated boards.

        Raises:
            CommandError: the parameters do not say which boards there are.

        """
        return [
            sys.executable,
            '-m',
            'oht50_bridge.simulator',
            '--dir',
            str(self.directory / 'simulator'),
            '--lines',
            json.dumps(simulated_lines(self.params)),
            '--die-with-parent',
        ]

    def parameter_files(self, node: str) -> list[Path]:
        """Return the parameter files of a node, the later over the earlier.

        The last is written here. Not as `-p name:=value`: ROS 2 puts those among the parameters
        of every node, and what a file says of one node goes over them.
        """
        return [
            *parameter_files(self.params),
            write_parameters(self.directory, self.namespace, node, self._own(node)),
        ]

    def _own(self, node: str) -> dict[str, Any]:
        own: dict[str, Any] = {'state_dir': str(self.directory)}
        if self.use_sim_time:
            own['use_sim_time'] = True
        if node == 'bridge_node':
            own.update(host=self.host, port=self.port)
            given = {
                'keys': self.keys,
                'token_issuer': self.token_issuer,
                'token_audience': self.token_audience,
            }
            own.update({name: value for name, value in given.items() if value})
            if self.insecure:
                own['insecure'] = True
            if self.tls is not None:
                own.update(
                    tls_certificate=str(self.tls.certificate),
                    tls_key=str(self.tls.key),
                    tls_client_ca=str(self.tls.client_ca or ''),
                )
        elif node == 'hardware_node' and self.simulated:
            own.update(
                {
                    f'line.{line}.device': str(self.directory / 'simulator' / line)
                    for line in simulated_lines(self.params)
                }
            )
        elif node == 'hardware_node' and self.serial_port:
            own['serial_port'] = self.serial_port
        return own


@dataclass(frozen=True)
class Replay:
    """A bridge that serves the events of a recorded vehicle, away from vehicles that run.

    Args:
        state_dir: directory of all vehicles of this machine.
        vehicle: namespace of the vehicle in the bag.
        host: address the bridge listens on.
        port: port the bridge listens on.
        use_sim_time: whether the bridge takes its time from /clock.

    """

    state_dir: Path
    vehicle: str
    host: str
    port: int
    use_sim_time: bool = False

    @property
    def namespace(self) -> str:
        """Where the events are published and the bridge is."""
        return f'{REPLAY_NAMESPACE}{self.vehicle}'

    def environment(self) -> dict[str, str]:
        """Return what the bridge needs in its environment, as that of a vehicle does."""
        return token_environment(self.state_dir)

    def parameter_files(self) -> list[Path]:
        """Return the parameter files of the bridge, the later over the earlier."""
        directory = self.state_dir / f'replay-{self.port}'
        return [
            *parameter_files(None),
            write_parameters(
                directory,
                self.namespace,
                'bridge_node',
                {
                    'state_dir': str(directory),
                    'host': self.host,
                    'port': self.port,
                    'replay': True,
                    'use_sim_time': self.use_sim_time,
                },
            ),
        ]


def token_environment(state_dir: Path, keys: str = '') -> dict[str, str]:
    """Return the environment that names the secret, made if need be, and the revocations.

    They are one for all vehicles of this machine: `oht50 token` need not know which.

    Args:
        state_dir: directory of all vehicles.
        keys: what verifies tokens instead of the secret.

    Raises:
        TokenFileError, OSError: the secret's file cannot be used.

    """
    environment = {REVOCATIONS: str(revocations_path(state_dir))}
    if not (keys or os.environ.get(KEYS)):
        environment[SECRET_FILE] = str(make_secret(state_dir))
    return environment


def write_parameters(directory: Path, namespace: str, node: str, values: dict[str, Any]) -> Path:
    """Write the parameter file of one node and return it."""
    path = directory / 'parameters' / f'{node}.yaml'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({f'{namespace}/{node}': {'ros__parameters': values}}))
    return path


class Ends:
    """How often a process ended, to tell when starting it again is no use.

    Args:
        name: of the process, for people.

    """

    def __init__(self, name: str):
        self._name = name
        self._at: deque[float] = deque(maxlen=MAXIMUM_ENDS)

    def add(self, code: int) -> None:
        """Note that it ended.

        Args:
            code: its exit code; negative: the signal that ended it.

        Raises:
            CommandError: it is not to be started again; the message says why.

        """
        if code == os.EX_CONFIG:
            raise CommandError(f'{self._name} refused its configuration (see above)')
        now = time.monotonic()
        self._at.append(now)
        if len(self._at) == MAXIMUM_ENDS and now - self._at[0] < ENDS_WITHIN:
            raise CommandError(
                f'{self._name} ended {MAXIMUM_ENDS} times within {ENDS_WITHIN:g} s, last with '
                f'{describe(code)} (see above); the vehicle is stopped'
            )


def describe(code: int) -> str:
    """Return a process's exit code in words."""
    return f'exit code {code}' if code >= 0 else signal.Signals(-code).name
