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
"""Motion that is not as commanded is an emergency; motion as commanded never is one."""

import math
from collections import deque

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.motion_supervisor import MotionSupervisor
from oht50_bridge.vehicle.motion_supervisor import SupervisionSettings
from oht50_bridge.vehicle.position import Measurement

PERIOD = 0.05  # s


class Ride:
    """A vehicle whose velocity is set by the test."""

    def __init__(self, position=10.0):
        self.supervisor = MotionSupervisor(SupervisionSettings())
        self.position, self.velocity, self.now = position, 0.0, 100.0
        self.command, self.limit = 0.0, 0.5
        self.frozen = False
        self.reported = position

    def run(self, seconds):
        """Go on for a time; return the first fault, empty without."""
        for _ in range(round(seconds / PERIOD)):
            self.now += PERIOD
            self.position += self.velocity * PERIOD
            if not self.frozen:
                self.reported = self.position
            velocity = 0.0 if self.frozen else self.velocity
            fault = self.supervisor.check(
                self.now,
                Measurement(round(self.reported, 3), 0.001, velocity, self.now),
                self.command,
                self.limit,
            )
            if fault:
                return fault
        return ''

    def ramp(self, velocity, acceleration=0.3):
        """Change the velocity by a ramp; return the first fault."""
        while self.velocity != velocity:
            step = acceleration * PERIOD
            self.velocity += max(-step, min(step, velocity - self.velocity))
            if fault := self.run(PERIOD):
                return fault
        return ''


def test_a_journey_there_and_back_is_no_fault():
    ride = Ride()
    assert ride.run(2.0) == ''
    for command in (0.5, 0.1, 0.0, -0.5, 0.3, 0.0):
        ride.command = command
        assert ride.run(0.2) + ride.ramp(command) + ride.run(4.0) == ''


def test_motion_without_a_command_is_a_fault():
    ride = Ride()
    assert ride.run(2.0) == ''
    ride.velocity = 0.1
    assert 'though nothing is commanded' in ride.run(2.0)
    assert ride.position < 10.1
    ride.velocity = 0.0
    assert ride.run(5.0) == '', 'a fault that was reported does not come back'
    ride.velocity = 0.1
    assert 'though nothing is commanded' in ride.run(2.0)


def test_a_stop_that_does_not_come_is_a_fault():
    ride = Ride()
    ride.command = ride.velocity = 0.5
    ride.run(3.0)
    ride.command = 0.0
    assert 'though nothing is commanded' in ride.run(5.0)


def test_motion_against_the_command_is_a_fault():
    ride = Ride()
    ride.run(1.0)
    ride.command, ride.velocity = 0.3, -0.3
    assert 'against its command of +0.30 m/s' in ride.run(3.0)


def test_a_vehicle_that_rolls_back_after_it_went_the_right_way_is_a_fault():
    ride = Ride()
    ride.command = ride.velocity = 0.3
    assert ride.run(5.0) == ''
    ride.velocity = -0.1
    assert 'against its command' in ride.run(2.0)


def test_a_source_that_states_a_standstill_while_it_moves_does_not_hide_overspeed():
    supervisor = MotionSupervisor(SupervisionSettings())
    faults = []
    for step in range(40):
        now = 100.0 + step * PERIOD
        measured = Measurement(10.0 + 0.9 * step * PERIOD, 0.001, 0.0, now)
        faults.append(supervisor.check(now, measured, 0.5, 0.5))
    assert 'overspeed: 0.90 m/s, allowed are 0.50 m/s' in ''.join(faults)


def test_overspeed_is_a_fault_but_not_a_single_measurement():
    ride = Ride()
    ride.command, ride.limit = 0.5, 0.5
    ride.run(0.5)
    ride.velocity = 0.55
    assert ride.run(2.0) == ''
    ride.velocity = 0.8
    assert ride.run(0.1) == ''
    assert 'overspeed: 0.80 m/s, allowed are 0.50 m/s' in ride.run(0.3)


def test_a_lower_limit_must_be_followed_by_braking():
    ride = Ride()
    ride.command = ride.velocity = ride.limit = 0.5
    ride.run(2.0)
    ride.limit = 0.1
    assert 'overspeed' in ride.run(4.0)
    ride = Ride()
    ride.command = ride.velocity = ride.limit = 0.5
    ride.run(2.0)
    ride.limit = ride.command = 0.1
    assert ride.run(0.3) + ride.ramp(0.1) + ride.run(5.0) == ''


