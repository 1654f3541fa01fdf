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
"""Missions: refusals, the life of one, what outlives a crash."""

import contextlib
import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.docking import Docking
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.docking import DockReading
from oht50_bridge.vehicle.mission import Mission
from oht50_bridge.vehicle.mission import MissionInputs
from oht50_bridge.vehicle.mission import MissionOutcome
from oht50_bridge.vehicle.mission import MissionPhase
from oht50_bridge.vehicle.mission import MissionTimeouts
from oht50_bridge.vehicle.motion import LoopSettings
from oht50_bridge.vehicle.motion import MotionLoop
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.refusal import RefusedError

PERIOD = 0.02  # s


class Ride:
    """A mission on a vehicle that follows its commands after 80 ms."""

    def __init__(self, start=5.0, target=7.0, docking=None):
        self.position, self.velocity, self.now = start, 0.0, 0.0
        self.pending = [0.0] * 4
        self.stale = False
        self.mission = Mission(
            'm',
            'transport',
            target,
            MotionLoop(self.measure(), 0.0, MotionLimits(), LoopSettings()),
            docking,
        )
        self.inputs = MissionInputs(
            None,
            0.0,
            forbidden='',
            missing='',
            speed_limit=0.5,
            dock=DockReading(math.nan, False, False),
            stopped='',
        )

    def measure(self):
        self.measurement = Measurement(round(self.position, 3), 0.001, self.velocity, self.now)
        return self.measurement

    def step(self, **inputs):
        """Go on by one period; return the command."""
        measurement = self.measurement if self.stale else self.measure()
        command = self.mission.step(
            self.now,
            replace(
                self.inputs,
                measurement=measurement,
                position_age=self.now - measurement.stamp,
                **inputs,
            ),
        )
        self.pending.append(command or 0.0)
        self.velocity = round(self.pending.pop(0), 2)
        self.position += self.velocity * PERIOD
        self.now += PERIOD
        return command

    def until(self, condition, seconds=60.0, **inputs):
        """Step until the condition holds; return the commands."""
        commands = []
        while not condition():
            commands.append(self.step(**inputs))
            assert self.now < seconds, 'too long'
        return commands

    def run(self, seconds, **inputs):
        end = self.now + seconds
        return self.until(lambda: self.now >= end, math.inf, **inputs)


def test_mission_arrives_with_a_true_summary():
    ride = Ride()
    mission = ride.mission
    assert mission.phase == MissionPhase.EXECUTING
    left = []
    ride.until(lambda: left.append(mission.progress) or mission.outcome)
    assert mission.outcome == MissionOutcome.SUCCESS
    assert mission.phase == MissionPhase.NONE
    assert left == pytest.approx(sorted(left), abs=0.001)
    assert mission.progress == 1.0
    assert mission.motion.travelled == pytest.approx(2.0, abs=0.005)
    assert ride.position == pytest.approx(7.0, abs=0.002)
    assert mission.errors == 0
    assert ride.run(1.0) == [None] * len(ride.run(1.0)), 'nothing is commanded afterwards'


def test_remaining_time_is_the_time_that_it_takes():
    ride = Ride(target=10.0)
    ride.run(3.0)
    remaining = ride.mission.remaining_time
    begin = ride.now
    ride.until(lambda: ride.mission.outcome)
    assert ride.now - begin == pytest.approx(remaining, abs=0.6)


def test_pause_stops_and_resume_goes_on():
    ride = Ride(target=9.0)
    ride.run(4.0)
    with pytest.raises(RefusedError, match='it is not paused'):
        ride.mission.resume()
    ride.mission.pause()
    assert ride.mission.phase == MissionPhase.PAUSED
    with pytest.raises(RefusedError, match='already'):
        ride.mission.pause()
    assert math.isnan(ride.mission.remaining_time)
    ride.until(lambda: ride.velocity == 0.0)
    ride.run(1.0)
    assert set(ride.run(2.0)) == {None}
    ride.mission.resume()
    ride.until(lambda: ride.mission.outcome)
    assert ride.mission.outcome == MissionOutcome.SUCCESS
    assert ride.position == pytest.approx(9.0, abs=0.002)


