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

from oht50_bridge.gateway.tasks import LoopErrors
from oht50_bridge.gateway.tasks import Tasks


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


async def test_that_memory_is_missing_is_a_line_and_a_defect_has_its_traceback(caplog):
    def fail(error):
        raise error

    loop = asyncio.get_running_loop()
    LoopErrors(loop)
    for error in (MemoryError(), MemoryError(), ValueError('a defect')):
        loop.call_soon(fail, error)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    memory, defect = caplog.records
    assert 'no memory is left' in memory.getMessage()
    assert memory.exc_info is None
    assert defect.exc_info[0] is ValueError
