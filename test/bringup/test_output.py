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
"""The output of a vehicle's processes waits for nobody."""

import contextlib
import os
import subprocess
import sys
import threading

import pytest
from support import wait_for

from oht50_bridge.bringup.output import CAPACITY
from oht50_bridge.bringup.output import OutputQueue
from oht50_bridge.bringup.output import ProcessOutput


@pytest.fixture
def pipe():
    """Give both ends of a pipe."""
    source, target = os.pipe()
    yield source, target
    for descriptor in (source, target):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def read_all(source):
    with os.fdopen(source, 'rb') as file:
        return file.read()


def test_lines_are_written_in_order(pipe):
    source, target = pipe
    output = OutputQueue(target)
    for number in range(1000):
        output.say(f'line {number}')
    output.close(10.0)
    os.close(target)
    assert read_all(source) == b''.join(b'line %d\n' % number for number in range(1000))


def test_a_reader_that_does_not_read_makes_nobody_wait_and_learns_of_what_is_lost(pipe):
    source, target = pipe
    output = OutputQueue(target)
    for number in range(3 * CAPACITY // 100):
        output.say(f'{number:099}')
    read = []
    reader = threading.Thread(target=lambda: read.append(read_all(source)))
    reader.start()
    wait_for(lambda: output._size == 0, what='what waited is written')
    output.say('the last')
    output.close(10.0)
    os.close(target)
    reader.join(10)
    lines = read[0].decode().splitlines()
    assert 'bytes of output were dropped: nobody read' in read[0].decode()
    assert lines[-1] == 'the last'
    kept = [int(line) for line in lines if line.isdecimal()]
    assert kept == sorted(set(kept))
    # What is lost is none of the first ones.
    first = CAPACITY // 100
    assert kept[:first] == list(range(first))


def test_a_reader_that_has_ended_or_a_full_disk_ends_nothing(pipe):
    source, target = pipe
    os.close(source)
    full = os.open('/dev/full', os.O_WRONLY)
    for descriptor in (target, full):
        output = OutputQueue(descriptor)
        for _ in range(100):
            output.say('x')
        output.close(10.0)
        assert not output._thread.is_alive()
    os.close(full)


@pytest.mark.processes
def test_a_process_does_not_wait_for_who_reads_its_output(pipe):
    source, target = pipe
    output = ProcessOutput(target)
    code = (
        "import os\nfor _ in range(400):\n try: os.write(2, b'x' * 65536)\n except OSError: pass"
    )
    child = subprocess.Popen([sys.executable, '-c', code], stdout=output.pipe, stderr=output.pipe)
    assert child.wait(60) == 0
    reader = threading.Thread(target=read_all, args=(source,))
    reader.start()
    output.close(30.0)
    os.close(target)
    reader.join(30)
    assert not output._thread.is_alive()


@pytest.mark.processes
def test_the_last_words_of_a_process_that_was_killed_are_passed_on(pipe):
    source, target = pipe
    output = ProcessOutput(target)
    code = "import os; os.write(2, b'last words'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, '-c', code], stdout=output.pipe, stderr=output.pipe)
    output.close(10.0)
    os.close(target)
    assert read_all(source) == b'last words'
