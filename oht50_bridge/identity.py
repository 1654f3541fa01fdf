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
"""The identity of a vehicle: what its processes have in common, and no other vehicle has."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

#: Environment variable with the identity, a space, and the description.
VEHICLE = 'OHT50_VEHICLE'
BOOT_ID = Path('/proc/sys/kernel/random/boot_id')


@dataclass(frozen=True)
class VehicleIdentity:
    """Which vehicle a process belongs to.

    Attributes:
        vehicle: compared with that of others; empty: of none, the process was started by hand.
        description: where the vehicle runs, for a person.

    """

    vehicle: str = ''
    description: str = ''

    def environment(self) -> dict[str, str]:
        """Return the environment that tells a process of it."""
        return {VEHICLE: f'{self.vehicle} {self.description}'}


def identity_of(directory: Path) -> VehicleIdentity:
    """Return the identity of the vehicle whose own directory this is.

    It is made of the running system and of the directory as the file system numbers it, not of
    names or of a file: two computers with copies of one disk, or two containers, are two vehicles.
    It is the same after a restart of the vehicle, and for all who start parts of it. Nothing needs
    it after a reboot, because no process outlives that.

    Raises:
        OSError: the directory is not there.

    """
    status = directory.stat()
    try:
        boot = BOOT_ID.read_text().strip()
    except OSError:
        boot = ''
    host = socket.gethostname()
    parts = (boot, host, status.st_dev, status.st_ino)
    digest = hashlib.sha256('\0'.join(map(str, parts)).encode('utf-8', 'surrogateescape'))
    return VehicleIdentity(digest.hexdigest()[:16], f'{host}:{directory}')


def own_identity() -> VehicleIdentity:
    """Return the identity that this process was started with."""
    vehicle, _, description = os.environ.get(VEHICLE, '').partition(' ')
    # A path may hold bytes that are no UTF-8, and messages hold nothing else.
    return VehicleIdentity(vehicle, description.encode('utf-8', 'replace').decode())
