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

import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest
from support import started
from support import wait_for

from oht50_bridge import prctl
from oht50_bridge.prctl import adopting

pytestmark = pytest.mark.processes

# Prints its pid and leaves a child behind, which ends at the end of its input.
LEAVING = """
import os, sys
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
sys.stdin.read()
"""
# Starts a child that asks for a signal, and ends at the end of its own input.
PARENT = """
import signal, subprocess, sys
code = (
    'import signal, sys, time; from oht50_bridge.prctl import signal_at_parent_death;'
    'signal_at_parent_death(signal.SIGKILL); print("asked", flush=True); time.sleep(60)'
)
child = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def run(script):
    return started([sys.executable, '-c', script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_the_death_of_the_parent_is_signalled():
    with run(PARENT) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not child.is_running())


@pytest.mark.parametrize('adopts', [True, False])
def test_orphans_are_adopted_only_while_they_are_asked_for(adopts):
    with adopting():
        pass  # and not any more
    with contextlib.ExitStack() as after:
        with adopting() if adopts else contextlib.nullcontext():
            parent = after.enter_context(run(LEAVING))
            orphan = psutil.Process(int(parent.stdout.readline()))
            parent.wait(10)
        assert (orphan.ppid() == os.getpid()) == adopts
        parent.stdin.close()
        if adopts:
            os.waitpid(orphan.pid, 0)


def test_a_refusal_is_an_error():
    with pytest.raises(OSError, match='Invalid argument'):
        prctl._prctl(-1, 0)
