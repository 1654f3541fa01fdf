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
"""Motion along the rail: the limits of the profile, and the loop on a drive as coarse as ours."""

import math
from collections import deque

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.motion import LoopSettings
from oht50_bridge.vehicle.motion import MotionLoop
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.profile import MotionError
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.profile import ProfileState
from oht50_bridge.vehicle.profile import SpeedZone
from oht50_bridge.vehicle.profile import peak_velocity
from oht50_bridge.vehicle.travel_time import travel_time

LIMITS = MotionLimits(max_velocity=0.5, max_acceleration=0.3, max_jerk=0.2)
PERIOD = 0.02  # s
EPSILON = 1e-6
OVERSHOOT = 0.001  # m, half of the finest tolerance


class Carrier:
    """A vehicle as coarse as the real one: late, 1 % of speed, ramps, a board read at 20 Hz."""

    def __init__(
        self,
        position,
        resolution=0.001,
        *,
        drive_delay=0.08,
        ramp=1.0,
        full_speed=1.0,
        dead_band=0.0,
        start_delay=0.0,
    ):
        self.position, self.velocity = position, 0.0
        self.resolution, self.ramp, self.full_speed = resolution, ramp, full_speed
        self.dead_band = dead_band  # m/s, of a command below which it stands
        self.start_delay = start_delay  # s, from standstill: a shorter command moves nothing
        self.driven = 0.0  # s, of commands since standstill
        self.commands = deque([0.0] * round(drive_delay / PERIOD))
        self.ticks = 0
        self.blocked = False

    def drive(self, command):
        self.commands.append(command)
        wanted = round(self.commands.popleft() / self.full_speed, 2) * self.full_speed
        if abs(wanted) < self.dead_band:
            wanted = 0.0
        self.driven = self.driven + PERIOD if wanted else 0.0
        if self.driven < self.start_delay:
            wanted = 0.0
        change = self.ramp * PERIOD
        self.velocity += max(-change, min(change, wanted - self.velocity))
        if not self.blocked:
            self.position += self.velocity * PERIOD
        self.ticks += 1

    @property
    def now(self):
        return self.ticks * PERIOD

    def measure(self):
        steps = round(self.position / self.resolution)
        return Measurement(steps * self.resolution, self.resolution, self.velocity, self.now)


def travel(motion, carrier, *, speed_limit=lambda now: 0.5, seconds=200.0):
    """Run the loop until it has arrived; yields the command of each step."""
    for _ in range(round(seconds / PERIOD)):
        if carrier.ticks % 3 == 0:
            motion.update(carrier.measure())
        command = motion.step(carrier.now, speed_limit(carrier.now))
        assert abs(command) <= min(LIMITS.max_velocity, speed_limit(carrier.now)) + EPSILON
        carrier.drive(command)
        yield command
        if motion.arrived:
            return
    raise AssertionError(f'not arrived after {seconds} s: {carrier.position}')


@settings(max_examples=40)
@given(
    start=st.floats(1.0, 9.0),
    target=st.floats(1.0, 9.0),
    drive_delay=st.sampled_from((0.06, 0.08, 0.1)),
    resolution=st.sampled_from((0.001, 0.01)),
)
def test_arrives_within_tolerance_and_never_beyond(start, target, drive_delay, resolution):
    carrier = Carrier(start, resolution, drive_delay=drive_delay)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(target)
    direction = math.copysign(1.0, target - start)
    tolerance = motion.tolerance
    for _ in travel(motion, carrier):
        assert (carrier.position - target) * direction <= max(
            tolerance, (start - target) * direction + tolerance
        )
    assert abs(carrier.position - target) <= tolerance
    assert carrier.velocity == 0.0
    assert motion.travelled == pytest.approx(abs(target - start), abs=5 * resolution)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(2.0, 8.0), st.none()), st.floats(0.05, 0.5), st.floats(0.2, 5.0)
        ),
        max_size=5,
    )
)
def test_arrives_after_any_change_of_target_limit_and_pause(sequence):
    carrier = Carrier(5.0)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    before = motion.profile
    for target, limit, seconds in [*sequence, (3.0, 0.5, None)]:
        motion.go(target)
        at_limit = False
        try:
            for _ in travel(
                motion, carrier, speed_limit=lambda now, at=limit: at, seconds=seconds or 100.0
            ):
                now = motion.profile
                change = abs(now.acceleration - before.acceleration)
                assert change <= LIMITS.max_jerk * PERIOD + EPSILON or now.acceleration == 0.0
                at_limit = at_limit or abs(peak_velocity(now, LIMITS.max_jerk)) <= limit
                assert not at_limit or abs(now.velocity) <= limit + EPSILON
                before = now
        except AssertionError as error:
            if seconds is None or 'not arrived' not in str(error):
                raise
    assert carrier.position == pytest.approx(3.0, abs=0.002)


