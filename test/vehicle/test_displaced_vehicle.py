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
"""A vehicle that is pushed or rolls: no mission drives it there, and the supervision sees it."""

import contextlib
import math
from collections import deque
from dataclasses import replace

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from vehicle.mission_vehicle import PERIOD

from oht50_bridge.vehicle.docking import Docking
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.docking import DockReading
from oht50_bridge.vehicle.mission import Mission
from oht50_bridge.vehicle.mission import MissionInputs
from oht50_bridge.vehicle.mission import MissionOutcome
from oht50_bridge.vehicle.motion import LoopSettings
from oht50_bridge.vehicle.motion import MotionLoop
from oht50_bridge.vehicle.motion_supervisor import MotionSupervisor
from oht50_bridge.vehicle.motion_supervisor import SupervisionSettings
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.profile import MotionError
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.profile import VelocityProfile

LIMITS = MotionLimits()
NO_DOCK = DockReading(math.nan, False, False)
SUPERVISED = 3  # steps from one check of the supervision to the next
EPSILON = 1e-6


def pushed(speed):
    """Move at a speed, m/s, whatever the motor does."""
    return lambda velocity: speed


def rolling(slope):
    """Move faster and faster, m/s^2, whatever the motor does."""
    return lambda velocity: velocity + slope * PERIOD


class Loose:
    """A mission, a vehicle that does not always follow it, and the supervision of its motion.

    The motor follows after 80 ms, not at all below `dead_band` m/s.
    """

    def __init__(self, *, ahead=1, step=0.001, measured=True, dead_band=0.0, docking=None):
        self.position, self.velocity, self.motor, self.now = 20.0, 0.0, 0.0, 0.0
        self.step_size, self.measured, self.dead_band = step, measured, dead_band
        self.pending = deque([None] * 4)
        self.force = None
        self.dock = NO_DOCK
        self.steps = 0
        self.fault = ''
        self.supervisor = MotionSupervisor(SupervisionSettings())
        loop = LoopSettings(creep_speed=dead_band) if dead_band else LoopSettings()
        target = self.position + 10.0 * ahead if docking is None else docking.target
        self.mission = Mission(
            'm', 'transport', target, MotionLoop(self.measure(), 0.0, LIMITS, loop), docking
        )

    def measure(self):
        velocity = round(self.velocity, 3) if self.measured else math.nan
        position = round(round(self.position / self.step_size) * self.step_size, 6)
        return Measurement(position, self.step_size, velocity, self.now)

    def step(self, **inputs):
        """Go on by one period; return the command."""
        measurement = self.measure()
        silent = all(command is None for command in self.pending)
        given_ = MissionInputs(
            measurement,
            position_age=0.0,
            forbidden='',
            missing='',
            speed_limit=0.5,
            dock=self.dock,
            stopped='no_command' if silent else '',
        )
        command = self.mission.step(self.now, replace(given_, **inputs))
        self.pending.append(command)
        driven = self.pending.popleft() or 0.0
        self.motor = driven if abs(driven) >= self.dead_band - EPSILON else 0.0
        self.velocity = self.force(self.velocity) if self.force else self.motor
        self.position += self.velocity * PERIOD
        self.now += PERIOD
        self.steps += 1
        if self.steps % SUPERVISED == 0:
            fault = self.supervisor.check(self.now, self.measure(), self.motor, 0.5)
            self.fault = self.fault or fault
        return command

    def run(self, seconds, **inputs):
        return [self.step(**inputs) for _ in range(round(seconds / PERIOD))]

    def until(self, condition, seconds=30.0):
        """Step until the condition holds; return the commands."""
        commands, end = [], self.now + seconds
        while not condition():
            commands.append(self.step())
            assert self.now < end, 'too long'
        return commands

    def ended(self):
        """Return whether the profile has ended."""
        return abs(self.mission.motion.profile.velocity) < EPSILON

    def displace(self, force, way=0.2):
        """Displace it until it is reported, or by a way; return the commands and the way."""
        start, self.force = self.position, force
        commands = self.until(lambda: self.fault or abs(self.position - start) >= way)
        return commands, abs(self.position - start)


