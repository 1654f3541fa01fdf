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
"""The speed limit of all rules together, on a plant and with a clock of the test's own."""

import math
from collections import deque

import pytest

from oht50_bridge.vehicle.board_reports import BoardReport
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.hoist import ChannelSettings
from oht50_bridge.vehicle.hoist import HoistReport
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import DockApproach
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.position_source import PositionOriginSettings
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limiter import COMMAND_LIFETIME
from oht50_bridge.vehicle.speed_limiter import FRESH
from oht50_bridge.vehicle.speed_limiter import InterlockSettings
from oht50_bridge.vehicle.speed_limiter import LimiterSettings
from oht50_bridge.vehicle.speed_limiter import SpeedLimiter
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import CREEP_SPEED
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import Limit
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneTracker
from oht50_bridge.vehicle.zones import ZoneType

SLOW = Zone('slow', ZoneType.WARNING, ZoneAction.SLOW_DOWN, 22.0, 22.6, 0.2)
STOP = Zone('stop', ZoneType.RESTRICTED, ZoneAction.STOP, 30.0, 32.0, 0.1)
NOW = 100.0  # s


def make_limiter(source='location_board', vehicle_length=0.0, hoist_channel=0, **interlocks):
    limiter = SpeedLimiter(
        LimiterSettings(
            interlocks=InterlockSettings(**interlocks),
            braking=Braking(deceleration=0.3, reaction_time=0.25),
            obstacles=ObstacleSettings(),
            distances=DistanceSettings(('forward', '', 'backward', '')),
            track=TrackSettings(50.0, vehicle_length),
            origin=PositionOriginSettings(source),
            channels=ChannelSettings(hoist_channel=hoist_channel),
        ),
        SpeedLimitSettings(),
    )
    limiter.confirmed = True
    return limiter


def report_inputs(limiter, now=NOW, position=20.0, **changes):
    """Report a place, and inputs of the safety board without an obstacle or an open guard."""
    if not math.isnan(position):
        limiter.position.update(position, 0.01, 0.0, now, reach=65.535, referenced=True)
    report = {'distances': [math.inf] * 4, 'digital_inputs': [False] * 4, **changes}
    limiter.update_inputs(InputsReport(**report), now)


@pytest.fixture
def limiter():
    limiter = make_limiter()
    report_inputs(limiter)
    return limiter


def reason(limiter, now=NOW):
    """Return why motion is forbidden, None when it is permitted."""
    limit = limiter.limit(None, now)
    return limit.reason if limit.speed == 0.0 else None


# Interlocks


def test_motion_is_permitted_up_to_the_speed_limit(limiter):
    assert limiter.limit(None, NOW) == Limit(0.5, '')


@pytest.mark.parametrize(
    ('position', 'distances', 'zones', 'expected'),
    [
        (20.0, [0.3, math.inf, math.inf, math.inf], (), (0.0, 0.5)),
        (20.0, [math.inf, math.inf, 0.3, math.inf], (), (0.5, 0.0)),
        (20.0, [math.nan, math.inf, 0.3, math.inf], (), (0.0, 0.0)),
        (50.0, [math.inf] * 4, (), (0.0, 0.5)),
        (0.0, [math.inf] * 4, (), (0.5, 0.0)),
        (29.99, [math.inf] * 4, (STOP,), (0.0, 0.5)),
        (32.01, [math.inf] * 4, (STOP,), (0.5, 0.0)),
        (22.3, [math.inf] * 4, (SLOW,), (0.2, 0.2)),
    ],
)
@pytest.mark.parametrize('commanded', Direction)
def test_what_is_ahead_in_one_direction_limits_that_one_whatever_is_commanded(
    limiter, commanded, position, distances, zones, expected
):
    limiter.zones = zones
    limiter.position = PositionSource(PositionSettings(), TrackSettings(50.0))
    limiter.update_command(commanded, NOW)
    report_inputs(limiter, position=position, distances=distances)
    limits = limiter.limits(None, NOW)
    assert (limits.forward.speed, limits.backward.speed) == expected


