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
"""The supervisor of the watchdog on real child processes: start, answers, replacement, end."""

import errno
import logging
import os
import signal
import subprocess
import time

import pytest

from oht50_bridge.hardware.watchdog import supervisor as supervisor_module
from oht50_bridge.hardware.watchdog.protocol import WAITING
from oht50_bridge.hardware.watchdog.supervisor import WatchdogSupervisor
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import available_priority
from oht50_bridge.priority import scheduling_of

pytestmark = pytest.mark.cover_processes

NOTHING_TO_STOP = {'device': '/dev/null/none', 'writes': [], 'checks': []}


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def supervisor():
    supervisor = WatchdogSupervisor()
    yield supervisor
    pid = supervisor.pid
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    supervisor.close(standing=False)


@pytest.fixture
def ready(supervisor):
    """A supervisor whose child is in its place."""
    supervisor.start()
    wait_until(supervisor.ready)
    return supervisor


def test_it_is_not_ready_before_it_has_started_or_answered(supervisor):
    assert (supervisor.pid, supervisor.ready()) == (None, False)
    supervisor.start()
    assert supervisor.pid is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    first = supervisor.ready()
    os.kill(supervisor.pid, signal.SIGCONT)
    wait_until(supervisor.ready)
    assert first is False


def test_the_child_has_a_session_of_its_own(ready):
    assert os.getsid(ready.pid) == ready.pid
    assert os.getpgid(ready.pid) != os.getpgid(0)


def test_the_child_has_the_priority_that_is_logged(supervisor, caplog):
    with caplog.at_level(logging.INFO):
        supervisor.start()
        wait_until(supervisor.ready)
        supervisor.pulse(WAITING)
        wait_until(lambda: supervisor._unanswered_since is not None and supervisor.ready())
    expected = available_priority(RealtimePriority.WATCHDOG)._replace(obstacle='')
    assert scheduling_of(supervisor.pid) == expected
    logged = [each.message for each in caplog.records if each.levelno == logging.INFO]
    assert logged == [f'watchdog (process {supervisor.pid}): {expected}']


def test_a_child_that_died_is_not_ready_and_is_replaced(ready, caplog):
    first = ready.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: ready.pid is None)
    assert ready.ready() is False
    ready.pulse(WAITING)  # nobody reads it; nothing happens
    wait_until(lambda: ready.restart(standing=True) or ready.ready())
    assert ready.pid not in (None, first)
    assert '-9' in caplog.text


def test_a_child_that_does_not_answer_in_time_is_killed(ready, monkeypatch):
    monkeypatch.setattr(supervisor_module, '_ANSWER_TIMEOUT', 0.05)
    pid = ready.pid
    os.kill(pid, signal.SIGSTOP)
    ready.pulse(WAITING)
    wait_until(lambda: not ready.ready())
    wait_until(lambda: ready.pid is None)


def refuse(*args, **kwargs):
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def replace(supervisor):
    """Kill the child, and wait for another one that is ready."""
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not supervisor.ready())
    wait_until(lambda: supervisor.restart(standing=True) or supervisor.ready())


def test_a_child_that_cannot_be_started_is_tried_again_after_a_pause(
    supervisor, monkeypatch, caplog
):
    monkeypatch.setattr(subprocess, 'Popen', refuse)
    supervisor.start()
    begun = time.monotonic()
    assert not supervisor.ready()
    monkeypatch.undo()
    wait_until(lambda: supervisor.restart(standing=True) or supervisor.ready())
    assert time.monotonic() - begun > 0.9
    assert caplog.text.count('cannot be started') == 1


def test_without_a_verified_stop_the_next_child_waits_for_a_while(supervisor, monkeypatch):
    monkeypatch.setattr(supervisor_module, '_RETRY_PERIOD', 0.0)
    supervisor.start()
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: supervisor.pid is None)
    assert not supervisor.ready()
    missed = time.monotonic()
    wait_until(lambda: supervisor.restart(standing=False) or supervisor.ready())
    assert time.monotonic() - missed > 0.9


def test_what_goes_wrong_with_it_is_not_ready_and_is_logged_once(ready, monkeypatch, caplog):
    def fail():
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(ready, '_answers', fail)
    assert [ready.ready() for _ in range(3)] == [False] * 3
    assert caplog.text.count('cannot be asked') == 1
    monkeypatch.undo()
    assert ready.ready()


@pytest.mark.parametrize('armed', [True, False])
def test_a_child_that_replaces_another_has_its_orders(ready, armed):
    serial = {'baudrate': 115200, 'parity': 'N', 'stop_bits': 1, 'timeout': 1}
    ready.arm({**NOTHING_TO_STOP, **serial})
    if not armed:
        ready.disarm()
    replace(ready)
    child = ready._child
    ready.close(standing=False, timeout=1.0)
    assert child.poll() == (None if armed else 0)
    child.kill()
    child.wait()


@pytest.mark.parametrize('timeout', [5.0, 0.05])
def test_close_while_a_child_starts_leaves_none(ready, monkeypatch, timeout):
    children, real = [], subprocess.Popen

    def slow(*args, **kwargs):
        time.sleep(0.3)
        children.append(real(*args, **kwargs))
        return children[-1]

    monkeypatch.setattr(supervisor_module, '_RETRY_PERIOD', 0.0)
    monkeypatch.setattr(subprocess, 'Popen', slow)
    os.kill(ready.pid, signal.SIGKILL)
    wait_until(lambda: not ready.ready())
    ready.restart(standing=True)
    assert ready._starting is not None
    ready.close(standing=True, timeout=timeout)
    assert ready.pid is None and ready._starting is None
    wait_until(lambda: children and children[0].returncode == 0)


def test_close_does_not_wait_for_a_child_that_hangs(ready, caplog):
    child = ready._child
    os.kill(child.pid, signal.SIGSTOP)
    ready.close(standing=True, timeout=0.1)
    assert f'{child.pid}) does not end' in caplog.text
    assert child.wait(5) == -signal.SIGKILL


def test_a_full_pipe_does_not_make_the_supervisor_hang(ready):
    os.kill(ready.pid, signal.SIGSTOP)
    started = time.monotonic()
    for _ in range(100):
        ready.arm({**NOTHING_TO_STOP, 'device': 'x' * 4000})
    assert time.monotonic() - started < 5


@pytest.mark.parametrize('standing', [True, False])
def test_close_ends_a_child_that_has_nothing_to_stop(ready, standing):
    child = ready._child
    ready.close(standing)
    assert ready.pid is None
    assert child.wait(5) == 0
    ready.close(standing)  # twice is once


def test_close_leaves_a_child_that_has_still_to_stop_the_motor(ready, caplog):
    child = ready._child
    ready.arm({**NOTHING_TO_STOP, 'baudrate': 115200, 'parity': 'N', 'stop_bits': 1, 'timeout': 1})
    ready.close(standing=False, timeout=0.2)
    assert child.poll() is None
    assert str(child.pid) in caplog.text
    child.kill()
    child.wait()


def test_a_supervisor_that_never_started_closes(supervisor):
    supervisor.close(standing=True)
    assert supervisor.pid is None
