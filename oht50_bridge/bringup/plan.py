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
"""What the processes of a vehicle are started with, by `oht50 up` and by the launch files."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from typing import TextIO

from oht50_bridge.bringup.boards import boards_directory
from oht50_bridge.bringup.boards import lock_port
from oht50_bridge.bringup.boards import open_lock
from oht50_bridge.bringup.checked_parameters import checked_parameters
from oht50_bridge.bringup.environment import log_environment
from oht50_bridge.bringup.environment import token_environment
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.parameters import parameters_path
from oht50_bridge.bringup.parameters import serial_ports
from oht50_bridge.bringup.parameters import simulated_lines
from oht50_bridge.bringup.parameters import simulated_vehicle
from oht50_bridge.bringup.parameters import write_parameters
from oht50_bridge.bringup.process import module_command
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.identity import identity_of
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.nodes import REPLAY_NAMESPACE
from oht50_bridge.paths import make_private
from oht50_bridge.protocol.endpoint import DEFAULT_PORT


@dataclass(frozen=True)
class Plan:
    """A vehicle: its directory, and the parameters and environment of its processes.

    Args:
        state_dir: directory of all vehicles of this machine.
        domain: DDS domain.
        namespace: namespace of its nodes; vehicles of one domain differ in it.
        params: parameter file whose values override those of config/vehicle.yaml.
        simulated: whether its boards are simulated.
        serial_port: port of all boards; empty: the serial lines of the parameters.
        host: address the bridge listens on.
        port: TCP port the bridge listens on.
        use_sim_time: whether the nodes take their time from /clock.
        keys: directory or file of the keys that verify tokens; empty: as in the parameters. This
            and the next two are parameters of bridge_node.
        token_issuer: required issuer (`iss`) of tokens.
        token_audience: required audience (`aud`) of tokens.
        tls: certificate and key of the bridge.
        insecure: whether other machines may connect without TLS.
        check: returns the parameters, as `checked_parameters` does.

    Raises:
        BringUpError: the values contradict one another.

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
    check: Callable[..., VehicleParameters] = checked_parameters

    def __post_init__(self) -> None:
        if not re.fullmatch(r'(/[A-Za-z_]\w*)+', self.namespace, re.ASCII):
            raise BringUpError(f'{self.namespace!r} is not a namespace such as {NAMESPACE}')
        if self.namespace.split('/')[1] == REPLAY_NAMESPACE.strip('/'):
            raise BringUpError(
                f'{self.namespace}: recordings are replayed in {REPLAY_NAMESPACE}; choose a '
                'namespace outside it'
            )
        if self.simulated and self.serial_port:
            raise BringUpError('simulated boards have no serial port: choose one of the two')
        if self.use_sim_time and not self.simulated:
            raise BringUpError(
                'use_sim_time with real boards: a publisher of /clock would decide which '
                'commands are too old; leave it false'
            )

    @cached_property
    def parameters(self) -> VehicleParameters:
        """The parameters of the nodes, read from the files once for all of them.

        Raises:
            ParameterError: what is wrong in the files, a line for each fault.

        """
        return self.check(
            self.params,
            namespace=self.namespace,
            simulated=self.simulated,
            serial_port=self.serial_port,
            use_sim_time=self.use_sim_time,
        )

    def with_transport(self, tls: TlsFiles | None, *, insecure: bool) -> Plan:
        """Return this plan with another transport; its parameters are not read again."""
        parameters = self.parameters
        return replace(self, tls=tls, insecure=insecure, check=lambda *_, **__: parameters)

    @property
    def directory(self) -> Path:
        """The vehicle's own directory."""
        name = f'domain-{self.domain}'
        if self.namespace != NAMESPACE:
            name += self.namespace.replace('/', '-')
        return self.state_dir / name

    def new_bag(self) -> Path:
        """Return a folder for a new bag; it does not exist yet."""
        return self.directory / 'bags' / time.strftime('%Y-%m-%d-%H-%M-%S')

    @property
    def remappings(self) -> list[tuple[str, str]]:
        """The remapped topics, old and new name: each vehicle of a domain has its own frames."""
        if self.namespace == NAMESPACE:
            return []
        return [(f'/{name}', name) for name in ('tf', 'tf_static')]

    def remap_arguments(self) -> list[str]:
        """Return the remappings as ROS arguments."""
        return [text for old, new in self.remappings for text in ('-r', f'{old}:={new}')]

    @property
    def serial_ports(self) -> list[str]:
        """The serial ports; that of the travel motor, which names the set of boards, is first.

        Raises:
            BringUpError: the parameters have none for the travel motor.

        """
        return [self.serial_port] if self.serial_port else serial_ports(self.parameters)

    @property
    def latch_directory(self) -> Path:
        """The directory of the emergency-stop latch; that of simulated boards is the vehicle's.

        Raises:
            BringUpError: the parameters have no travel motor.

        """
        return self.directory if self.simulated else boards_directory(self.serial_ports[0])

    def lock(self) -> ExitStack:
        """Lock the vehicle and its ports, so that nothing else drives the same boards.

        Returns:
            Closing it, or the end of the process, unlocks them.

        Raises:
            BringUpError: one of them is locked already, or its directory cannot be used.

        """
        with ExitStack() as locks:
            locks.enter_context(self._lock_directory())
            for port in [] if self.simulated else self.serial_ports:
                locks.enter_context(lock_port(port))
            return locks.pop_all()

    def _lock_directory(self) -> TextIO:
        try:
            make_private(self.directory)
            return open_lock(self.directory / 'lock')
        except BlockingIOError:
            raise BringUpError(
                f'the vehicle {self.namespace} of domain {self.domain} runs already; choose '
                'another domain or namespace (oht50 up: --domain, --namespace)'
            ) from None
        except OSError as error:
            raise BringUpError(
                f'{error.filename}: {error.strerror}; choose another state directory'
            ) from error

    def environment(self) -> dict[str, str]:
        """Return what the processes need in their environment; create the secret if it is missing.

        Raises:
            TokenFileError, OSError: the secret or one of the keys cannot be used.
            BringUpError: the parameters cannot be read.

        """
        make_private(self.directory)
        identity = identity_of(self.directory)
        keys = self.keys or self.parameters.given('bridge_node').get('keys')
        return {
            **token_environment(self.state_dir, str(keys or '')),
            **identity.environment(),
            **log_environment(self.directory),
        }

    def simulator(self) -> list[str]:
        """Return the command line of the simulated boards.

        Raises:
            BringUpError: the parameters do not define the boards.

        """
        return [
            sys.executable,
            '-m',
            'oht50_bridge.simulator',
            '--dir',
            str(self.directory / 'simulator'),
            '--lines',
            json.dumps(simulated_lines(self.parameters)),
            '--vehicle',
            json.dumps(simulated_vehicle(self.parameters)),
            '--die-with-parent',
        ]

    def node(self, name: str, log_level: str) -> list[str]:
        """Return the command line of a node, whose parameter file is written before it runs.

        Args:
            name: of the node.
            log_level: lowest level of the log messages that it prints.

        """
        return [
            *module_command('oht50_bridge.nodes'),
            name,
            '--ros-args',
            '-r',
            f'__ns:={self.namespace}',
            *self.remap_arguments(),
            '--log-level',
            log_level,
            '--params-file',
            str(parameters_path(self.directory, name)),
        ]

    def parameter_file(self, node: str) -> Path:
        """Write the parameter file of a node and return it.

        It holds what the check has read, and not the names of the files: a node that is restarted
        gets the same again, not what somebody is editing. Arguments such as `-p name:=value` would
        not do: ROS 2 applies them to every node, and what a file says of one node overrides them.
        """
        values = self.parameters.given(node) | self._own_parameters(node)
        return write_parameters(self.directory, self.namespace, node, values)

    def _own_parameters(self, node: str) -> dict[str, Any]:
        own: dict[str, Any] = {'state_dir': str(self.directory)}
        if node == 'safety_node':
            own['latch_dir'] = str(self.latch_directory)
        if node == 'mission_node':
            own['simulated'] = self.simulated  # whatever a file says: a client relies on it
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
                    for line in simulated_lines(self.parameters)
                }
            )
        elif node == 'hardware_node' and self.serial_port:
            own['serial_port'] = self.serial_port
        return own
