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
"""Interlocks: what forbids motion in every direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oht50_bridge.vehicle.speed_limits import Limit


@dataclass(frozen=True)
class Conditions:
    """What the interlocks depend on.

    Attributes:
        estop: reason of the latched emergency stop, None without one.
        neighbour: who else is in the namespace of the vehicle, None: nobody.
        inputs_fresh: the safety board's report is recent.
        configured: its inputs are enabled.
        board_latched: it holds its relay open.
        alarm: it judges its inputs critical or faulty.
        confirmed: config_node has confirmed the parameters since the start.
        maintenance: who is at work on the vehicle, None without anybody.
        guard_open: a guard is open.
        power_lost: the power board has been lost for longer than is allowed.

    """

    estop: str | None = None
    neighbour: str | None = None
    inputs_fresh: bool = True
    configured: bool = True
    board_latched: bool = False
    alarm: bool = False
    confirmed: bool = True
    maintenance: str | None = None
    guard_open: bool = False
    power_lost: bool = False


@dataclass(frozen=True)
class Interlock:
    """One condition that forbids motion.

    Attributes:
        applies: whether it forbids motion.
        reason: why, for a person; `{estop}` is the reason of the emergency stop,
            `{neighbour}` who else is there, `{maintenance}` who is at work.
        hold: it clears by itself.

    """

    applies: Callable[[Conditions], bool]
    reason: str
    hold: bool = False


#: The gravest first: of several the first gives the reason.
INTERLOCKS = (
    Interlock(lambda conditions: conditions.estop is not None, 'emergency stop: {estop}'),
    Interlock(lambda conditions: conditions.neighbour is not None, '{neighbour}'),
    # A lost board becomes an emergency stop soon; until then the host may have been late.
    Interlock(
        lambda conditions: not conditions.inputs_fresh,
        'no fresh report of the safety board',
        hold=True,
    ),
    Interlock(
        lambda conditions: not conditions.configured,
        'the inputs of the safety board are not enabled',
    ),
    Interlock(
        lambda conditions: conditions.board_latched,
        'the safety board holds its relay open; emergency_stop and clear_estop release it',
    ),
    Interlock(lambda conditions: conditions.alarm, 'the safety board reports danger or a fault'),
    Interlock(
        lambda conditions: not conditions.confirmed,
        'the configuration is not confirmed since the start; check config_node',
    ),
    Interlock(
        lambda conditions: conditions.maintenance is not None, 'maintenance by {maintenance}'
    ),
    Interlock(lambda conditions: conditions.guard_open, 'a guard is open'),
    Interlock(lambda conditions: conditions.power_lost, 'the power board is lost'),
)


def interlock_limit(conditions: Conditions) -> Limit | None:
    """Return the stop of the gravest interlock that applies, None when motion is permitted."""
    for interlock in INTERLOCKS:
        if interlock.applies(conditions):
            reason = interlock.reason.format(
                estop=conditions.estop,
                neighbour=conditions.neighbour,
                maintenance=conditions.maintenance,
            )
            return Limit(0.0, reason, hold=interlock.hold)
    return None