@pytest.mark.parametrize('commanded', Direction)
def test_what_forbids_motion_forbids_it_both_ways(limiter, commanded):
    limiter.update_command(commanded, NOW)
    limits = limiter.limits('drill', NOW)
    assert limits.forward == limits.backward == Limit(0.0, 'emergency stop: drill')


def test_nothing_moves_before_the_first_report_of_the_safety_board():
    limit = make_limiter().limit(None, NOW)
    assert (limit.speed, limit.reason) == (0.0, 'no fresh report of the safety board')


def test_nothing_moves_without_a_recent_report_and_that_clears_by_itself(limiter):
    assert reason(limiter, NOW + 0.3) is None
    limit = limiter.limit(None, NOW + 0.31)
    assert limit == Limit(0.0, 'no fresh report of the safety board', hold=True)
    report_inputs(limiter, NOW + 0.4)
    assert reason(limiter, NOW + 0.4) is None


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({'configured': False}, 'not enabled'),
        ({'alarm': True}, 'danger or a fault'),
        ({'latched': True}, 'holds its relay open'),
    ],
)
def test_report_of_a_fault_forbids_motion_until_it_is_gone(limiter, changes, expected):
    report_inputs(limiter, **changes)
    assert expected in reason(limiter)
    report_inputs(limiter)
    assert reason(limiter) is None


def test_latched_emergency_stop_forbids_motion(limiter):
    assert limiter.limit('drill', NOW) == Limit(0.0, 'emergency stop: drill')


def test_unconfirmed_configuration_forbids_motion(limiter):
    limiter.confirmed = False
    assert 'not confirmed' in reason(limiter)


def test_maintenance_forbids_motion_until_it_ends(limiter):
    limiter.maintenance = 'alice'
    assert reason(limiter) == 'maintenance by alice'
    limiter.maintenance = ''
    assert reason(limiter) is None


def test_speed_limit_changes_at_once_and_0_forbids_motion(limiter):
    limiter.settings = SpeedLimitSettings(speed_limit=0.2)
    assert limiter.limit(None, NOW).speed == 0.2
    limiter.settings = SpeedLimitSettings(speed_limit=0.0)
    assert reason(limiter) == 'speed_limit is 0'
    limiter.settings = SpeedLimitSettings(speed_limit=0.004)
    assert reason(limiter) == 'speed_limit is 0.004', 'below what any drive can do'


@pytest.mark.parametrize('states', [[False, True], [False]])
def test_guard_that_is_open_or_not_reported_forbids_motion(states):
    limiter = make_limiter(guard_input=2)
    report_inputs(limiter, digital_inputs=states)
    assert reason(limiter) == 'a guard is open'
    report_inputs(limiter, digital_inputs=[True, False])
    assert reason(limiter) is None


def test_power_board_that_is_lost_for_power_timeout_forbids_motion_until_it_is_online():
    limiter = make_limiter(power_timeout=5.0, safety_timeout=2.0)

    def reason_after(delay, status, error):
        board = BoardReport('power', 'power', status == 'online', status, error)
        limiter.update_boards([board], NOW + delay)
        limiter.position = PositionSource(PositionSettings(), TrackSettings(50.0))
        report_inputs(limiter, NOW + delay)
        return reason(limiter, NOW + delay)

    assert reason_after(0.0, 'offline', '') is None, 'not asked yet'
    assert reason_after(10.0, 'offline', 'Communication timeout') is None
    assert reason_after(15.0, 'offline', 'Communication timeout') is None
    assert reason_after(15.1, 'offline', 'Communication timeout') == 'the power board is lost'
    assert reason_after(15.2, 'offline', '') == 'the power board is lost', 'still not online'
    assert reason_after(15.3, 'online', '') is None
    assert reason_after(25.0, 'offline', 'Communication timeout') is None, 'a new loss'


