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

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
from support import Up
from support import own_domain
from support import started
from support import wait_for

from oht50_bridge.bringup import preload as module
from oht50_bridge.bringup.checked_parameters import checked_parameters
from oht50_bridge.bringup.errors import ParameterError
from oht50_bridge.bringup.host_check import ros_directory
from oht50_bridge.bringup.output import ProcessOutput
from oht50_bridge.bringup.preload import Forked
from oht50_bridge.bringup.preload import Preloaded
from oht50_bridge.bringup.preload import reap_unknown
from oht50_bridge.bringup.process import Process
from oht50_bridge.nodes import NODES
from oht50_bridge.prctl import adopting
from oht50_bridge.signals import refuse_suspension

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(ros_directory() is not None, reason='nodes are forked without ROS 2 only'),
]

# A node that does what its argument says.
PROBE = """
import sys, types
probe = types.ModuleType('probe')
probe.main = lambda: exec(sys.argv[1], {})
sys.modules['oht50_bridge.nodes.probe'] = probe
"""
PRELOAD = (
    PROBE
    + """
from oht50_bridge.nodes import preload
preload.NODES = ('probe',)
preload.main()
"""
)
EXECUTE = (
    PROBE
    + """
import runpy
runpy.run_module('oht50_bridge.nodes', run_name='__main__', alter_sys=True)
"""
)
STATE = """
import json, os, re, sys, threading
from pathlib import Path
status = Path('/proc/self/status').read_text()
report = {
    'signals': re.findall(r'^(?:Sig[A-P]|Shd)\\w+:.*$', status, re.MULTILINE),
    'umask': re.findall(r'^Umask:.*$', status, re.MULTILINE),
    'descriptors': [os.readlink(f'/proc/self/fd/{n}') for n in range(3)],
    'inherited': [n for n in range(3, 200) if os.path.exists(f'/proc/self/fd/{n}')],
    'leads': os.getsid(0) == os.getpid() == os.getpgrp(),
    'parent': os.getppid(),
    'nice': os.nice(0),
    'scheduler': os.sched_getscheduler(0),
    'oom': Path('/proc/self/oom_score_adj').read_text(),
    'directory': os.getcwd(),
    'environment': dict(os.environ),
    'arguments': sys.argv,
    'threads': threading.active_count(),
}
Path(REPORT).write_text(json.dumps(report))
"""


@pytest.fixture
def output(tmp_path):
    with (tmp_path / 'output').open('wb') as file:
        output = ProcessOutput(file.fileno())
        yield output
        output.close()


@pytest.fixture
def printed(tmp_path):
    return lambda: (tmp_path / 'output').read_text()


@pytest.fixture(autouse=True)
def _not_suspended():
    """Handle and ignore what a supervisor does."""
    numbers = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
    before = [signal.getsignal(number) for number in numbers]
    refuse_suspension('not suspended')
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def preloaded(output):
    preloaded = Preloaded([sys.executable, '-c', PRELOAD], 0, os.environ, output)
    try:
        preloaded.wait(30.0, lambda: False)
        yield preloaded
    finally:
        preloaded.close()


def command(code, script=EXECUTE):
    return [sys.executable, '-c', script, 'oht50_bridge.nodes', 'probe', code]


def start(preloaded, code):
    child = preloaded.fork(command(code))
    assert isinstance(child, Forked)
    return child


def tree(pid):
    return psutil.Process(pid).children(recursive=True)


@pytest.mark.cover_processes
@pytest.mark.parametrize(
    ('code', 'expected'),
    [
        ('pass', 0),
        ('import sys; sys.exit(3)', 3),
        ('import os, sys; sys.exit(os.EX_CONFIG)', os.EX_CONFIG),
        ('raise ValueError("broken")', 1),
        ('import os; os._exit(9)', 9),
        ('import os, signal; os.kill(os.getpid(), signal.SIGKILL)', -signal.SIGKILL),
        ('import os, signal; os.kill(os.getpid(), signal.SIGTERM)', 0),
        ('import os, signal; os.kill(os.getpid(), signal.SIGINT)', 0),
    ],
)
def test_it_ends_as_one_that_was_executed(preloaded, code, expected):
    assert start(preloaded, code).wait() == expected
    executed = [sys.executable, '-c', EXECUTE, 'probe', code]
    assert subprocess.run(executed, capture_output=True).returncode == expected


