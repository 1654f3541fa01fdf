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
"""Missions under the limits of the safety rules: both on one plant, with the test's own clock."""

import math
from collections import deque

import pytest

from oht50_bridge.stop_reason import StopReason
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.mission import MissionPhase
from oht50_bridge.vehicle.mission import MissionTimeouts
from oht50_bridge.vehicle.mission_manager import ManagerSettings
from oht50_bridge.vehicle.mission_manager import MissionManager
from oht50_bridge.vehicle.mission_manager import StartRequest
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limiter import InterlockSettings
from oht50_bridge.vehicle.speed_limiter import LimiterSettings
from oht50_bridge.vehicle.speed_limiter import SpeedLimiter
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import commanded_direction
from oht50_bridge.vehicle.vehicle_view import Battery
from oht50_bridge.vehicle.vehicle_view import Permission
from oht50_bridge.vehicle.vehicle_view import VehicleView
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneType

# It runs the same lines thousands of times, and others count them.
pytestmark = pytest.mark.no_cover

STEP = 0.01  # s
DELAY = 0.08  # s, from a command to its motion
ACCELERATION, DECELERATION = 1.0, 2.0  # m/s^2, ramps of the drive
SMALLEST_STEP = 0.01  # m/s, of the drive
WALL = 1_700_000_000 * 1_000_000_000  # ns
HOLD_TIMEOUT = 12.0  # s


class Output:
    """Keeps the last command and what is reported of missions."""

    def __init__(self):
        self.command = (0.0, 0)
        self.states, self.completed_, self.log = [], [], []

    def drive(self, velocity, direction):
        self.command = (velocity, direction)

    def state(self, report):
        self.states.append(report)

    def completed(self, record):
        self.completed_.append(record)

    def error(self, text):
        self.log.append(text)

    def _ignore(self, *_):
        pass

    charge = started = progress = info = warning = _ignore


class Vehicle:
    """Mission manager and speed limiter, connected by a heartbeat, and a drive with ramps."""

    def __init__(self, directory, position):
        self.position, self.velocity, self.obstacle = position, 0.0, None
        self.steps, self.estop = 0, None
        self.limiter = SpeedLimiter(
            LimiterSettings(
                InterlockSettings(),
                Braking(),
                ObstacleSettings(),
                DistanceSettings(('forward', '', 'backward', '')),
                TrackSettings(),
            ),
            SpeedLimitSettings(),
        )
        self.limiter.confirmed = True
        self.view = VehicleView(TrackSettings())
        self.view.confirmed = True
        self.view.update_zones([])
        self.output = Output()
        self.pending = deque([0.0] * round(DELAY / STEP))
        self.speeds = []  # (position, speed) of each step
        self.observe()
        self.manager = MissionManager(
            ManagerSettings(timeouts=MissionTimeouts(hold_timeout=HOLD_TIMEOUT)),
            self.view,
            Journal(directory / 'mission.json'),
            self.output,
            self.now,
        )

    @property
    def now(self):
        return 100.0 + self.steps * STEP

    @property
    def phase(self):
        return self.output.states[-1].phase

    def set_zones(self, *zones):
        self.limiter.zones = zones
        self.view.update_zones(zones)

    def start(self, x):
        self.manager.start(StartRequest('', 'transport', '', (x, 0.0, 0.0), 10.0), self.now, WALL)

    def observe(self):
        """Have boards and safety rules report at their rates."""
        if self.steps % 10 == 0:
            distances = [math.inf] * 4
            if self.obstacle is not None:
                distances[0] = round(self.obstacle - self.position, 2)
            self.limiter.update_inputs(
                InputsReport(distances=distances, digital_inputs=[False] * 4), self.now
            )
            self.view.update_battery(Battery(0.85, 48.0, False), self.now)
        if self.steps % 2 == 0:
            self.limiter.position.update(
                round(self.position, 3),
                0.001,
                round(self.velocity, 3),
                self.now,
                reach=65.535,
                referenced=True,
            )
            self.view.update_position(self.limiter.position.newest(self.now))
            self.view.update_drive(StopReason.NONE, self.now)
        if self.steps % 5 == 0:
            self.limiter.update_command(commanded_direction(*self.output.command), self.now)
            limit = self.limiter.limit(self.estop, self.now)
            permission = Permission(
                limit.speed > 0.0, limit.hold and limit.speed == 0.0, limit.speed, limit.reason
            )
            self.view.update_permission(permission, self.now)
            self.permission = permission
            self.view.update_estop(self.estop is not None, self.estop or '')

    def step(self):
        self.observe()
        if self.steps % 2 == 0:
            self.manager.step(self.now)
        if self.steps % 20 == 0:
            self.manager.report(self.now, subscribed=True)
        velocity, _ = self.output.command
        speed = min(abs(velocity), self.permission.speed_limit)
        speed = round(speed / SMALLEST_STEP) * SMALLEST_STEP
        self.pending.append(math.copysign(speed, velocity))
        target = self.pending.popleft()
        ramp = (DECELERATION if abs(target) < abs(self.velocity) else ACCELERATION) * STEP
        self.velocity += max(-ramp, min(ramp, target - self.velocity))
        self.position += self.velocity * STEP
        self.speeds.append((self.position, abs(self.velocity)))
        self.steps += 1

    def run(self, seconds):
        for _ in range(round(seconds / STEP)):
            self.step()

    def until(self, condition, seconds=120.0):
        end = self.now + seconds
        while not condition():
            self.step()
            assert self.now < end, 'too long'

    def ended(self):
        return not self.manager.active_id

    def held(self):
        return self.phase is MissionPhase.HELD and self.velocity == 0.0

    @property
    def status(self):
        return self.output.completed_[-1].status