def test_loss_of_another_board_is_no_interlock(limiter):
    board = BoardReport('dock', 'dock', False, 'offline', 'Communication timeout')
    limiter.update_boards([board], NOW - 60.0)
    assert reason(limiter) is None


# Direction


def test_limit_is_that_of_the_commanded_direction(limiter):
    report_inputs(limiter, distances=[0.3, math.inf, math.inf, math.inf])
    limiter.update_command(Direction.FORWARD, NOW)
    assert limiter.limit(None, NOW) == Limit(0.0, 'obstacle at 0.30 m', hold=True)
    limiter.update_command(Direction.BACKWARD, NOW)
    assert limiter.limit(None, NOW).speed == 0.5


def test_without_a_recent_command_the_vehicle_may_creep_while_one_direction_is_free(limiter):
    report_inputs(limiter, distances=[0.3, math.inf, math.inf, math.inf])
    assert limiter.limit(None, NOW).speed == CREEP_SPEED
    limiter.update_command(Direction.BACKWARD, NOW - COMMAND_LIFETIME)
    assert limiter.limit(None, NOW).speed == 0.5
    assert limiter.direction(NOW + 0.01) == Direction.NONE
    assert limiter.limit(None, NOW + 0.01).speed == CREEP_SPEED


def test_nothing_moves_while_the_position_is_not_known_nor_when_it_is_lost():
    limiter = make_limiter()
    report_inputs(limiter, position=math.nan)
    assert limiter.limit(None, NOW) == Limit(0.0, 'no position was measured since the start')
    limiter.position.update(20.0, 0.01, 0.0, NOW, reach=65.535, referenced=True)
    assert reason(limiter) is None
    limiter.position.update(0.0, 0.01, 0.0, NOW + 0.05, reach=65.535, referenced=True)
    limit = limiter.limit(None, NOW + 0.1)
    assert (limit.speed, limit.hold) == (0.0, False)
    assert limit.reason.startswith('position lost: it changed by 20.000 m')


def test_nothing_moves_without_a_position_source():
    limiter = make_limiter(source='none')
    report_inputs(limiter)
    assert 'position_source' in reason(limiter)


@pytest.mark.parametrize(
    ('position', 'direction'),
    [(49.6, Direction.FORWARD), (0.4, Direction.BACKWARD), (52.0, Direction.FORWARD)],
)
def test_each_end_of_the_rail_is_a_stop_limit_by_half_of_the_vehicle(position, direction):
    limiter = make_limiter(vehicle_length=0.8)
    report_inputs(limiter, position=min(position, 49.64))
    limiter.update_command(direction, NOW)
    assert 'end of the rail' in reason(limiter)
    limiter.update_command(Direction(-direction), NOW)
    assert reason(limiter) is None


@pytest.mark.parametrize(
    ('position', 'distances', 'zones'),
    [
        (49.8, [math.inf] * 4, ()),
        (29.8, [math.inf] * 4, (STOP,)),
        (21.7, [math.inf] * 4, (SLOW,)),
        (20.0, [0.55, math.inf, math.inf, math.inf], ()),
    ],
)
def test_what_was_measured_long_ago_is_farther_on_by_now(position, distances, zones):
    limiter = make_limiter()
    limiter.zones = zones
    report_inputs(limiter, position=position, distances=distances)
    limiter.update_command(Direction.FORWARD, NOW)
    fresh, last = limiter.limit(None, NOW + FRESH), limiter.limit(None, NOW + 0.25)
    assert 0.0 < fresh.speed < 0.5
    assert limiter.limit(None, NOW) == fresh
    # 0.15 s at the speed that is left: the way that it goes unseen.
    assert last.speed < fresh.speed - 0.04