@pytest.mark.parametrize('ahead', [1, -1])
@pytest.mark.parametrize('order', ['pause', 'cancel'])
@pytest.mark.parametrize(
    'force',
    [pushed(0.1), pushed(-0.1), rolling(0.05), rolling(-0.05)],
    ids=('+p', '-p', '+r', '-r'),
)
@pytest.mark.parametrize(
    ('step', 'measured', 'dead_band'),
    [
        (0.001, True, 0.0),
        (0.01, True, 0.0),
        (0.02, True, 0.0),
        (0.001, True, 0.08),
        (0.001, False, 0.0),
        (0.01, False, 0.08),
    ],
)
def test_a_stopped_mission_never_drives_a_vehicle_that_is_displaced(
    ahead, order, force, step, measured, dead_band
):
    vehicle = Loose(ahead=ahead, step=step, measured=measured, dead_band=dead_band)
    vehicle.run(2.0)
    getattr(vehicle.mission, order)()
    if order == 'pause':
        vehicle.until(vehicle.ended)
        vehicle.run(5.0)
    else:  # where it comes to rest, the mission ends
        vehicle.until(lambda: abs(vehicle.mission.motion.profile.velocity) < 0.01)
        vehicle.force = force
        vehicle.until(vehicle.ended)
    assert vehicle.fault == ''
    commands, way = vehicle.displace(force)
    assert set(commands) <= {None, 0.0}
    assert 'though nothing is commanded' in vehicle.fault, f'{way:.3f} m'
    assert set(vehicle.run(5.0)) <= {None, 0.0}


class Pushed:
    """A loop, and a vehicle that moves at the command of 80 ms ago and at what pushes it."""

    def __init__(self, step):
        self.position, self.velocity, self.now, self.step_size = 5.0, 0.0, 0.0, step
        self.pending = deque([0.0] * 4)
        self.motion = MotionLoop(self.measure(), 0.0, LIMITS, LoopSettings())

    def measure(self):
        position = round(self.position / self.step_size) * self.step_size
        return Measurement(position, self.step_size, self.velocity, self.now)

    def run(self, seconds, push=0.0):
        """Go on for a time; yields the command of each step."""
        for _ in range(round(seconds / PERIOD)):
            self.motion.update(self.measure())
            command = self.motion.step(self.now, 0.5)
            self.pending.append(command)
            self.velocity = self.pending.popleft() + push
            self.position += self.velocity * PERIOD
            self.now += PERIOD
            yield command


@settings(max_examples=40)
@given(
    journey=st.lists(st.tuples(st.floats(2.0, 8.0), st.floats(0.02, 5.0)), min_size=1, max_size=3),
    pushes=st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(0.1, 1.0)), max_size=5),
    step=st.sampled_from((0.001, 0.01, 0.02)),
)
@example(journey=[(8.0, 4.0)], pushes=[(-0.05, 2.5)], step=0.001)
@example(journey=[(8.0, 4.0), (2.0, 1.7)], pushes=[], step=0.001)
def test_a_stop_commands_what_its_profile_has_left_and_then_nothing(journey, pushes, step):
    vehicle = Pushed(step)
    motion = vehicle.motion
    for target, seconds in journey:
        motion.go(target)
        for _ in vehicle.run(seconds):
            pass
    motion.go(None)
    left = None
    with contextlib.suppress(MotionError):  # after which a mission commands nothing
        for push, seconds in [*pushes, (0.0, 10.0)]:
            for command in vehicle.run(seconds, push):
                if left is None:
                    left = VelocityProfile(motion.profile, LIMITS)
                    direction = math.copysign(1.0, left.state().velocity)
                else:
                    left.advance(PERIOD)
                if left.state().velocity * direction <= 0.0 or left.remaining == 0.0:
                    direction = 0.0  # for good
                coming = max(0.0, left.state(LoopSettings().drive_delay).velocity * direction)
                assert 0.0 <= command * direction <= coming + EPSILON
                assert direction or command == 0.0
        assert motion.standing


def test_a_vehicle_ahead_of_its_stop_is_commanded_less_but_not_switched_off():
    vehicle = Pushed(0.001)
    vehicle.motion.go(9.0)
    for _ in vehicle.run(4.0):
        pass
    vehicle.motion.go(None)
    commands = list(vehicle.run(0.5, 0.1))
    left = vehicle.motion.profile.velocity
    assert 0.0 < commands[-1] < left - 0.04
    while vehicle.motion.profile.velocity > 0.01:
        commands += vehicle.run(PERIOD, 0.04)
    assert min(commands) > 0.0


@pytest.mark.parametrize('ahead', [1, -1])
def test_a_vehicle_that_is_held_back_is_driven_on_from_its_speed(ahead):
    vehicle = Pushed(0.001)
    vehicle.motion.go(5.0 + 10.0 * ahead)
    for _ in vehicle.run(4.0):
        pass
    slower = [command * ahead for command in vehicle.run(1.0, -0.2 * ahead)]
    assert 0.1 < min(slower) < 0.4, 'its profile began again where it was'


@pytest.mark.parametrize('ahead', [1, -1])
@pytest.mark.parametrize('speed', [0.1, -0.1])
def test_a_new_mission_never_drives_away_from_its_target(ahead, speed):
    vehicle = Loose(ahead=ahead)
    vehicle.velocity = speed
    motion = MotionLoop(vehicle.measure(), 0.0, LIMITS, LoopSettings())
    vehicle.mission = Mission('m', 'transport', vehicle.mission.target, motion)
    vehicle.force = pushed(speed)
    commands = vehicle.run(0.5)
    assert all(command * ahead > 0.0 for command in commands)


