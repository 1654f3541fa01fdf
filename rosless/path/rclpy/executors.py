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
from collections.abc import Coroutine
from typing import TYPE_CHECKING
from typing import Any

from rclpy import _dds
from rclpy._outside import Subset
from rclpy._outside import refuse
from rclpy.context import Context
from rclpy.exceptions import NotInitializedException
from rclpy.signals import wakes
from rclpy.task import Future
from rclpy.task import Task
from rclpy.utilities import get_default_context

if TYPE_CHECKING:
    from rclpy._node_entities import NodeEntities
    from rclpy._waitable import Waitable
    from rclpy.callback_groups import CallbackGroup
    from rclpy.timer import Timer

SLICE_NS = 100_000_000
"""The longest wait in C, where Python cannot run its signal handlers."""
UNDISTURBED_NS = 1_000_000_000
"""The longest wait where that does not matter."""

__getattr__ = refuse(__name__, 'MultiThreadedExecutor')


class ExternalShutdownException(Exception):
    """Context has been shutdown."""


class Executor(Subset):
    """The base class for an executor."""

    def __init__(self, *, context: Context | None = None) -> None:
        self.context = context or get_default_context()
        if not self.context.ok():
            if self.context._initialized:
                # A signal arrived before the first spin.
                raise ExternalShutdownException
            raise NotInitializedException('cannot create an executor')
        self._nodes: dict[NodeEntities, None] = {}
        self._lock = threading.RLock()
        self._is_shutdown = False
        self._tasks: deque[Task] = deque()
        self._ready: deque[tuple[Task | Timer | Waitable, NodeEntities | None]] = deque()
        """(task, timer or endpoint; its node, None for a task)"""
        self._timers: list[tuple[Timer, NodeEntities]] = []
        """All timers of our nodes, each with its node."""
        self._attached: dict[int, tuple[Waitable, NodeEntities]] = {}
        """Number to (endpoint, node), for everything attached to the wait set."""
        self._stale = True
        self._guard = _dds.GuardCondition(self.context._participant)
        self._wait_set = _dds.WaitSet(self.context._participant)
        self._wait_set.attach(self._guard.entity, 0)
        self.context._guards.add(self._guard)

    def create_task(
        self, callback: Callable[..., Any] | Coroutine[Any, Any, Any], *args: Any, **kwargs: Any
    ) -> Task:
        """Add a callback or coroutine to be executed during `spin` and return a Future."""
        task = Task(callback, args, kwargs, self)
        self._enqueue(task)
        return task

    def _enqueue(self, task: Task) -> None:
        self._tasks.append(task)
        self.wake()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop executing callbacks."""
        self._is_shutdown = True
        self.wake()
        with self._lock:
            self._nodes.clear()
            self._stale = True
        if self.context.ok():
            _dds.delete(self._wait_set.entity)
            _dds.delete(self._guard.entity)
        return True

    def add_node(self, node: NodeEntities) -> bool:
        """Add a node whose callbacks should be managed by this executor."""
        with self._lock:
            if node in self._nodes:
                return False
            self._nodes[node] = None
        node.executor = self
        self._changed()
        return True

    def remove_node(self, node: NodeEntities) -> None:
        """Stop managing this node's callbacks."""
        with self._lock:
            self._nodes.pop(node, None)
        self._changed()

    def get_nodes(self) -> list[NodeEntities]:
        """Return nodes that have been added to this executor."""
        with self._lock:
            return list(self._nodes)

    def wake(self) -> None:
        """Wake the executor because something changed."""
        self._guard.trigger()

    def _changed(self) -> None:
        """Wake the executor because entities were made or destroyed."""
        self._stale = True
        self.wake()

    def spin(self) -> None:
        """Execute callbacks until shutdown."""
        while self.context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Execute callbacks until a given future is done or a timeout occurs."""
        future._when_done(self.wake)
        end = _deadline(timeout_sec)
        while self.context.ok() and not future.done() and not self._is_shutdown:
            self._spin_once(end, future.done)
            if time.monotonic_ns() >= end:
                break

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for and execute a single callback."""
        self._spin_once(_deadline(timeout_sec), lambda: False)

    def _spin_once(self, end: float, condition: Callable[[], bool]) -> None:
        item = self._next(end, condition)
        if isinstance(item, Task):
            self._run(item)
        elif item is not None:
            self._execute(item)

    # --- waiting --------------------------------------------------------------------------------

    def _next(self, end: float, condition: Callable[[], bool]) -> Task | Timer | Waitable | None:
        """Return the next task, timer or endpoint.

        Returns:
            None at the time `end`, when the condition is true, or after a shutdown.

        Raises:
            ExternalShutdownException: the context was shut down.

        """
        while not self._is_shutdown and not condition():
            if not self.context.ok():
                raise ExternalShutdownException
            while self._ready:
                item, node = self._ready.popleft()
                if isinstance(item, Task):
                    return item
                if node in self._nodes and not item.callback_group._running:
                    return item
            left = end - time.monotonic_ns()
            # Signal handlers run in the main thread only, and it is woken where we handle them.
            disturbed = threading.current_thread() is threading.main_thread() and not wakes()
            self._collect(int(max(0, min(left, SLICE_NS if disturbed else UNDISTURBED_NS))))
            if not self._ready and left <= 0:
                return None
        return None

    def _collect(self, timeout_ns: int) -> None:
        """Wait until something is ready, at most this long, and queue all that is."""
        if self._stale:
            self._attach_all()
        ready = self._ready
        for _ in range(len(self._tasks)):
            ready.append((self._tasks.popleft(), None))
        for timer, node in self._timers:
            left = timer.time_until_next_call()
            if left is None or timer.callback_group._running:
                continue
            if left <= 0:
                ready.append((timer, node))
            timeout_ns = min(timeout_ns, left)
        try:
            fired = self._wait_set.wait(0 if ready else timeout_ns)
        except _dds.Error:
            # Another thread shut down the context or this executor during the wait.
            if self.context.ok() and not self._is_shutdown:
                raise
            return
        for number in fired:
            if number == 0:
                self._guard.reset()
            elif number in self._attached:
                endpoint, node = self._attached[number]
                if not endpoint.callback_group._running:
                    ready.append((endpoint, node))
                else:
                    # It stays on; waiting for it again would spin until its group is free.
                    self._wait_set.detach(endpoint._condition)
                    del self._attached[number]

    def _attach_all(self) -> None:
        """Make the wait set hold what our nodes have now."""
        self._stale = False
        self._timers = [(timer, node) for node in self.get_nodes() for timer in node.timers]
        wanted = {
            endpoint._number: (endpoint, node)
            for node in self.get_nodes()
            for group in (node.subscriptions, node.services, node.clients)
            for endpoint in group
        }
        for number in self._attached.keys() - wanted.keys():
            endpoint, _ = self._attached.pop(number)
            self._wait_set.detach(endpoint._condition)
        for number in wanted.keys() - self._attached.keys():
            try:
                self._wait_set.attach(wanted[number][0]._condition, number)
            except _dds.Error:
                # Another thread destroyed it meanwhile.
                continue
            self._attached[number] = wanted[number]

    # --- executing ------------------------------------------------------------------------------

    def _execute(self, item: Timer | Waitable) -> None:
        """Run one callback; what it raises is raised here, now or when it resumes."""
        group = item.callback_group
        group._running = group._exclusive
        task = None
        try:
            call = item._take()
            outcome = None if call is None else call()
            if inspect.iscoroutine(outcome):
                task = Task(outcome, (), {}, self)
                task._when_done(lambda: self._end(group))
                self._run(task)
        finally:
            if task is None:
                group._running = False

    def _end(self, group: CallbackGroup) -> None:
        group._running = False
        self._changed()

    @staticmethod
    def _run(task: Task) -> None:
        task()
        if task.done():
            task.result()


class SingleThreadedExecutor(Executor):
    """Runs callbacks in the thread that calls `spin`."""


def _deadline(timeout_sec: float | None) -> float:
    """Return nanoseconds of the monotonic clock; no timeout, or a negative one, is for ever."""
    if timeout_sec is None or timeout_sec < 0:
        return float('inf')
    return time.monotonic_ns() + timeout_sec * 1e9
