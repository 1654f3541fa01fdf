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
"""Starts the processes of a vehicle, restarts those that end, and stops all of them."""

from __future__ import annotations

import errno
import socket
import subprocess
import time
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.host_check import host_faults
from oht50_bridge.bringup.output import STDERR
from oht50_bridge.bringup.output import ProcessOutput
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.parameters import connections
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.preload import PRELOAD
from oht50_bridge.bringup.preload import Preloaded
from oht50_bridge.bringup.preload import can_preload
from oht50_bridge.bringup.process import POLL_PERIOD
from oht50_bridge.bringup.process import Process
from oht50_bridge.bringup.process import module_command
from oht50_bridge.bringup.process import stop
from oht50_bridge.bringup.restart import describe_exit
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.host_addresses import bound_sockets
from oht50_bridge.nodes import NODES
from oht50_bridge.signals import StopSignal
from oht50_bridge.signals import refuse_suspension
from oht50_bridge.standard_streams import say

START_TIMEOUT = 15.0  # s, until the bridge must listen
CONNECT_TIMEOUT = 1.0  # s, of one attempt to connect to the bridge
NOT_SUSPENDED = 'oht50 up: a vehicle cannot be suspended, it runs on; Ctrl-C stops it'


class Supervisor:
    """The processes of a vehicle: its nodes, and the simulator of its boards if it has one.

    Args:
        plan: the vehicle.
        environment: of the processes; that of the plan is added.
        log_level: lowest level of the log messages that nodes print.
        on_ready: called once when clients can connect.
        preloaded: the process from which the nodes are forked; None: they are executed. The
            caller closes it.

    """

    def __init__(
        self,
        plan: Plan,
        environment: Mapping[str, str],
        log_level: str,
        on_ready: Callable[[], None],
        preloaded: Preloaded | None = None,
    ) -> None:
        self._plan = plan
        self._base_environment = environment
        self._log_level = log_level
        self._on_ready = on_ready
        self._stop_signal = StopSignal()
        # The nodes have no terminal, and would go on with nobody to see or restart them.
        refuse_suspension(NOT_SUSPENDED)
        self._output: ProcessOutput | None = None
        self._preloaded = preloaded
        self._simulator: Process | None = None
        self._simulator_output: IO[bytes] | None = None
        self._nodes: list[Process] = []

    def run(self) -> None:
        """Run the vehicle until SIGINT or SIGTERM.

        Raises:
            BringUpError: it cannot be started, or a process of it cannot be kept running.

        """
        self._check()
        try:
            lock = self._plan.lock()
            preloaded = self._preloaded
            output = self._output = preloaded.output if preloaded else ProcessOutput(STDERR)
            try:
                self._start(output)
                while not self._stop_signal.wait(POLL_PERIOD):
                    self._restart_ended()
            finally:
                self._stop()
                if preloaded is None:
                    output.close()
                lock.close()
        except TokenFileError as error:
            raise BringUpError(str(error)) from error
        except OSError as error:
            remedy = '; make room' if error.errno in (errno.ENOSPC, errno.EDQUOT) else ''
            raise BringUpError(
                f'{error.filename or self._plan.state_dir}: {error.strerror or error}{remedy}'
            ) from error

    def _check(self) -> None:
        """Find what would make the start fail half-way, before anything is started."""
        parameters = self._plan.parameters
        check_host(self._base_environment, parameters, self._plan.state_dir)
        check_port(self._plan.host, self._plan.port)

    def _start(self, output: ProcessOutput) -> None:
        own = self._plan.environment()
        environment = {**self._base_environment, **own}
        if self._preloaded is not None:
            self._preloaded.add_environment(own)
        if self._plan.simulated:
            self._start_simulator(environment)
        if self._preloaded is not None:
            self._preloaded.wait(START_TIMEOUT, lambda: self._stop_signal.requested)
        for name in NODES:
            self._plan.parameter_file(name)
            command = self._plan.node(name, self._log_level)
            process = Process(name, command, environment, output=output, preloaded=self._preloaded)
            self._nodes.append(process)
            process.start(stdout=None)
        if self._wait_for_bridge():
            self._on_ready()

    def _start_simulator(self, environment: dict[str, str]) -> None:
        """Start the simulated boards and wait until their serial lines exist.

        Raises:
            BringUpError: the simulator ended.

        """
        self._simulator = Process(
            'simulator',
            self._plan.simulator(),
            environment,
            watches_parent=True,
            output=self._output,
        )
        child = self._simulator.start(stdout=subprocess.PIPE)
        self._simulator_output = child.stdout
        if child.stdout is None or not child.stdout.readline():
            raise BringUpError(f'the simulator ended ({describe_exit(child.wait())}, see above)')

    def _wait_for_bridge(self) -> bool:
        """Wait until clients can connect; return False when SIGINT or SIGTERM arrives before.

        Raises:
            BringUpError: the bridge does not listen within START_TIMEOUT.

        """
        deadline = time.monotonic() + START_TIMEOUT
        host = self._plan.host
        host = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(host, host)  # noqa: S104
        while not self._stop_signal.wait(POLL_PERIOD):
            self._restart_ended()
            try:
                socket.create_connection((host, self._plan.port), CONNECT_TIMEOUT).close()
                return True
            except OSError:
                if time.monotonic() > deadline:
                    raise BringUpError(
                        f'the bridge does not listen after {START_TIMEOUT:g} s; --log-level info '
                        'shows what the nodes do'
                    ) from None
        return False

    def _restart_ended(self) -> None:
        processes = [*([self._simulator] if self._simulator else []), *self._nodes]
        for process in processes:
            process.restart_if_ended()
        if self._preloaded is not None:
            self._preloaded.watch({process.pid for process in processes})

    def _stop(self) -> None:
        """Stop the nodes, then the simulator: the motor's stop is read back from its board."""
        stop(self._nodes)
        if self._simulator is not None:
            stop([self._simulator])
        if self._simulator_output is not None:
            self._simulator_output.close()


def start_preload(plan: Plan, environment: Mapping[str, str], log_level: str) -> Preloaded | None:
    """Start the process from which the nodes of a vehicle are forked; None where they cannot be.

    Args:
        plan: the vehicle. Its parameters need not be right.
        environment: of the process.
        log_level: lowest level of the log messages that nodes print.

    """
    if not can_preload():
        return None
    room = min(len(' '.join(plan.node(name, log_level))) for name in NODES)
    return Preloaded(module_command(PRELOAD), room, environment, ProcessOutput(STDERR))


def check_host(
    environment: Mapping[str, str], parameters: VehicleParameters, state_dir: Path
) -> None:
    """Try what the vehicle needs of its computer; say on stderr what is merely not well.

    Args:
        environment: of the processes.
        parameters: of the vehicle.
        state_dir: directory of persistent state.

    Raises:
        BringUpError: no vehicle can run on it.

    """
    for fault in host_faults(environment, connections(parameters), state_dir):
        if fault.fatal:
            raise BringUpError(str(fault))
        say(f'Warning: {fault}')


def check_port(host: str, port: int) -> None:
    """Check that the bridge will be able to listen on a TCP port, by the same rule.

    Raises:
        BringUpError: it is not.

    """
    try:
        for probe in bound_sockets(host, port):
            probe.close()
    except OSError as error:
        raise cannot_listen(host, port, error) from error


def cannot_listen(host: str, port: int, error: OSError) -> BringUpError:
    """Return the error for an address that cannot be listened on."""
    return BringUpError(
        f'cannot listen on {host} port {port}: {error.strerror}; choose another with --host or '
        '--port'
    )
