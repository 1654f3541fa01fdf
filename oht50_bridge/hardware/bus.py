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
"""One serial line: one port, one thread, every transaction in the order of its urgency.

Work comes as generators that yield `Read` and `Write` and receive a `Reply`, so that a driver's
sequence reads from top to bottom and yet gives the line away after every single try. A request
that stands higher in `Priority` therefore waits for no more than the try that is on the wire.
Modbus itself is pymodbus's.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import logging
import math
import os
import select
import struct
import termios
import threading
import time
from collections.abc import Callable
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import dataclass
from dataclasses import field
from enum import IntEnum
from typing import Any
from typing import Protocol

from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ConnectionException
from pymodbus.exceptions import ModbusException

from oht50_bridge.hardware.errors import Abandoned
from oht50_bridge.hardware.errors import CommunicationTimeout
from oht50_bridge.hardware.errors import ExceptionReply
from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PortLost
from oht50_bridge.hardware.profile_reader import Timing
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.hardware.statistics import Load
from oht50_bridge.hardware.statistics import Statistics

logger = logging.getLogger(__name__)
# Every silence is reported by us, with the module's name and a code.
logging.getLogger('pymodbus').setLevel(logging.CRITICAL)

REOPEN_PERIOD = 0.2  # s between attempts to open a lost port
_FRAME_SILENCE = 0.03  # s: a frame has ended; USB adapters deliver in pieces up to 16 ms apart
_LATENESS = 0.5  # of its timeout, in which a reply may come after it
_ERROR_PAUSE = 0.1  # s before what raised is run again
_WRITE_TIMEOUT = 0.2  # s: a port that does not take a frame within this is lost
_UNIT = (  # how pymodbus calls the address of a board; up to 3.9 and from 3.10 on
    'device_id'
    if 'device_id' in inspect.signature(ModbusSerialClient.write_register).parameters
    else 'slave'
)


class Priority(IntEnum):
    """Order in which waiting requests go out; the smallest first."""

    EMERGENCY_STOP = 0
    STOP = 1
    DRIVE = 2
    POLL = 3
    SCAN = 4


@dataclass(frozen=True)
class Endpoint:
    """A board on the line: its unit address, how to talk to it, what is counted."""

    unit: int
    timing: Timing
    statistics: Statistics = field(default_factory=Statistics, compare=False)


@dataclass(frozen=True)
class Read:
    """Read `count` holding registers; `retries` when other than the endpoint's."""

    endpoint: Endpoint
    address: int
    count: int
    retries: int | None = None
    valid: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Write:
    """Write `values` from `address` on.

    `valid` is asked right before the frame is sent: where it says no, the generator gets
    `Abandoned` instead, so that a command that has waited cannot outlive its reason.
    """

    endpoint: Endpoint
    address: int
    values: tuple[int, ...]
    retries: int | None = None
    valid: Callable[[], bool] | None = None


Request = Read | Write


@dataclass(frozen=True)
class Reply:
    """A good reply and when it arrived.

    Attributes:
        words: registers read; empty for a write.
        stamp: unix time in ns.
        read_at: monotonic time in s.
    """

    words: tuple[int, ...]
    stamp: int
    read_at: float


Steps = Generator[Request, Reply, Any]


class Worker(Protocol):
    """Recurring work on a line, such as a module."""

    def steps(self) -> Steps:
        """Do one round; the generator returns the monotonic time of the next."""

    def priority(self) -> Priority:
        """Urgency now; asked each time the line chooses."""

    def exchanged(self, error: ModuleError | None) -> None:
        """Take note of the end of a try of its own, and how it failed if it did."""

    def failed(self, error: Exception) -> None:
        """Take note of an exception that left `steps`, or that befell the line in whole."""

    def port_lost(self, error: PortLost) -> None:
        """Take note that the port is gone; called again at each failing attempt to open it."""


class _Task:
    """Work in progress on the line."""

    def __init__(self, steps: Steps | None, worker: Worker | None, priority: Priority, order: int):
        self.steps = steps
        self.worker = worker
        self._priority = priority
        self.order = order
        self.due = time.monotonic()
        self.request: Request | None = None
        self.tries = 0
        self.restart = False
        self.future: Future[Any] = Future()

    @property
    def priority(self) -> Priority:
        return self.worker.priority() if self.worker else self._priority

    def drop(self) -> None:
        """End the round in hand; what it asked for is not sent any more."""
        if self.steps is not None:
            self.steps.close()
        self.steps = None
        self.request = None


