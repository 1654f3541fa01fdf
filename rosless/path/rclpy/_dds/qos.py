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
"""Quality of service in the terms of DDS."""

from __future__ import annotations

import ctypes as ct
from typing import NamedTuple

from rclpy._dds.cyclone import lib

MAX_BLOCKING_NS = 100_000_000
"""How long a write may wait for a slow reader (rmw's is infinite)."""


class Qos(NamedTuple):
    """The policies of a reader or writer. Durations are nanoseconds, 0 where unspecified."""

    depth: int | None
    """KEEP_LAST depth; None: KEEP_ALL."""
    reliable: bool
    transient_local: bool
    user_data: bytes = b''
    lifespan: int = 0
    deadline: int = 0


def fill(handle: int, qos: Qos) -> None:
    """Write policies into a QoS of the C library."""
    kind, depth = (1, -1) if qos.depth is None else (0, qos.depth)
    lib.dds_qset_history(handle, kind, depth)
    lib.dds_qset_reliability(handle, int(qos.reliable), MAX_BLOCKING_NS if qos.reliable else 0)
    lib.dds_qset_durability(handle, int(qos.transient_local))
    if qos.transient_local:
        # What Cyclone keeps for late joiners.
        lib.dds_qset_durability_service(handle, 0, kind, depth, -1, -1, -1)
    if qos.lifespan:
        lib.dds_qset_lifespan(handle, qos.lifespan)
    if qos.deadline:
        lib.dds_qset_deadline(handle, qos.deadline)
    lib.dds_qset_writer_data_lifecycle(handle, False)
    # XCDR1, the encoding of every ROS 2 middleware.
    lib.dds_qset_data_representation(handle, 1, (ct.c_int16 * 1)(0))
