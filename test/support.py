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
"""What tests of whole processes share: a vehicle, waiting, and DDS domains of their own."""

import contextlib
import io
import itertools
import json
import math
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from websockets.sync.client import connect

from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.process import module_command
from oht50_bridge.cli.main import main as cli
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.simulator.control import SimulatorClient

OHT50 = [sys.executable, '-m', 'oht50_bridge.cli.main']
ROOT = Path(__file__).resolve().parent.parent
STARTING = 5.0  # s, in which the services of a node that started are found
# What can be no name of a host; the last one is no Unicode either.
NO_HOSTS = ['a' * 64, 'a..b', '.', 'xn--\xe9', 'a\0b', '\udcff']
UNKNOWN = 'no node serves it now'  # in the description of an error
TOKEN_USED_FOR = 600.0  # s, of the 15 min that it lasts
SETTLING = 3.0  # s, after which what the end of a node caused is known
STANDS_AT = 0.0005  # m, from a place, half a step of the position
JUMP = 1.0  # m, that no motion explains
# s, in which a stop is on its way: nothing waits for the end of a time limit. `bench/` measures.
AT_ONCE = 0.3
# Above 101, DDS ports fall among those that the kernel gives out by itself.
FIRST_DOMAIN, LAST_DOMAIN = 10, 100


