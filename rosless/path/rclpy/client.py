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

"""Service clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING
from typing import Any
from typing import NoReturn

from rosidl_rosless import Message

from rclpy import _dds
from rclpy._outside import outside
from rclpy._service_endpoints import Correlation
from rclpy._service_endpoints import ServiceEndpoints
from rclpy._service_endpoints import identities
from rclpy.exceptions import InvalidHandle
from rclpy.exceptions import RCLError
from rclpy.qos import QoSProfile
from rclpy.task import Future

if TYPE_CHECKING:
    from rclpy.callback_groups import CallbackGroup
    from rclpy.context import Context
    from rclpy.executors import Executor


class Client(ServiceEndpoints):
    """Calls a service; see Node.create_client. `call_async` may be used from any thread."""

    def __init__(
        self,
        context: Context,
        srv_type: Any,
        srv_name: str,
        qos_profile: QoSProfile,
        callback_group: CallbackGroup,
        executor: Callable[[], Executor | None],
    ) -> None:
        super().__init__(context, srv_type, srv_name, callback_group, qos_profile, server=False)
        self._executor = executor
        self._lock = threading.Lock()
        self._pending: dict[int, Future] = {}
        self._sequence = count(1)
        self._handle = _dds.instance_handle(self._writer)

    def call(self, request: Message, timeout_sec: float | None = None) -> NoReturn:
        """Not supported: waiting in a callback deadlocks a single-threaded executor."""
        outside('Client.call, unlike call_async,')

    def call_async(self, request: Message) -> Future:
        """Make a service request and asynchronously get the result.

        Raises:
            TypeError: request is not of the service's Request type.

        """
        if not isinstance(request, self.srv_type.Request):
            raise TypeError(f'Expected {self.srv_type.Request}, got {type(request)}')
        if not self._writer:
            raise InvalidHandle(f'cannot call {self.srv_name}: the client was destroyed')
        with self._lock:
            sequence = next(self._sequence)
            future = self._pending[sequence] = Future()
        try:
            self._send(request, (self._handle, sequence))
        except _dds.Error as error:
            self.remove_pending_request(future)
            raise RCLError(f'Failed to send request to {self.srv_name}: {error}') from error
        future.add_done_callback(self.remove_pending_request)
        return future

    def remove_pending_request(self, future: Future) -> None:
        """Remove a future from the list of pending requests: its response is dropped."""
        with self._lock:
            self._pending = {n: f for n, f in self._pending.items() if f is not future}

    def _received(
        self, data: bytes, correlation: Correlation, writer: int
    ) -> Callable[[], Any] | None:
        handle, sequence = correlation
        if handle != self._handle:
            return None
        with self._lock:
            future = self._pending.get(sequence)
        if future is None:
            return None
        response = self._decode(data)
        future._set_executor(self._executor())
        return partial(future.set_result, response)

    def service_is_ready(self) -> bool:
        """Check if there is a service server that is connected in both directions."""
        requests = identities(self._writer, b'serviceid', writer=True).values()
        replies = identities(self._reader, b'serviceid', writer=False).values()
        return not set(requests).isdisjoint(replies)

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Wait for a service server to become ready; return False on a timeout."""
        deadline = float('inf') if timeout_sec is None else time.monotonic() + timeout_sec
        while self.context.ok() and not self.service_is_ready():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.01))
        return self.service_is_ready()
