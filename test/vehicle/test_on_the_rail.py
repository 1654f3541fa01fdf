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
"""A carrier with the deceleration that the limits count on, under any sequence of commands."""

from __future__ import annotations

import math
from collections import deque

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.simulator.physics import Parameters
from oht50_bridge.simulator.physics import World
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limiter import InterlockSettings
from oht50_bridge.vehicle.speed_limiter import LimiterSettings
from oht50_bridge.vehicle.speed_limiter import SpeedLimiter
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneTracker
from oht50_bridge.vehicle.zones import ZoneType

# It runs the same lines thousands of times, and others count them.
pytestmark = pytest.mark.no_cover

TICK = 0.01  # s
BEAT = 5  # ticks between two reports of the position, and two limits
TRACK = TrackSettings(6.0, vehicle_length=0.8)
FREE = InputsReport(distances=[math.inf] * 4, digital_inputs=[False] * 4)

COMMANDS = st.lists(
    st.tuples(
        st.sampled_from([1.0, -1.0, 0.5, -0.5, 0.1, -0.1, 0.02, 0.0, math.nan]),
        st.sampled_from([0.05, 0.1, 0.4, 1.0, 4.0]),  # s
    ),
    max_size=8,
)
STEPS = st.sampled_from([0.001, 0.01, 0.02])  # m, of the position, which is rounded to them
HALF = TRACK.vehicle_length / 2.0
SLOW_ZONES = st.tuples(st.floats(1.5, 3.5), st.floats(0.02, 1.0), st.floats(0.05, 0.4))
STOP_ZONES = st.tuples(st.floats(1.5, 3.5), st.floats(0.02, 1.0), st.just(0.1))


class Carrier:
    """The simulated vehicle; its drive obeys the limit after the promised reaction time at most.

    Args:
        start: m.
        speed_limit: m/s.
        braking: what the limits count on, and what the drive can do.
        accel: m/s^2 of the drive.
        zones: of the rail.
        step: m, of the position.

    """

    def __init__(
        self,
        start: float,
        speed_limit: float,
        braking: Braking,
        accel: float,
        zones: tuple[Zone, ...] = (),
        step: float = 0.001,
    ) -> None:
        self.step = step
        self.world = World(
            Parameters(
                rail_length=TRACK.track_length,
                start=start,
                full_speed=2.0,
                accel=accel,
                decel=braking.deceleration,
            )
        )
        self.world.drive = lambda dt: (self.wanted, True)
        self.limiter = SpeedLimiter(
            LimiterSettings(
                InterlockSettings(), braking, ObstacleSettings(), DistanceSettings(), TRACK
            ),
            SpeedLimitSettings(speed_limit),
        )
        self.limiter.confirmed = True
        self.limiter.zones = zones
        self.tracker = ZoneTracker(zones, TRACK.reach)
        self.ticks = 0
        # The age of a position, up to a beat, and what a frame takes on its way to the motor.
        self.late = max(round(braking.reaction_time / TICK) - BEAT, 0)
        self.pending = deque([0.0] * self.late)
        self.wanted = 0.0
        self.limit = self.limiter.limit(None, 0.0)
        self.entered: list[Zone] = []
        self.world.advance(0.0)

    def drive(self, command: float, seconds: float) -> None:
        """Command a velocity, m/s, for some seconds; the guard takes what is no number for 0."""
        for _ in range(round(seconds / TICK)):
            now = self.ticks * TICK
            if self.ticks % BEAT == 0:
                self.limiter.update_inputs(FREE, now)
                position = round(self.world.position / self.step) * self.step
                self.limiter.position.update(
                    position, self.step, math.nan, now, reach=65.535, referenced=True
                )
                self.entered += self.tracker.update(position)
            direction = Direction.of(command)
            turned = direction != self.limiter.direction(now)
            self.limiter.update_command(direction, now)
            if turned or self.ticks % BEAT == 0:
                self.limit = self.limiter.limit(None, now)
            speed = min(abs(command), self.limit.speed) if math.isfinite(command) else 0.0
            self.pending.append(math.copysign(speed, command))
            self.wanted = self.pending.popleft()
            self.ticks += 1
            self.world.advance(self.ticks * TICK)
            self.check()

    def check(self) -> None:
        """All of the carrier, from its tail to its nose, is on the rail and in no stop zone."""
        tail, nose = self.world.position - HALF, self.world.position + HALF
        assert tail >= 0.0 and nose <= TRACK.track_length
        assert not self.world.crashes
        for zone in self.limiter.zones:
            inside = tail <= zone.end and zone.start <= nose
            if zone.action is ZoneAction.STOP:
                assert not inside
            elif inside and not self.leaves(zone):
                # All in discrete steps: what a tick changes is not seen before the next, and a
                # change within a step of the position not at all.
                time = 2.0 * TICK + self.step / zone.speed_limit
                slack = time * self.world.parameters.decel + 1e-9
                assert abs(self.world.velocity) <= zone.speed_limit + slack

    def leaves(self, zone: Zone) -> bool:
        """Return whether it turned at the border of a zone before it was seen within it."""
        unseen = zone.speed_limit * (BEAT + self.late + 1) * TICK + self.step
        tail, nose = self.world.position - HALF, self.world.position + HALF
        return (zone.end - tail if self.world.velocity > 0.0 else nose - zone.start) < unseen