@pytest.mark.parametrize('paused', [False, True])
def test_cancel_brakes_and_ends(paused):
    ride = Ride(target=9.0)
    ride.run(4.0)
    if paused:
        ride.mission.pause()
        ride.run(5.0)
    ride.mission.cancel()
    ride.until(lambda: ride.mission.outcome)
    assert ride.mission.outcome == MissionOutcome.CANCELLED
    assert ride.velocity == 0.0
    assert 5.0 < ride.position < 9.0


@pytest.mark.parametrize('paused', [False, True])
@pytest.mark.parametrize('inputs', [{'forbidden': 'emergency stop'}, {'missing': 'heartbeat'}])
def test_forbidden_or_missing_fails_and_nothing_moves_again(inputs, paused):
    ride = Ride(target=9.0)
    ride.run(4.0)
    if paused:
        ride.mission.pause()
        ride.run(5.0)
    commands = ride.run(0.5, **inputs)
    assert set(commands) == {None}, 'nothing is commanded from the first moment'
    assert ride.mission.outcome == MissionOutcome.FAILED
    assert ride.mission.reason == next(iter(inputs.values()))
    assert ride.mission.errors == 1
    with contextlib.suppress(RefusedError):
        ride.mission.resume()
    assert set(ride.run(5.0)) == {None}, 'not even when the cause is gone'


def test_hold_waits_and_goes_on_when_clear_for_long_enough():
    ride = Ride(target=9.0)
    ride.run(4.0)
    assert ride.mission.direction == 0
    assert set(ride.run(3.0, hold='obstacle')) == {0.0}
    assert (ride.mission.phase, ride.mission.held_by) == (MissionPhase.HELD, 'obstacle')
    assert ride.mission.direction == 1
    assert math.isnan(ride.mission.remaining_time)
    position = ride.position
    assert set(ride.run(0.8)) == {0.0}, 'not at once'
    assert set(ride.run(0.4, hold='obstacle')) == {0.0}
    assert set(ride.run(0.8)) == {0.0}, 'clear without a break'
    assert ride.position == position
    ride.until(lambda: ride.mission.phase == MissionPhase.EXECUTING, ride.now + 0.5)
    assert ride.mission.direction == 0
    ride.until(lambda: ride.mission.outcome)
    assert ride.mission.outcome == MissionOutcome.SUCCESS
    assert ride.position == pytest.approx(9.0, abs=0.002)
    assert ride.mission.errors == 0


def test_going_on_keeps_the_limits():
    ride = Ride(target=9.0)
    ride.run(4.0)
    ride.run(2.0, hold='obstacle')
    commands = [command for command in ride.until(lambda: ride.mission.outcome)[60:] if command]
    for before, after in itertools.pairwise(commands):
        assert after - before <= MotionLimits().max_acceleration * PERIOD + 0.02
    assert max(commands[:25]) < 0.1, 'from standstill'


def test_hold_beyond_patience_fails_and_nothing_moves_again():
    ride = Ride(target=9.0)
    ride.run(4.0)
    ride.run(MissionTimeouts().hold_timeout - 1.0, hold='obstacle at 0.30 m')
    assert ride.mission.outcome is None
    ride.run(2.0, hold='obstacle at 0.30 m')
    assert ride.mission.outcome == MissionOutcome.FAILED
    assert ride.mission.reason == 'held for 60 s: obstacle at 0.30 m'
    assert set(ride.run(5.0)) == {None}


def test_each_hold_has_its_own_patience_and_a_pause_uses_none():
    ride = Ride(target=9.0)
    ride.run(4.0)
    for _ in range(2):
        ride.run(MissionTimeouts().hold_timeout - 1.0, hold='obstacle')
        ride.run(1.5)
    ride.mission.pause()
    assert ride.mission.phase == MissionPhase.PAUSED
    ride.run(2.0 * MissionTimeouts().hold_timeout, hold='obstacle')
    ride.mission.resume()
    ride.run(2.0)
    assert ride.mission.outcome is None


def test_emergency_stop_while_held_fails():
    ride = Ride(target=9.0)
    ride.run(4.0)
    ride.run(1.0, hold='obstacle')
    assert ride.step(hold='obstacle', forbidden='emergency stop') is None
    assert ride.mission.outcome == MissionOutcome.FAILED
    assert set(ride.run(5.0)) == {None}, 'not even when it is cleared'


def test_cancel_while_held_ends():
    ride = Ride(target=9.0)
    ride.run(4.0)
    ride.run(1.0, hold='obstacle')
    ride.mission.cancel()
    ride.until(lambda: ride.mission.outcome, ride.now + 1.0, hold='obstacle')
    assert ride.mission.outcome == MissionOutcome.CANCELLED