def test_the_dock_is_no_obstacle_while_a_fresh_report_says_that_a_mission_docks():
    limiter = make_limiter(safety_timeout=2.0)
    report_inputs(limiter, distances=[0.1, math.inf, 0.1, math.inf])

    def limits(delay=0.0):
        speeds = []
        limiter.position.update(20.0, 0.01, 0.0, NOW + delay, reach=65.535, referenced=True)
        for direction in (Direction.FORWARD, Direction.BACKWARD):
            limiter.update_command(direction, NOW + delay)
            speeds.append(limiter.limit(None, NOW + delay).speed)
        return speeds

    assert limits() == [0.0, 0.0]
    limiter.update_dock(DockApproach(20.3, Direction.FORWARD), NOW)
    assert limits() == [0.05, 0.0], 'towards the dock alone'
    limiter.update_dock(DockApproach(21.0, Direction.FORWARD), NOW)
    assert limits() == [0.0, 0.0], 'not from afar'
    for place in (19.95, 20.0, 20.09):
        limiter.update_dock(DockApproach(place, Direction.FORWARD), NOW)
        assert limits() == [0.05, 0.0], 'not out of the dock'
        limiter.update_dock(DockApproach(place, Direction.NONE), NOW)
        assert limits() == [0.0, 0.0], 'not while it backs off'
    limiter.update_dock(DockApproach(20.3, Direction.FORWARD), NOW)
    assert limits(0.4) == limits(0.8) == limits(1.0) == [0.05, 0.0]
    assert limits(1.1) == [0.0, 0.0], 'nobody repeats it'
    limiter.update_dock(DockApproach(), NOW + 1.1)
    assert limits(1.1) == [0.0, 0.0]


@pytest.mark.parametrize('length', [0.0, 0.8, 2.0])
def test_no_part_of_the_vehicle_drives_into_a_stop_zone(length):
    """As it stands a hand's breadth outside, touches it, is in it, at both borders."""
    half = length / 2.0
    for outside in (0.001, -0.001, -0.03, -half, -0.9):
        near = min(STOP.start - half - outside, 30.9)
        for position, into in (
            (near, Direction.FORWARD),
            (STOP.start + STOP.end - near, Direction.BACKWARD),
        ):
            limiter = make_limiter(vehicle_length=length)
            limiter.zones = (STOP,)
            report_inputs(limiter, position=position)
            limiter.update_command(Direction(-into), NOW)
            limits = limiter.limits(None, NOW)
            assert limits.towards(into).speed == 0.0
            assert limits.towards(Direction(-into)).speed == 0.0 or outside > 0.0
            limiter.update_command(Direction.NONE, NOW)
            limits = limiter.limits(None, NOW)
            assert limits.towards(into).speed == 0.0
            assert limits.towards(Direction(-into)).speed > 0.0, 'out of it'


def test_a_vehicle_whose_nose_comes_to_be_in_a_stop_zone_stops():
    limiter = make_limiter(vehicle_length=0.8)
    limiter.zones = (Zone('stop', ZoneType.RESTRICTED, ZoneAction.STOP, 10.0, 12.0, 0.1),)
    report_inputs(limiter, position=9.97)
    limiter.update_command(Direction.FORWARD, NOW)
    assert 'in stop zone stop' in reason(limiter)


def test_a_vehicle_that_comes_to_be_in_a_stop_zone_stops_until_a_new_command(limiter):
    limiter.update_command(Direction.FORWARD, NOW)
    assert reason(limiter) is None
    limiter.zones = (Zone('here', ZoneType.RESTRICTED, ZoneAction.STOP, 19.0, 22.0, 0.1),)
    for direction in (Direction.FORWARD, Direction.BACKWARD):
        limiter.update_command(direction, NOW)
        limit = limiter.limit(None, NOW)
        assert (limit.speed, limit.hold) == (0.0, False)
        assert limit.reason == 'in stop zone here: leaving it takes a new command'
    limiter.update_command(Direction.NONE, NOW)
    limiter.limit(None, NOW)
    limiter.update_command(Direction.BACKWARD, NOW)
    assert limiter.limit(None, NOW).speed == 0.1
    limiter.update_command(Direction.FORWARD, NOW)
    assert 'other end' in reason(limiter)


# A carrier that obeys the limit


