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
"""Entities: participants, readers and writers, and their data."""

from __future__ import annotations

from ctypes import byref
from ctypes import c_uint64
from ctypes import create_string_buffer
from typing import Any

from rclpy._dds.cyclone import Error
from rclpy._dds.cyclone import checked
from rclpy._dds.cyclone import clayer
from rclpy._dds.cyclone import lib
from rclpy._dds.qos import Qos
from rclpy._dds.qos import fill
from rclpy._dds.structures import Sample

ANY_STATE = 0x7F


def _create(call: str, *owners: int, user_data: bytes = b'', qos: Qos | None = None) -> int:
    """Create an entity with a QoS, which Cyclone copies."""
    handle = lib.dds_create_qos()
    try:
        lib.dds_qset_userdata(handle, user_data, len(user_data))
        if qos is not None:
            fill(handle, qos)
        return checked(call, *owners, handle, None)
    finally:
        lib.dds_delete_qos(handle)


def create_domain(domain: int, configuration: str) -> int:
    """Configure a domain for this process; errors in CYCLONEDDS_URI show here."""
    return checked('dds_create_domain', domain, configuration.encode())


def create_participant(domain: int, user_data: bytes) -> int:
    """Join a domain."""
    return _create('dds_create_participant', domain, user_data=user_data)


def create_writer(participant: int, topic: int, qos: Qos) -> int:
    """Create a writer."""
    return _create('dds_create_writer', participant, topic, user_data=qos.user_data, qos=qos)


def create_reader(participant: int, topic: int, qos: Qos | None = None) -> int:
    """Create a reader; without QoS for a topic of the discovery itself."""
    if qos is None:
        return checked('dds_create_reader', participant, topic, None, None)
    return _create('dds_create_reader', participant, topic, user_data=qos.user_data, qos=qos)


def create_read_condition(reader: int) -> int:
    """Create what a wait set waits for: it stays on as long as the reader holds samples."""
    return checked('dds_create_readcondition', reader, ANY_STATE)


def delete(entity: int) -> None:
    """Delete an entity and all that belongs to it. Deleting twice is no error."""
    lib.dds_delete(entity)


def write(writer: int, data: bytes | bytearray) -> None:
    """Write encoded data, which start with the encapsulation header."""
    result = lib.dds_write(writer, byref(Sample(bytes(data), len(data))))
    if result < 0:
        raise Error('dds_write', result)


def take(reader: int, limit: int = 1) -> list[tuple[bytes, Any]]:
    """Take at most `limit` samples as (data with encapsulation header, sample info). Private.

    Only complete samples of the type arrive: Cyclone has checked them and made them little-endian.
    A deleted reader has none.
    """
    samples = clayer.ddspy_take(reader, ANY_STATE, limit)
    if isinstance(samples, int):
        return []
    return [sample for sample in samples if sample[1].valid_data]


def instance_handle(entity: int) -> int:
    """Return the 64-bit handle under which this entity is known in its own process."""
    handle = c_uint64()
    checked('dds_get_instance_handle', entity, byref(handle))
    return handle.value


def guid(entity: int) -> bytes:
    """Return the 16 bytes by which the domain identifies an entity."""
    buffer = create_string_buffer(16)
    checked('dds_get_guid', entity, buffer)
    return buffer.raw
