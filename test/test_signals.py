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
"""SIGINT and SIGTERM: blocked from the start of a process, exited on, noted, ignored."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import started

from oht50_bridge.signals import SIGNALS
from oht50_bridge.signals import StopSignal
from oht50_bridge.signals import block_signals
from oht50_bridge.signals import blocking_prefix
from oht50_bridge.signals import handle_signals
from oht50_bridge.signals import ignore_signals
from oht50_bridge.signals import refuse_suspension
from oht50_bridge.signals import stop_requested

pytestmark = pytest.mark.cover_processes

SUSPENDING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
SHELL = """
import os, signal, subprocess, sys
reader, writer = os.pipe()
job = subprocess.Popen(
    sys.argv[1:], stdin=reader, stdout=subprocess.PIPE, text=True, preexec_fn=os.setpgrp
)
print(job.stdout.readline(), end='', flush=True)
for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
    os.kill(job.pid, number)
os.write(writer, sys.stdin.readline().encode())
os.close(writer)
_, status = os.waitpid(job.pid, os.WUNTRACED)
print('suspended:', os.WIFSTOPPED(status))
if os.WIFSTOPPED(status):
    os.kill(job.pid, signal.SIGKILL)
print(job.stdout.read(), end='')
"""
BOTH = pytest.mark.parametrize('number', SIGNALS)


@pytest.fixture(autouse=True)
def _restored():
    """Restore the handlers of this process."""
    numbers = (*SIGNALS, signal.SIGHUP, *SUSPENDING)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@BOTH
def test_stop_signal_notes_a_signal(number):
    stop = StopSignal()
    assert not stop.requested
    assert stop.wait(0.0) is False
    os.kill(os.getpid(), number)
    assert stop.requested
    assert stop.wait(0.0) is True


@BOTH
def test_stop_requested_is_true_after_a_signal(number):
    requested = stop_requested()
    assert requested() is False
    os.kill(os.getpid(), number)
    assert requested() is True


@BOTH
def test_a_handler_is_called_at_each_signal(number):
    calls = []
    handle_signals(lambda: calls.append(number))
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert calls == [number, number]


@pytest.mark.parametrize('number', [*SIGNALS, signal.SIGHUP])
def test_ignored_signals_do_nothing(number):
    ignore_signals(signal.SIGHUP)
    os.kill(os.getpid(), number)


@BOTH
@pytest.mark.processes
@pytest.mark.parametrize('by_prefix', [True, False])
def test_a_signal_before_the_first_line_ends_the_process_with_0_when_unblocked(number, by_prefix):
    prefix = blocking_prefix() if by_prefix else ()
    if by_prefix and not prefix:
        pytest.skip('env has no --block-signal here')
    code = (
        'import sys; sys.stdin.read(); from oht50_bridge.signals import exit_on_signal;'
        'exit_on_signal(); print("not reached")'
    )
    with started(
        [*prefix, sys.executable, '-c', code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=None if by_prefix else block_signals,
    ) as process:
        # The process has this handler at the earliest after its input has ended.
        while signal_blocked(process.pid, number) is False:
            assert process.poll() is None
        process.send_signal(number)
        output, _ = process.communicate(timeout=10.0)
    assert (process.returncode, output) == (0, b'')


def signal_blocked(pid, number):
    """Return whether a process has blocked a signal."""
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    mask = next(line for line in lines if line.startswith('SigBlk:'))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def test_ctrl_z_is_ignored_with_one_line(capfd):
    refuse_suspension('it runs on')
    for number in SUSPENDING:
        os.kill(os.getpid(), number)
    assert capfd.readouterr().err == 'it runs on\n'


def test_ctrl_z_is_ignored_where_nothing_can_be_written(capfd):
    refuse_suspension('it runs on')
    saved = os.dup(2)
    os.close(2)
    try:
        os.kill(os.getpid(), signal.SIGTSTP)
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@pytest.mark.processes
def test_a_job_of_a_terminal_goes_on_at_ctrl_z():
    """Under a shell, because the kernel itself does not suspend a job that has none."""
    code = (
        'import sys; from oht50_bridge.signals import refuse_suspension;'
        'refuse_suspension("it runs on"); print("ready", flush=True);'
        'print("read", sys.stdin.readline(), flush=True)'
    )
    shell = subprocess.Popen(
        [sys.executable, '-c', SHELL, sys.executable, '-c', code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert shell.stdout.readline() == 'ready\n'
        output, errors = shell.communicate('line\n', timeout=30)
    finally:
        shell.kill()
        shell.wait()
    assert output == 'suspended: False\nread line\n\n'
    assert errors == 'it runs on\n'


@pytest.mark.processes
@pytest.mark.parametrize('script', [None, 'exit 125', 'exit 1'])
def test_without_the_env_of_gnu_there_is_no_prefix(tmp_path, monkeypatch, script):
    """BusyBox and others refuse the options; then `env` would start nothing."""
    if script:
        (tmp_path / 'env').write_text(f'#!/bin/sh\n{script}\n')
        (tmp_path / 'env').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    blocking_prefix.cache_clear()
    try:
        assert blocking_prefix() == ()
    finally:
        blocking_prefix.cache_clear()
