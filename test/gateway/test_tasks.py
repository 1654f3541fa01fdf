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
"""Background tasks of the gateway."""

import asyncio
import contextlib
import subprocess
import sys

import pytest

from oht50_bridge.gateway.tasks import LoopErrors
from oht50_bridge.gateway.tasks import Tasks
from oht50_bridge.gateway.tasks import run_loop


async def test_a_task_is_running_until_it_ends():
    tasks, go = Tasks(asyncio.get_running_loop()), asyncio.Event()

    async def work():
        await go.wait()

    task = tasks.spawn(work())
    assert tasks.running == {task}
    go.set()
    await task
    await asyncio.sleep(0)
    assert tasks.running == set()


async def test_an_exception_is_logged_as_a_defect_and_a_cancellation_is_not(caplog):
    tasks = Tasks(asyncio.get_running_loop())

    async def fail():
        raise ValueError('broken')

    async def hang():
        await asyncio.Event().wait()

    cancelled = tasks.spawn(hang())
    await asyncio.wait([tasks.spawn(fail())])
    cancelled.cancel()
    await asyncio.wait([cancelled])
    (record,) = caplog.records
    assert record.name == 'oht50_bridge.gateway.tasks'
    assert 'broken' in str(record.exc_info[1])


async def test_that_a_connection_gets_no_memory_is_a_line_and_a_defect_has_its_traceback(caplog):
    def fail(error):
        raise error

    loop = asyncio.get_running_loop()
    LoopErrors(loop)
    torn = {'message': 'Fatal read error', 'exception': MemoryError(), 'transport': object()}
    loop.call_exception_handler(torn)
    loop.call_exception_handler(torn)
    loop.call_soon(fail, ValueError('a defect'))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    memory, defect = caplog.records
    assert memory.getMessage().startswith('no memory is left: Fatal read error.')
    assert memory.exc_info is None
    assert defect.exc_info[0] is ValueError


STARVED = """
import asyncio
from oht50_bridge.gateway.tasks import LoopErrors, Tasks

async def fail():
    bytearray(1 << 60)

async def main():
    loop = asyncio.get_running_loop()
    LoopErrors(loop)
    {work}
    await asyncio.sleep(10.0)

asyncio.run(main())
"""


@pytest.mark.processes
@pytest.mark.parametrize(
    'work', ['loop.call_soon(bytearray, 1 << 60)', 'Tasks(loop).spawn(fail())']
)
def test_work_that_gets_no_memory_ends_the_process(work):
    ended = subprocess.run(
        [sys.executable, '-c', STARVED.format(work=work)],
        capture_output=True,
        text=True,
        timeout=9.0,
    )
    assert (ended.stderr, ended.returncode) == ('no memory is left: the process ends\n', 1)


FAILED_LOOP = """
import asyncio, logging, sys
from oht50_bridge.gateway.tasks import run_loop

class Selector:
    def __getattr__(self, name):
        {failure}

async def main():
    try:
        asyncio.get_running_loop()._selector = Selector()
        await asyncio.sleep(10.0)
    finally:
        print('an end in order')

run_loop(main())
"""


@pytest.mark.processes
@pytest.mark.parametrize(
    ('failure', 'text'),
    [
        ('bytearray(1 << 60)', 'no memory is left: the process ends'),
        ('raise OSError("defect")', 'OSError: defect'),
    ],
)
def test_a_loop_that_fails_itself_ends_the_process_at_once(failure, text):
    ended = subprocess.run(
        [sys.executable, '-c', FAILED_LOOP.format(failure=failure)],
        capture_output=True,
        text=True,
        timeout=9.0,
    )
    assert (ended.returncode, ended.stdout) == (1, '')
    assert ended.stderr.endswith(f'{text}\n')


@pytest.mark.parametrize('failure', [None, ValueError('defect')])
def test_what_still_runs_is_cancelled_when_the_work_has_ended(failure):
    cancelled = []

    async def other():
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def work():
        task = asyncio.create_task(other())
        await asyncio.sleep(0.0)
        assert not task.done()
        if failure is not None:
            raise failure

    with pytest.raises(ValueError, match='defect') if failure else contextlib.nullcontext():
        run_loop(work())
    assert cancelled == [True]