def wait_for(condition, timeout=20.0, what='condition', pause=0.01):
    """Return the condition's first true value; fail with its name when there is none in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError(f'{what}: not within {timeout} s')


@contextlib.contextmanager
def filesystem(directory, size):
    """Give a filesystem of its own, `size` such as 64k; skip where none can be mounted."""
    directory.mkdir()
    command = ['mount', '-t', 'tmpfs', '-o', f'size={size},mode=0700', 'tmpfs', directory]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip('a filesystem can be mounted by root alone')
    try:
        yield directory
    finally:
        subprocess.run(['umount', '--lazy', directory], check=True)


def fill(directory):
    """Leave no byte free on a filesystem; return the file to remove for more room."""
    filler = directory / 'filler'
    with filler.open('wb', buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b'x' * 512)
    return filler


@contextlib.contextmanager
def no_descriptor_left():
    """Let this process open no file meanwhile."""
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def free_port():
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def listens(port):
    """Return whether somebody listens on a TCP port of the loopback."""
    with contextlib.suppress(OSError):
        socket.create_connection(('127.0.0.1', port), 1.0).close()
        return True
    return False


@contextlib.contextmanager
def own_domain():
    """Give a DDS domain that no other test of this machine has: a UDP port stands for it."""
    start = os.getpid()
    span = LAST_DOMAIN - FIRST_DOMAIN + 1
    for step in range(span):
        domain = FIRST_DOMAIN + (start + step) % span
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lock:
            try:
                lock.bind(('127.0.0.1', 61000 + domain))
            except OSError:
                continue
            yield domain
            return
    raise AssertionError('every DDS domain is taken')


def processes_of(marker, command=re.compile('')):
    """Return the pids of processes whose command line or environment holds `marker`.

    Their command line, with a space between its words, must match `command`.
    """
    found = []
    for entry in Path('/proc').iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                # A process that was forked from another one shows spaces.
                words = (entry / 'cmdline').read_text(errors='replace').replace('\0', ' ')
                if not command.search(words):
                    continue
                text = words + (entry / 'environ').read_text(errors='replace')
                state = (entry / 'stat').read_text().rpartition(')')[2].split()[0]
                if marker in text and state != 'Z':
                    found.append(int(entry.name))
    return found


def command_line(pid):
    """Return the command line of a process, '' when it has ended."""
    try:
        return Path(f'/proc/{pid}/cmdline').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ''


@contextlib.contextmanager
def started(command, **options):
    """Run a process, and kill it in the end: a test that fails must not wait for it.

    Args:
        command: its command line.
        options: those of subprocess.Popen.

    """
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


class Background:
    """A process of these tests, with its output in a file, in a session of its own.

    Attributes:
        is_job: whether it is in a process group of this session instead, as a job of a shell is,
            which a terminal can suspend.

    """

    is_job = False

    def __init__(self, log, command, environment=None):
        self.log = log
        with log.open('w') as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=not self.is_job,
                preexec_fn=os.setpgrp if self.is_job else None,
            )

    def wait_for(self, text, timeout=30.0):
        """Wait until it prints a text."""

        def printed():
            assert self.process.poll() is None, self.log.read_text()
            return text in self.log.read_text()

        wait_for(printed, timeout, f'{text!r} in {self.log.name}')

    def stop(self, timeout=15):
        """Stop it as Ctrl-C does; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        # A test that failed must not leave others a vehicle: `ros2 launch` ends its nodes only so.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Up(Background):
    """A simulated vehicle: `oht50 up --sim` as a process of its own, with all that it starts."""

    def __init__(self, directory, domain, *arguments, boards=('--sim',), environment=None):
        self.directory = directory
        self.domain = domain
        self.namespace = NAMESPACE
        if '--namespace' in arguments:
            self.namespace = arguments[arguments.index('--namespace') + 1]
        self.port = free_port()
        self.url = f'ws://127.0.0.1:{self.port}/ws/telemetry'
        self.state_dir = directory / 'state'
        self.environment = {
            **os.environ,
            # The latch of boards that are not simulated belongs to their port (docs/safety.md).
            'XDG_STATE_HOME': str(directory / 'home'),
            'ROS_DOMAIN_ID': str(domain),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        }
        self.environment.pop('CYCLONEDDS_URI', None)
        self.environment.update(environment or {})
        self.started = time.monotonic()
        self.up_at = None  # s since 1970
        self._tokens = {}
        super().__init__(directory / 'up.log', self.command(boards, arguments), self.environment)

    def command(self, boards, arguments):
        """Return the command line that starts it."""
        return [
            *OHT50,
            'up',
            *boards,
            '--port',
            str(self.port),
            '--domain',
            str(self.domain),
            '--state-dir',
            str(self.state_dir),
            '--log-level',
            'info',
            *arguments,
        ]

    @property
    def vehicle_dir(self):
        """Where the processes of this vehicle keep what is theirs."""
        return Plan(self.state_dir, self.domain, self.namespace).directory

    def wait_until_up(self):
        """Wait until it says so."""
        self.wait_for('OHT-50 is up')
        self.up_at = time.time()
        return self

    def simulator(self):
        """Return a connection to the simulated boards."""
        return SimulatorClient(self.vehicle_dir / 'simulator')

    def token(self, role):
        """Return an access token, as a person would get it; one for each role while it lasts."""
        issued, token = self._tokens.get(role, (-math.inf, ''))
        if time.monotonic() - issued > TOKEN_USED_FOR:
            with contextlib.redirect_stdout(io.StringIO()) as output:
                assert cli(['token', '--role', role, '--state-dir', str(self.state_dir)]) == 0
            token = output.getvalue().strip()
            self._tokens[role] = time.monotonic(), token
        return token

    @contextlib.contextmanager
    def client(self, role='operator', subscribe=(), token=None):
        """Give an authenticated connection that has subscribed."""
        with Connection(self.url, token or self.token(role)) as connection:
            if subscribe:
                connection.send('subscribe', events=list(subscribe))
                connection.wait('subscription.confirmed')
            yield connection

    def node_pid(self, name):
        """Return the process id of a node."""
        pids = processes_of(
            str(self.state_dir), re.compile(rf'nodes {name} |oht50_bridge/{name} ')
        )
        return pids[0] if pids else None

    def has_settled(self, name):
        """Whether a node is the first, or has run until the end of the one before it is known."""
        pid = self.node_pid(name)
        with contextlib.suppress(psutil.NoSuchProcess):
            started = None if pid is None else psutil.Process(pid).create_time()
            return started and (started < self.up_at or time.time() - started > SETTLING)
        return False

    def wait_for_new(self, name, old_pid):
        """Wait until a node runs again as another process."""
        wait_for(lambda: self.node_pid(name) not in (None, old_pid), what=f'{name} is back')

    def spawn(self, script, *arguments, **options):
        """Start a script of these tests as a ROS node on this vehicle's domain."""
        path = os.pathsep.join([str(ROOT / 'test'), os.environ.get('PYTHONPATH', '')])
        return subprocess.Popen(
            [*module_command(script), *arguments, '--ros-args', '-r', f'__ns:={self.namespace}'],
            env={**self.environment, 'PYTHONPATH': path},
            **options,
        )


class Launched(Up):
    """A simulated vehicle of `ros2 launch`, with the options of `oht50 up`."""

    def command(self, boards, arguments):
        options = dict(zip(arguments[::2], arguments[1::2], strict=True))
        names = {'--params': 'params_file', '--namespace': 'namespace', '--record': 'record'}
        assert boards == ('--sim',)
        return [
            'ros2',
            'launch',
            'oht50_bridge',
            'vehicle_launch.py',
            'sim:=true',
            f'port:={self.port}',
            f'state_dir:={self.state_dir}',
            *(f'{names[option]}:={value}' for option, value in options.items()),
        ]

    def wait_until_up(self):
        """Wait until the bridge listens."""

        def listening():
            assert self.process.poll() is None, self.log.read_text()
            return listens(self.port)

        wait_for(listening, 60.0, 'the bridge listens')
        self.up_at = time.time()
        return self