@pytest.fixture
def vehicle(tmp_path):
    return Vehicle(tmp_path, 20.0)


@pytest.mark.parametrize('obstacle', [22.2, 21.5])
def test_an_obstacle_holds_a_mission_which_continues_when_it_is_gone(vehicle, obstacle):
    vehicle.start(22.8)
    vehicle.until(lambda: vehicle.position > 20.4)
    vehicle.obstacle = obstacle
    vehicle.until(vehicle.held)
    vehicle.run(5.0)
    assert vehicle.held()
    assert 0.4 < obstacle - vehicle.position < 0.6
    vehicle.obstacle = None
    vehicle.until(lambda: vehicle.phase is MissionPhase.EXECUTING, 2.0)
    vehicle.until(vehicle.ended)
    assert (vehicle.status, vehicle.output.completed_[-1].errors) == ('success', 0)
    assert vehicle.position == pytest.approx(22.8, abs=0.002)


def test_an_obstacle_that_stays_ends_the_mission_for_good(vehicle):
    vehicle.obstacle = 20.8
    vehicle.start(23.0)
    vehicle.until(vehicle.held)
    since = vehicle.now
    vehicle.until(vehicle.ended)
    assert vehicle.status == 'failed'
    assert vehicle.now - since <= HOLD_TIMEOUT + 0.5
    vehicle.obstacle, place = None, vehicle.position
    vehicle.run(5.0)
    assert vehicle.position == place


def test_an_emergency_stop_while_held_ends_the_mission_for_good(vehicle):
    vehicle.obstacle = 20.8
    vehicle.start(23.0)
    vehicle.until(vehicle.held)
    vehicle.estop = 'drill'
    vehicle.until(lambda: vehicle.output.log, 0.2)
    vehicle.until(vehicle.ended, 1.0)
    assert vehicle.status == 'failed'
    vehicle.obstacle, vehicle.estop, place = None, None, vehicle.position
    vehicle.run(5.0)
    assert vehicle.position == place


def test_a_mission_travels_a_zone_at_its_speed(vehicle):
    vehicle.set_zones(Zone('slow', ZoneType.WARNING, ZoneAction.SLOW_DOWN, 22.0, 23.0, 0.2))
    vehicle.start(25.0)
    vehicle.until(vehicle.ended)
    assert vehicle.status == 'success'
    assert max(speed for x, speed in vehicle.speeds if x < 21.5) > 0.45
    assert max(speed for x, speed in vehicle.speeds if 22.0 <= x <= 23.0) <= 0.2 + 0.001


def test_a_stop_zone_that_appears_on_the_way_ends_the_mission_before_it(vehicle):
    vehicle.start(25.0)
    vehicle.until(lambda: vehicle.position > 21.0)
    vehicle.set_zones(Zone('stop', ZoneType.RESTRICTED, ZoneAction.STOP, 23.0, 24.0, 0.1))
    vehicle.until(vehicle.ended)
    assert vehicle.status == 'failed'
    vehicle.until(lambda: vehicle.velocity == 0.0, 1.0)
    assert 22.8 < vehicle.position < 23.0


def test_maintenance_ends_the_mission(vehicle):
    vehicle.start(25.0)
    vehicle.until(lambda: vehicle.position > 21.0)
    vehicle.limiter.maintenance = 'alice'
    vehicle.until(lambda: vehicle.output.log, 0.2)
    vehicle.until(vehicle.ended, 1.0)
    assert vehicle.status == 'failed'
    assert 'maintenance' in vehicle.output.log[-1]


def test_a_lower_speed_limit_slows_the_mission_and_it_arrives(vehicle):
    vehicle.start(25.0)
    vehicle.until(lambda: vehicle.position > 21.5)
    vehicle.limiter.settings = SpeedLimitSettings(speed_limit=0.1)
    vehicle.until(vehicle.ended)
    assert vehicle.status == 'success'
    assert max(speed for x, speed in vehicle.speeds if x > 22.0) <= 0.1 + 0.001
