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
"""Starts the nodes of a vehicle as processes, starts them again when they die, and stops them."""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from oht50_bridge.bringup.parameters import parameters_of
from oht50_bridge.bringup.plan import Ends
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.plan import describe
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import graph_environment
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.tls import InsecureError
from oht50_bridge.gateway.tls import TlsError
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.gateway.tls import check_listening
from oht50_bridge.gateway.tls import is_loopback
from oht50_bridge.gateway.tls import load
from oht50_bridge.nodes import NODES
from oht50_bridge.paths import default_state_dir
from oht50_bridge.protocol.catalogue import PATH
from oht50_bridge.signals import SIGNALS_WAIT

POLL = 0.05  # s, between two looks at the processes
START_TIMEOUT = 15.0  # s, until the bridge must listen
STOP_TIMEOUT = 3.0  # s, from one signal to the next, harder one
STABLE = 10.0  # s, a process that lived this long is started again at once
MAXIMUM_BACKOFF = 5.0  # s, between two starts of a process that keeps dying

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """Have the kernel end this child when the supervisor dies, however it dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGTERM)


class StopSignal:
    """Takes SIGINT and SIGTERM for a wish to end.

    Unlike a threading.Event it has no lock, which the very thread that a signal interrupts may
    hold.
    """

    def __init__(self) -> None:
        self._wished = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._wish)

    def _wish(self, *_: object) -> None:
        self._wished = True

    def wait(self, seconds: float) -> bool:
        """Return after a while whether to end."""
        time.sleep(seconds)
        return self._wished


class Process:
    """One process that is started again when it dies.

    Args:
        name: for people.
        command: its command line.
        environment: its environment.
        orphan: it sees to its own end when the supervisor dies.

    """

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], *, orphan: bool = False
    ):
        self.name = name
        self._orphan = orphan
        self._command = command
        self._environment = environment
        self._child: subprocess.Popen | None = None
        self._stdout: int | None = None  # when it is started again
        self._started = 0.0
        self._backoff = 0.0
        self._restart_at: float | None = None
        self._ends = Ends(name)

    def start(self, stdout: int | None) -> subprocess.Popen:
        """Start it, in a process group of its own: Ctrl-C reaches it through the supervisor."""
        self._stdout = subprocess.DEVNULL if stdout == subprocess.PIPE else stdout
        self._child = subprocess.Popen(  # noqa: S603 - a list, no shell
            [*SIGNALS_WAIT, *self._command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=True,
            preexec_fn=None if self._orphan else _die_with_parent,
        )
        self._started = time.monotonic()
        self._restart_at = None
        return self._child

    def look(self) -> None:
        """Start it again when it died, sooner the longer it lived.

        Raises:
            CommandError: a new start does not mend it.

        """
        now = time.monotonic()
        if self._restart_at is not None:
            if now >= self._restart_at:
                self.start(self._stdout)
            return
        code = self._child.poll()
        if code is None:
            return
        self._ends.add(code)
        stable = now - self._started >= STABLE
        self._backoff = 0.0 if stable else min(MAXIMUM_BACKOFF, max(0.2, 2 * self._backoff))
        self._restart_at = now + self._backoff
        print(f'{self.name} ended ({describe(code)}); starting it again', file=sys.stderr)

    def signal(self, number: int) -> None:
        """Send it a signal if it lives."""
        self._restart_at = None
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def alive(self) -> bool:
        """Tell whether it lives."""
        return self._child is not None and self._child.poll() is None


class Supervisor:
    """A vehicle: its simulator if it has one, and its nodes.

    Args:
        arguments: the options of `oht50 up`.

    """

    def __init__(self, arguments: argparse.Namespace):
        self._arguments = arguments
        self._host = arguments.host
        self._port = arguments.port
        self._tls, insecure = self._transport()
        self._plan = Plan(
            state_dir=arguments.state_dir,
            domain=arguments.domain,
            namespace=arguments.namespace,
            params=arguments.params,
            simulated=arguments.sim,
            serial_port=arguments.serial or '',
            host=arguments.host,
            port=arguments.port,
            keys=arguments.keys,
            token_issuer=arguments.issuer,
            token_audience=arguments.audience,
            tls=self._tls,
            insecure=insecure,
        )
        self._ending = StopSignal()
        self._simulator: Process | None = None
        self._nodes: list[Process] = []

    def run(self) -> int:
        """Run until SIGINT or SIGTERM; return the exit code.

        Raises:
            CommandError: the vehicle cannot be started; the message says why and what to do.

        """
        self._check()
        try:
            lock = self._plan.lock()
            try:
                self._start()
                while not self._ending.wait(POLL):
                    for process in self._processes():
                        process.look()
            finally:
                self._stop()
                lock.close()
        except (OSError, TokenFileError) as error:
            raise CommandError(str(error)) from error
        return 0

    def _processes(self) -> list[Process]:
        return [*([self._simulator] if self._simulator else []), *self._nodes]

    def _check(self) -> None:
        """Find before anything is started what would make it fail half-way."""
        parameters_of('hardware_node', self._arguments.params)
        check_port(self._host, self._port)

    def _transport(self) -> tuple[TlsFiles | None, bool]:
        """Return the files of TLS and whether it is allowed to do without, checked.

        Raises:
            CommandError: TLS cannot be had as asked for, or is missing.

        """
        arguments = self._arguments
        if bool(arguments.tls_cert) != bool(arguments.tls_key) or (
            arguments.tls_client_ca and not arguments.tls_cert
        ):
            raise CommandError('TLS wants both --tls-cert and --tls-key')
        given = parameters_of('bridge_node', arguments.params)
        names = [
            arguments.tls_cert or given.get('tls_certificate'),
            arguments.tls_key or given.get('tls_key'),
            arguments.tls_client_ca or given.get('tls_client_ca'),
        ]
        certificate, key, client_ca = (Path(name).absolute() if name else None for name in names)
        tls = TlsFiles(certificate, key, client_ca) if certificate and key else None
        insecure = arguments.insecure or given.get('insecure') is True
        try:
            if tls is not None:
                load(tls)
            check_listening(self._host, tls is not None, insecure)
        except TlsError as error:
            raise CommandError(str(error)) from error
        except InsecureError as error:
            raise CommandError(
                f'{error}: give --tls-cert and --tls-key, or, in a network where nobody else is, '
                '--insecure'
            ) from error
        except OSError as error:
            raise CommandError(
                f'--host {self._host}: {error.strerror}; give a name or address of this machine'
            ) from error
        return tls, insecure

    def _start(self) -> None:
        environment = self._environment()
        if self._arguments.sim:
            self._start_simulator(environment)
        for name in NODES:
            process = Process(name, self._command(name), environment)
            self._nodes.append(process)
            process.start(stdout=None)
        if self._wait_for_bridge():
            self._tell()

    def _environment(self) -> dict[str, str]:
        return graph_environment(self._arguments) | self._plan.environment()

    def _command(self, node: str) -> list[str]:
        """Return the command line of a node."""
        command = [
            *module_command('oht50_bridge.nodes'),
            node,
            '--ros-args',
            '-r',
            f'__ns:={self._plan.namespace}',
            *self._plan.remap_arguments(),
            '--log-level',
            self._arguments.log_level,
        ]
        for path in self._plan.parameter_files(node):
            command += ['--params-file', str(path)]
        return command

    def _start_simulator(self, environment: dict[str, str]) -> None:
        """Start the simulated boards and wait until their serial lines are there."""
        self._simulator = Process('simulator', self._plan.simulator(), environment, orphan=True)
        child = self._simulator.start(stdout=subprocess.PIPE)
        if not child.stdout.readline():
            raise CommandError(f'the simulator ended ({describe(child.wait())}, see above)')

    def _wait_for_bridge(self) -> bool:
        """Wait until clients can connect; return False when told to end before.

        Raises:
            CommandError: it took too long.

        """
        deadline = time.monotonic() + START_TIMEOUT
        host = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(self._host, self._host)  # noqa: S104
        while not self._ending.wait(POLL):
            for process in self._processes():
                process.look()
            try:
                socket.create_connection((host, self._port), timeout=1.0).close()
                return True
            except OSError:
                if time.monotonic() > deadline:
                    raise CommandError(
                        f'the bridge does not listen after {START_TIMEOUT:g} s; --log-level info '
                        'shows what the nodes do'
                    ) from None
        return False

    def _tell(self) -> None:
        arguments = self._arguments
        kind = 'simulated boards' if arguments.sim else arguments.serial or 'serial lines'
        host = f'[{self._host}]' if ':' in self._host else self._host
        scheme = 'ws' if self._tls is None else 'wss'
        url = f'{scheme}://{host}:{self._port}{PATH}'
        # As it was called, so that the lines can be copied.
        program = sys.argv[0]
        state = ''
        if arguments.state_dir != default_state_dir():
            state = f' --state-dir {arguments.state_dir}'
        print(
            f"""OHT-50 is up ({kind}).
  WebSocket  {url}
  Token      {program} token --role operator{state}
  Watch      {program} watch {url}{state}
  ROS 2      domain {arguments.domain}, topics under {arguments.namespace}, \
