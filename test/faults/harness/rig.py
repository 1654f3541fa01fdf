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
"""A vehicle with taps on its lines and everybody who looks at it; trials of faults on it."""

from __future__ import annotations

import contextlib
import math
import os
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from faults.harness.disk import disk_of
from faults.harness.eyes import Observer
from faults.harness.eyes import Watcher
from faults.harness.eyes import World
from faults.harness.eyes import processes
from faults.harness.eyes import usage
from faults.harness.invariants import not_returned
from faults.harness.line_taps import LineTaps
from faults.harness.recording import Command
from faults.harness.recording import Recording
from faults.harness.recording import Usage
from faults.harness.recording import Window
from gateway.certificates import Authority
from gateway.certificates import install
from gateway.certificates import pem
from simulator_process import SimulatorProcess
from support import OHT50
from support import Connection
from support import Up
from support import free_port
from support import place
from support import wait_for
from websockets.exceptions import WebSocketException

from oht50_bridge.bringup.parameters import simulated_lines
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.identity import identity_of

METER = Path(__file__).resolve().parents[2] / 'stall_meter.py'
LOOKS_WITHIN = 60.0  # s
READY_WITHIN = 120.0  # s, also of a host that has no time for it
TOKEN_LIFETIME = 600.0  # s, of 900 that a token is valid
#: s, until what a burst needed is given back: a pass of the garbage collector, of some 10 ms in a
#: bridge with few clients, may take 1e-4 of the time (oht50_bridge/heap.py).
RETURNED_WITHIN = 200.0
KILLS = 6  # of a process within KILL_WINDOW; of ten `oht50 up` ends (bringup/restart.py)
KILL_WINDOW = 61.0  # s
TRUSTED = 'SSL_CERT_FILE'  # in the environment: the issuers that OpenSSL trusts
# A clock that is read from a file, in every Python process of the vehicle.
CLOCK = """
import mmap, os, struct, time
_file = open(os.environ['OHT50_TEST_CLOCK'], 'rb')
_offset = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + struct.unpack('d', _offset[:8])[0]
time.time_ns = lambda: _time_ns() + int(struct.unpack('d', _offset[:8])[0] * 1e9)
"""
# As on exFAT, and on some filesystems of a network.
NO_LINKS = """
import errno, os
def _link(source, target, **_):
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)
os.link = _link
"""


class Tapped(Up):
    """`oht50 up` on the taps of its lines, with a port and directories that a restart keeps."""

    def __init__(
        self, base: Path, run: int, domain: int, port: int, environment: dict,
        tls: TlsFiles | None,
    ) -> None:  # fmt: skip
        directory = base / f'run-{run}'
        directory.mkdir()
        self._port, self._state = port, base / 'state'
        transport = ('--tls-cert', str(tls.certificate), '--tls-key', str(tls.key)) if tls else ()
        super().__init__(
            directory, domain, '--params', str(base / 'parameters.yaml'), *transport, boards=(),
            environment={'XDG_STATE_HOME': str(base / 'home'), **environment},
        )  # fmt: skip
        self.port = port
        self.url = f'{"wss" if tls else "ws"}://127.0.0.1:{port}/ws/telemetry'

    def command(self, boards, arguments):
        self.port, self.state_dir = self._port, self._state
        return super().command(boards, arguments)


