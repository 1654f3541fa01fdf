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

"""Subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING
from typing import Any

from rosidl_rosless import Message

from rclpy import _dds
from rclpy._graph import TOPIC_PREFIX
from rclpy._waitable import Waitable
from rclpy.logging import get_logger
from rclpy.qos import QoSProfile

if TYPE_CHECKING:
    from rclpy.callback_groups import CallbackGroup
    from rclpy.context import Context


class Subscription(Waitable):
    """Calls back for each message; see Node.create_subscription."""

    def __init__(
        self,
        context: Context,
        msg_type: type[Message],
        topic: str,
        callback: Callable[..., Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
        raw: bool,
    ) -> None:
        try:
            signature(callback).bind(object())
        except TypeError:
            raise RuntimeError(
                f'Subscription callback of {topic} is not well formed: it must '
                'accept one argument, the message'
            ) from None
        self.msg_type = msg_type
        self.topic = self.topic_name = topic
        self.callback = callback
        self.callback_group = callback_group
        self.qos_profile = qos_profile
        self.raw = raw
        self._attach(
            _dds.create_reader(
                context._participant,
                context._topic(TOPIC_PREFIX + topic, msg_type),
                qos_profile._to_dds(f'typehash={msg_type._type_hash};'),
            )
        )

    def _take(self) -> Callable[[], Any] | None:
        for data, _ in _dds.take(self._reader):
            try:
                return partial(self.callback, data if self.raw else self.msg_type._read(data))
            except Exception as error:
                # A peer's mistake must not end this process.
                get_logger('rosless').error(
                    f'dropped a malformed message on {self.topic_name}: {error}'
                )
        return None