@settings(max_examples=60, derandomize=True)
@given(
    st.floats(1.0, 5.0),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.builds(Braking, st.sampled_from([0.1, 0.3, 2.0]), st.sampled_from([0.1, 0.25, 0.6])),
    st.sampled_from([0.3, 1.5]),
    STEPS,
    COMMANDS,
)
def test_it_stays_on_the_rail_by_the_promised_deceleration_alone(
    start, speed_limit, braking, accel, step, commands
):
    carrier = Carrier(start, speed_limit, braking, accel, step=step)
    for command, seconds in commands:
        carrier.drive(command, seconds)


@pytest.mark.parametrize('deceleration', [0.1, 0.3, 2.0])
@pytest.mark.parametrize('reaction_time', [0.1, 0.25, 0.6])
@pytest.mark.parametrize('command', [2.0, -2.0])
def test_it_comes_near_to_the_end_of_the_rail_again_and_again(
    deceleration, reaction_time, command
):
    carrier = Carrier(3.0, 1.0, Braking(deceleration, reaction_time), 1.0)
    for _ in range(4):
        carrier.drive(command, 4.0)
        carrier.drive(-command, 0.2)
        carrier.drive(0.0, 0.4)
    carrier.drive(command, 6.0)
    room = min(carrier.world.position - TRACK.first, TRACK.last - carrier.world.position)
    assert room < 0.4


@settings(max_examples=60, derandomize=True)
@given(st.sampled_from([1.0, 5.0]), SLOW_ZONES, STOP_ZONES, STEPS, COMMANDS)
def test_it_enters_no_stop_zone_and_no_other_zone_fast_or_unreported(
    start, slow, stop, step, commands
):
    zones = (
        Zone('slow', ZoneType.WARNING, ZoneAction.SLOW_DOWN, slow[0], slow[0] + slow[1], slow[2]),
        Zone('stop', ZoneType.RESTRICTED, ZoneAction.STOP, stop[0], stop[0] + stop[1], stop[2]),
    )
    carrier = Carrier(start, 1.0, Braking(), 1.0, zones, step)
    places = []
    for command, seconds in [(math.copysign(2.0, 3.0 - start), 4.0), *commands]:
        carrier.drive(command, seconds)
        places.append(carrier.world.position)
    zone = zones[0]
    if start < zone.start < max(places) + HALF - 0.1:
        assert zone in carrier.entered
    if min(places) - HALF + 0.1 < zone.end < start:
        assert zone in carrier.entered
    assert zones[1] not in carrier.entered
