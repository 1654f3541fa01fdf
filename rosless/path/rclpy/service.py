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

"""
Service servers, and what servers and clients share on the wire.

A request starts with the handle of the client's writer and a sequence number; the reply carries
them back, and a client keeps only its own. This is what rmw_cyclonedds_cpp does. rmw_fastrtps_cpp
correlates them otherwise: services between the two vendors work for nobody.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

from rclpy import _dds
from rclpy._graph import HEADER
from rclpy._waitable import Waitable
from rclpy.logging import get_logger
from rclpy.publisher import encode
from rclpy.qos import QoSProfile

_CORRELATION = struct.Struct('<Qq')
BODY = len(HEADER) + _CORRELATION.size
REPLY_MATCH_SEC = 0.1
"""How long the first reply waits until discovery has connected it to the client."""


def correlation(data: bytes) -> tuple[int, int]:
    """Return (handle of the client's writer, sequence number)."""
    return _CORRELATION.unpack_from(data, len(HEADER))


def with_correlation(message: Any, writer: int, sequence: int) -> bytearray:
    """Encode a request or a reply."""
    return encode(message, HEADER + _CORRELATION.pack(writer, sequence))


class ServiceEndpoints(Waitable):
    """The writer and reader of a server or a client."""

    def _create(self, context: Any, srv_type: Any, name: str, qos_profile: QoSProfile, *,
                server: bool) -> None:
        reads, writes = ((srv_type.Request, srv_type.Response) if server
                         else (srv_type.Response, srv_type.Request))
        topics = [f'rq{name}Request', f'rr{name}Reply']
        read_topic, write_topic = topics if server else topics[::-1]
        # Both carry one identity, by which a server finds the reader for a request's writer.
        participant = _dds.guid(context._participant)
        identity = [*participant[:12], *struct.pack('>I', _next_identity())]
        key = ('serviceid=' if server else 'clientid=') + '.'.join(f'{b:x}' for b in identity)

        def qos(message: Any) -> _dds.Qos:
            return qos_profile._to_dds(f'{key};typehash={message._type_hash};'.encode())

        self._writer = _dds.create_writer(
            context._participant, context._topic(write_topic, writes), qos(writes))
        self._attach(_dds.create_reader(
            context._participant, context._topic(read_topic, reads), qos(reads)))

    def _writers(self) -> list[int]:
        writer, self._writer = self._writer, 0
        return [writer]


_identities = [0]


def _next_identity() -> int:
    _identities[0] += 1
    return _identities[0]


def identity_of(user_data: bytes | None, key: bytes) -> bytes | None:
    """Return the value of `key=` in an endpoint's user data."""
    for pair in (user_data or b'').split(b';'):
        if pair.startswith(key + b'='):
            return pair[len(key) + 1:]
    return None


class Service(ServiceEndpoints):
    """Calls back for each request; see Node.create_service."""

    def __init__(self, context: Any, srv_type: Any, srv_name: str, callback: Callable[..., Any],
                 callback_group: Any, qos_profile: QoSProfile) -> None:
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.callback = callback
        self.callback_group = callback_group
        self.qos_profile = qos_profile
        self._context = context
        self._matched: set[int] = set()
        self._create(context, srv_type, srv_name, qos_profile, server=True)

    @property
    def service_name(self) -> str:
        """Return the full name of the service."""
        return self.srv_name

    def _take(self) -> Callable[[], Any] | None:
        for data, info in _dds.take(self._reader):
            try:
                request = self.srv_type.Request._read(data, BODY)
            except Exception as error:
                get_logger('rosless').error(
                    f'dropped a malformed request to {self.srv_name}: {error}')
                continue
            header = (*correlation(data), info.publication_handle)

            async def answer(request: Any = request, header: Any = header) -> None:
                response = self.callback(request, self.srv_type.Response())
                if hasattr(response, '__await__'):
                    response = await response
                self.send_response(response, header)
            return answer
        return None

    def send_response(self, response: Any, header: tuple[int, int, int]) -> None:
        """
        Send a service response.

        Raises:
            TypeError: the callback returned something else than a response.

        """
        if not isinstance(response, self.srv_type.Response):
            raise TypeError(f'the callback of service {self.srv_name} must return a '
                            f'{self.srv_type.__name__}.Response; got {response!r}')
        writer, sequence, request_writer = header
        data = with_correlation(response, writer, sequence)
        if not self._context.ok() or not self._await_reader(request_writer):
            get_logger('rosless').warning(
                f'no reply sent for {self.srv_name}: the client is gone')
            return
        try:
            _dds.write(self._writer, data)
        except _dds.Error as error:
            get_logger('rosless').error(f'no reply sent for {self.srv_name}: {error}')

    def _await_reader(self, request_writer: int) -> bool:
        """Return whether the reader of the client that wrote a request is connected to us."""
        if request_writer in self._matched:
            return True
        deadline = time.monotonic() + REPLY_MATCH_SEC
        while True:
            client = identity_of(_dds.matched_user_data(
                self._reader, request_writer, writer=False), b'clientid')
            if client is None:
                # Gone, or a peer that does not say who it is: the latter still gets its reply.
                return bool(_dds.matched(self._writer, writer=True))
            for handle in _dds.matched(self._writer, writer=True):
                data = _dds.matched_user_data(self._writer, handle, writer=True)
                if identity_of(data, b'clientid') == client:
                    self._matched.add(request_writer)
                    return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