# Where ROS 2 is, the same tests drive a vehicle that was launched.
Vehicle = Launched if os.environ.get('OHT50_TEST_START') == 'launch' else Up


@contextlib.contextmanager
def running(directory, parameters=''):
    """Give a vehicle that is up; `parameters` go over those of the package. It ends cleanly."""
    arguments = []
    if parameters:
        path = directory / 'parameters.yaml'
        path.write_text(parameters)
        arguments = ['--params', str(path)]
    with own_domain() as domain:
        vehicle = Vehicle(directory, domain, *arguments)
        try:
            yield vehicle.wait_until_up()
        finally:
            code = vehicle.stop()
            print(vehicle.log.read_text())
        assert code == 0
        assert 'Traceback' not in vehicle.log.read_text()


def place(vehicle, simulator, x):
    """Put a vehicle that has no stop latched at x, m, once it stands, and reference it there.

    No motion explains such a jump, so the vehicle takes its position for lost and stops.
    """
    wait_for(lambda: simulator.truth()['velocity'] == 0.0, what='the vehicle stands')
    if abs(simulator.truth()['position'] - x) < STANDS_AT:
        return
    with vehicle.client('admin', ['safety.estop', 'telemetry.realtime']) as admin:
        if abs(simulator.truth()['position'] - x) < JUMP:
            # A small jump may be seen as motion that nobody commanded, which takes its time.
            jump(admin, simulator, x + math.copysign(2.0 * JUMP, 10.0 - x))
        jump(admin, simulator, x)
    with vehicle.client('admin', ['system.status']) as admin:
        admin.wait('system.status', where=lambda event: event['data']['state'] == 'ready')


def jump(admin, simulator, x):
    """Put the carrier at x, m, far from where it is, and clear the stop that this is."""
    admin.wait('telemetry.realtime', where=lambda e: e['data']['position']['x'] is not None)
    simulator.set(position=x)
    admin.wait('safety.estop')
    admin.clear_estop()
    admin.wait(
        'telemetry.realtime',
        where=lambda event: event['data']['position']['x'] == pytest.approx(x * 1000.0, abs=5.0),
    )


class RefusedError(AssertionError):
    """A command was answered with an error."""


class Connection:
    """A WebSocket client that keeps what it received, with the moment of receipt."""

    def __init__(self, url, token):
        # A client that waits for the processor gives nobody up; the bridge asks by itself.
        self._context = connect(url, proxy=None, ping_interval=None)
        self._token = token
        self._numbers = itertools.count(1)
        self.received = []

    def __enter__(self):
        self._socket = self._context.__enter__()
        if self._token is not None:
            self.send('auth', token=self._token)
            self.wait('connection.established')
        return self

    def __exit__(self, *exception):
        self._context.__exit__(*exception)

    def send(self, command, **fields):
        """Send a command."""
        self._socket.send(json.dumps({'type': command, **fields}))

    def receive(self, timeout=10.0):
        """Return the next message; its moment of receipt (monotonic, s) goes in as `at`."""
        message = json.loads(self._socket.recv(timeout=timeout))
        message['at'] = time.monotonic()
        self.received.append(message)
        return message

    def wait(self, kind, timeout=10.0, where=lambda message: True):
        """Return the next message of a type, or of one of a tuple, that fulfils `where`."""
        kinds = (kind,) if isinstance(kind, str) else kind
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.receive(left)
            except TimeoutError:
                break
            if message['type'] in kinds and where(message):
                return message
        seen = [message['type'] for message in self.received[-20:]]
        raise AssertionError(f'no {kind} within {timeout} s; last seen: {seen}')

    def call(self, command, **fields):
        """Send a command; return the data of its reply, or raise RefusedError.

        Just after the start of a node the bridge may not know its services yet, and says so.
        """
        deadline = time.monotonic() + STARTING
        while True:
            reply = self._request(command, fields)
            if reply['type'] != 'error':
                return reply['data']
            if UNKNOWN not in reply['description'] or time.monotonic() > deadline:
                raise RefusedError(f'{command}: {reply}')
            time.sleep(0.1)

    def _request(self, command, fields):
        request_id = f'call-{next(self._numbers)}'
        self.send(command, request_id=request_id, **fields)
        return self.wait(
            ('command.result', 'error'),
            where=lambda message: message.get('request_id') == request_id,
        )

    def attempt(self, command, **fields):
        """Send a command that may be refused, such as while a node starts anew."""
        try:
            return self.call(command, **fields)
        except RefusedError:
            return {'accepted': False}

    def clear_estop(self, **fields):
        """Clear the emergency stop, which is refused until the stop is verified."""
        wait_for(
            lambda: self.attempt('clear_estop', **fields)['accepted'],
            what='clear_estop is accepted',
            pause=0.1,
        )
