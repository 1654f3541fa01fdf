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
"""A process of the vehicle: real children of this process."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from support import started
from support import wait_for

from oht50_bridge.bringup import process as module
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.process import Process
from oht50_bridge.bringup.process import module_command
from oht50_bridge.bringup.process import stop
from oht50_bridge.bringup.process import wait_for_exit
from oht50_bridge.bringup.restart import MINIMUM_DELAY

# Unblocks the signals with which it was started.
READY = """
from oht50_bridge.signals import exit_on_signal
exit_on_signal()
"""


@pytest.fixture
def start():
    """Start a process that runs Python code; end it after the test."""
    started = []

    def start(code, stdout=subprocess.PIPE):
        process = Process('child', [sys.executable, '-c', code], dict(os.environ))
        started.append(process)
        return process, process.start(stdout)

    yield start
    for process in started:
        process.signal(signal.SIGKILL)
        wait_for_exit([process], 5.0)
        if process._child.stdout is not None:
            process._child.stdout.close()


@pytest.mark.processes
def test_a_process_is_restarted_when_it_ends(start, capsys):
    process, child = start('import time; time.sleep(60)', stdout=None)
    assert process.running
    process.restart_if_ended()
    child.kill()
    child.wait()
    assert not process.running

    def restarted():
        process.restart_if_ended()
        return process.running

    wait_for(restarted)
    assert process._child.pid != child.pid
    assert 'child ended (SIGKILL); starting it again' in capsys.readouterr().err


@pytest.mark.processes
def test_a_process_that_the_system_does_not_start_for_now_is_started_later(
    start, capsys, monkeypatch
):
    process, child = start('import time; time.sleep(60)', stdout=None)
    child.kill()
    child.wait()
    refused = []

    def without_memory(*_):
        refused.append(time.monotonic())
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    def restarted():
        process.restart_if_ended()
        return process.running

    with monkeypatch.context() as patched:
        patched.setattr(process, '_execute', without_memory)
        wait_for(lambda: restarted() or len(refused) == 2)
    assert refused[1] - refused[0] >= MINIMUM_DELAY
    wait_for(restarted)
    said = capsys.readouterr().err
    assert said.count('child cannot be started (Cannot allocate memory); trying again\n') == 2


@pytest.mark.processes
def test_a_process_that_the_system_never_starts_is_given_up(start, monkeypatch):
    process, child = start('import time; time.sleep(60)', stdout=None)
    child.kill()
    child.wait()
    process._command[0] = '/missing/python'
    process._backoff.next_delay = lambda run_time: 0.0
    with pytest.raises(BringUpError, match='10 times within 60 s, last with No such file'):
        wait_for(process.restart_if_ended)


@pytest.mark.processes
def test_a_process_that_refuses_its_configuration_is_not_restarted(start):
    process, child = start('import os; os._exit(os.EX_CONFIG)', stdout=None)
    child.wait()
    with pytest.raises(BringUpError, match='child refused its configuration'):
        process.restart_if_ended()


@pytest.mark.processes
def test_a_signal_cancels_the_restart(start):
    process, child = start('pass', stdout=None)
    child.wait()
    process.restart_if_ended()
    process.signal(signal.SIGINT)
    assert process._restart_at is None
    assert not process.running


@pytest.mark.processes
def test_stop_sends_sigint_first(start):
    code = READY + "print('ready', flush=True); import time; time.sleep(60)"
    process, child = start(code)
    assert child.stdout.readline() == b'ready\n'
    stop([process])
    assert child.returncode == 0


@pytest.mark.processes
def test_stop_kills_what_ignores_the_other_signals(start, monkeypatch):
    monkeypatch.setattr(module, 'STOP_TIMEOUT', 0.1)
    code = (
        'from oht50_bridge.signals import ignore_signals; ignore_signals();'
        "print('ready', flush=True); import time; time.sleep(60)"
    )
    process, child = start(code)
    assert child.stdout.readline() == b'ready\n'
    stop([process])
    assert wait_for_exit([process], 5.0)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.processes
def test_waiting_ends_at_the_timeout(start):
    process, _ = start('import time; time.sleep(60)', stdout=None)
    before = time.monotonic()
    assert wait_for_exit([process], 0.1) is False
    assert time.monotonic() - before >= 0.1


@pytest.mark.processes
def test_a_process_dies_with_its_parent(tmp_path):
    parent = (
        'import os, sys; from oht50_bridge.bringup.process import Process;'
        "child = Process('child', [sys.executable, '-c', sys.argv[1]], dict(os.environ));"
        'print(child.start(None).pid, flush=True); sys.stdin.read()'
    )
    code = READY + 'import time; time.sleep(60)'
    with started(
        [sys.executable, '-c', parent, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        pid = int(process.stdout.readline())
        os.kill(pid, 0)
    wait_for(lambda: not _runs(pid), what='the child has ended')


def _runs(pid):
    """Return whether a process runs; one that has ended may not have been reaped yet."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as stat:  # noqa: PTH123
            return stat.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_the_command_of_a_module_that_needs_rclpy():
    command = module_command('some.module')
    assert command[:2] == [sys.executable, '-m']
    assert command[2:] in (['rosless', 'some.module'], ['some.module'])
