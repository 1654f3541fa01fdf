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
"""Priorities of real processes, seen from outside; what a process without rights falls back to."""

import os
import platform
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oht50_bridge import priority
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import Scheduling
from oht50_bridge.priority import SchedulingClass
from oht50_bridge.priority import available_priority
from oht50_bridge.priority import scheduling_of

pytestmark = pytest.mark.processes

NOBODY = 65534
REQUEST = """
import os, resource, signal, threading
signal.alarm(20)  # whatever it meets, it ends
from oht50_bridge import priority
{before}
got = priority.request_priority(priority.RealtimePriority.WATCHDOG)
{after}
print(got.scheduling_class.name, got.level, got.obstacle, flush=True)
input()
"""
DROP_ROOT = f'if os.getuid() == 0: os.setuid({NOBODY})'
WITHOUT_RIGHTS = f"""
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
resource.setrlimit(resource.RLIMIT_NICE, (0, 0))
{DROP_ROOT}
"""
# A filter like that of RestrictRealtime=yes: it refuses one system call by EPERM.
SCHED_SETSCHEDULER = {'x86_64': 144, 'aarch64': 119}.get(platform.machine())
WITHOUT_REALTIME = f"""
import ctypes, struct
program = b''.join(struct.pack('HBBI', *instruction) for instruction in (
    (0x20, 0, 0, 0), (0x15, 0, 1, {SCHED_SETSCHEDULER}), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)
))
buffer = ctypes.create_string_buffer(program)
filter = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 4, ctypes.addressof(buffer)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, filter, 0, 0) == 0  # PR_SET_SECCOMP
"""


def limited(limit, value):
    """Return lines that set a resource limit and give up the right to exceed it."""
    return f'resource.setrlimit(resource.{limit}, ({value}, {value}))\n{DROP_ROOT}'


def skip_unless_raised(limit, value):
    """Skip a test where a child cannot have a resource limit raised to a value."""
    line = f'import resource; resource.setrlimit(resource.{limit}, ({value}, {value}))'
    if subprocess.run([sys.executable, '-c', line], stderr=subprocess.DEVNULL).returncode:
        pytest.skip(f'no right to raise {limit}')


def allowed(wanted):
    """Return whether the tests' own process could get real-time priority or a nice value."""
    return available_priority(RealtimePriority.WATCHDOG).scheduling_class in wanted


def threads(process):
    return [int(task.name) for task in Path(f'/proc/{process.pid}/task').iterdir()]


realtime = pytest.mark.skipif(
    not allowed({SchedulingClass.REALTIME}), reason='no right to real-time priority'
)
root = pytest.mark.skipif(os.getuid() != 0, reason='only root can grant rights and drop them')