class _Client(ModbusSerialClient):
    """Receives without polling, and by monotonic deadlines.

    Not every version of pymodbus has a deadline of its own for writing, nor for a line on which
    the bytes never end.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first_byte_by = 0.0
        self.last_byte_by = 0.0
        self.last_byte_at = 0.0
        self.received = 0

    def connect(self) -> bool:
        if super().connect() and self.socket.write_timeout is None:
            try:
                self.socket.write_timeout = _WRITE_TIMEOUT
            except (OSError, termios.error):  # gone already
                self.close()
        return self.socket is not None

    def recv(self, size: int | None) -> bytes:
        if self.socket is None:
            raise ConnectionException('port closed')
        now = time.monotonic()
        if self.received and now >= self.last_byte_by:
            return b''
        wait = _FRAME_SILENCE if self.received else self.first_byte_by - now
        try:
            ready, _, _ = select.select([self.socket], [], [], max(wait, 0.0))
            if not ready:
                return b''
            waiting = self.socket.in_waiting
            if not waiting:
                # last_stop reads this port too when it acts: then nothing is readable any more.
                # A port that is gone stays readable, and has no data.
                ready, _, _ = select.select([self.socket], [], [], 0.0)
                waiting = self.socket.in_waiting
                if ready and not waiting:
                    raise OSError('readable without data: the port is gone')
                if not waiting:
                    return b''
            data = self.socket.read(waiting)
        except OSError as error:
            self.close()
            raise ConnectionException(str(error)) from error
        self.last_byte_at = time.monotonic()
        self.received += len(data)
        return data


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
        self._client = _Client(
            device, baudrate=baudrate, parity=parity, stopbits=stop_bits, retries=0, timeout=0.2
        )
        self._client.set_max_no_responses(2**31)
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []
        self._order = itertools.count()
        self._closing = False
        self._reopen_at = 0.0
        self._port_error: str | None = 'not opened yet'
        self._quiet_since = 0.0
        # The request whose last try had no good reply; one that is late may come for a while.
        self._unanswered: Request | None = None
        self._late_until = 0.0
        self._thread = threading.Thread(target=self._run, name=f'line-{name}', daemon=True)

    # --- for any thread ---

    def start(self) -> None:
        """Start the thread; the port is opened there, again and again until it succeeds."""
        self._thread.start()

    def close(self, timeout: float = 1.0) -> None:
        """Abandon what waits, end the thread and close the port. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise RuntimeError(f'line {self.name}: its thread did not end within {timeout} s')

    def add(self, worker: Worker) -> None:
        """Run `worker` again and again until the line closes."""
        with self._changed:
            self._tasks.append(_Task(None, worker, Priority.POLL, next(self._order)))
            self._changed.notify_all()

    def submit(self, steps: Steps, priority: Priority) -> Future[Any]:
        """Run a generator once.

        The future takes its return value, or a ModuleError, or Abandoned when the line closes.
        """
        task = _Task(steps, None, priority, next(self._order))
        with self._changed:
            if self._closing:
                task.future.set_exception(Abandoned('the line is closed'))
                return task.future
            self._tasks.append(task)
            self._changed.notify_all()
        return task.future

    def wake(self, worker: Worker) -> None:
        """Drop the round `worker` is in and begin a new one at once, by its priority now."""
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

    # --- the line's thread ---

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
                    task.future.set_exception(Abandoned('the line closes'))
            self._client.close()

    def _turn(self) -> None:
        if not self._open():
            return
        task = self._next()
        if task is not None:
            self._step(task)

    def _start_over(self, error: Exception) -> None:
        """Drop every round in hand, tell the workers, go on after a pause."""
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
            self._lost('does not answer', 'check the cable')
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
        if os.path.exists(self.device):
            self._lost(
                'cannot be opened',
                'end the other process that uses it, or give this one the right to',
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
            task.worker.port_lost(PortLost(text))

    def _fail_waiting(self) -> None:
        for task in [task for task in self._tasks if task.worker is None]:
            self._tasks.remove(task)
            task.drop()
            task.future.set_exception(PortLost(self._port_error or ''))

    def _next(self) -> _Task | None:
        """Choose the task whose turn it is; None after waiting, as the choice may have changed."""
        now = time.monotonic()
        with self._changed:
            ready = [task for task in self._tasks if task.due <= now]
            if not ready:
                next_due = min((task.due for task in self._tasks), default=math.inf)
                self._changed.wait(min(next_due - now, 1.0))
                return None
            task = min(ready, key=lambda item: (item.priority, item.due, item.order))
            restart, task.restart = task.restart, False
        if restart and task.worker is not None:
            task.drop()
        if task.request is None:
            self._advance(task, None)
            return None
        free_at = self._quiet_since + task.request.endpoint.timing.gap
        if isinstance(task.request, Read) and task.request is not self._unanswered:
            # A reply to a read does not say of which registers: the late one of another request
            # would be taken for its own, and so on with each that follows. An echo of a write
            # says it all, and a stop does not wait.
            free_at = max(free_at, self._late_until)
        gap = free_at - time.monotonic()
        if gap > 0:
            with self._changed:
                if not self._closing and not task.restart:
                    self._changed.wait(gap)
            return None
        return task

    def _step(self, task: _Task) -> None:
        """Make one try of the task's request."""
        request = task.request
        assert request is not None
        if request.valid is not None and not request.valid():
            self._advance(task, Abandoned('no longer valid'))
            return
        statistics = request.endpoint.statistics
        try:
            reply = self._transact(request)
        except ModuleError as error:
            statistics.error(str(error))
            if isinstance(error, PortLost):
                return  # the loop finds the port closed and tells everyone
            if not isinstance(error, ExceptionReply):
                self._expect_late(request)
            if task.worker is not None:
                task.worker.exchanged(error)
            if task.tries > 0 and not isinstance(error, ExceptionReply):
                task.tries -= 1
                statistics.count('retries')
                task.due = time.monotonic()
                task.order = next(self._order)
                return
            self._advance(task, error)
        else:
            if request is self._unanswered:
                self._expect_late(request)  # this was perhaps the reply to the try before
                self._unanswered = None
            if task.worker is not None:
                task.worker.exchanged(None)
            self._advance(task, reply)

    def _expect_late(self, request: Request) -> None:
        self._unanswered = request
        self._late_until = time.monotonic() + _LATENESS * request.endpoint.timing.timeout

    def _advance(self, task: _Task, result: Reply | Exception | None) -> None:
        """Give the generator its result and take its next request, or finish the round."""
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
        """Send one request and take its reply.

        Raises:
            CommunicationTimeout, FrameError, ExceptionReply, PortLost.
        """
        client, endpoint = self._client, request.endpoint
        statistics = endpoint.statistics
        longest = wire_time(
            5 + 2 * (request.count if isinstance(request, Read) else 2), self.baudrate
        )
        start = time.monotonic()
        client.received = 0
        client.first_byte_by = start + wire_time(8, self.baudrate) + endpoint.timing.timeout
        client.last_byte_by = client.first_byte_by + longest + _FRAME_SILENCE
        client.comm_params.timeout_connect = client.last_byte_by - start
        statistics.count('requests')
        try:
            response = self._exchange(request)
        except (ConnectionException, OSError) as error:
            client.close()
            raise PortLost(str(error)) from error
        except (ModbusException, IndexError, ValueError, struct.error) as error:  # on garbage
            if client.received:
                statistics.count('crc_errors')
                raise FrameError(f'{client.received} bytes that make no frame') from error
            statistics.count('timeouts')
            raise CommunicationTimeout(
                f'no reply within {endpoint.timing.timeout * 1000:.0f} ms'
            ) from error
        finally:
            self._quiet_since = time.monotonic()
            self.load.add(start, self._quiet_since)
        if response.isError():
            statistics.count('exceptions')
            raise ExceptionReply(f'exception {response.exception_code} at 0x{request.address:04X}')
        if not _belongs(request, response):
            statistics.count('crc_errors')
            raise FrameError('the reply belongs to another request')
        statistics.reply(client.last_byte_at - start)
        age = time.monotonic() - client.last_byte_at
        words = tuple(response.registers) if isinstance(request, Read) else ()
        return Reply(words, time.time_ns() - int(age * 1e9), client.last_byte_at)

    def _exchange(self, request: Request) -> Any:
        client, unit = self._client, request.endpoint.unit
        if isinstance(request, Read):
            return client.read_holding_registers(
                request.address, count=request.count, **{_UNIT: unit}
            )
        if len(request.values) == 1:
            return client.write_register(request.address, request.values[0], **{_UNIT: unit})
        return client.write_registers(request.address, list(request.values), **{_UNIT: unit})


def _belongs(request: Request, response: Any) -> bool:
    if isinstance(request, Read):
        return response.function_code == 3 and len(response.registers) == request.count
    if len(request.values) == 1:
        echo = (response.function_code, response.address, tuple(response.registers))
        return echo == (6, request.address, request.values)
    echo = (response.function_code, response.address, response.count)
    return echo == (16, request.address, len(request.values))


def write_verified(
    endpoint: Endpoint, address: int, values: tuple[int, ...], attempts: int = 3
) -> Generator[Request, Reply, None]:
    """Write and read back, again where the board lost or overwrote the write.

    Raises:
        FrameError: the board does not keep the values.
    """
    found: tuple[int, ...] = ()
    for _ in range(attempts):
        yield Write(endpoint, address, values)
        found = (yield Read(endpoint, address, len(values))).words
        if found == values:
            return
    raise FrameError(
        f'0x{address:04X} reads back {list(found)} after {attempts} writes of {list(values)}'
    )
