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
"""What forbids motion in any direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """What the interlocks look at.

    Attributes:
        estop: why the emergency stop is latched; empty when it is not.
        inputs_fresh: the safety board's report is recent.
        configured: its inputs are enabled.
        board_latched: it holds its relay.
        alarm: it judges its inputs critical or faulty.
        guard_open: a guard is open.
        confirmed: config_node has confirmed the parameters since the start.
        maintenance: people are at work on the vehicle.
        power_lost: the power board has been lost for longer than is allowed.

    """

    estop: str = ''
    inputs_fresh: bool = True
    configured: bool = True
    board_latched: bool = False
    alarm: bool = False
    confirmed: bool = True
    maintenance: bool = False
    guard_open: bool = False
    power_lost: bool = False


# A board that is lost is an emergency stop soon after; until then it may have been the host.
STALE = 'no fresh report of the safety board'
# The gravest first: of several this one is told.
INTERLOCKS: tuple[tuple[Callable[[Conditions], bool], str], ...] = (
    (lambda conditions: bool(conditions.estop), 'emergency stop: {estop}'),
    (lambda conditions: not conditions.inputs_fresh, STALE),
    (
        lambda conditions: not conditions.configured,
        'the inputs of the safety board are not enabled',
    ),
    (
        lambda conditions: conditions.board_latched,
        'the safety board holds its relay; emergency_stop and clear_estop release it',
    ),
    (lambda conditions: conditions.alarm, 'the safety board reports danger or a fault'),
    (
        lambda conditions: not conditions.confirmed,
        'the configuration is not confirmed since the start; look at config_node',
    ),
    (lambda conditions: conditions.maintenance, 'maintenance'),
    (lambda conditions: conditions.guard_open, 'a guard is open'),
    (lambda conditions: conditions.power_lost, 'the power board is lost'),
)


def interlock(conditions: Conditions) -> str:
    """Return why no motion is permitted in any direction; empty when nothing forbids it."""
    for holds, reason in INTERLOCKS:
        if holds(conditions):
            return reason.format(estop=conditions.estop)
    return ''
