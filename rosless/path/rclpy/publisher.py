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

"""Publishers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rosidl_rosless import Message

from rclpy import _dds
from rclpy._graph import HEADER
from rclpy._graph import TOPIC_PREFIX
from rclpy._outside import Subset
from rclpy.exceptions import InvalidHandle
from rclpy.exceptions import RCLError
from rclpy.qos import QoSProfile

if TYPE_CHECKING:
    from rclpy.context import Context


def encode(message: Message, head: bytes = HEADER) -> bytearray:
    """Return a message as CDR.

    Raises:
        AssertionError: a list holds a value that its field does not allow.

    """
    out = bytearray(head)
    try:
        message._write(out)
    except Exception:
        message._check()
        raise
    return out


class Publisher(Subset):
    """Publishes messages of one type; `publish` may be called from any thread."""

    def __init__(
        self, context: Context, msg_type: type[Message], topic: str, qos_profile: QoSProfile
    ) -> None:
        self.msg_type = msg_type
        self.topic = self.topic_name = topic
        self.qos_profile = qos_profile
        self._context = context
        self._writer = _dds.create_writer(
            context._participant,
            context._topic(TOPIC_PREFIX + topic, msg_type),
            qos_profile._to_dds(f'typehash={msg_type._type_hash};'),
        )

    def publish(self, msg: Message | bytes) -> None:
        """Send a message to the topic for the publisher.

        Args:
            msg: the message, or bytes of one that is encoded already.

        Raises:
            TypeError: msg is neither.
            RCLError: the context was shut down, or a reliable reader was too slow for 100 ms.

        """
        if isinstance(msg, self.msg_type):
            data: bytes | bytearray = encode(msg)
        elif isinstance(msg, bytes):
            data = msg
        else:
            raise TypeError(f'Expected {self.msg_type}, got {type(msg)}')
        if not self._writer:
            raise InvalidHandle(
                f'cannot publish on {self.topic_name}: the publisher was destroyed'
            )
        try:
            _dds.write(self._writer, data)
        except _dds.Error as error:
            reason = str(error) if self._context.ok() else "publisher's context is invalid"
            raise RCLError(f'Failed to publish on {self.topic_name}: {reason}') from error

    def get_subscription_count(self) -> int:
        """Get the amount of subscribers that this publisher has."""
        return len(_dds.matched(self._writer, writer=True))

    def destroy(self) -> None:
        """Destroy the publisher; use Node.destroy_publisher."""
        writer, self._writer = self._writer, 0
        _dds.delete(writer)