def test_what_it_prints_and_does_at_its_end_is_not_lost(preloaded, printed):
    code = (
        'import atexit, threading, time\n'
        'atexit.register(print, "at its end")\n'
        'thread = threading.Thread(target=lambda: (time.sleep(0.2), print("of a thread")))\n'
        'thread.start()\n'
        'print("not flushed")\n'
        'raise ValueError("an exception")'
    )
    start(preloaded, code).wait()
    wait_for(lambda: 'at its end' in printed())
    for text in ('not flushed', 'of a thread', 'ValueError: an exception'):
        assert printed().count(text) == 1


def test_it_has_what_one_that_is_executed_has(preloaded, output, tmp_path):
    reports = {}
    for kind in ('forked', 'executed'):
        path = tmp_path / kind
        code = f'REPORT = {str(path)!r}\n{STATE}'
        executed = [sys.executable, '-c', EXECUTE, 'probe', code]
        process = Process('probe', executed, dict(os.environ), output=output)
        child = start(preloaded, code) if kind == 'forked' else process.start(None)
        assert child.wait() == 0
        reports[kind] = json.loads(path.read_text())
        reports[kind]['arguments'].pop()
        reports[kind]['environment'].pop('PYTEST_CURRENT_TEST')
    for name, value in reports['executed'].items():
        assert reports['forked'][name] == value, name
    assert reports['forked']['inherited'] == []
    assert reports['forked']['parent'] == os.getpid()
    assert reports['forked']['leads']


def test_signals_wait_until_it_can_handle_them(preloaded):
    child = start(preloaded, 'import time; time.sleep(60)')
    child.send_signal(signal.SIGTERM)
    assert child.wait() == 0


def test_its_command_line_is_its_own(output):
    code = 'import time; time.sleep(60)'
    wanted = command(code)
    preloaded = Preloaded(
        [sys.executable, '-c', PRELOAD], len(' '.join(wanted)), {'PATH': os.defpath}, output
    )
    try:
        preloaded.wait(30.0, lambda: False)
        child = start(preloaded, code)
        assert ' '.join(psutil.Process(child.pid).cmdline()) == ' '.join(wanted)
        assert psutil.Process(child.pid).name() == 'probe'
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    finally:
        preloaded.close()


def test_nodes_differ_in_what_is_random(preloaded, tmp_path):
    for index in range(2):
        path = tmp_path / str(index)
        code = (
            'import random, uuid; from pathlib import Path;'
            f'Path({str(path)!r}).write_text(f"{{random.random()}} {{uuid.uuid4()}}")'
        )
        assert start(preloaded, code).wait() == 0
    assert (tmp_path / '0').read_text() != (tmp_path / '1').read_text()


def test_a_node_ends_with_its_parent(tmp_path):
    path = tmp_path / 'pids'
    script = f"""
import os, sys
from pathlib import Path
from oht50_bridge.bringup.output import ProcessOutput
from oht50_bridge.bringup.preload import Preloaded
preloaded = Preloaded({[sys.executable, '-c', PRELOAD]!r}, 0, os.environ, ProcessOutput(2))
preloaded.wait(30.0, lambda: False)
child = preloaded.fork({command('import time; time.sleep(60)')!r})
Path({str(path)!r}).write_text(f'{{child.pid}} {{preloaded.pid}}')
sys.stdin.read()
"""
    with started([sys.executable, '-c', script], stdin=subprocess.PIPE) as supervisor:
        pids = wait_for(lambda: path.exists() and path.read_text().split())
        assert all(psutil.pid_exists(int(pid)) for pid in pids)
        supervisor.kill()
    wait_for(lambda: not any(psutil.pid_exists(int(pid)) for pid in pids), what='all have ended')


