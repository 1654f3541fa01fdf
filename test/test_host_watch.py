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
"""What fails while the host stalls is repeated once, and nothing else is.

A stall is made by stopping the process that measures: that is what the scheduler does to it.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from host_watch import LIMIT
from host_watch import MAX_REPEATS
from host_watch import HostWatch
from support import ROOT
from support import wait_for

STALL = 0.15  # s
assert STALL > LIMIT
pytestmark = pytest.mark.processes
# A host that runs other work too stalls now and then; never as long as this.
NEVER = 3600.0  # s
COMMAND = (sys.executable, '-m', 'pytest', '-p', 'host_watch', '--strict-markers')

# `events` has what happened in the order of it.
SUITE = """
import os, pathlib, signal, time
import pytest
pytestmark = pytest.mark.real_time
EVENTS = pathlib.Path(__file__).with_name('events')

def stall_meter(config):
    meter = config.pluginmanager.get_plugin('host-watch').meter
    os.kill(meter.pid, signal.SIGSTOP)
    time.sleep({stall})
    os.kill(meter.pid, signal.SIGCONT)

def note(event):
    with EVENTS.open('a') as file:
        file.write(event + '\\n')

def times(event):
    return EVENTS.read_text().split().count(event)

@pytest.fixture(scope='module')
def vehicle():
    note('up')
    yield
    note('down')

@pytest.fixture
def stall(request):
    return lambda: stall_meter(request.config)
"""


@pytest.fixture
def run(tmp_path):
    """Run a suite under the plugin; gives exit code, output, and events."""

    def start(tests, *arguments):
        (tmp_path / 'test_it.py').write_text(SUITE.replace('{stall}', str(STALL)) + tests)
        (tmp_path / 'events').write_text('')
        done = subprocess.run(
            [*COMMAND, f'--rootdir={tmp_path}', *arguments, str(tmp_path)],
            cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': str(ROOT / 'test'), 'PYTEST_ADDOPTS': ''},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout, (tmp_path / 'events').read_text().split()

    return start


@pytest.fixture
def watch():
    watch = HostWatch(LIMIT)
    yield watch
    watch.pytest_unconfigure()


def stop(watch, seconds):
    os.kill(watch.meter.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(watch.meter.pid, signal.SIGCONT)


# The measurement


def test_a_stall_is_measured(watch):
    assert watch.meter
    start = time.monotonic()
    stop(watch, STALL)
    assert watch.longest_stall(start) >= LIMIT


def test_stalls_in_short_succession_count_together(watch):
    assert watch.meter
    start = time.monotonic()
    for _ in range(4):
        stop(watch, 0.06)
        time.sleep(0.05)
    assert watch.longest_stall(start) > LIMIT

    def apart():
        start = time.monotonic()
        stop(watch, 0.06)
        time.sleep(0.6)
        stop(watch, 0.06)
        return watch.longest_stall(start) < LIMIT

    wait_for(apart, 60.0, 'two stalls that do not count together')


def test_a_stall_before_the_moment_asked_for_does_not_count(watch):
    assert watch.meter
    stop(watch, STALL)
    assert watch.longest_stall(0.0) >= LIMIT

    def quiet():
        start = time.monotonic()
        time.sleep(2 * LIMIT)
        return watch.longest_stall(start) < LIMIT

    wait_for(quiet, 60.0, 'a span in which the host does not stall')
    assert watch.longest_stall(0.0) >= LIMIT


def test_each_processor_is_measured(watch):
    tasks = Path(f'/proc/{watch.meter.pid}/task')
    threads = [task for task in tasks.iterdir() if int(task.name) != watch.meter.pid]
    allowed = [os.sched_getaffinity(int(thread.name)) for thread in threads]
    assert sorted(map(sorted, allowed)) == [[n] for n in sorted(os.sched_getaffinity(0))]


def test_the_process_has_the_priority_of_the_tests(watch):
    assert os.getpriority(os.PRIO_PROCESS, watch.meter.pid) == os.getpriority(os.PRIO_PROCESS, 0)
    assert os.sched_getscheduler(watch.meter.pid) == os.sched_getscheduler(0)


def test_the_process_ends_with_the_tests(watch):
    meter = watch.meter
    meter.stdin.close()
    assert meter.wait(20) == 0


# The repeat

FIRST_FAILS = """
def test_first_fails(vehicle, stall):
    note('run')
    if times('run') == 1:
        stall()
        assert False, 'standing still'