class StallMeter:
    """The process that measures how long the host gave nobody its processor."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, '-I', '-S', str(METER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self._process.stdout.readline()

    def longest(self, since: float) -> float:
        """Return the longest stall since a moment, s."""
        self._process.stdin.write(f'{since!r}\n')
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Rig:
    """The vehicle, its boards, the taps, and those who look.

    Args:
        base: directory for all of it.
        domain: DDS domain.
        clock: whether its clock can be stepped.
        disk: whether its state directory has a filesystem of its own.
        no_links: whether its filesystem has no hard links.
        tls: whether its bridge speaks TLS.

    """

    def __init__(
        self,
        base: Path,
        domain: int,
        *,
        clock: bool = False,
        disk: bool = False,
        no_links: bool = False,
        tls: bool = False,
    ) -> None:
        self.base, self._domain, self._disk = base, domain, disk
        self._tls = tls
        self._tls_files: TlsFiles | None = None
        self._stack = contextlib.ExitStack()
        self._token_lock = threading.Lock()
        self._tokens: dict[str, tuple[float, str]] = {}  # by role, when made
        self._port = free_port()
        self._runs = 0
        self._kills: deque[tuple[float, str]] = deque()
        self._environment: dict[str, str] = {}
        self._clock_file = base / 'clock' if clock else None
        hooks = CLOCK * clock + NO_LINKS * no_links
        if hooks:
            (base / 'sitecustomize.py').write_text(hooks)
            self._environment['PYTHONPATH'] = str(base)
        if clock:
            self.step_clock(0.0)
            self._environment['OHT50_TEST_CLOCK'] = str(self._clock_file)
        self.past_log = ''
        self.broke_at = 0.0  # s, when something was last broken, as soon as that is known

    def __enter__(self) -> Rig:
        with contextlib.ExitStack() as stack:
            if self._disk:
                stack.enter_context(disk_of(self.base / 'state', self.base / 'disk.img'))
            lines = simulated_lines(Plan(self.base / 'state', self._domain).parameters)
            boards = stack.enter_context(SimulatorProcess(lines))
            links = self.base / 'ports'
            links.mkdir()
            self.boards = boards.client
            self.taps = stack.enter_context(
                LineTaps({name: (links / name, boards.directory / name) for name in lines})
            )
            self._write_parameters(links, lines)
            if self._tls:
                stack.enter_context(self._trusted())
            self.meter = StallMeter()
            stack.callback(self.meter.close)
            self.world = stack.enter_context(World(boards.directory))
            stack.callback(self._end_vehicle)
            self._start()
            self.watcher = stack.enter_context(
                Watcher('watcher', lambda: self.vehicle.url, lambda: self.token('admin'))
            )
            self.observer = stack.enter_context(Observer(self.vehicle))
            wait_for(lambda: self.observer.seen, LOOKS_WITHIN, 'the observer receives something')
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _write_parameters(self, links: Path, lines: dict[str, Any]) -> None:
        devices = {name: {'device': str(links / name)} for name in lines}
        document = {'/**/hardware_node': {'ros__parameters': {'line': devices}}}
        (self.base / 'parameters.yaml').write_text(yaml.safe_dump(document))

    @contextlib.contextmanager
    def _trusted(self) -> Iterator[None]:
        """Have a certificate of the bridge that every client of this process trusts."""
        authority = Authority('issuer')
        self._tls_files, _ = install(self.base, authority)
        issuer = self.base / 'issuer.pem'
        issuer.write_bytes(pem(authority.certificate))
        before = os.environ.get(TRUSTED)
        os.environ[TRUSTED] = str(issuer)
        try:
            yield
        finally:
            os.environ.pop(TRUSTED)
            if before is not None:
                os.environ[TRUSTED] = before

    # --- the vehicle ---

    def _start(self) -> None:
        self._runs += 1
        self.vehicle = Tapped(
            self.base, self._runs, self._domain, self._port, self._environment, self._tls_files
        )
        self.vehicle.wait_until_up()

    def _end_vehicle(self) -> None:
        if self.vehicle.process.poll() is None:
            self.vehicle.__exit__()

    def restart(self) -> None:
        """Start the vehicle again, whose `oht50 up` has ended."""
        self.vehicle.process.wait(20.0)
        wait_for(lambda: len(processes(self.vehicle)) == 1, 40.0, 'the processes have ended')
        self.past_log += self.vehicle.log.read_text(errors='replace')
        self._start()

    def log(self) -> str:
        """Return everything that the vehicle printed."""
        return self.past_log + self.vehicle.log.read_text(errors='replace')

    def token(self, role: str) -> str:
        """Return an access token by the clock of the vehicle."""
        with self._token_lock:
            made_at, token = self._tokens.get(role, (-math.inf, ''))
            if time.monotonic() - made_at > TOKEN_LIFETIME:
                command = [*OHT50, 'token', '--role', role]
                token = subprocess.run(
                    [*command, '--state-dir', str(self.vehicle.state_dir)],
                    env=self.vehicle.environment, capture_output=True, text=True, check=True,
                ).stdout.strip()  # fmt: skip
                self._tokens[role] = time.monotonic(), token
            return token

    @contextlib.contextmanager
    def client(self, role: str, subscribe: tuple[str, ...] = ()) -> Iterator[Connection]:
        """Give a client that has subscribed."""
        with self.vehicle.client(role, subscribe, self.token(role)) as connection:
            yield connection

    def step_clock(self, offset: float) -> None:
        """Set the date of the vehicle to that of the host plus s."""
        self._tokens.clear()
        if self._clock_file is not None:
            mode = 'r+b' if self._clock_file.exists() else 'wb'
            with self._clock_file.open(mode) as file:
                file.write(struct.pack('d', offset))

    def kill(self, name: str, number: int) -> int:
        """Send a process of the vehicle a signal; return its pid."""
        pid = wait_for(lambda: processes(self.vehicle).get(name), what=f'{name} runs')
        os.kill(pid, number)
        self.broke_at = time.monotonic()
        self._kills.append((self.broke_at, name))
        return pid

    def has_killed(self, name: str) -> bool:
        """Return whether a process of the vehicle was ever killed."""
        return any(name == killed for _, killed in self._kills)

    def wait_for_new(self, old: dict[str, int], within: float) -> None:
        """Wait until processes run again as others than those of `old`, pids by name."""

        def run() -> bool:
            found = processes(self.vehicle)
            return all(found.get(name) not in (None, pid) for name, pid in old.items())

        wait_for(run, within, f'{", ".join(old)} are back', pause=0.1)

    def breathe(self, names: set[str]) -> None:
        """Wait until none of some processes has ended too often within a while."""

        def may():
            since = time.monotonic() - KILL_WINDOW
            recent = [name for at, name in self._kills if at > since]
            return all(recent.count(name) < KILLS for name in names)

        wait_for(may, KILL_WINDOW, 'processes may end again', pause=0.5)

    # --- its state ---

    def drives(self) -> bool:
        """Whether the carrier moves."""
        return bool(self.world.seen) and abs(self.world.seen[-1].velocity) > 0.003

    def ready(self, within: float = READY_WITHIN) -> float:
        """Clear what is latched and wait until the vehicle is ready; return how long, s."""
        start = time.monotonic()

        def is_ready():
            if self.vehicle.process.poll() is not None:
                raise AssertionError(f'oht50 up ended:\n{self.log()[-3000:]}')
            with (
                contextlib.suppress(OSError, WebSocketException, EOFError, AssertionError),
                self.client('admin', ('system.status', 'mission.state')) as admin,
            ):
                admin.wait('system.status', 3.0)  # the last one, of whatever moment
                while time.monotonic() - start < within:
                    status = admin.wait('system.status', 3.0)['data']
                    if status['state'] == 'ready':
                        return True
                    admin.attempt('cancel_mission')
                    admin.attempt('clear_estop')
            return False

        wait_for(is_ready, within, 'the vehicle is ready', pause=0.1)
        return time.monotonic() - start

    def place(self, x: float) -> None:
        """Put the vehicle, which stands, at x, m."""
        place(self.vehicle, self.boards, x)

    # --- commands ---

    def order(self, recording: Recording, name: str, **fields: Any) -> Command | None:
        """Give a command as an operator's own connection does; keep it with its answer."""
        at = time.monotonic()
        answer = None
        with (
            contextlib.suppress(OSError, WebSocketException, EOFError, AssertionError),
            self.client('admin') as admin,
        ):
            at = time.monotonic()
            admin.send(name, request_id='order', **fields)
            answer = admin.wait(
                ('command.result', 'error'),
                5.0,
                where=lambda message: message.get('request_id') == 'order',
            )
        recording.commands.append(Command(at, time.monotonic(), name, fields, answer))
        return recording.commands[-1]

    # --- recordings ---

    @contextlib.contextmanager
    def recorded(self) -> Iterator[Recording]:
        """Record what happens meanwhile."""
        identity = identity_of(self.vehicle.vehicle_dir)
        recording = Recording(vehicle=identity.vehicle, before=usage(self.vehicle))
        lists = {
            'messages': self.watcher.messages, 'seams': self.watcher.seams,
            'delays': self.watcher.delays, 'truth': self.world.seen, 'topics': self.observer.seen,
        }  # fmt: skip
        begin = time.monotonic()
        for seen in lists.values():
            seen.clear()
        self.taps.frames()
        said = len(self.log())
        try:
            yield recording
        finally:
            recording.frames = self.taps.frames()
            for name, seen in lists.items():
                setattr(recording, name, list(seen))
            recording.log = self.log()[said:]
            recording.after = self._returned(recording.before)
            recording.stall = self.meter.longest(begin)

    def _returned(self, before: list[Usage]) -> list[Usage]:
        """Return what the processes use, once it is what they used before, or too late."""
        end = time.monotonic() + RETURNED_WITHIN
        while not_returned(before, after := usage(self.vehicle)) and time.monotonic() < end:
            time.sleep(0.5)
        return after

    @contextlib.contextmanager
    def window(self, recording: Recording, fault: str, line: str = '') -> Iterator[None]:
        """Note when a fault lasts."""
        start = time.monotonic()
        try:
            yield
        finally:
            recording.windows.append(Window(start, time.monotonic(), fault, line))
