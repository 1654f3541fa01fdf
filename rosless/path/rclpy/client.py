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
from typing import Any

from rclpy import _dds
from rclpy.exceptions import InvalidHandle
from rclpy.exceptions import RCLError
from rclpy.logging import get_logger
from rclpy.qos import QoSProfile
from rclpy.service import BODY
from rclpy.service import ServiceEndpoints
from rclpy.service import correlation
from rclpy.service import identity_of
from rclpy.service import with_correlation
from rclpy.task import Future


class Client(ServiceEndpoints):
    """Calls a service; see Node.create_client. `call_async` may be used from any thread."""

    def __init__(self, context: Any, srv_type: Any, srv_name: str, qos_profile: QoSProfile,
                 callback_group: Any, executor: Callable[[], Any]) -> None:
        self.context = context
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.qos_profile = qos_profile
        self.callback_group = callback_group
        self._executor = executor
        self._lock = threading.Lock()
        self._pending: dict[int, Future] = {}
        self._sequence = count(1)
        self._create(context, srv_type, srv_name, qos_profile, server=False)
        self._handle = _dds.instance_handle(self._writer)

    @property
    def service_name(self) -> str:
        """Return the full name of the service."""
        return self.srv_name

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        """Not supported: waiting in a callback deadlocks a single-threaded executor."""
        raise NotImplementedError('rosless: Client.call is not supported; use call_async, or '
                                  'install ROS 2')

    def call_async(self, request: Any) -> Future:
        """
        Make a service request and asynchronously get the result.

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
            _dds.write(self._writer, with_correlation(request, self._handle, sequence))
        except _dds.Error as error:
            self.remove_pending_request(future)
            raise RCLError(f'Failed to send request to {self.srv_name}: {error}') from error
        future.add_done_callback(self.remove_pending_request)
        return future

    def remove_pending_request(self, future: Future) -> None:
        """Remove a future from the list of pending requests: its response is dropped."""
        with self._lock:
            for sequence, pending in list(self._pending.items()):
                if pending is future:
                    del self._pending[sequence]

    def _take(self) -> Callable[[], Any] | None:
        for data, _ in _dds.take(self._reader):
            writer, sequence = correlation(data)
            if writer != self._handle:
                continue
            with self._lock:
                future = self._pending.get(sequence)
            if future is None:
                continue
            try:
                response = self.srv_type.Response._read(data, BODY)
            except Exception as error:
                get_logger('rosless').error(
                    f'dropped a malformed response of {self.srv_name}: {error}')
                continue
            future._set_executor(self._executor())
            return partial(future.set_result, response)
        return None

    def service_is_ready(self) -> bool:
        """Check if there is a service server that is connected in both directions."""
        if not self._writer:
            return False
        ways = []
        for entity, writer in ((self._writer, True), (self._reader, False)):
            handles = _dds.matched(entity, writer=writer)
            ways.append({identity_of(_dds.matched_user_data(entity, handle, writer=writer),
                                     b'serviceid') for handle in handles})
        return bool(ways[0] & ways[1])

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Wait for a service server to become ready; return False on a timeout."""
        deadline = float('inf') if timeout_sec is None else time.monotonic() + timeout_sec
        while self.context.ok() and not self.service_is_ready():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.01))
        return self.service_is_ready()