def test_nodes_survive_the_end_of_the_process(preloaded, output, printed):
    child = start(preloaded, 'import time; time.sleep(60)')
    first = preloaded.pid
    os.kill(first, signal.SIGKILL)
    assert preloaded.fork(command('pass')) is None or preloaded.pid == first

    def another():
        preloaded.watch({child.pid})
        return preloaded.pid not in (None, first)

    wait_for(another)
    preloaded.wait(30.0, lambda: False)
    assert start(preloaded, 'import sys; sys.exit(4)').wait() == 4
    assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    wait_for(lambda: 'forks the nodes ended (SIGKILL)' in printed())


def test_it_is_not_started_for_ever(output, printed, monkeypatch):
    monkeypatch.setattr(module, 'MAXIMUM_STARTS', 3)
    preloaded = Preloaded([sys.executable, '-c', 'raise SystemExit(5)'], 0, os.environ, output)
    preloaded.wait(30.0, lambda: False)

    def given_up():
        preloaded.watch(set())
        return preloaded.pid is None and preloaded._start_at is None

    wait_for(given_up)
    assert preloaded.fork(command('pass')) is None
    wait_for(lambda: printed().count('ended') == 3)
    assert 'exit code 5' in printed()


def test_a_lack_of_descriptors_or_processes_is_no_failure(output, preloaded, printed, monkeypatch):
    def refused(*_, **__):
        raise OSError('too many')

    with monkeypatch.context() as patch:
        patch.setattr(module.socket, 'socketpair', refused)
        assert preloaded.fork(command('pass')) is None
    with monkeypatch.context() as patch:
        patch.setattr(module.subprocess, 'Popen', refused)
        other = Preloaded([sys.executable, '-c', PRELOAD], 0, os.environ, output)
    assert other.pid is None
    assert other.fork(command('pass')) is None
    other.close()
    wait_for(lambda: 'could not be forked (too many)' in printed())
    wait_for(lambda: 'cannot be started: too many' in printed())


def test_a_process_that_does_not_answer_is_replaced(preloaded, printed, monkeypatch):
    monkeypatch.setattr(module, 'FORK_TIMEOUT', 0.2)
    os.kill(preloaded.pid, signal.SIGSTOP)
    assert preloaded.fork(command('pass')) is None
    wait_for(lambda: 'could not be forked (timed out)' in printed())
    assert preloaded.pid is None
    assert preloaded.fork(command('pass')) is None


@pytest.mark.cover_processes
def test_a_thread_in_it_is_refused(output, printed):
    script = PRELOAD.replace(
        'preload.main()',
        'import threading, time\n'
        'threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n'
        'preload.main()',
    )
    preloaded = Preloaded([sys.executable, '-c', script], 0, os.environ, output)
    try:
        preloaded.wait(30.0, lambda: False)
        assert preloaded.fork(command('pass')) is None
        wait_for(lambda: 'could not be forked (2 threads run in it)' in printed())
    finally:
        preloaded.close()


@pytest.mark.cover_processes
def test_a_node_without_leave_does_not_run(preloaded, tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'RUN', b'')  # as the end of the socket
    path = tmp_path / 'ran'
    child = start(preloaded, f'open({str(path)!r}, "w")')
    assert child.wait() == 0
    assert not path.exists()


def test_what_a_node_leaves_behind_is_not_adopted(preloaded, tmp_path):
    path = tmp_path / 'pid'
    code = (
        'import subprocess, sys; from pathlib import Path;'
        'child = subprocess.Popen(["sleep", "60"]);'
        f'Path({str(path)!r}).write_text(str(child.pid))'
    )
    start(preloaded, code).wait()
    helper = psutil.Process(int(path.read_text()))
    try:
        assert helper.is_running()
        assert helper.ppid() != os.getpid()
    finally:
        helper.kill()