def test_whole_progress_is_reported_before_the_end():
    ride = Ride()
    ride.until(lambda: ride.mission.progress == 1.0)
    assert ride.mission.there and ride.mission.outcome is None
    assert ride.position == pytest.approx(7.0, abs=0.002)
    before = ride.now
    ride.until(lambda: ride.mission.outcome)
    assert ride.now - before >= 0.28, 'so early that it is heard'


def test_no_new_position_for_200_ms_stops_commanding():
    ride = Ride(target=9.0)
    ride.run(4.0, speed_limit=0.1)  # too slow for the position to be missed otherwise
    ride.stale = True
    commands = ride.run(0.6, speed_limit=0.1)
    age = commands.index(None) * PERIOD
    assert 0.18 <= age <= 0.24
    assert set(commands[commands.index(None) :]) == {None}
    assert ride.mission.outcome == MissionOutcome.FAILED
    assert ride.mission.reason == 'no position is measured'


def test_short_lack_is_borne_and_the_mission_arrives():
    ride = Ride(target=9.0)
    ride.run(4.0)
    ride.run(0.2, missing='heartbeat')
    ride.until(lambda: ride.mission.outcome)
    assert ride.mission.outcome == MissionOutcome.SUCCESS
    assert ride.position == pytest.approx(9.0, abs=0.002)


def test_pause_of_the_loop_itself_is_no_lack():
    ride = Ride(target=9.0)
    ride.run(4.0)
    ride.now += 2.0  # the process was not served; what came meanwhile is read one step later
    ride.stale = True
    assert ride.step() is None
    ride.stale = False
    ride.until(lambda: ride.mission.outcome)
    assert ride.mission.outcome == MissionOutcome.SUCCESS


def stall(ride):
    """The process is not served for 0.4 s."""
    ride.now += 0.4
    return 'no command for 0.42 s'


def brake(ride):
    """The drive stops by itself and says so for a moment."""
    ride.run(0.06, stopped='command_timeout')
    return 'the travel motor is stopped: command_timeout'


@pytest.mark.parametrize('interruption', [stall, brake])
@pytest.mark.parametrize('paused', [False, True])
def test_after_the_drive_stopped_by_itself_it_goes_on_from_standstill(interruption, paused):
    ride = Ride(target=9.0)
    ride.run(4.0)
    assert ride.velocity > 0.4
    if paused:
        ride.mission.pause()
    cause = interruption(ride)
    commands = []
    while ride.velocity or len(commands) < 5:
        commands.append(ride.step())
        assert len(commands) < 50, 'it stands soon'
    assert not any(commands), 'nothing is commanded before it stands'
    assert ride.mission.interruption == cause
    if paused:
        assert set(ride.run(3.0)) == {None}
        ride.mission.resume()
    commands = [command or 0.0 for command in ride.until(lambda: ride.mission.outcome)]
    assert ride.mission.outcome == MissionOutcome.SUCCESS
    for before, after in itertools.pairwise(commands):
        assert after - before <= MotionLimits().max_acceleration * PERIOD + 0.02
    assert ride.mission.interruption == ''
    assert ride.position == pytest.approx(9.0, abs=0.002)
    assert ride.mission.errors == 0


def test_a_drive_that_stops_since_a_paused_mission_is_silent_is_no_interruption():
    ride = Ride(target=9.0)
    ride.run(4.0)
    ride.mission.pause()
    while ride.step() is not None:
        assert ride.now < 20.0, 'it stands soon'
    ride.run(0.1, stopped='command_timeout')
    assert ride.mission.interruption == ''
    ride.mission.resume()
    assert any(ride.run(0.1, stopped='command_timeout'))
    ride.until(lambda: ride.mission.outcome)
    assert ride.mission.outcome == MissionOutcome.SUCCESS


def test_a_drive_that_was_silent_before_the_start_is_no_interruption():
    ride = Ride(target=9.0)
    commands = ride.run(0.1, stopped='no_command')
    assert any(commands)


def dock_ride(**settings_):
    return Ride(5.0, 6.0, Docking(6.0, -1.0, DockingSettings(**settings_)))


