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
"""What servers and clients of services share on the wire.

A request begins with the handle of the client's writer and a sequence number; the reply returns
them, and a client accepts only its own. This is what rmw_cyclonedds_cpp does. rmw_fastrtps_cpp
correlates in another way: services between the two vendors work in no installation.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING
from typing import Any

from rosidl_rosless import Message

from rclpy import _dds
from rclpy._graph import HEADER
from rclpy._waitable import Waitable
from rclpy.logging import get_logger
from rclpy.publisher import encode
from rclpy.qos import QoSProfile

if TYPE_CHECKING:
    from rclpy.callback_groups import CallbackGroup
    from rclpy.context import Context

Correlation = tuple[int, int]
"""(handle of the client's writer, sequence number)"""
_CORRELATION = struct.Struct('<Qq')
_BODY = len(HEADER) + _CORRELATION.size
_identities = count(1)


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
        context: Context,
        srv_type: Any,
        srv_name: str,
        callback_group: CallbackGroup,
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
        # Both have one identity, by which a server finds the reader that belongs to a writer.
        own = _dds.guid(context._participant)[:12] + struct.pack('>I', next(_identities))
        key = ('serviceid=' if server else 'clientid=') + '.'.join(f'{b:x}' for b in own)

        def qos(message: type[Message]) -> _dds.Qos:
            return qos_profile._to_dds(f'{key};typehash={message._type_hash};')

        self._writer = _dds.create_writer(
            context._participant, context._topic(write_topic, writes), qos(writes)
        )
        self._attach(
            _dds.create_reader(
                context._participant, context._topic(read_topic, self._reads), qos(self._reads)
            )
        )

    def _send(self, message: Message, correlation: Correlation) -> None:
        """Write a request or reply for (handle of the client's writer, sequence number)."""
        _dds.write(self._writer, encode(message, HEADER + _CORRELATION.pack(*correlation)))

    def _take(self) -> Callable[[], Any] | None:
        for data, info in _dds.take(self._reader):
            correlation = _CORRELATION.unpack_from(data, len(HEADER))
            try:
                call = self._received(data, correlation, info.publication_handle)
            except Exception as error:
                # A fault of a peer must not end this process.
                get_logger('rosless').error(
                    f'dropped a malformed message for service {self.srv_name}: {error}'
                )
                continue
            if call is not None:
                return call
        return None

    def _decode(self, data: bytes) -> Message:
        message: Message = self._reads._read(data, _BODY)
        return message

    def _received(
        self, data: bytes, correlation: Correlation, writer: int
    ) -> Callable[[], Any] | None:
        """Return the call that handles a sample from the endpoint `writer`, None for none."""
        raise NotImplementedError
