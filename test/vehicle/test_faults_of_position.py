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
"""A carrier driven towards an end of the rail while its position source fails."""

import math
from collections import deque

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.motion_supervisor import MotionSupervisor
from oht50_bridge.vehicle.motion_supervisor import SupervisionSettings
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionState
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limiter import InterlockSettings
from oht50_bridge.vehicle.speed_limiter import LimiterSettings
from oht50_bridge.vehicle.speed_limiter import SpeedLimiter
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction

# It runs the same lines thousands of times, and others count them.
pytestmark = pytest.mark.no_cover

STEP = 0.05  # s, of the source and of the heartbeat
DELAY = 2  # steps, from a limit to the motor's obeying it
RAMP = 1.0  # m/s^2
TRACK = TrackSettings(20.0, vehicle_length=0.8)
# m, that a fault may hide: a change that motion could explain, and what is driven on a frozen
# position until that shows.
HIDDEN = 0.05 + 1.2 * STEP + 0.002
FROZEN = SupervisionSettings().stall + 0.1

FAULTS = st.one_of(
    st.tuples(st.just('jump'), st.floats(-25.0, 25.0)),
    st.tuples(st.just('nan'), st.sampled_from([math.nan, math.inf])),
    st.tuples(st.just('silence'), st.floats(0.1, 3.0)),
    st.tuples(st.just('frozen'), st.floats(0.1, 5.0)),
    st.tuples(st.just('old'), st.floats(0.0, 2.0)),
    st.tuples(st.just('no velocity'), st.just(0.0)),
    st.tuples(st.just('wrong velocity'), st.floats(-2.0, 2.0)),
)
JOURNEYS = st.lists(
    st.tuples(st.floats(0.2, 12.0), FAULTS, st.sampled_from([0.5, -0.5, 0.1])), max_size=4
)


class Carrier:
    """A carrier under a constant command; what supervises it latches."""

    def __init__(self, start):
        self.limiter = SpeedLimiter(
            LimiterSettings(
                InterlockSettings(),
                Braking(),
                ObstacleSettings(),
                DistanceSettings(),
                TRACK,
                PositionSettings(),
            ),
            SpeedLimitSettings(),
        )
        self.limiter.confirmed = True
        self.supervisor = MotionSupervisor(SupervisionSettings())
        self.position, self.velocity, self.command, self.now = start, 0.0, 0.0, 100.0
        self.offset, self.velocity_error = 0.0, 0.0
        self.until = {'silence': 0.0, 'frozen': 0.0, 'old': 0.0}
        self.next_report = None
        self.shown = start
        self.pending = deque([0.0] * DELAY)
        self.estop = None

    def fail(self, kind, value):
        match kind:
            case 'jump':
                self.offset += value
            case 'nan':
                self.next_report = value
            case 'no velocity':
                self.velocity_error = math.nan
            case 'wrong velocity':
                self.velocity_error = value
            case _:
                self.until[kind] = self.now + value

    def step(self):
        self.now += STEP
        if self.now >= self.until['frozen']:
            self.shown = self.position + self.offset
        if self.now >= self.until['silence']:
            reported = self.shown if self.next_report is None else self.next_report
            self.next_report = None
            age = 1.0 if self.now < self.until['old'] else 0.0
            self.limiter.position.update(
                round(reported, 3) if math.isfinite(reported) else reported,
                0.001,
                self.velocity + self.velocity_error,
                self.now - age,
                reach=65.535,
                referenced=True,
            )
        self.limiter.update_inputs(InputsReport(digital_inputs=[False] * 4), self.now)
        self.limiter.update_command(Direction.of(self.command), self.now)
        limit = self.limiter.limit(self.estop, self.now)
        source = self.limiter.position
        if limit.speed == 0.0:
            assert limit.reason, 'no motion without saying why'
        if source.newest(self.now) is None:
            assert limit.speed == 0.0, 'motion without a position'
        driven = self.pending[0]
        fault = self.supervisor.check(self.now, source.newest(self.now), driven, limit.speed) or (
            source.reason if source.state is PositionState.LOST else ''
        )
        if fault and self.estop is None:
            self.estop = fault
            limit = self.limiter.limit(self.estop, self.now)
        self.pending.append(math.copysign(min(abs(self.command), limit.speed), self.command))
        change = self.pending.popleft() - self.velocity
        self.velocity += max(-RAMP * STEP, min(RAMP * STEP, change))
        self.position += self.velocity * STEP


@settings(max_examples=60, deadline=None)
@given(st.floats(1.0, 19.0), st.sampled_from([0.5, -0.5]), JOURNEYS)
@example(15.0, 0.5, [(10.0, ('silence', 1.0), 0.5)])
def test_whatever_the_source_does_the_carrier_stays_on_the_rail(start, command, journey):
    carrier = Carrier(start)
    for _ in range(5):
        carrier.step()
    carrier.command = command
    hidden = 0.0
    for seconds, (kind, value), command in journey:
        for _ in range(round(seconds / STEP)):
            carrier.step()
        carrier.fail(kind, value)
        hidden += HIDDEN if kind == 'jump' else FROZEN if kind == 'frozen' else 0.0
        carrier.step()
        carrier.command = command
    carrier.command = math.copysign(0.5, carrier.command)  # fast enough to get there
    for _ in range(round(50.0 / STEP)):
        carrier.step()
        assert TRACK.first - hidden <= carrier.position <= TRACK.last + hidden
    assert carrier.velocity == 0.0, 'it stands at the end of the rail, or earlier'


@settings(max_examples=30, deadline=None)
@given(st.floats(-15.0, 15.0).filter(lambda jump: abs(jump) > 0.2))
def test_a_jump_in_mid_journey_stops_within_the_braking_distance(jump):
    carrier = Carrier(5.0)
    for _ in range(5):
        carrier.step()
    carrier.command = 0.5
    while carrier.position < 8.0:
        carrier.step()
    carrier.fail('jump', jump)
    for _ in range(100):
        carrier.step()
    assert 'position lost' in carrier.estop
    assert (carrier.velocity, carrier.position < 8.4) == (0.0, True)
