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

"""Service servers, and what servers and clients share on the wire.

A request starts with the handle of the client's writer and a sequence number; the reply carries
them back, and a client keeps only its own. This is what rmw_cyclonedds_cpp does. rmw_fastrtps_cpp
correlates them otherwise: services between the two vendors work for nobody.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from rclpy import _dds
from rclpy._graph import HEADER
from rclpy._waitable import Waitable
from rclpy.logging import get_logger
from rclpy.publisher import encode
from rclpy.qos import QoSProfile

_CORRELATION = struct.Struct('<Qq')
_BODY = len(HEADER) + _CORRELATION.size
_identities = count(1)
REPLY_MATCH_SEC = 0.1
"""How long the first reply waits until discovery has connected it to the client."""


def identities(entity: int, key: bytes, *, writer: bool) -> dict[int, bytes | None]:
    """Return the `key=` values in the user data of all endpoints matched with an entity."""
    return {
        handle: identity(entity, handle, key, writer=writer)
        for handle in _dds.matched(entity, writer=writer)
    }


def identity(entity: int, handle: int, key: bytes, *, writer: bool) -> bytes | None:
    """Return the `key=` value in the user data of one matched endpoint."""
    data = _dds.matched_user_data(entity, handle, writer=writer) or b''
    return dict(pair.partition(b'=')[::2] for pair in data.split(b';')).get(key)


class ServiceEndpoints(Waitable):
    """The writer and reader of a server or a client."""

    def __init__(
        self,
        context: Any,
        srv_type: Any,
        srv_name: str,
        callback_group: Any,
        qos_profile: QoSProfile,
        *,
        server: bool,
    ) -> None:
        self.context = context
        self.srv_type = srv_type
        self.srv_name = self.service_name = srv_name
        self.callback_group = callback_group
        self.qos_profile = qos_profile
        request = f'rq{srv_name}Request', srv_type.Request
        reply = f'rr{srv_name}Reply', srv_type.Response
        (read_topic, self._reads), (write_topic, writes) = (
            (request, reply) if server else (reply, request)
        )
        # Both carry one identity, by which a server finds the reader for a request's writer.
        own = _dds.guid(context._participant)[:12] + struct.pack('>I', next(_identities))
        key = ('serviceid=' if server else 'clientid=') + '.'.join(f'{b:x}' for b in own)

        def qos(message: Any) -> _dds.Qos:
            return qos_profile._to_dds(f'{key};typehash={message._type_hash};')

        self._writer = _dds.create_writer(
            context._participant, context._topic(write_topic, writes), qos(writes)
        )
        self._attach(
            _dds.create_reader(
                context._participant, context._topic(read_topic, self._reads), qos(self._reads)
            )
        )

    def _send(self, message: Any, correlation: tuple[int, int]) -> None:
        """Write a request or reply for (handle of the client's writer, sequence number)."""
        _dds.write(self._writer, encode(message, HEADER + _CORRELATION.pack(*correlation)))

    def _take(self) -> Callable[[], Any] | None:
        for data, info in _dds.take(self._reader):
            correlation = _CORRELATION.unpack_from(data, len(HEADER))
            try:
                call = self._received(data, correlation, info.publication_handle)
            except Exception as error:
                # A peer's mistake must not end this process.
                get_logger('rosless').error(
                    f'dropped a malformed message for service {self.srv_name}: {error}'
                )
                continue
            if call is not None:
                return call
        return None

    def _decode(self, data: bytes) -> Any:
        return self._reads._read(data, _BODY)

    def _received(
        self, data: bytes, correlation: tuple[int, int], writer: int
    ) -> Callable[[], Any] | None:
        """Return what is to be called for a sample from the endpoint `writer`."""
        raise NotImplementedError


class Service(ServiceEndpoints):
    """Calls back for each request; see Node.create_service."""

    def __init__(
        self,
        context: Any,
        srv_type: Any,
        srv_name: str,
        callback: Callable[..., Any],
        callback_group: Any,
        qos_profile: QoSProfile,
    ) -> None:
        super().__init__(context, srv_type, srv_name, callback_group, qos_profile, server=True)
        self.callback = callback
        self._matched: set[int] = set()

    def _received(
        self, data: bytes, correlation: tuple[int, int], writer: int
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

    def _reply(self, response: Any, correlation: tuple[int, int], writer: int) -> None:
        reason: Any = 'the client is gone'
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
                # Gone, or a peer that does not say who it is: the latter still gets its reply.
                return bool(readers)
            if client in readers.values():
                self._matched.add(writer)
                return True
            time.sleep(0.002)
        return False
