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
"""Topics, made from the descriptors of generated message classes."""

from __future__ import annotations

import time
from typing import ClassVar
from typing import Protocol

from rclpy._dds.cyclone import Error
from rclpy._dds.cyclone import clayer

BAD_PARAMETER = -3
TOPIC_TRIES, TOPIC_PAUSE = 10, 0.005  # pause in s


class MessageType(Protocol):
    """What is needed of a generated message class."""

    _type_name: ClassVar[str]
    _xtypes: ClassVar[tuple[bytes, bytes]]


class _Idl:
    """Private: what ddspy_topic_create reads of a type's `__idl__`."""

    def __init__(self, message: type[MessageType]) -> None:
        self.idl_transformed_typename = message._type_name
        self.data_type_props, self.supported_versions = 0, 5
        self._xt_bytedata = message._xtypes


class _DataType:
    """Private: stands for the wheel's IdlStruct class.

    One object for each type, which is never replaced: Cyclone compares them by identity first;
    if they differ, it acquires the GIL, in any thread.
    """

    _known: ClassVar[dict[tuple[str, bytes], _DataType]] = {}
    __idl__: _Idl

    def __new__(cls, message: type[MessageType]) -> _DataType:
        key = message._type_name, message._xtypes[0]
        if key not in cls._known:
            cls._known[key] = super().__new__(cls)
            cls._known[key].__idl__ = _Idl(message)
        return cls._known[key]


def create_topic(participant: int, name: str, message: type[MessageType]) -> int:
    """Create a topic for a generated message class.

    Cyclone 11.0.1 looks through its library of types without the lock when a topic is made
    (ddsi_topic_descriptor_from_type). If discovery changes the library at that moment the type
    may seem incomplete, and the topic is deleted again as a bad parameter: a retry succeeds.
    """
    for _ in range(TOPIC_TRIES):
        topic: int = clayer.ddspy_topic_create(participant, name, _DataType(message), None, None)
        if topic != BAD_PARAMETER:
            break
        time.sleep(TOPIC_PAUSE)
    if topic < 0:
        raise Error('dds_create_topic', topic)
    return topic
