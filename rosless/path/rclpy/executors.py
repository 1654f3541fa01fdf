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

"""The executor: one thread that waits for everything and runs callbacks one by one."""

from __future__ import annotations

import inspect
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy import _dds
from rclpy._outside import refuse
from rclpy.context import Context
from rclpy.exceptions import NotInitializedException
from rclpy.task import Future
from rclpy.task import Task
from rclpy.timer import Timer
from rclpy.utilities import get_default_context

SLICE_NS = 100_000_000
"""The longest wait in C, where Python cannot run its signal handlers."""


__getattr__ = refuse('rclpy.executors', ('MultiThreadedExecutor', 'await_or_execute'))


class TimeoutException(Exception):
    """Signal that a timeout occurred."""


class ShutdownException(Exception):
    """Signal that executor was shut down."""


class ExternalShutdownException(Exception):
    """Context has been shutdown."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args or ('The context was shut down while spinning',))


class ConditionReachedException(Exception):
    """Future has been completed."""


class Executor:
    """The base class for an executor."""

    def __init__(self, *, context: Context | None = None) -> None:
        self._context = get_default_context() if context is None else context
        if not self._context.ok():
            if self._context._initialized:
                # A signal came before the first spin.
                raise ExternalShutdownException
            raise NotInitializedException('cannot create an executor')
        self._nodes: dict[Any, None] = {}
        self._lock = threading.RLock()
        self._is_shutdown = False
        self._tasks: deque[Task] = deque()
        self._ready: deque[tuple[Any, Any]] = deque()
        self._waitables: dict[int, tuple[Any, Any]] = {}
        """Number to (entity, node), for everything attached to the wait set."""
        self._stale = True
        self._guard = _dds.GuardCondition(self._context._participant)
        self._wait_set = _dds.WaitSet(self._context._participant)
        self._wait_set.attach(self._guard.entity, 0)
        self._context._guards.add(self._guard)

    @property
    def context(self) -> Context:
        """Get the context associated with the executor."""
        return self._context

    def create_task(self, callback: Any, *args: Any, **kwargs: Any) -> Task:
        """Add a callback or coroutine to be executed during `spin` and return a Future."""
        task = Task(callback, args, kwargs, executor=self)
        self._enqueue(task)
        return task

    def _enqueue(self, task: Task) -> None:
        self._tasks.append(task)
        self._guard.trigger()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop executing callbacks."""
        self._is_shutdown = True
        self._guard.trigger()
        with self._lock:
            self._nodes.clear()
            self._stale = True
        if self._context.ok():
            _dds.delete(self._wait_set.entity)
            _dds.delete(self._guard.entity)
        return True

    def add_node(self, node: Any) -> bool:
        """Add a node whose callbacks should be managed by this executor."""
        with self._lock:
            if node in self._nodes:
                return False
            self._nodes[node] = None
        node.executor = self
        self._changed()
        return True

    def remove_node(self, node: Any) -> None:
        """Stop managing this node's callbacks."""
        with self._lock:
            if node not in self._nodes:
                return
            del self._nodes[node]
        self._changed()

    def get_nodes(self) -> list[Any]:
        """Return nodes that have been added to this executor."""
        with self._lock:
            return list(self._nodes)

    def wake(self) -> None:
        """Wake the executor because something changed."""
        self._guard.trigger()

    def _changed(self) -> None:
        """Wake the executor because entities came or went."""
        self._stale = True
        self._guard.trigger()

    def spin(self) -> None:
        """Execute callbacks until shutdown."""
        while self._context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_until_future_complete(self, future: Future,
                                   timeout_sec: float | None = None) -> None:
        """Execute callbacks until a given future is done or a timeout occurs."""
        future._when_done(self.wake)
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not future.done() and not self._is_shutdown:
            left = None if end is None else end - time.monotonic()
            if left is not None and left < 0:
                return
            self.spin_once_until_future_complete(future, left)

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for and execute a single callback."""
        raise NotImplementedError

    def spin_once_until_future_complete(self, future: Future,
                                        timeout_sec: float | None = None) -> None:
        """Wait for and execute a single callback, or until the future is done."""
        raise NotImplementedError

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shutdown()

    # --- waiting --------------------------------------------------------------------------------

    def _wait(self, timeout_sec: float | None,
              condition: Callable[[], bool]) -> tuple[Any, Any]:
        """
        Return the next (timer, task or entity, its node).

        Raises:
            TimeoutException, ShutdownException, ExternalShutdownException,
            ConditionReachedException.

        """
        end = None
        if timeout_sec is not None and timeout_sec >= 0:
            end = time.monotonic_ns() + int(timeout_sec * 1e9)
        while True:
            if self._is_shutdown:
                raise ShutdownException
            if not self._context.ok():
                raise ExternalShutdownException
            if condition():
                raise ConditionReachedException
            while self._ready:
                item, node = self._ready.popleft()
                if node is None or (node in self._nodes and item.callback_group.can_execute(item)):
                    return item, node
            left = SLICE_NS if end is None else end - time.monotonic_ns()
            self._collect(max(0, min(left, SLICE_NS)))
            if not self._ready and left <= 0:
                raise TimeoutException

    def _collect(self, timeout_ns: int) -> None:
        """Wait until something is ready, at most this long, and queue all that is."""
        if self._stale:
            self._attach_all()
        ready = self._ready
        for _ in range(len(self._tasks)):
            ready.append((self._tasks.popleft(), None))
        nodes = self.get_nodes()
        for node in nodes:
            for timer in list(node.timers):
                left = timer.time_until_next_call()
                if left is None or not timer.callback_group.can_execute(timer):
                    continue
                if left <= 0:
                    ready.append((timer, node))
                elif left < timeout_ns:
                    timeout_ns = left
        try:
            fired = self._wait_set.wait(0 if ready else timeout_ns)
        except _dds.Error:
            # Another thread shut the context or this executor down while we waited.
            if self._context.ok() and not self._is_shutdown:
                raise
            return
        for number in fired:
            if number == 0:
                self._guard.reset()
                continue
            entity, node = self._waitables.get(number, (None, None))
            if entity is None:
                continue
            if entity.callback_group.can_execute(entity):
                ready.append((entity, node))
            else:
                # It stays on; waiting for it again would spin until its group is free.
                self._wait_set.detach(entity._condition)
                del self._waitables[number]

    def _attach_all(self) -> None:
        """Make the wait set hold what our nodes have now."""
        self._stale = False
        wanted = {entity._number: (entity, node) for node in self.get_nodes()
                  for entity in node._waitables()}
        for number in self._waitables.keys() - wanted.keys():
            self._wait_set.detach(self._waitables[number][0]._condition)
        attached = {}
        for number, (entity, node) in wanted.items():
            if number not in self._waitables:
                try:
                    self._wait_set.attach(entity._condition, number)
                except _dds.Error:
                    # Destroyed by another thread meanwhile.
                    continue
            attached[number] = entity, node
        self._waitables = attached

    # --- executing ------------------------------------------------------------------------------

    def _execute(self, item: Any) -> None:
        """Run one callback; what it raises is raised here, now or when it resumes."""
        if isinstance(item, Task):
            self._run(item)
            return
        group = item.callback_group
        if not group.beginning_execution(item):
            return
        task = None
        try:
            if isinstance(item, Timer) and item._destroyed:
                return
            call = item._take()
            if call is None:
                return
            outcome = call()
            if inspect.iscoroutine(outcome):
                task = Task(outcome, executor=self)
                task._when_done(lambda: self._end(group, item))
                self._run(task)
        finally:
            if task is None:
                group.ending_execution(item)

    def _end(self, group: Any, item: Any) -> None:
        group.ending_execution(item)
        self._changed()

    @staticmethod
    def _run(task: Task) -> None:
        task()
        if task.done() and task.exception() is not None:
            task.result()


class SingleThreadedExecutor(Executor):
    """Runs callbacks in the thread that calls `spin`."""

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        try:
            item, _ = self._wait(timeout_sec, condition)
        except (ShutdownException, TimeoutException, ConditionReachedException):
            return
        self._execute(item)

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for and execute a single callback."""
        self._spin_once(timeout_sec, lambda: False)

    def spin_once_until_future_complete(self, future: Future,
                                        timeout_sec: float | None = None) -> None:
        """Wait for and execute a single callback, or until the future is done."""
        future._when_done(self.wake)
        self._spin_once(timeout_sec, future.done)
