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

import pytest

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