class Carrier:
    """A carrier under a constant command: boards report late, it obeys late and by a ramp.

    Attributes:
        command: m/s.
        obstacle: m, position of an obstacle, or None.
        entered: zones entered.

    """

    STEP = 0.01  # s
    DELAY = 0.1  # s, from a limit to the motor's obeying it
    ACCELERATION = 1.0  # m/s^2, of the drive's ramps
    DECELERATION = 2.0

    def __init__(self, limiter, position, zones=()):
        self.limiter = limiter
        self.tracker = ZoneTracker(zones)  # of a vehicle without length
        limiter.zones = self.tracker.zones
        self.position, self.velocity, self.command = position, 0.0, 0.0
        self.obstacle, self.guard_open = None, False
        self.entered = []
        self.limit = Limit(0.0, '')
        self.steps = 0
        self.pending = deque([0.0] * round(self.DELAY / self.STEP))

    @property
    def now(self):
        return NOW + self.steps * self.STEP

    def step(self):
        if self.steps % 10 == 0:
            self.report()
        if self.steps % 5 == 0:
            self.limiter.position.update(
                round(self.position, 2),
                0.01,
                self.velocity,
                self.now,
                reach=65.535,
                referenced=True,
            )
            self.entered += self.tracker.update(self.limiter.position.position(self.now))
            self.limiter.update_command(Direction.of(self.command), self.now)
            self.limit = self.limiter.limit(None, self.now)
        self.pending.append(min(abs(self.command), self.limit.speed))
        target = math.copysign(self.pending.popleft(), self.command)
        slower = abs(target) < abs(self.velocity) or target * self.velocity < 0.0
        ramp = (self.DECELERATION if slower else self.ACCELERATION) * self.STEP
        self.velocity += max(-ramp, min(ramp, target - self.velocity))
        self.position += self.velocity * self.STEP
        self.steps += 1

    def report(self):
        distances = [math.inf] * 4
        if self.obstacle is not None:
            distance = self.obstacle - self.position
            distances[0 if distance > 0.0 else 2] = round(abs(distance), 2)
        report_inputs(
            self.limiter,
            self.now,
            math.nan,
            distances=distances,
            digital_inputs=[False, self.guard_open, False, False],
        )

    def until(self, condition, seconds=60.0):
        """Step until a condition; return (position, velocity) of each step."""
        end, states = self.now + seconds, []
        while not condition():
            self.step()
            states.append((self.position, self.velocity))
            assert self.now < end, 'too long'
        return states

    def standing(self):
        return self.velocity == 0.0 and not any(self.pending)


def speeds(states):
    return [abs(velocity) for _, velocity in states]


def test_faster_than_the_speed_limit_is_not_driven():
    carrier = Carrier(make_limiter(), 10.0)
    carrier.command = 1.0
    states = carrier.until(lambda: carrier.position > 15.0)
    assert max(speeds(states)) == pytest.approx(0.5)


def test_carrier_is_slow_in_a_warning_zone_and_enters_it_once():
    carrier = Carrier(make_limiter(), 20.5, [SLOW])
    carrier.command = 0.5
    before = carrier.until(lambda: carrier.position >= 22.0)
    inside = carrier.until(lambda: carrier.position >= 22.6)
    after = carrier.until(lambda: carrier.position >= 24.0)
    assert max(speeds(before)) > 0.48
    assert max(speeds(inside)) <= 0.2 + 0.01
    assert max(speeds(after)) > 0.48
    assert carrier.entered == [SLOW]


def test_carrier_stands_before_a_stop_zone_and_can_go_back():
    carrier = Carrier(make_limiter(), 28.5, [STOP])
    carrier.command = 0.5
    states = carrier.until(lambda: carrier.position > 29.5 and carrier.standing())
    assert max(speeds(states)) > 0.48
    assert 29.9 < carrier.position < 30.0
    assert not carrier.limit.hold
    carrier.command = -0.3
    carrier.until(lambda: carrier.velocity < -0.28)
    assert carrier.entered == []


