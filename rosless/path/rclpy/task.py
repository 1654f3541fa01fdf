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

"""Futures, and the tasks that executors run."""

from __future__ import annotations

import inspect
import sys
import threading
import weakref
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Generator
from typing import TYPE_CHECKING
from typing import Any

from rclpy._outside import Subset

if TYPE_CHECKING:
    from rclpy.executors import Executor


class Future(Subset):
    """Represent the outcome of a task in the future."""

    def __init__(self, *, executor: Executor | None = None) -> None:
        self._done = False
        self._cancelled = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._exception_fetched = False
        self._callbacks: list[Callable[[Any], Any]] = []
        self._waiting: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._executor: Callable[[], Executor | None]
        self._set_executor(executor)

    def __del__(self) -> None:
        if self._exception is not None and not self._exception_fetched:
            print(
                f'The following exception was never retrieved: {self._exception}', file=sys.stderr
            )

    def __await__(self) -> Generator[Any, None, Any]:
        while not self._done:
            yield self
        return self.result()

    def cancel(self) -> None:
        """Request cancellation of the running task if it is not done already."""
        with self._lock:
            self._cancelled = not self._done
        self._run_callbacks()

    def cancelled(self) -> bool:
        """Indicate if the task has been cancelled."""
        return self._cancelled

    def done(self) -> bool:
        """Indicate if the task has finished executing."""
        return self._done

    def result(self) -> Any:
        """Get the result of a done task, or raise its exception."""
        exception = self.exception()
        if exception is not None:
            raise exception
        return self._result

    def exception(self) -> BaseException | None:
        """Get an exception raised by a done task."""
        self._exception_fetched = True
        return self._exception

    def set_result(self, result: Any) -> None:
        """Set the result returned by a task."""
        self._finish(result, None)

    def set_exception(self, exception: BaseException) -> None:
        """Set the exception raised by the task."""
        self._finish(None, exception)

    def _finish(self, result: Any, exception: BaseException | None) -> None:
        with self._lock:
            self._result, self._exception = result, exception
            self._exception_fetched = False
            self._done, self._cancelled = True, False
        self._run_callbacks()

    def _run_callbacks(self) -> None:
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume()
        for callback in callbacks:
            self._call(callback)

    def _call(self, callback: Callable[[Any], Any]) -> None:
        executor = self._executor()
        if executor is not None:
            executor.create_task(callback, self)
        else:
            callback(self)

    def _set_executor(self, executor: Executor | None) -> None:
        self._executor = weakref.ref(executor) if executor is not None else lambda: None

    def _when_done(self, resume: Callable[[], None]) -> None:
        """Call `resume` as soon as this is done, in the thread that completes it."""
        with self._lock:
            if not self._done:
                self._waiting.append(resume)
                return
        resume()

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Add a callback to be executed when the task is done.

        It may be called immediately by this method if the future is already done.
        """
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
        self._call(callback)


class Task(Future):
    """Execute a function or coroutine; made by executors only."""

    def __init__(
        self,
        handler: Callable[..., Any] | Coroutine[Any, Any, Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        executor: Executor,
    ) -> None:
        super().__init__(executor=executor)
        self._owner = executor
        if inspect.iscoroutinefunction(handler):
            handler = handler(*args, **kwargs)
        self._handler, self._args, self._kwargs = handler, args, kwargs

    def __call__(self) -> None:
        """Run or resume the task; its outcome is stored."""
        if self._done:
            return
        handler = self._handler
        try:
            if not isinstance(handler, Coroutine):
                self.set_result(handler(*self._args, **self._kwargs))
                return
            awaited = handler.send(None)
            if isinstance(awaited, Future):
                awaited._when_done(lambda: self._owner._enqueue(self))
            else:
                self._owner._enqueue(self)
        except StopIteration as stop:
            self.set_result(stop.value)
        except Exception as error:
            self.set_exception(error)
