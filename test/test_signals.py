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

from oht50_bridge.signals import SIGNALS
from oht50_bridge.signals import StopSignal
from oht50_bridge.signals import block_signals
from oht50_bridge.signals import blocking_prefix
from oht50_bridge.signals import handle_signals
from oht50_bridge.signals import ignore_signals
from oht50_bridge.signals import stop_requested

BOTH = pytest.mark.parametrize('number', SIGNALS)


@pytest.fixture(autouse=True)
def _restored():
    """Restore the handlers of this process."""
    numbers = (*SIGNALS, signal.SIGHUP)
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
    with subprocess.Popen(
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
