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
"""The state machine of the vehicle and how the event system.status tells its state."""

from __future__ import annotations

from dataclasses import dataclass

# Slower than this is standing still: below the resolution of every velocity source of the vehicle.
STANDSTILL_SPEED = 0.005  # m/s

INITIALIZING = 'initializing'
IDLE = 'idle'
MOVING = 'moving'
DOCKING = 'docking'
MAINTENANCE = 'maintenance'
FAULT = 'fault'
ESTOP = 'estop'

# From each state to these and no others.
TRANSITIONS: dict[str, frozenset[str]] = {
    INITIALIZING: frozenset({IDLE, ESTOP}),
    IDLE: frozenset({MOVING, DOCKING, MAINTENANCE, FAULT, ESTOP}),
    MOVING: frozenset({IDLE, DOCKING, FAULT, ESTOP}),
    DOCKING: frozenset({IDLE, FAULT, ESTOP}),
    MAINTENANCE: frozenset({IDLE, ESTOP}),
    FAULT: frozenset({IDLE, ESTOP}),
    ESTOP: frozenset({IDLE, FAULT}),
}

# Status and state of the event system.status.
WIRE: dict[str, tuple[str, str]] = {
    INITIALIZING: ('idle', 'busy'),
    IDLE: ('idle', 'ready'),
    MOVING: ('moving', 'busy'),
    DOCKING: ('docking', 'busy'),
    MAINTENANCE: ('idle', 'maintenance'),
    FAULT: ('fault', 'error'),
    ESTOP: ('estop', 'error'),
}


class ForbiddenTransition(Exception):
    """A transition that the state machine does not have; names both states."""


@dataclass(frozen=True)
class Situation:
    """What the state follows from.

    Attributes:
        known: the boards and safety_node have reported since the start.
        estop: the emergency stop is latched.
        fault: a board or a node that the vehicle needs is lost or faulty.
        maintenance: people are at work on it.
        docking: a mission docks.
        executing: a mission is on its way.
        mission: there is a mission, which may be paused.
        speed: m/s, magnitude of the velocity; NaN when unknown.

    """

    known: bool = False
    estop: bool = False
    fault: bool = False
    maintenance: bool = False
    docking: bool = False
    executing: bool = False
    mission: bool = False
    speed: float = 0.0

    @property
    def state(self) -> str:
        """State that it asks for."""
        if self.estop:
            return ESTOP
        if self.fault:
            return FAULT
        if self.maintenance:
            return MAINTENANCE
        if self.docking:
            return DOCKING
        if self.executing or self.speed > STANDSTILL_SPEED:
            return MOVING
        return IDLE if self.known else INITIALIZING


class StateMachine:
    """State of the vehicle; changes only along TRANSITIONS."""

    def __init__(self) -> None:
        self._state = INITIALIZING

    @property
    def state(self) -> str:
        """One of the states."""
        return self._state

    def change(self, state: str) -> None:
        """Go to another state.

        Raises:
            ForbiddenTransition: there is no such transition; the state stays.

        """
        if state not in TRANSITIONS[self._state]:
            raise ForbiddenTransition(f'{self._state} -> {state} is not allowed')
        self._state = state

    def follow(self, situation: Situation) -> bool:
        """Take one step towards the state that a situation asks for, by way of idle if need be.

        Returns:
            Whether the state changed; ask again until it does not.

        """
        wanted = situation.state
        if wanted == self._state:
            return False
        for state in (wanted, IDLE):
            if state in TRANSITIONS[self._state]:
                self.change(state)
                return True
        return False

    def wire(self, situation: Situation) -> tuple[str, str]:
        """Return status and state of the event system.status."""
        if self._state == IDLE and (situation.mission or situation.state != IDLE):
            return 'idle', 'busy'  # paused, or on the way to another state
        return WIRE[self._state]