@pytest.fixture
def request_in():
    """Return a function that runs a process which requests a priority, and what it printed."""
    processes = []

    def start(before='', after=''):
        process = subprocess.Popen(
            [sys.executable, '-c', REQUEST.format(before=before, after=after)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in processes:
        process.communicate('\n', timeout=10)


@realtime
def test_a_process_gets_real_time_priority(request_in):
    process, said = request_in()
    assert said == 'REALTIME 14'
    assert os.sched_getscheduler(process.pid) == os.SCHED_RR
    assert os.sched_getparam(process.pid).sched_priority == RealtimePriority.WATCHDOG
    assert scheduling_of(process.pid) == Scheduling(SchedulingClass.REALTIME, 14)


@realtime
def test_threads_and_children_inherit_it(request_in):
    process, said = request_in(
        after="""
import subprocess
ready = threading.Event()
threading.Thread(target=lambda: (ready.set(), input()), daemon=True).start()
ready.wait()
child = subprocess.Popen(['sleep', '10'])
print(child.pid, flush=True)
"""
    )
    child = int(said)
    try:
        assert len(threads(process)) >= 2
        policies = [os.sched_getscheduler(each) for each in (*threads(process), child)]
        assert set(policies) == {os.SCHED_RR}
    finally:
        os.kill(child, signal.SIGKILL)


def test_the_limit_that_the_unit_grants_needs_no_capability(request_in):
    skip_unless_raised('RLIMIT_RTPRIO', max(RealtimePriority))
    process, said = request_in(limited('RLIMIT_RTPRIO', max(RealtimePriority)))
    assert said == 'REALTIME 14'
    assert scheduling_of(process.pid).scheduling_class is SchedulingClass.REALTIME


def test_the_limit_of_the_nice_value_needs_no_capability(request_in):
    skip_unless_raised('RLIMIT_NICE', 20 - priority.NICE)
    process, said = request_in(
        'resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))\n'
        + limited('RLIMIT_NICE', 20 - priority.NICE)
    )
    assert said == (
        'NICE -10 SCHED_RR is refused (RLIMIT_RTPRIO is 0, 14 is needed without CAP_SYS_NICE)'
    )
    assert scheduling_of(process.pid) == Scheduling(SchedulingClass.NICE, -10)


@realtime
@pytest.mark.skipif(SCHED_SETSCHEDULER is None, reason='number of the system call not known')
def test_without_real_time_a_process_gets_a_nice_value(request_in):
    process, said = request_in(WITHOUT_REALTIME)
    assert said == 'NICE -10 SCHED_RR is refused (a seccomp filter or the cgroup forbids it)'
    assert os.sched_getscheduler(process.pid) == os.SCHED_OTHER
    assert scheduling_of(process.pid) == Scheduling(SchedulingClass.NICE, -10)


def test_without_rights_a_process_goes_on_and_says_why(request_in):
    process, said = request_in(WITHOUT_RIGHTS)
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice < 0:
        pytest.skip('the tests themselves run with a negative nice value')
    assert said == (
        f'NORMAL {nice}'
        ' SCHED_RR is refused (RLIMIT_RTPRIO is 0, 14 is needed without CAP_SYS_NICE),'
        ' nice value -10 is refused (RLIMIT_NICE is 0, 30 is needed without CAP_SYS_NICE)'
    )
    assert scheduling_of(process.pid) == Scheduling(SchedulingClass.NORMAL, nice)


@root
def test_a_negative_nice_value_that_a_process_has_stays(request_in):
    _, said = request_in(f'os.setpriority(os.PRIO_PROCESS, 0, -5)\n{WITHOUT_RIGHTS}')
    assert said.startswith('NICE -5 SCHED_RR is refused')
    assert 'nice value -10 is refused' in said


@realtime
def test_a_process_that_spins_returns_to_normal_priority(request_in):
    started = time.monotonic()
    process, said = request_in(
        'priority.SPIN_LIMIT = 0.2',
        """
threading.Thread(target=input, daemon=True).start()
while os.sched_getscheduler(0) == os.SCHED_RR:
    pass
""",
    )
    assert said
    assert time.monotonic() - started < 10
    # Said when all threads have it; the end of the process would end the wait in vain.
    assert any('real-time priority ends' in line for line in process.stderr)
    assert {os.sched_getscheduler(task) for task in threads(process)} == {os.SCHED_OTHER}


@realtime
def test_a_thread_that_spins_ends_real_time_priority_too(request_in):
    process, said = request_in(
        'priority.SPIN_LIMIT = 0.2',
        """
def spin():
    while os.sched_getscheduler(0) == os.SCHED_RR:
        sum(range(1000))
thread = threading.Thread(target=spin)
thread.start()
thread.join()
""",
    )
    assert said
    assert os.sched_getscheduler(process.pid) == os.SCHED_OTHER


@realtime
def test_the_kernel_kills_a_process_that_spins_on(request_in):
    process, said = request_in(
        'priority.SPIN_LIMIT, priority.SPIN_KILL_LIMIT = 0.2, 0.4\n'
        'priority._give_up_when_spinning = lambda: None',
        """
while True:
    pass
""",
    )
    assert said == ''
    assert process.wait(10) == -signal.SIGKILL


def test_asking_what_is_available_changes_nothing():
    before = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)
    limits = resource.getrlimit(resource.RLIMIT_RTTIME)
    found = available_priority(RealtimePriority.HARDWARE_NODE)
    assert found.obstacle or found.level == RealtimePriority.HARDWARE_NODE
    assert (os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)) == before
    assert resource.getrlimit(resource.RLIMIT_RTTIME) == limits


@pytest.mark.parametrize(
    ('scheduling', 'text'),
    [
        (Scheduling(SchedulingClass.REALTIME, 12), 'real-time priority 12'),
        (Scheduling(SchedulingClass.NICE, -10, 'no right'), 'nice value -10: no right'),
        (Scheduling(SchedulingClass.NORMAL, 0), 'normal priority (nice value 0)'),
    ],
)
def test_text_of_a_log(scheduling, text):
    assert str(scheduling) == text


def test_the_watchdog_precedes_the_process_that_it_watches():
    assert RealtimePriority.WATCHDOG > RealtimePriority.HARDWARE_NODE
    assert max(RealtimePriority) < 50  # of the threads of the kernel that serve interrupts
