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
"""Wait sets, and the condition that wakes one."""

from __future__ import annotations

import ctypes as ct

from rclpy._dds.cyclone import Error
from rclpy._dds.cyclone import checked
from rclpy._dds.cyclone import lib


class GuardCondition:
    """Wakes a wait set from any thread."""

    def __init__(self, participant: int) -> None:
        self.entity = checked('dds_create_guardcondition', participant)
        self._taken = ct.c_bool()

    def trigger(self) -> None:
        """Turn it on."""
        lib.dds_set_guardcondition(self.entity, True)

    def reset(self) -> None:
        """Turn it off."""
        lib.dds_take_guardcondition(self.entity, ct.byref(self._taken))


class WaitSet:
    """Waits for many conditions; the numbers given at `attach` identify those that fired."""

    def __init__(self, participant: int) -> None:
        self.entity = checked('dds_create_waitset', participant)
        self._fired = (ct.c_ssize_t * 256)()

    def attach(self, condition: int, number: int) -> None:
        """Wait for a condition too, known by a number."""
        checked('dds_waitset_attach', self.entity, condition, number)

    def detach(self, condition: int) -> None:
        """Stop waiting for a condition. One that was deleted is detached already."""
        lib.dds_waitset_detach(self.entity, condition)

    def wait(self, timeout_ns: int) -> list[int]:
        """Return the numbers of the conditions that are on, [] after the timeout."""
        count = lib.dds_waitset_wait(self.entity, self._fired, 256, timeout_ns)
        if count < 0:
            raise Error('dds_waitset_wait', count)
        return self._fired[: min(count, 256)]