@pytest.mark.parametrize('ahead', [1, -1])
def test_a_vehicle_that_did_not_start_before_its_pause_can_be_resumed(ahead):
    vehicle = Loose(ahead=ahead, dead_band=0.08)
    vehicle.run(0.6)
    vehicle.mission.pause()
    vehicle.run(5.0)
    assert vehicle.position == 20.0, 'what a stop commands does not turn the wheel'
    vehicle.mission.resume()
    vehicle.until(lambda: vehicle.mission.outcome, 60.0)
    assert vehicle.mission.outcome is MissionOutcome.SUCCESS


def paused(ahead=1):
    """Return a vehicle that has stood for a second in a paused mission."""
    vehicle = Loose(ahead=ahead)
    vehicle.run(2.0)
    vehicle.mission.pause()
    vehicle.until(vehicle.ended)
    vehicle.run(1.0)
    return vehicle


@pytest.mark.parametrize('ahead', [1, -1])
@pytest.mark.parametrize('way', [0.08, -0.08])
def test_a_resumed_mission_starts_from_where_the_vehicle_was_moved_to(ahead, way):
    vehicle = paused(ahead)
    vehicle.displace(pushed(math.copysign(0.1, way)), abs(way))
    vehicle.force = None
    vehicle.run(1.0)
    vehicle.mission.resume()
    commands = vehicle.run(0.5)
    assert all(0.0 < command * ahead < 0.04 for command in commands), 'from rest'
    assert vehicle.mission.motion.profile.position == pytest.approx(vehicle.position, abs=0.005)
    vehicle.until(lambda: vehicle.mission.outcome, 60.0)
    assert vehicle.mission.outcome is MissionOutcome.SUCCESS


@pytest.mark.parametrize('way', [0.15, -0.15])
def test_a_paused_mission_whose_vehicle_is_moved_too_far_fails(way):
    vehicle = paused()
    vehicle.supervisor = MotionSupervisor(SupervisionSettings(deviation=1.0))
    vehicle.displace(pushed(math.copysign(0.1, way)), abs(way))
    assert vehicle.mission.outcome is MissionOutcome.FAILED
    assert 'away from its commanded motion' in vehicle.mission.reason


@pytest.mark.parametrize('velocity', [0.002, -0.002])
def test_after_an_interruption_a_paused_mission_commands_no_measured_velocity(velocity):
    vehicle = paused()
    vehicle.force = pushed(velocity)  # which still counts as standing
    vehicle.run(0.2, missing='heartbeat')
    assert set(vehicle.run(5.0)) <= {None, 0.0}
    assert vehicle.mission.interruption == ''


@pytest.mark.parametrize('ahead', [1, -1])
@pytest.mark.parametrize('speed', [0.02, 0.1, 0.3])
def test_a_vehicle_that_is_pulled_back_on_its_way_is_not_driven_back(ahead, speed):
    vehicle = Loose(ahead=ahead)
    vehicle.run(4.0)
    commands, _ = vehicle.displace(pushed(-ahead * speed), 0.5)
    assert all((command or 0.0) * ahead >= 0.0 for command in commands)
    assert 'against its command' in vehicle.fault


@pytest.mark.parametrize('speed', [0.1, -0.1])
@pytest.mark.parametrize('side', [1.0, -1.0])
def test_a_vehicle_that_waits_in_the_dock_is_not_driven_where_it_is_pushed(speed, side):
    station = 20.0 - side
    vehicle = Loose(docking=Docking(station, side, DockingSettings(contact_time=30.0)))
    vehicle.until(lambda: vehicle.mission.motion.arrived)
    vehicle.run(2.0)
    assert vehicle.fault == ''
    commands, _ = vehicle.displace(pushed(speed))
    assert all((command or 0.0) * speed <= 0.0 for command in commands)
    assert vehicle.fault


@pytest.mark.parametrize('hold', ['obstacle at 0.30 m', ''])
@pytest.mark.parametrize('speed', [0.1, -0.1])
def test_a_held_or_ended_mission_never_drives_a_vehicle_that_is_displaced(hold, speed):
    vehicle = Loose()
    vehicle.run(4.0)
    inputs = {'hold': hold} if hold else {'forbidden': 'a guard is open'}
    vehicle.force = lambda velocity: max(0.0, velocity - 1.0 * PERIOD)
    vehicle.run(5.0, **inputs)
    assert vehicle.fault == ''
    vehicle.force = pushed(speed)
    assert set(vehicle.run(2.0, **inputs)) <= {None, 0.0}
    assert 'though nothing is commanded' in vehicle.fault