discovery {arguments.discovery}
  Stop       Ctrl-C""",
            flush=True,
        )
        if self._tls is None and not is_loopback(self._host):
            print(
                'Others can reach this port, and nothing is encrypted: anybody in between can '
                'read the tokens and stop or drive the vehicle.',
                file=sys.stderr,
            )

    def _stop(self) -> None:
        """Stop the nodes, then the simulator: the motor's stop is read back from its board."""
        stop(self._nodes)
        stop([self._simulator] if self._simulator else [])


def check_port(host: str, port: int) -> None:
    """Check that a port can be listened on.

    Raises:
        CommandError: it cannot.

    """
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f'cannot listen on {host} port {port}: {error.strerror}; choose another with '
                '--host or --port'
            ) from error


def stop(processes: list[Process]) -> None:
    """Stop processes, with a harder signal where one is not heeded."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            process.signal(number)
        if wait_for_end(processes, STOP_TIMEOUT):
            break


def module_command(module: str) -> list[str]:
    """Return the command line of a module that needs rclpy: a real one, else that of rosless."""
    rclpy = importlib.util.find_spec('rclpy')
    real = rclpy is not None and 'rosless' not in Path(rclpy.origin).parts
    return [sys.executable, '-m', *([] if real else ['rosless']), module]


def wait_for_end(processes: list[Process], timeout: float) -> bool:
    """Wait until all have ended; return False when one has not within `timeout` s."""
    deadline = time.monotonic() + timeout
    while any(process.alive() for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