def test_what_was_adopted_is_reaped(output):
    with adopting():
        script = (
            'import os, sys\nif os.fork():\n os._exit(0)\n'
            'print(os.getpid(), flush=True)\nsys.stdin.read()'
        )
        with started(
            [sys.executable, '-c', script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            orphan = psutil.Process(int(child.stdout.readline()))
            child.wait(10)
            wait_for(lambda: orphan.ppid() == os.getpid())
            child.stdin.close()
            wait_for(lambda: orphan.status() == psutil.STATUS_ZOMBIE)
            reap_unknown({orphan.pid})
            assert orphan.status() == psutil.STATUS_ZOMBIE
            reap_unknown({None})
    assert not orphan.is_running()


def test_it_checks_the_parameters(output, tmp_path):
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text('/**/telemetry_node:\n  ros__parameters: {rate: fast}\n')
    preloaded = Preloaded([sys.executable, '-c', PRELOAD], 0, os.environ, output)
    try:
        here = checked_parameters(None, simulated=True)
        there = preloaded.check(None, simulated=True)
        assert [there.given(node) for node in NODES] == [here.given(node) for node in NODES]
        with pytest.raises(ParameterError, match=r'wrong\.yaml:2: telemetry_node: rate: found'):
            preloaded.check(wrong, simulated=True)
        assert start(preloaded, 'import sys; sys.exit(4)').wait() == 4
    finally:
        preloaded.close()


@pytest.mark.parametrize(
    'script',
    [
        'raise SystemExit(5)',
        PRELOAD.replace('preload.main()', 'del preload.check; preload.main()'),
    ],
    ids=['ends', 'does not answer'],
)
def test_who_asks_checks_the_parameters_where_it_does_not(output, script):
    preloaded = Preloaded([sys.executable, '-c', script], 0, os.environ, output)
    try:
        assert preloaded.check(None, simulated=True).given('telemetry_node')
    finally:
        preloaded.close()


def test_nodes_get_what_was_added_to_their_environment(preloaded, tmp_path):
    path = tmp_path / 'found'
    code = f'import os; open({str(path)!r}, "w").write(os.environ["ADDED"])'
    preloaded.add_environment({'ADDED': 'so'})
    assert start(preloaded, code).wait() == 0
    assert path.read_text() == 'so'


@pytest.fixture
def vehicle(tmp_path):
    with own_domain() as domain, Up(tmp_path, domain) as up:
        up.wait_for('is up')
        yield up


def own_preload(vehicle):
    found = [
        child.pid
        for child in psutil.Process(vehicle.process.pid).children()
        if 'oht50_bridge.nodes.preload' in child.cmdline()
    ]
    return found[0] if found else None


def zombies(vehicle):
    return [child for child in tree(vehicle.process.pid) if child.status() == 'zombie']


def test_a_vehicle_restarts_its_nodes_and_goes_on_without_the_process(vehicle):
    def killed_and_back(name):
        before = vehicle.node_pid(name)
        assert psutil.Process(before).ppid() == vehicle.process.pid
        os.kill(before, signal.SIGKILL)
        vehicle.wait_for_new(name, before)

    killed_and_back('telemetry_node')
    assert psutil.Process(vehicle.node_pid('telemetry_node')).name() == 'telemetry_node'
    first = own_preload(vehicle)
    os.kill(first, signal.SIGKILL)
    killed_and_back('system_node')
    wait_for(lambda: own_preload(vehicle) not in (None, first), what='another one')
    killed_and_back('mission_node')
    wait_for(lambda: not zombies(vehicle))
    everything = [psutil.Process(vehicle.process.pid), *tree(vehicle.process.pid)]
    vehicle.process.kill()
    vehicle.process.wait()
    wait_for(lambda: not any(map(psutil.Process.is_running, everything)), 20.0, 'all have ended')


def test_a_vehicle_ends_with_all_it_started(vehicle):
    everything = tree(vehicle.process.pid)
    assert own_preload(vehicle) in {process.pid for process in everything}
    assert vehicle.stop() == 0
    assert not any(map(psutil.Process.is_running, everything))


@pytest.mark.slow
def test_nodes_can_be_executed(tmp_path):
    with own_domain() as domain, Up(tmp_path, domain, '--no-preload') as up:
        up.wait_for('is up')
        assert own_preload(up) is None
        assert psutil.Process(up.node_pid('bridge_node')).name().startswith('python')