def test_a_position_that_freezes_while_driven_is_a_fault():
    ride = Ride()
    ride.command = ride.velocity = 0.5
    ride.run(2.0)
    ride.frozen = True
    assert 'the position does not change although' in ride.run(2.0)
    assert ride.position - ride.reported < 0.36


@pytest.mark.parametrize('gap', [0.6, -1.0])
def test_after_a_pause_or_an_unknown_position_it_starts_anew(gap):
    ride = Ride()
    ride.run(2.0)
    ride.now += gap
    ride.position += 0.5
    assert ride.run(2.0) == ''
    assert ride.supervisor.check(ride.now, None, 0.5, 0.5) == ''
    ride.position += 5.0
    assert ride.run(1.0) == ''
    ride.velocity = 0.1
    assert 'though nothing is commanded' in ride.run(3.0), 'it supervises again'


def test_a_fault_is_reported_once_and_again_when_it_happens_again():
    ride = Ride()
    ride.run(2.0)
    ride.velocity = 0.2
    assert 'though nothing is commanded' in ride.run(1.0)
    ride.velocity = 0.0
    assert ride.run(3.0) == ''
    ride.velocity = 0.2
    assert 'though nothing is commanded' in ride.run(1.0)


def test_a_velocity_that_is_not_known_is_no_excuse():
    supervisor = MotionSupervisor(SupervisionSettings())
    faults = [
        supervisor.check(
            step * PERIOD, Measurement(step * 0.01, 0.001, math.nan, step * PERIOD), 0.0, 0.5
        )
        for step in range(60)
    ]
    assert any('though nothing is commanded' in fault for fault in faults)


@pytest.mark.parametrize('command', [0.3, 0.1, 0.02])
@pytest.mark.parametrize('period', [0.1, 0.3, 0.5])
@pytest.mark.parametrize('velocity', [-0.05, -0.5])
def test_a_command_that_comes_and_goes_is_no_excuse_for_motion_against_it(
    command, period, velocity
):
    ride = Ride()
    ride.run(2.0)
    start, ride.velocity = ride.position, velocity
    faults = []
    for _ in range(40):
        ride.command = command - ride.command
        faults.append(ride.run(period))
    assert any('it moved' in fault for fault in faults)
    ride = Ride(start)
    ride.run(2.0)
    ride.velocity = velocity
    while not ride.run(period):
        ride.command = command - ride.command
    assert abs(ride.position - start) < 0.05 + abs(velocity) * period + 0.03


@pytest.mark.parametrize('pause', [0.05, 0.2, 1.0])
@pytest.mark.parametrize('noise', [0.0, 0.001])
def test_a_frozen_position_is_a_fault_also_when_the_command_comes_and_goes(pause, noise):
    ride = Ride()
    ride.run(2.0)
    ride.frozen = True
    driven = 0.0
    fault = ''
    while not fault:
        ride.reported = 10.0 + (noise if round(driven, 2) % 0.1 < 0.05 else 0.0)
        ride.command = 0.5
        fault = ride.run(0.1)
        driven += 0.05
        ride.command = 0.0
        fault = fault or ride.run(pause)
        assert driven < 0.5
    assert 'the position does not change although' in fault


def test_a_position_that_comes_late_is_not_one_that_is_frozen():
    supervisor = MotionSupervisor(SupervisionSettings())
    position, now = 10.0, 100.0
    measured = Measurement(position, 0.001, 2.0, now)
    for step in range(40):
        # Every 0.2 s, which is 0.4 m at this speed.
        if step % 4 == 0:
            measured = Measurement(position, 0.001, 2.0, now)
        assert supervisor.check(now, measured, 2.0, 2.0) == ''
        now += PERIOD
        position += 2.0 * PERIOD