def test_docking_is_a_phase_and_slow():
    ride = dock_ride()
    ride.until(lambda: ride.mission.phase == MissionPhase.DOCKING)
    assert ride.position == pytest.approx(5.5, abs=0.03)
    approach = ride.until(lambda: ride.position > 5.9)
    final = ride.until(lambda: ride.mission.motion.arrived)
    assert max(approach) <= 0.1 + 0.05
    assert sum(command > 0.11 for command in approach) < 0.1 * len(approach)
    assert max(final) <= 0.07
    assert ride.mission.outcome is None
    ride.step(dock=DockReading(0.0, True, True))
    assert ride.mission.outcome == MissionOutcome.SUCCESS
    assert ride.mission.errors == 0


def test_docking_that_fails_ends_the_mission():
    ride = dock_ride(retries=1)
    ride.until(lambda: ride.mission.outcome, 120.0)
    assert ride.mission.outcome == MissionOutcome.FAILED
    assert 'docking failed 2 times' in ride.mission.reason
    assert ride.mission.errors == 2


def test_docking_can_be_paused():
    ride = dock_ride()
    ride.until(lambda: ride.mission.phase == MissionPhase.DOCKING)
    ride.mission.pause()
    assert ride.mission.phase == MissionPhase.PAUSED
    ride.run(40.0)
    ride.mission.resume()
    assert ride.mission.phase == MissionPhase.DOCKING
    ride.until(lambda: ride.mission.outcome, 120.0, dock=DockReading(0.0, True, True))
    assert ride.mission.outcome == MissionOutcome.SUCCESS
    assert ride.mission.errors == 0, 'the pause did not use up the time of the attempt'


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(('pause', 'resume', 'cancel', 'missing', 'forbidden', 'hold', 'none')),
            st.floats(0.02, 3.0),
        ),
        max_size=8,
    )
)
def test_ended_or_hindered_mission_never_commands(sequence):
    ride = Ride(target=7.0)
    mission = ride.mission
    for action, seconds in sequence:
        ended = mission.outcome
        inputs = {action: 'gone'} if action in ('missing', 'forbidden', 'hold') else {}
        if action in ('pause', 'resume', 'cancel'):
            with contextlib.suppress(RefusedError):
                getattr(mission, action)()
        commands = ride.run(seconds, **inputs)
        if inputs or ended:
            assert set(commands) <= {None, 0.0}
            assert 'hold' in inputs or set(commands) == {None}
        assert not ended or mission.outcome == ended, 'an end is final'
        assert all(abs(command or 0.0) <= 0.5 for command in commands)
    if mission.outcome == MissionOutcome.SUCCESS:
        assert ride.position == pytest.approx(7.0, abs=0.002)


def test_progress_never_falls():
    ride = Ride(target=9.0)
    ride.run(6.0)
    before = ride.mission.progress
    assert before > 0.2
    ride.position -= 0.05
    ride.step()
    assert ride.mission.progress == before


def test_near_the_dock_a_held_mission_is_at_the_dock():
    ride = Ride(start=1.15, target=1.0, docking=Docking(1.0, 1.0, DockingSettings()))
    ride.step(hold='obstacle at 0.30 m')
    assert (ride.mission.phase, ride.mission.at_dock) == (MissionPhase.HELD, True)
    assert ride.mission.dock_direction == -1
    far = Ride(start=3.0, target=1.0, docking=Docking(1.0, 1.0, DockingSettings()))
    far.step(hold='obstacle at 0.30 m')
    assert (far.mission.at_dock, far.mission.dock_direction) == (False, 0)


@pytest.mark.parametrize('step', [0.001, 0.01, 0.02])
@pytest.mark.parametrize('share', [1.0, 0.5, 0.2, 0.098, 0.02])
def test_a_vehicle_that_rolls_without_a_measured_velocity_does_not_rest(step, share):
    ride = Ride(target=20.0)
    ride.measure = lambda: Measurement(
        round(round(ride.position / step) * step, 3), step, math.nan, ride.now
    )
    for _ in range(150):
        ride.measurement = ride.measure()
        ride.step()
    ride.stale = True  # the measurement below is given by hand
    assert ride.velocity > 0.3
    velocity = share * ride.velocity
    for count in range(40):
        ride.position += velocity * PERIOD - ride.velocity * PERIOD
        ride.measurement = ride.measure()
        ride.step(stopped='not_permitted' if count < 5 else '')
    assert ride.mission.interruption, f'it rolls on at {velocity:.2f} m/s: that is no standstill'