def test_next(vehicle):
    note('next')
"""


def test_a_failure_beside_a_stall_is_repeated_with_fresh_fixtures(run):
    code, output, events = run(FIRST_FAILS)
    assert code == 0, output
    assert events == ['up', 'run', 'down', 'up', 'run', 'next', 'down']
    assert '1 tests were repeated because the host stalled: longest stall ' in output
    assert re.search(r'test_it.py::test_first_fails: stall of \d+ ms', output)
    assert 'standing still' in output
    assert '2 passed, 1 repeated' in output


def test_a_failed_setup_beside_a_stall_is_repeated(run):
    code, output, events = run("""
@pytest.fixture(scope='module')
def broken(vehicle, request):
    note('setup')
    if times('setup') == 1:
        stall_meter(request.config)
        assert False

def test_it(broken):
    note('run')
""")
    assert code == 0, output
    assert events == ['up', 'setup', 'down', 'up', 'setup', 'run', 'down']


def test_a_failure_without_a_stall_has_failed(run):
    code, output, events = run(
        FIRST_FAILS.replace('stall()', 'pass'), '--host-stall-limit', str(NEVER)
    )
    assert code == 1
    assert events == ['up', 'run', 'next', 'down']
    assert 'repeated' not in output


def test_a_test_that_fails_again_has_failed(run):
    code, output, events = run("""
def test_it(stall):
    note('run')
    stall()
    assert False
""")
    assert code == 1
    assert events == ['run', 'run']
    assert '1 failed, 1 repeated' in output


def test_a_test_of_another_kind_is_not_repeated(run):
    code, _, events = run(FIRST_FAILS.replace('def test_first', 'pytestmark = []\ndef test_first'))
    assert code == 1
    assert events == ['up', 'run', 'next', 'down']


MANY = """
@pytest.mark.parametrize('number', range({count}))
def test_it(number, stall):
    note(f'run{number}')
    if times(f'run{number}') == 1:
        stall()
        assert False
"""


@pytest.mark.parametrize(
    ('count', 'code', 'arguments'),
    [
        (MAX_REPEATS, 0, ()),
        pytest.param(MAX_REPEATS + 1, 1, (), marks=pytest.mark.slow),
        (MAX_REPEATS + 1, 1, ('-p', 'xdist', '-n', '2')),
    ],
    ids=['three', 'four', 'four of two workers'],
)
def test_the_run_fails_above_three_repeats(run, count, code, arguments):
    exit_code, output, _ = run(MANY.replace('{count}', str(count)), *arguments)
    assert f'{count} tests were repeated because the host stalled' in output
    assert f'{count} passed, {count} repeated' in output
    assert exit_code == code, output


def test_the_tests_of_whole_vehicles_are_watched(request):
    """This run has the plugin, and it knows the tests by where they are."""
    watch = request.config.pluginmanager.get_plugin('host-watch')
    assert watch is not None

    class Item:
        def __init__(self, path):
            self.path, self.markers = ROOT / path, []

        def add_marker(self, marker):
            self.markers.append(marker.name)

    folders = ('test/system', 'test/faults', 'test/launch', 'test/hardware/drivers')
    watched = [Item(f'{folder}/test_x.py') for folder in folders]
    watched += [Item('test/nodes/test_hardware_node.py'), Item('test/simulator/test_server.py')]
    others = [Item('test/test_x.py'), Item('test/nodes/test_x.py')]
    watch.pytest_collection_modifyitems(watched + others)
    assert [item.markers for item in watched] == [['real_time']] * len(watched)
    assert [item.markers for item in others] == [[], []]
