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
"""Whatever is reported in whatever order: motion is permitted only where every rule permits it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.board_reports import BoardReport
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import DockApproach
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionState
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.speed_limiter import COMMAND_LIFETIME
from oht50_bridge.vehicle.speed_limiter import InterlockSettings
from oht50_bridge.vehicle.speed_limiter import LimiterSettings
from oht50_bridge.vehicle.speed_limiter import SpeedLimiter
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import CREEP_SPEED
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneType

# It runs the same lines thousands of times, and others count them.
pytestmark = pytest.mark.no_cover

TRACK = TrackSettings(20.0, vehicle_length=0.8)
GUARD = 2  # digital input
ZONES = (
    (),
    (Zone('slow', ZoneType.WARNING, ZoneAction.SLOW_DOWN, 3.0, 9.0, 0.2),),
    (Zone('thin', ZoneType.SAFE, ZoneAction.ALERT, 4.9, 4.901, 0.003),),
    (
        Zone('stop', ZoneType.RESTRICTED, ZoneAction.STOP, 4.0, 6.0, 0.1),
        Zone('end', ZoneType.RESTRICTED, ZoneAction.STOP, 18.0, 20.0, 0.1),
    ),
)
POSITIONS = st.one_of(
    st.sampled_from([0.0, 0.39, 0.4, 5.0, 5.01, 19.6, 19.61, 20.0, 65.535, math.nan, math.inf]),
    st.floats(-1.0, 21.0),
    st.none(),  # as before
)
PLACES = st.one_of(
    st.sampled_from([0.4, 3.5, 3.99, 4.5, 4.9, 6.005, 17.99, 19.59]), st.floats(0.0, 20.0)
)
DISTANCES = st.sampled_from(
    [math.inf, math.inf, math.inf, math.nan, -math.inf, -1.0, 0.0, 0.3, 0.49, 0.51, 1.0, 3.0]
)
MOSTLY, RARELY = st.sampled_from([True] * 7 + [False]), st.sampled_from([False] * 7 + [True])
INPUTS = st.builds(
    InputsReport,
    configured=MOSTLY,
    alarm=RARELY,
    latched=RARELY,
    distances=st.one_of(
        st.tuples(DISTANCES, DISTANCES, DISTANCES, DISTANCES), st.lists(DISTANCES, max_size=4)
    ),
    digital_inputs=st.sampled_from([(False,) * 4] * 5 + [(True,) * 4, (False,), ()]),
)
EVENTS = st.one_of(
    st.tuples(st.just('inputs'), INPUTS),
    st.tuples(st.just('inputs'), INPUTS),
    st.tuples(st.just('power'), st.sampled_from(['online', 'offline', 'error'])),
    st.tuples(st.just('position'), st.tuples(POSITIONS, st.sampled_from([0.0, 0.02, -0.1, 0.6]))),
    st.tuples(st.just('reference'), st.none()),
    st.tuples(st.just('command'), st.sampled_from(Direction)),
    st.tuples(
        st.just('dock'),
        st.builds(
            DockApproach,
            st.sampled_from([math.nan, math.inf, 1.0, 3.45, 3.5, 4.7, 4.91, 5.2]),
            st.sampled_from(Direction),
        ),
    ),
    st.tuples(st.just('maintenance'), st.sampled_from(['', 'alice'])),
    st.tuples(st.just('confirmed'), st.booleans()),
    st.tuples(st.just('zones'), st.sampled_from(ZONES)),
    st.tuples(st.just('speed'), st.sampled_from([0.0, 0.003, 0.2, 0.5, 2.0, math.nan])),
    st.tuples(st.just('estop'), st.sampled_from([None, '', 'drill'])),
    st.tuples(st.just('silence'), st.sampled_from([0.0, 0.01, 0.05, 0.25, 0.31, 0.6, 3600.0])),
)
PAUSES = st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.4, 1.1, 5.2])  # s, with reports as before
# Each begins with a vehicle that may move.
EPISODES = st.lists(
    st.tuples(PLACES, st.lists(st.tuples(EVENTS, PAUSES), max_size=5)), min_size=1, max_size=5
)


class Vehicle:
    """The limiter, and what was reported to it."""

    def __init__(self) -> None:
        self.limiter = SpeedLimiter(
            LimiterSettings(
                InterlockSettings(guard_input=GUARD),
                Braking(),
                ObstacleSettings(),
                DistanceSettings(('forward', 'backward', '', 'forward')),
                TRACK,
                PositionSettings(),
            ),
            SpeedLimitSettings(),
        )
        self.now = 100.0
        self.estop: str | None = None
        self.inputs: tuple[InputsReport, float] | None = None
        self.power_lost_at: float | None = None
        self.commanded = (Direction.NONE, -math.inf)
        self.dock = (DockApproach(), -math.inf)
        self.reported = 5.0  # m
        self.lost = False

    def do(self, step: str, value: object) -> None:
        limiter = self.limiter
        match step, value:
            case 'inputs', InputsReport() as report:
                self.inputs = report, self.now
                limiter.update_inputs(report, self.now)
            case 'power', str() as status:
                error = '' if status == 'online' else 'Communication timeout'
                board = BoardReport('power', 'power', not error, status, error)
                limiter.update_boards([board], self.now)
                if not error:
                    self.power_lost_at = None
                elif self.power_lost_at is None:
                    self.power_lost_at = self.now
            case 'position', (position, delay):
                if position is not None:
                    self.reported = position
                limiter.position.update(
                    self.reported, 0.001, math.nan, self.now - delay, reach=65.535, referenced=True
                )
            case 'reference', _:
                try:
                    limiter.position.reference(self.now)
                except RefusedError:
                    return
                self.lost = False
            case 'command', Direction() as direction:
                self.commanded = direction, self.now
                limiter.update_command(direction, self.now)
            case 'dock', DockApproach() as dock:
                self.dock = dock, self.now
                limiter.update_dock(dock, self.now)
            case 'maintenance', str() as owner:
                limiter.maintenance = owner
            case 'confirmed', bool() as confirmed:
                limiter.confirmed = confirmed
            case 'zones', tuple() as zones:
                limiter.zones = zones
            case 'speed', float() as speed:
                limiter.settings = SpeedLimitSettings(speed)
            case 'estop', reason:
                self.estop = reason
            case 'silence', float() as seconds:
                self.now += seconds

    def pass_(self, seconds: float) -> None:
        """Let time pass while the sources report what they reported last."""
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            self.limiter.position.update(
                self.reported, 0.001, math.nan, self.now, reach=65.535, referenced=True
            )
            if self.inputs is not None:
                self.do('inputs', self.inputs[0])

    def stand_well(self, position: float) -> None:
        """Report for as long as it takes that nothing but what is commanded forbids motion."""
        self.reported = position
        for _ in range(8):
            self.now += 0.05
            self.limiter.position.update(
                position, 0.001, 0.0, self.now, reach=65.535, referenced=True
            )
        self.do('reference', None)
        self.do('power', 'online')
        self.do('inputs', InputsReport(distances=[math.inf] * 4, digital_inputs=[False] * 4))
        self.do('estop', None)
        self.do('confirmed', True)
        self.do('maintenance', '')

    @property
    def direction(self) -> Direction:
        direction, at = self.commanded
        return direction if self.now - at <= COMMAND_LIFETIME else Direction.NONE

    def check(self) -> None:
        """Judge the limit by rules written anew, as plain conditions."""
        limit = self.limiter.limit(self.estop, self.now)
        assert limit.speed >= 0.0 and math.isfinite(limit.speed)
        source = self.limiter.position
        self.lost = self.lost or source.state is PositionState.LOST
        if limit.speed == 0.0:
            assert limit.reason.strip(), 'no motion without saying why'
            return
        assert self.estop is None
        assert self.inputs is not None
        inputs, at = self.inputs
        assert self.now - at <= 0.3
        assert inputs.configured and not inputs.latched and not inputs.alarm
        assert list(inputs.digital_inputs)[GUARD - 1 : GUARD] == [False]
        assert self.limiter.confirmed and not self.limiter.maintenance
        assert self.power_lost_at is None or self.now - self.power_lost_at <= 5.0
        assert limit.speed <= self.limiter.settings.speed_limit
        assert source.state is PositionState.VALID and not self.lost
        measurement = source.newest(self.now)
        assert measurement is not None
        assert self.now - measurement.stamp <= 0.5
        self.check_place(limit.speed, measurement.position, inputs)

    def check_place(self, speed: float, position: float, inputs: InputsReport) -> None:
        if self.direction:
            assert speed <= self.highest(position, self.direction, inputs) + 1e-9
            return
        # Where one direction may be free, the vehicle may creep there until its command is known.
        low, high = sorted(
            self.highest(position, way, inputs) for way in (Direction.FORWARD, Direction.BACKWARD)
        )
        assert speed <= max(low, min(high, CREEP_SPEED)) + 1e-9

    def highest(self, position: float, way: Direction, inputs: InputsReport) -> float:
        """Return a speed, m/s, that the vehicle may certainly not exceed this way, 0 to stop."""
        room = TRACK.last - position if way > 0 else position - TRACK.first
        looks = (Direction.FORWARD, Direction.BACKWARD, Direction.NONE, Direction.FORWARD)
        near = [
            inputs.distances[channel] if channel < len(inputs.distances) else math.nan
            for channel, look in enumerate(looks)
            if look == way
        ]
        if room <= 0.0 or any(math.isnan(distance) for distance in near):
            return 0.0
        highest = math.sqrt(2.0 * 0.3 * room)  # without the reaction time
        if min(near) <= 0.5:
            highest = min(highest, 0.05 if self.drives_into_dock(position, way) else 0.0)
        elif min(near) <= 2.0:
            highest = min(highest, math.sqrt(0.1 * 0.1 + 2.0 * 0.3 * (min(near) - 0.5)))
        tail, nose = position - 0.4, position + 0.4
        for zone in self.limiter.zones:
            if tail <= zone.end and zone.start <= nose:
                highest = min(highest, zone.speed_limit)
                continue
            border = (zone.start - nose) if way > 0 else (tail - zone.end)
            if border > 0.0:
                inside = 0.0 if zone.action is ZoneAction.STOP else zone.speed_limit
                highest = min(highest, math.sqrt(inside * inside + 2.0 * 0.3 * border))
        return highest if highest > 0.005 else 0.0

    def drives_into_dock(self, position: float, way: Direction) -> bool:
        """Return whether this way leads into a dock that a mission says it drives into."""
        dock, at = self.dock
        if self.now - at > 1.0 or way != dock.direction:
            return False
        # Up to 0.6 m before the place, to 0.1 m behind it, seen in the direction of the drive.
        if dock.direction == Direction.FORWARD:
            return dock.place - 0.6 <= position <= dock.place + 0.1
        return dock.place - 0.1 <= position <= dock.place + 0.6


@settings(max_examples=300, derandomize=True)
@given(EPISODES)
def test_motion_is_permitted_only_where_every_rule_permits_it(episodes):
    vehicle = Vehicle()
    for place, events in episodes:
        vehicle.stand_well(place)
        vehicle.check()
        for (event, value), pause in events:
            vehicle.do(event, value)
            vehicle.check()
            vehicle.pass_(pause)
            vehicle.check()


@pytest.mark.parametrize('place', [0.5, 5.0, 19.5])
def test_a_vehicle_of_which_nothing_is_wrong_may_move(place):
    vehicle = Vehicle()
    vehicle.stand_well(place)
    assert vehicle.limiter.limit(None, vehicle.now).speed > 0.1


@pytest.mark.parametrize('away', [0.0, 0.05, 0.09])
@pytest.mark.parametrize('into', [Direction.FORWARD, Direction.BACKWARD])
def test_nobody_is_approached_on_the_way_out_of_the_dock(away, into):
    vehicle = Vehicle()
    position = 1.0 - into * away
    vehicle.stand_well(position)
    vehicle.do('inputs', InputsReport(distances=[0.06] * 4, digital_inputs=[False] * 4))
    for direction in (into, Direction.NONE):
        vehicle.do('dock', DockApproach(1.0, direction))
        limits = vehicle.limiter.limits(None, vehicle.now)
        assert limits.towards(Direction(-into)).speed == 0.0
        assert limits.towards(into).speed == (0.05 if direction else 0.0)
