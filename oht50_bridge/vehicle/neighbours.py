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
"""Notices that another vehicle, or a second node of the same name, is in the vehicle's namespace.

Then every command reaches two motors, and a clear that is meant for one latch opens both.
"""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.text import shown

# A node gives a sign of life each 0.5 s.
LIFETIME = 2.0  # s, for which the last sign of life of another vehicle counts
REMEMBERED = 8  # earlier processes of a node that are recognised
LONGEST = 200  # characters of a description that are shown


@dataclass(frozen=True)
class Presence:
    """A sign of life of a node.

    Attributes:
        vehicle: identity of its vehicle; empty: not known.
        node: its name.
        instance: unique name of its process.
        description: where it runs, for a person.

    """

    vehicle: str
    node: str
    instance: str
    description: str


def are_two(vehicle: str, other: str) -> bool:
    """Return whether two identities are known and of two vehicles; one that is empty is not."""
    return bool(vehicle and other and vehicle != other)


class Neighbours:
    """Who else gives signs of life in the namespace of this vehicle.

    Only what is received counts, never who is registered with DDS: a process that was killed stays
    registered for a while, but says nothing. A node that is restarted is another process under the
    same name. It is a second one only if the earlier process speaks again after it.

    Args:
        vehicle: identity of this vehicle; empty: not known.

    """

    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle
        self._processes: dict[str, list[str]] = {}  # of each node, the present one last
        self._heard: tuple[str, float] | None = None

    def update(self, presence: Presence, now: float) -> None:
        """Use a sign of life; now in s of a monotonic clock."""
        where = shown(presence.description, LONGEST)
        if are_two(self._vehicle, presence.vehicle):
            self._heard = f'another vehicle in this namespace, {where}', now
            return
        processes = self._processes.setdefault(presence.node, [])
        if processes and processes[-1] == presence.instance:
            return
        if presence.instance in processes:
            processes.remove(presence.instance)
            name = shown(presence.node, LONGEST)
            self._heard = f'a second {name} in this namespace, {where}', now
        processes.append(presence.instance)
        del processes[:-REMEMBERED]

    def other(self, now: float) -> str | None:
        """Return who else is there, for a person, None when nobody is."""
        if self._heard is None or now - self._heard[1] > LIFETIME:
            return None
        return self._heard[0]
