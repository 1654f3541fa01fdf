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
"""Service servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

from rosidl_rosless import Message

from rclpy import _dds
from rclpy._service_endpoints import Correlation
from rclpy._service_endpoints import ServiceEndpoints
from rclpy._service_endpoints import identities
from rclpy._service_endpoints import identity
from rclpy.logging import get_logger
from rclpy.qos import QoSProfile

if TYPE_CHECKING:
    from rclpy.callback_groups import CallbackGroup
    from rclpy.context import Context

REPLY_MATCH_SEC = 0.1
"""How long the first reply waits until discovery has connected it to the client."""


class Service(ServiceEndpoints):
    """Calls back for each request; see Node.create_service."""

    def __init__(
        self,
        context: Context,
        srv_type: Any,
        srv_name: str,
        callback: Callable[..., Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
    ) -> None:
        super().__init__(context, srv_type, srv_name, callback_group, qos_profile, server=True)
        self.callback = callback
        self._matched: set[int] = set()

    def _received(
        self, data: bytes, correlation: Correlation, writer: int
    ) -> Callable[[], Any] | None:
        request = self._decode(data)

        async def answer() -> None:
            response = self.callback(request, self.srv_type.Response())
            if hasattr(response, '__await__'):
                response = await response
            if not isinstance(response, self.srv_type.Response):
                raise TypeError(
                    f'the callback of service {self.srv_name} must return a '
                    f'{self.srv_type.__name__}.Response; got {response!r}'
                )
            self._reply(response, correlation, writer)

        return answer

    def _reply(self, response: Message, correlation: Correlation, writer: int) -> None:
        reason: object = 'the client has disconnected'
        try:
            if self.context.ok() and self._await_reader(writer):
                self._send(response, correlation)
                return
        except _dds.Error as error:
            reason = error
        get_logger('rosless').warning(f'no reply sent for {self.srv_name}: {reason}')

    def _await_reader(self, writer: int) -> bool:
        """Return whether the reader of the client with this writer is connected to us."""
        if writer in self._matched:
            return True
        deadline = time.monotonic() + REPLY_MATCH_SEC
        while time.monotonic() < deadline:
            client = identity(self._reader, writer, b'clientid', writer=False)
            readers = identities(self._writer, b'clientid', writer=True)
            if client is None:
                # Disconnected, or a peer without an identity, which still gets its reply.
                return bool(readers)
            if client in readers.values():
                self._matched.add(writer)
                return True
            time.sleep(0.002)
        return False
