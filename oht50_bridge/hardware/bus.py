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
"""One serial line: one port, one thread, all transactions in the order of their urgency.

Work is a generator that yields `Read` and `Write` and receives a `Reply`. So the sequence of a
driver reads from top to bottom, and yet the line is free after every single try: a more urgent
request waits for no more than the try that is on the wire. pymodbus implements Modbus.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import struct
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from pymodbus.exceptions import ConnectionException
from pymodbus.exceptions import ModbusException

from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import ExceptionReplyError
from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.errors import RequestAbandonedError
from oht50_bridge.hardware.modbus_client import FRAME_SILENCE
from oht50_bridge.hardware.modbus_client import ModbusClient
from oht50_bridge.hardware.modbus_client import belongs
from oht50_bridge.hardware.requests import Break
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.hardware.requests import Request
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.hardware.requests import Worker
from oht50_bridge.hardware.requests import Write
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.hardware.statistics import Load

logger = logging.getLogger(__name__)

REOPEN_PERIOD = 0.2  # s between attempts to open a lost port
_LATENESS = 0.5  # part of its timeout beyond it for which a late reply is expected
_ERROR_PAUSE = 0.1  # s before work that raised is run again
_PATIENCE = 0.3  # s that work waits for the line before it may go before what is more urgent


class _Task:
    """Work in progress on the line."""

    def __init__(self, steps: Steps | None, worker: Worker | None, priority: Priority, order: int):
        self.steps = steps
        self.worker = worker
        self._priority = priority
        self.order = order
        self.due = time.monotonic()
        self.served_at = self.due  # end of its last try
        self.request: Request | None = None
        self.tries = 0
        self.restart = False
        self.future: Future[Any] = Future()

    @property
    def priority(self) -> Priority:
        return self.worker.priority() if self.worker else self._priority

    @property
    def waits_since(self) -> float:
        """Monotonic time since when it could have had the line."""
        return max(self.due, self.served_at)

    def drop(self) -> None:
        """End the present round; its request is not sent any more."""
        if self.steps is not None:
            self.steps.close()
        self.steps = None
        self.request = None


class SerialLine:
    """A serial line and its thread.

    Args:
        name: as in the configuration.
        device: path of the port, such as `/dev/ttyOHT485`.
        parity: N, E or O.
    """

    def __init__(
        self, name: str, device: str, baudrate: int = 115200, parity: str = 'N', stop_bits: int = 1
    ) -> None:
        self.name = name
        self.device = device
        self.baudrate = baudrate
        self.parity = parity
        self.stop_bits = stop_bits
        self.load = Load()
        self._client = ModbusClient(
            device, baudrate=baudrate, parity=parity, stopbits=stop_bits, retries=0, timeout=0.2
        )
        self._client.set_max_no_responses(2**31)
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []
        self._order = itertools.count()
        self._closing = False
        self._reopen_at = 0.0
        self._cause = ''  # of the loss of the port
        self._port_error: str | None = 'not opened yet'
        self._quiet_since = 0.0
        self._last_address = 0  # of the board that was addressed last
        # The next try, and the last one, is of work that has waited for too long.
        self._giving_turn = self._turn_was_given = False
        # By board, the last request without a good reply, and until when one may still come.
        self._unanswered: dict[int, tuple[Request | None, float]] = {}
        self._thread = threading.Thread(target=self._run, name=f'line-{name}', daemon=True)

    # For any thread.

    def start(self) -> None:
        """Start the thread, which opens the port and retries until it succeeds."""
        self._thread.start()

    def close(self, timeout: float = 1.0) -> None:
        """Abandon waiting requests, end the thread and close the port. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise RuntimeError(f'line {self.name}: its thread did not end within {timeout} s')

    def add(self, worker: Worker) -> None:
        """Run the rounds of `worker` until the line closes."""
        with self._changed:
            self._tasks.append(_Task(None, worker, Priority.POLL, next(self._order)))
            self._changed.notify_all()

    def submit(self, steps: Steps, priority: Priority) -> Future[Any]:
        """Run a generator once.

        The future receives its return value, or a ModuleError, or RequestAbandonedError when the
        line closes.
        """
        task = _Task(steps, None, priority, next(self._order))
        with self._changed:
            if self._closing:
                task.future.set_exception(RequestAbandonedError('the line is closed'))
                return task.future
            self._tasks.append(task)
            self._changed.notify_all()
        return task.future

    def wake(self, worker: Worker) -> None:
        """Drop the present round of `worker` and begin a new one at once."""
        with self._changed:
            for task in self._tasks:
                if task.worker is worker:
                    task.restart = True
                    task.due = time.monotonic()
            self._changed.notify_all()

    @property
    def port_error(self) -> str | None:
        """Why the port is not open, None while it is."""
        return self._port_error

    # In the thread of the line.

    def _run(self) -> None:
        try:
            while not self._closing:
                try:
                    self._turn()
                except Exception as error:  # a defect; a dead thread could stop nothing
                    logger.exception('line %s: %r', self.name, error)
                    self._start_over(error)
        finally:
            with self._changed:
                self._closing = True
                tasks, self._tasks = self._tasks, []
            for task in tasks:
                with contextlib.suppress(Exception):
                    task.drop()
                if task.worker is None and not task.future.done():
                    task.future.set_exception(RequestAbandonedError('the line closes'))
            self._client.close()

    def _turn(self) -> None:
        if not self._open():
            return
        task = self._next()
        if task is not None:
            self._step(task)

    def _start_over(self, error: Exception) -> None:
        """Drop every present round, inform the workers, and continue after a pause."""
        with self._changed:
            tasks = list(self._tasks)
        for task in tasks:
            try:
                task.drop()
                task.tries = 0
                task.due = time.monotonic() + _ERROR_PAUSE
                if task.worker is not None:
                    task.worker.failed(error)
                    continue
                with self._changed:
                    self._tasks.remove(task)
                task.future.set_exception(error)
            except Exception:
                logger.exception('line %s: while starting over', self.name)
        with self._changed:
            if not self._closing:
                self._changed.wait(_ERROR_PAUSE)

    def _open(self) -> bool:
        if self._client.socket is not None:
            return True
        if self._port_error is None:  # it was open and pymodbus closed it
            self._lost(f'does not answer ({self._cause})', 'check the cable')
            self._reopen_at = time.monotonic()
        with self._changed:
            wait = self._reopen_at - time.monotonic()
            if wait > 0:
                self._changed.wait(wait)
                self._fail_waiting()
                return False
        if self._client.connect():
            self._port_error = None
            self._quiet_since = time.monotonic()
            logger.info('line %s: %s is open', self.name, self.device)
            return True
        if Path(self.device).exists():
            self._lost(
                'cannot be opened',
                'end the other process that uses it, or permit this one to use it',
            )
        else:
            self._lost('does not exist', 'check the cable and the device name')
        self._reopen_at = time.monotonic() + REOPEN_PERIOD
        return False

    def _lost(self, reason: str, remedy: str) -> None:
        text = f'{self.device} {reason}: {remedy}'
        if self._port_error != text:
            logger.error('line %s: %s', self.name, text)
        self._port_error = text
        with self._changed:
            workers = [task for task in self._tasks if task.worker is not None]
            self._fail_waiting()
        for task in workers:
            task.drop()
            assert task.worker is not None
            task.worker.port_lost(PortLostError(text))

    def _fail_waiting(self) -> None:
        for task in [task for task in self._tasks if task.worker is None]:
            self._tasks.remove(task)
            task.drop()
            task.future.set_exception(PortLostError(self._port_error or ''))

    def _next(self) -> _Task | None:
        """Choose the next task; None after a wait, because the choice may have changed."""
        now = time.monotonic()
        with self._changed:
            ready = [task for task in self._tasks if task.due <= now]
            if not ready:
                next_due = min((task.due for task in self._tasks), default=math.inf)
                self._changed.wait(min(next_due - now, 1.0))
                return None
            task = self._choose(ready, now)
            restart, task.restart = task.restart, False
        if restart and task.worker is not None:
            task.drop()
        if task.request is None:
            self._advance(task, None)
            return None
        endpoint = task.request.endpoint
        free_at = self._quiet_since + endpoint.timing.gap
        if endpoint.unit != self._last_address:
            free_at = max(free_at, self._quiet_since + endpoint.timing.foreign_gap)
        unanswered, late_until = self._unanswered.get(endpoint.unit, (None, 0.0))
        if isinstance(task.request, Read) and task.request is not unanswered:
            # A reply to a read does not name its registers: a late reply to another request would
            # be taken for its own, and so on with each request that follows. It names its board,
            # so that others are read meanwhile. The reply to a write repeats the request, and a
            # stop must not wait.
            free_at = max(free_at, late_until)
        if isinstance(task.request, Write):
            free_at = max(free_at, task.request.not_before)
        gap = free_at - time.monotonic()
        if gap > 0:
            with self._changed:
                if not self._closing and not task.restart:
                    self._changed.wait(gap)
            return None
        return task

    def _choose(self, ready: list[_Task], now: float) -> _Task:
        """Choose the most urgent task, or one that has waited for it for too long.

        Without that, a line whose boards are polled without a pause would never scan, nor one
        whose pauses are shorter than the silence that the scan needs. Each second try at most is
        given away, and none before a stop, which so waits for one try as ever.
        """
        urgent = min(ready, key=lambda item: (item.priority, item.due, item.order))
        waiting = [item for item in ready if now - item.waits_since > _PATIENCE]
        if urgent.priority <= Priority.STOP or self._turn_was_given or not waiting:
            self._giving_turn = False
            return urgent
        chosen = min(waiting, key=lambda item: item.waits_since)
        self._giving_turn = chosen is not urgent
        return chosen

    def _step(self, task: _Task) -> None:
        """Make one try of the task's request."""
        request = task.request
        assert request is not None
        if request.valid is not None and not request.valid():
            self._advance(task, RequestAbandonedError('no longer valid'))
            return
        statistics = request.endpoint.statistics
        self._turn_was_given = self._giving_turn
        try:
            reply = self._transact(request)
        except ModuleError as error:
            statistics.error(str(error))
            if isinstance(error, PortLostError):
                self._cause = str(error)
                return  # the loop finds the port closed and informs the workers
            if not isinstance(error, ExceptionReplyError):
                self._expect_late(request)
            if task.worker is not None:
                task.worker.exchanged(error)
            if task.tries > 0 and not isinstance(error, ExceptionReplyError):
                task.tries -= 1
                statistics.count('retries')
                task.due = time.monotonic()
                task.order = next(self._order)
                return
            self._advance(task, error)
        else:
            unit = request.endpoint.unit
            if request is self._unanswered.get(unit, (None, 0.0))[0]:
                # This may be the reply to the try before: its own is still to come.
                self._expect_late(request)
                self._unanswered[unit] = (None, self._unanswered[unit][1])
            if task.worker is not None:
                task.worker.exchanged(None)
            self._advance(task, reply)
        finally:
            task.served_at = time.monotonic()

    def _expect_late(self, request: Request) -> None:
        # However soon the try ended, its reply is to come within its timeout.
        until = max(time.monotonic(), self._client.first_byte_by)
        until += _LATENESS * request.endpoint.timing.timeout
        self._unanswered[request.endpoint.unit] = (request, until)

    def _advance(self, task: _Task, result: Reply | Exception | None) -> None:
        """Send the generator its result and keep its next request, or finish the round."""
        try:
            if task.steps is None:
                assert task.worker is not None
                task.steps = task.worker.steps()
            if isinstance(result, Exception):
                task.request = task.steps.throw(result)
            else:
                task.request = task.steps.send(result)  # type: ignore[arg-type]
        except StopIteration as stop:
            self._finish(task, stop.value, None)
        except Exception as error:
            self._finish(task, None, error)
        else:
            retries = task.request.retries
            task.tries = task.request.endpoint.timing.retries if retries is None else retries
            task.order = next(self._order)

    def _finish(self, task: _Task, value: Any, error: Exception | None) -> None:
        task.steps = None
        task.request = None
        task.order = next(self._order)
        if task.worker is None:
            with self._changed:
                self._tasks.remove(task)
            if error is None:
                task.future.set_result(value)
            else:
                task.future.set_exception(error)
            return
        if error is not None:
            logger.exception('line %s: %r', self.name, error, exc_info=error)
            task.worker.failed(error)
        now = time.monotonic()
        with self._changed:
            if not task.restart:
                task.due = now + _ERROR_PAUSE if error is not None else value

    def _transact(self, request: Request) -> Reply:
        """Send one request and return its reply.

        Raises:
            CommunicationTimeoutError, FrameError, ExceptionReplyError, PortLostError.
        """
        if isinstance(request, Break):
            return self._break(request)
        client, endpoint = self._client, request.endpoint
        statistics = endpoint.statistics
        longest = wire_time(
            5 + 2 * (request.count if isinstance(request, Read) else 2), self.baudrate
        )
        start = time.monotonic()
        client.received = 0
        client.first_byte_by = start + wire_time(8, self.baudrate) + endpoint.timing.timeout
        client.last_byte_by = client.first_byte_by + longest + FRAME_SILENCE
        client.comm_params.timeout_connect = client.last_byte_by - start
        statistics.count('requests')
        try:
            response = client.exchange(request)
        except (ConnectionException, OSError) as error:
            client.close()
            statistics.count('timeouts')  # every request is counted with its outcome
            raise PortLostError(str(error)) from error
        except (ModbusException, IndexError, ValueError, struct.error) as error:  # on garbage
            if client.received:
                statistics.count('crc_errors')
                raise FrameError(f'{client.received} bytes that are no frame') from error
            statistics.count('timeouts')
            raise CommunicationTimeoutError(
                f'no reply within {endpoint.timing.timeout * 1000:.0f} ms'
            ) from error
        finally:
            self._quiet_since = time.monotonic()
            self._last_address = request.endpoint.unit
            self.load.add(start, self._quiet_since)
        if not belongs(request, response):
            statistics.count('crc_errors')
            raise FrameError('the reply belongs to another request')
        if response.isError():
            statistics.count('exceptions')
            raise ExceptionReplyError(
                f'exception {response.exception_code} at 0x{request.address:04X}'
            )
        statistics.reply(client.last_byte_at - start)
        age = time.monotonic() - client.last_byte_at
        words = tuple(response.registers) if isinstance(request, Read) else ()
        return Reply(words, time.time_ns() - int(age * 1e9), client.last_byte_at)

    def _break(self, request: Break) -> Reply:
        start = time.monotonic()
        try:
            self._client.send_break(request.baudrate)
        except ConnectionException as error:
            raise PortLostError(str(error)) from error
        finally:
            self._quiet_since = time.monotonic()
            self.load.add(start, self._quiet_since)
        return Reply((), time.time_ns(), self._quiet_since)
