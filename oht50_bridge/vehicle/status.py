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
"""The state machine of the vehicle, and its state as the event system.status gives it."""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.enums import StrEnum
from oht50_bridge.vehicle.position import STANDSTILL


class VehicleState(StrEnum):
    """State of the vehicle."""

    INITIALIZING = 'initializing'
    IDLE = 'idle'
    MOVING = 'moving'
    DOCKING = 'docking'
    MAINTENANCE = 'maintenance'
    FAULT = 'fault'
    ESTOP = 'estop'


# From each state to these and no others.
TRANSITIONS: dict[VehicleState, frozenset[VehicleState]] = {
    VehicleState.INITIALIZING: frozenset({VehicleState.IDLE, VehicleState.ESTOP}),
    VehicleState.IDLE: frozenset(
        {
            VehicleState.MOVING,
            VehicleState.DOCKING,
            VehicleState.MAINTENANCE,
            VehicleState.FAULT,
            VehicleState.ESTOP,
        }
    ),
    VehicleState.MOVING: frozenset(
        {VehicleState.IDLE, VehicleState.DOCKING, VehicleState.FAULT, VehicleState.ESTOP}
    ),
    VehicleState.DOCKING: frozenset({VehicleState.IDLE, VehicleState.FAULT, VehicleState.ESTOP}),
    VehicleState.MAINTENANCE: frozenset({VehicleState.IDLE, VehicleState.ESTOP}),
    VehicleState.FAULT: frozenset({VehicleState.IDLE, VehicleState.ESTOP}),
    VehicleState.ESTOP: frozenset({VehicleState.IDLE, VehicleState.FAULT}),
}

# Status and state of the event system.status.
WIRE: dict[VehicleState, tuple[str, str]] = {
    VehicleState.INITIALIZING: ('idle', 'busy'),
    VehicleState.IDLE: ('idle', 'ready'),
    VehicleState.MOVING: ('moving', 'busy'),
    VehicleState.DOCKING: ('docking', 'busy'),
    VehicleState.MAINTENANCE: ('idle', 'maintenance'),
    VehicleState.FAULT: ('fault', 'error'),
    VehicleState.ESTOP: ('estop', 'error'),
}


class ForbiddenTransitionError(Exception):
    """The state machine has no such transition; the message names both states."""


@dataclass(frozen=True)
class Situation:
    """What the state depends on.

    Attributes:
        known: the boards and safety_node have reported since the start.
        estop: the emergency stop is latched.
        fault: a board or a node that the vehicle needs is lost or faulty.
        maintenance: people are at work on it.
        docking: a mission docks.
        executing: a mission is under way.
        mission: there is a mission, which may be paused.
        forbidden: nothing may move, for a reason that is not among those above.
        speed: m/s, magnitude of the velocity; NaN when unknown.

    """

    known: bool = False
    estop: bool = False
    fault: bool = False
    maintenance: bool = False
    docking: bool = False
    executing: bool = False
    mission: bool = False
    forbidden: bool = False
    speed: float = 0.0

    @property
    def state(self) -> VehicleState:
        """State that it calls for."""
        if self.estop:
            return VehicleState.ESTOP
        if self.fault:
            return VehicleState.FAULT
        if self.maintenance:
            return VehicleState.MAINTENANCE
        if self.docking:
            return VehicleState.DOCKING
        if self.executing or self.speed > STANDSTILL:
            return VehicleState.MOVING
        return VehicleState.IDLE if self.known else VehicleState.INITIALIZING


class StateMachine:
    """State of the vehicle; changes only along TRANSITIONS."""

    def __init__(self) -> None:
        self._state = VehicleState.INITIALIZING

    @property
    def state(self) -> VehicleState:
        """The present state."""
        return self._state

    def change(self, state: VehicleState) -> None:
        """Go to another state.

        Raises:
            ForbiddenTransitionError: there is no such transition; the state does not change.

        """
        if state not in TRANSITIONS[self._state]:
            raise ForbiddenTransitionError(f'{self._state} -> {state} is not allowed')
        self._state = state

    def follow(self, situation: Situation) -> bool:
        """Change the state by one step towards what a situation calls for.

        Where there is no direct transition, the step leads to idle.

        Returns:
            Whether the state changed; call it again until it does not.

        """
        wanted = situation.state
        if wanted == self._state:
            return False
        for state in (wanted, VehicleState.IDLE):
            if state in TRANSITIONS[self._state]:
                self.change(state)
                return True
        return False

    def wire(self, situation: Situation) -> tuple[str, str]:
        """Return status and state of the event system.status."""
        if self._state == VehicleState.IDLE and (
            situation.mission or situation.forbidden or situation.state != VehicleState.IDLE
        ):
            return 'idle', 'busy'  # paused, not permitted to move, or on the way to another state
        return WIRE[self._state]
