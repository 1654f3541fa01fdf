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
"""What DDS discovery has found in the domain."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable
from typing import Any
from typing import NamedTuple
from typing import TypeVar

from rclpy._dds.cyclone import lib
from rclpy._dds.structures import EndpointSample
from rclpy._dds.structures import ParticipantSample
from rclpy._dds.structures import SampleInfo

ALIVE = 16
TOPIC_PARTICIPANT, TOPIC_PUBLICATION, TOPIC_SUBSCRIPTION = 0x7FFF0001, 0x7FFF0003, 0x7FFF0004


def matched(entity: int, *, writer: bool) -> list[int]:
    """Return the handles of the remote endpoints a writer (or reader) is connected to."""
    call = lib.dds_get_matched_subscriptions if writer else lib.dds_get_matched_publications
    handles: Any = []
    while (count := call(entity, handles or None, len(handles))) > len(handles):
        handles = (ct.c_uint64 * count)()
    return list(handles[: max(count, 0)])


def matched_user_data(entity: int, handle: int, *, writer: bool) -> bytes | None:
    """Return the user data of one matched endpoint; None if it is no longer matched."""
    call = (
        lib.dds_get_matched_subscription_data if writer else lib.dds_get_matched_publication_data
    )
    endpoint = call(entity, handle)
    if not endpoint:
        return None
    value, size = ct.c_void_p(), ct.c_size_t()
    try:
        lib.dds_qget_userdata(endpoint.contents.qos, ct.byref(value), ct.byref(size))
        return ct.string_at(value.value, size.value) if value.value else b''
    finally:
        lib.dds_free(value)
        lib.dds_builtintopic_free_endpoint(endpoint)


StructureT = TypeVar('StructureT', bound=ct.Structure)
CopyT = TypeVar('CopyT')


class Endpoint(NamedTuple):
    """A reader or writer anywhere in the domain."""

    guid: bytes
    participant: bytes
    topic: str
    type_name: str


def _read_all(
    reader: int, kind: type[StructureT], copy: Callable[[StructureT], CopyT]
) -> list[CopyT]:
    """Return copies of all live samples, made before their loan ends."""
    found: list[CopyT] = []
    count = size = 1024
    while count == size:
        size *= 2
        samples = (ct.c_void_p * size)()
        infos = (SampleInfo * size)()
        count = lib.dds_read(reader, samples, infos, size, size)
        try:
            found = [
                copy(kind.from_address(samples[n] or 0))
                for n in range(max(count, 0))
                if infos[n].valid_data and infos[n].instance_state == ALIVE
            ]
        finally:
            lib.dds_return_loan(reader, samples, max(count, 0))
    return found


def read_participants(reader: int) -> list[bytes]:
    """Return the guids of all live participants; `reader` reads TOPIC_PARTICIPANT."""
    return _read_all(reader, ParticipantSample, lambda sample: bytes(sample.key))


def read_endpoints(reader: int) -> list[Endpoint]:
    """Return all live endpoints; `reader` reads TOPIC_PUBLICATION or TOPIC_SUBSCRIPTION."""
    return _read_all(
        reader,
        EndpointSample,
        lambda sample: Endpoint(
            bytes(sample.key),
            bytes(sample.participant),
            (sample.topic_name or b'').decode('utf-8', 'replace'),
            (sample.type_name or b'').decode('utf-8', 'replace'),
        ),
    )
