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

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.status import WIRE
from oht50_bridge.vehicle.status import ForbiddenTransitionError
from oht50_bridge.vehicle.status import Situation
from oht50_bridge.vehicle.status import StateMachine
from oht50_bridge.vehicle.status import VehicleState

STATES = tuple(VehicleState)
# As the business logic documents them, with "any -> estop".
DOCUMENTED = {
    (VehicleState.INITIALIZING, VehicleState.IDLE),
    (VehicleState.INITIALIZING, VehicleState.ESTOP),
    (VehicleState.IDLE, VehicleState.MOVING),
    (VehicleState.IDLE, VehicleState.DOCKING),
    (VehicleState.IDLE, VehicleState.MAINTENANCE),
    (VehicleState.IDLE, VehicleState.FAULT),
    (VehicleState.IDLE, VehicleState.ESTOP),
    (VehicleState.MOVING, VehicleState.IDLE),
    (VehicleState.MOVING, VehicleState.DOCKING),
    (VehicleState.MOVING, VehicleState.FAULT),
    (VehicleState.MOVING, VehicleState.ESTOP),
    (VehicleState.DOCKING, VehicleState.IDLE),
    (VehicleState.DOCKING, VehicleState.FAULT),
    (VehicleState.DOCKING, VehicleState.ESTOP),
    (VehicleState.MAINTENANCE, VehicleState.IDLE),
    (VehicleState.MAINTENANCE, VehicleState.ESTOP),
    (VehicleState.FAULT, VehicleState.IDLE),
    (VehicleState.FAULT, VehicleState.ESTOP),
    (VehicleState.ESTOP, VehicleState.IDLE),
    (VehicleState.ESTOP, VehicleState.FAULT),
}
# A way from the start to each state.
WAYS = {
    VehicleState.INITIALIZING: [],
    VehicleState.IDLE: [VehicleState.IDLE],
    VehicleState.MOVING: [VehicleState.IDLE, VehicleState.MOVING],
    VehicleState.DOCKING: [VehicleState.IDLE, VehicleState.DOCKING],
    VehicleState.MAINTENANCE: [VehicleState.IDLE, VehicleState.MAINTENANCE],
    VehicleState.FAULT: [VehicleState.IDLE, VehicleState.FAULT],
    VehicleState.ESTOP: [VehicleState.ESTOP],
}


def machine_in(state):
    machine = StateMachine()
    for step in WAYS[state]:
        machine.change(step)
    assert machine.state == state
    return machine


@pytest.mark.parametrize('old', STATES)
@pytest.mark.parametrize('new', STATES)
def test_documented_transitions_happen_and_all_others_are_refused(old, new):
    machine = machine_in(old)
    if (old, new) in DOCUMENTED:
        machine.change(new)
        assert machine.state == new
    else:
        with pytest.raises(ForbiddenTransitionError, match=f'{old} -> {new}'):
            machine.change(new)
        assert machine.state == old


WELL = {'known': True}


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({}, ('idle', 'ready')),
        ({'forbidden': True}, ('idle', 'busy')),
        ({'known': False}, ('idle', 'busy')),
        ({'speed': 0.3}, ('moving', 'busy')),
        ({'speed': math.nan}, ('idle', 'ready')),
        ({'executing': True}, ('moving', 'busy')),
        ({'mission': True}, ('idle', 'busy')),
        ({'docking': True, 'speed': 0.1}, ('docking', 'busy')),
        ({'maintenance': True}, ('idle', 'maintenance')),
        ({'maintenance': True, 'executing': True, 'speed': 0.3}, ('idle', 'maintenance')),
        ({'fault': True, 'docking': True, 'speed': 0.3}, ('fault', 'error')),
        ({'estop': True, 'fault': True, 'docking': True, 'speed': 0.3}, ('estop', 'error')),
    ],
)
def test_status_of_the_vehicle(changes, expected):
    machine, situation = StateMachine(), Situation(**{**WELL, **changes})
    while machine.follow(situation):
        pass
    assert machine.wire(situation) == expected


def test_vehicle_on_the_way_to_another_state_is_not_ready():
    machine = machine_in(VehicleState.MOVING)
    maintenance = Situation(known=True, maintenance=True)
    assert machine.follow(maintenance)
    assert (machine.state, machine.wire(maintenance)) == (VehicleState.IDLE, ('idle', 'busy'))


def may_move(situation):
    hindered = situation.estop or situation.fault or situation.maintenance or situation.forbidden
    occupied = situation.docking or situation.executing or situation.mission
    return situation.known and not (hindered or occupied or situation.speed > STANDSTILL)


@pytest.mark.parametrize('start', STATES)
def test_it_is_ready_exactly_when_it_may_move_and_does_nothing(start):
    flags = ('known', 'estop', 'fault', 'maintenance', 'docking', 'executing', 'mission')
    for values in itertools.product((False, True), repeat=len(flags) + 1):
        for speed in (0.0, 0.3, math.nan):
            situation = Situation(
                **dict(zip(flags, values, strict=False)), forbidden=values[-1], speed=speed
            )
            machine = machine_in(start)
            while machine.follow(situation):
                pass
            assert (machine.wire(situation)[1] == 'ready') is may_move(situation), situation


def test_each_state_has_a_status():
    assert set(WIRE) == set(STATES)


situations = st.builds(
    Situation,
    known=st.booleans(),
    estop=st.booleans(),
    fault=st.booleans(),
    maintenance=st.booleans(),
    docking=st.booleans(),
    executing=st.booleans(),
    mission=st.booleans(),
    forbidden=st.booleans(),
    speed=st.sampled_from((0.0, 0.3, math.nan)),
)


@given(st.lists(situations), st.sampled_from(STATES))
def test_no_sequence_of_situations_makes_an_undocumented_transition(sequence, start):
    machine = machine_in(start)
    for situation in sequence:
        for _ in range(4):
            before = machine.state
            if machine.wire(situation)[1] == 'ready':
                assert may_move(situation), 'nor on the way to another state'
            if not machine.follow(situation):
                break
            assert (before, machine.state) in DOCUMENTED
        else:
            raise AssertionError('it does not settle')
        if situation.estop:
            assert machine.state == VehicleState.ESTOP
        elif situation.state != VehicleState.INITIALIZING:
            assert machine.state == situation.state