def test_stop_zone_is_left_by_its_nearer_end_only():
    carrier = Carrier(make_limiter(), 30.2, [STOP])
    carrier.step()
    carrier.command = 0.3
    start = carrier.now
    carrier.until(lambda: carrier.now > start + 2.0)
    assert carrier.position == pytest.approx(30.2, abs=0.002)
    carrier.command = -0.3
    states = carrier.until(lambda: carrier.position < 29.95)
    assert max(speed for (x, _), speed in zip(states, speeds(states), strict=True) if x > 30.0) < (
        0.1 + 0.01
    )
    carrier.until(lambda: carrier.velocity < -0.28)


def test_obstacle_slows_stops_and_releases_when_it_is_gone():
    carrier = Carrier(make_limiter(), 5.0)
    carrier.obstacle, carrier.command = 9.0, 0.5
    states = carrier.until(lambda: carrier.position > 8.0 and carrier.standing())
    assert max(speeds(states)) > 0.45
    assert max(abs(velocity) for x, velocity in states if x > 7.0) <= 0.1 + 0.01
    assert 0.5 <= 9.0 - carrier.position < 0.6
    assert (carrier.limit.speed, carrier.limit.hold) == (0.0, True), 'a mission waits'
    carrier.obstacle = None
    carrier.until(lambda: carrier.velocity > 0.45)
    assert not carrier.limit.hold


def test_obstacle_behind_is_none_ahead():
    carrier = Carrier(make_limiter(), 5.0)
    carrier.obstacle, carrier.command = 4.8, 0.5
    carrier.until(lambda: carrier.velocity > 0.48)


def test_obstacle_that_appears_on_the_way_stops_the_carrier_before_it():
    carrier = Carrier(make_limiter(), 20.0)
    carrier.command = 0.5
    carrier.until(lambda: carrier.position > 20.4)
    carrier.obstacle = 22.2
    carrier.until(carrier.standing)
    assert 0.4 < 22.2 - carrier.position < 0.6


def test_open_guard_stops_the_carrier_which_goes_on_when_it_is_closed():
    carrier = Carrier(make_limiter(guard_input=2), 10.0)
    carrier.command = 0.3
    carrier.until(lambda: carrier.velocity > 0.28)
    carrier.guard_open = True
    carrier.until(carrier.standing)
    assert carrier.limit == Limit(0.0, 'a guard is open')
    carrier.guard_open = False
    carrier.until(lambda: carrier.velocity > 0.28)


@pytest.mark.parametrize(('start', 'command'), [(47.0, 0.5), (3.0, -0.5)])
def test_carrier_stands_before_the_end_of_the_rail(start, command):
    carrier = Carrier(make_limiter(vehicle_length=0.8), start)
    carrier.command = command
    carrier.until(lambda: abs(carrier.position - start) > 1.0 and carrier.standing())
    assert 0.4 <= carrier.position <= 49.6
    assert min(carrier.position - 0.4, 49.6 - carrier.position) < 0.1


def test_limit_holds_for_the_direction_after_a_turn():
    carrier = Carrier(make_limiter(), 29.0, [STOP])
    carrier.command = 0.3
    carrier.until(lambda: carrier.position > 29.3)
    carrier.command = -0.5
    carrier.until(lambda: carrier.velocity < -0.48)
    carrier.command = 0.5
    carrier.until(lambda: carrier.position > 29.5 and carrier.standing())
    assert carrier.position < 30.0


# The hoist


def test_a_hoist_forbids_motion_until_its_rope_is_known_to_be_up_and_that_is_no_hold():
    limiter = make_limiter(hoist_channel=2)
    report_inputs(limiter)
    assert limiter.limit(None, NOW) == Limit(0.0, 'no fresh report of the hoist')
    limiter.hoist.update(HoistReport(True, 0.0), NOW)
    assert reason(limiter) is None
    limiter.hoist.update(HoistReport(True, 1.0), NOW)
    assert 'rope are out' in reason(limiter)
    assert not limiter.limit(None, NOW).hold