def test_a_vehicle_that_rolls_back_after_it_came_to_rest_is_a_fault():
    ride = Ride()
    ride.command = ride.velocity = 0.5
    ride.run(3.0)
    ride.command = 0.0
    assert ride.run(0.3) + ride.ramp(0.0) + ride.run(1.0) == ''
    rest = ride.position
    ride.velocity = -0.1
    assert 'though nothing is commanded' in ride.run(2.0)
    assert rest - ride.position < 0.07


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from([0.5, -0.5, 0.3, 0.02, -0.02, 0.0]),
        st.sampled_from([0.05, 0.15, 0.5, 1.0, 4.0]),  # s
        st.sampled_from([0.5, 0.5, 0.2, 0.05]),  # m/s, the limit of speed
        # Pause of the checks, s; or a position that is not known meanwhile.
        st.sampled_from([0.0, 0.0, 0.0, 0.3, 0.7, -1.0]),
    ),
    max_size=20,
)


class Obedient:
    """A vehicle whose driver makes ramps and turns after a pause; it follows late.

    Attributes:
        command: m/s, in force at the motor's board.
        places: m, as reported, the newest last.

    """

    def __init__(self, step, deceleration):
        self.step, self.deceleration = step, deceleration
        self.command = self.velocity = 0.0
        self.position = 10.0
        self.pause = 0  # periods at rest before it may turn
        self.late = deque([0.0] * 4)
        self.places = deque([10.0] * 5, maxlen=5)

    def go(self, wanted):
        if wanted * self.command < 0.0 or (self.command == 0.0 and self.pause > 0):
            wanted = 0.0
        self.pause = 6 if self.command != 0.0 else self.pause - 1
        ramp = (0.5 if abs(wanted) > abs(self.command) else self.deceleration) * PERIOD
        self.command += max(-ramp, min(ramp, wanted - self.command))
        self.late.append(self.command)
        self.velocity = self.late.popleft()
        self.position += self.velocity * PERIOD
        self.places.append(round(self.position / self.step) * self.step)


@settings(max_examples=150, derandomize=True)
@given(COMMANDS, st.sampled_from([0.001, 0.02]), st.booleans(), st.sampled_from([0.3, 2.0]))
def test_a_vehicle_that_obeys_is_never_a_fault(commands, step, measured, deceleration):
    supervisor = MotionSupervisor(SupervisionSettings())
    vehicle = Obedient(step, deceleration)
    now = 100.0
    for wanted, seconds, limit, pause in commands:
        wanted = math.copysign(min(abs(wanted), limit), wanted)
        for _ in range(round(seconds / PERIOD)):
            now += PERIOD
            vehicle.go(wanted)
            places = vehicle.places
            known = vehicle.velocity if measured else (places[-1] - places[0]) / (4 * PERIOD)
            measurement = Measurement(places[-1], step, known, now)
            assert supervisor.check(now, measurement, vehicle.command, limit) == ''
        for _ in range(round(abs(pause) / PERIOD)):
            now += PERIOD
            vehicle.go(wanted)
            if pause < 0.0:
                assert supervisor.check(now, None, vehicle.command, limit) == ''


@settings(max_examples=150, derandomize=True)
@given(
    COMMANDS,
    st.sampled_from([1, -1]),
    st.floats(0.05, 1.0),
    st.sampled_from([0.0, math.nan, math.inf]),
)
def test_whatever_is_commanded_no_motion_goes_on_the_other_way(commands, way, speed, error):
    """Nothing is ever commanded this way, and a measured velocity may be missing."""
    supervisor = MotionSupervisor(SupervisionSettings())
    now, position, unseen = 100.0, 10.0, 0.0

    def check(measured):
        return supervisor.check(now, Measurement(position, 0.001, measured, now), command, limit)

    command, limit = 0.0, 1.0
    for _ in range(60):
        now += PERIOD
        check(0.0)
    for wanted, seconds, permitted, pause in commands:
        command, limit = -way * abs(wanted), permitted
        for _ in range(round(seconds / PERIOD)):
            now += PERIOD
            position += way * speed * PERIOD
            unseen += speed * PERIOD
            if check(way * speed + error):
                unseen = -speed * (0.6 + speed / 0.2)  # it gives it time to stop
        if abs(pause) > 0.5:  # nothing is known of what was meanwhile
            now += abs(pause)
            unseen = -speed * (0.6 + speed / 0.2)
        assert unseen < 0.05 + 2.0 * speed * PERIOD + 0.01
