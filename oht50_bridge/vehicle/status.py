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
"""What the vehicle does and can take on, from what is known of its parts."""

from __future__ import annotations

# Slower than this is standing still: below the resolution of every velocity source of the vehicle.
STANDSTILL_SPEED = 0.005  # m/s


def vehicle_status(
    *, estop: bool, fault: bool, docking: bool, speed: float, known: bool,
) -> tuple[str, str]:
    """Return status and state of the event system.status.

    Args:
        estop: the emergency stop is latched.
        fault: a board that the vehicle needs is lost or faulty.
        docking: the vehicle docks.
        speed: m/s, magnitude of the velocity; NaN when unknown.
        known: the boards have reported since the start.

    Returns:
        Status (idle, moving, docking, fault, estop) and state (ready, busy, error, maintenance).

    """
    if estop:
        return 'estop', 'error'
    if fault:
        return 'fault', 'error'
    if docking:
        return 'docking', 'busy'
    if speed > STANDSTILL_SPEED:
        return 'moving', 'busy'
    if not known:
        return 'idle', 'busy'
    return 'idle', 'ready'