@settings(max_examples=40)
@given(
    way=st.one_of(st.floats(-0.02, 0.02), st.floats(-1.0, 1.0)),
    drive_delay=st.sampled_from((0.06, 0.08, 0.1)),
    ramp=st.sampled_from((1.0, 100.0)),
    start_delay=st.sampled_from((0.0, 0.06, 0.12)),
)
@example(way=-0.0048, drive_delay=0.08, ramp=100.0, start_delay=0.0)
@example(way=0.009765625, drive_delay=0.1, ramp=1.0, start_delay=0.0)
@example(way=0.0045, drive_delay=0.06, ramp=100.0, start_delay=0.12)
def test_arrives_with_a_drive_that_stands_below_a_command(way, drive_delay, ramp, start_delay):
    loop = LoopSettings(creep_speed=0.08, tolerance=0.004)
    carrier = Carrier(
        5.0, drive_delay=drive_delay, ramp=ramp, dead_band=0.08, start_delay=start_delay
    )
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, loop)
    motion.go(5.0 + way)
    for _ in travel(motion, carrier, seconds=30.0):
        pass
    # The position is known to half a step of what is measured, which is rounded by half a step.
    assert abs(carrier.position - 5.0 - way) <= loop.tolerance + carrier.resolution / 2.0


@pytest.mark.parametrize('way', [0.0045, -0.006, 0.012])
@pytest.mark.parametrize('tries', [3, 6])
def test_what_it_learnt_of_a_blocked_carrier_is_forgotten_when_that_moves(way, tries):
    loop = LoopSettings(creep_speed=0.08, tolerance=0.004, stall=0.5)
    carrier = Carrier(5.0, ramp=100.0, dead_band=0.08)
    carrier.blocked = True
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, loop)
    motion.go(5.0 + way)
    for _ in travel(motion, carrier, seconds=60.0):
        carrier.blocked = motion._creeps <= tries and carrier.blocked
    assert abs(carrier.position - 5.0 - way) <= loop.tolerance + carrier.resolution / 2.0


def test_pause_comes_to_rest_and_going_on_arrives():
    carrier = Carrier(1.0)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(6.0)
    running = travel(motion, carrier)
    while carrier.now < 4.0:
        next(running)
    assert carrier.velocity > 0.4
    motion.go(None)
    while not motion.standing:
        next(running)
    paused = carrier.position
    for _ in range(50):
        assert next(running) == 0.0
    assert carrier.position == pytest.approx(paused, abs=0.005)
    motion.go(6.0)
    for _ in running:
        pass
    assert carrier.position == pytest.approx(6.0, abs=0.002)


def test_zone_is_entered_and_crossed_at_its_speed():
    carrier = Carrier(1.0)
    zone = SpeedZone(4.0, 5.0, 0.2)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(8.0, [zone])
    inside = []
    outside = []
    for _ in travel(motion, carrier):
        within = zone.start < carrier.position < zone.end
        (inside if within else outside).append(carrier.velocity)
    assert max(inside) <= 0.2 + 0.02
    assert max(outside) > 0.45


def test_zone_behind_does_not_slow():
    carrier = Carrier(5.0)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(8.0, [SpeedZone(3.0, 4.5, 0.1)])
    assert max(travel(motion, carrier)) > 0.45


def test_travel_time_is_that_of_the_carrier():
    zones = [SpeedZone(4.0, 5.0, 0.2)]
    carrier = Carrier(1.0)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(12.0, zones)
    estimate = travel_time(ProfileState(1.0), 12.0, LIMITS, zones)
    for _ in travel(motion, carrier):
        pass
    assert carrier.now == pytest.approx(estimate, rel=0.1)


def test_limit_of_zero_stops_and_a_rising_one_goes_on():
    carrier = Carrier(1.0)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(6.0)
    seen = []
    for command in travel(motion, carrier, speed_limit=lambda now: 0.0 if 4 < now < 8 else 0.5):
        if 5.0 < carrier.now < 8.0:
            seen.append((command, carrier.velocity))
    assert set(seen) == {(0.0, 0.0)}
    assert carrier.position == pytest.approx(6.0, abs=0.002)


def test_vehicle_that_does_not_move_is_an_error():
    carrier = Carrier(1.0)
    carrier.blocked = True
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(6.0)
    with pytest.raises(MotionError, match='does not change'):
        for _ in travel(motion, carrier):
            pass


def test_a_position_that_comes_late_is_no_vehicle_that_does_not_move():
    speed = 1.0
    limits = MotionLimits(speed, 1.0, 2.0)
    carrier = Carrier(1.0, full_speed=2.0)
    motion = MotionLoop(carrier.measure(), 0.0, limits, LoopSettings())
    motion.go(12.0)
    fastest = 0.0
    while not motion.arrived:
        if carrier.ticks % 6 == 0:  # in which 0.12 m are commanded
            motion.update(carrier.measure())
        carrier.drive(motion.step(carrier.now, speed))
        fastest = max(fastest, carrier.velocity)
        assert carrier.now < 60.0
    assert fastest == pytest.approx(speed)


def test_vehicle_that_runs_away_is_an_error():
    carrier = Carrier(1.0, full_speed=1.0)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(6.0)
    with pytest.raises(MotionError, match='away from its commanded motion'):
        for _ in travel(motion, carrier):
            carrier.position += 0.2 * PERIOD


def test_interruption_goes_on_from_where_the_vehicle_is():
    carrier = Carrier(1.0)
    motion = MotionLoop(carrier.measure(), 0.0, LIMITS, LoopSettings())
    motion.go(6.0)
    running = travel(motion, carrier)
    while carrier.now < 4.0:
        next(running)
    for _ in range(50):  # the drive stopped by itself
        carrier.drive(0.0)
    motion.update(carrier.measure())
    motion.interrupt()
    assert motion.profile == ProfileState(pytest.approx(carrier.position, abs=0.001))
    for _ in running:
        pass
    assert carrier.position == pytest.approx(6.0, abs=0.002)
