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
"""Background tasks of the gateway, and what nobody handles in its loop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine
from typing import Any

from oht50_bridge.heap import end_without_memory
from oht50_bridge.heap import lacks_memory

_log = logging.getLogger(__name__)

REPORT_PERIOD = 10.0  # s


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine as `asyncio.run` does, but end the process where the loop itself fails.

    In a loop that has failed nothing can be awaited: an end in order would not come to an end.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(work)
    try:
        loop.run_until_complete(task)
    except BaseException as error:
        if not task.done():
            end_without_memory(error)
            _log.critical('the event loop failed', exc_info=error)
            os._exit(1)
        raise
    finally:
        for other in (others := asyncio.all_tasks(loop)):
            other.cancel()
        if others:
            loop.run_until_complete(asyncio.wait(others))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


class LoopErrors:
    """Reports what nobody handles in an event loop.

    That memory is missing is no defect of the line where it shows. Where that was the traffic of
    a connection, which asyncio then closes, it is reported without a traceback, once in a while.
    Anything else it left half done, perhaps a listener that accepts nothing any more: it ends the
    process.

    Args:
        loop: whose handler it becomes.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._report_at = 0.0
        loop.set_exception_handler(self._report)

    def _report(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get('exception')
        if 'transport' not in context:
            end_without_memory(error)
        if not lacks_memory(error):
            loop.default_exception_handler(context)
        elif loop.time() >= self._report_at:
            self._report_at = loop.time() + REPORT_PERIOD
            _log.error(
                'no memory is left: %s. Reported once in %.0f s', context['message'], REPORT_PERIOD
            )


class Tasks:
    """Runs coroutines to their end; the gateway waits for them when it closes.

    Args:
        loop: runs them.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a coroutine; an exception of it is logged as a defect."""
        task = self._loop.create_task(work)
        self.running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            end_without_memory(task.exception())
            _log.error('defect in the gateway', exc_info=task.exception())
