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

import logging
import os
import signal
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
    ready.restart()
    assert ready.pid not in (None, first)
    wait_until(ready.ready)
    assert '-9' in caplog.text


def test_a_child_that_does_not_answer_in_time_is_killed(ready, monkeypatch):
    monkeypatch.setattr(supervisor_module, '_ANSWER_TIMEOUT', 0.05)
    pid = ready.pid
    os.kill(pid, signal.SIGSTOP)
    ready.pulse(WAITING)
    wait_until(lambda: not ready.ready())
    assert ready.pid is None


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
