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
"""A vehicle for the tests of the mission manager; the test holds its clock."""

import itertools
import math

from oht50_bridge.stop_reason import StopReason
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.mission_manager import ManagerSettings
from oht50_bridge.vehicle.mission_manager import MissionManager
from oht50_bridge.vehicle.mission_manager import StartRequest
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.rail import Station
from oht50_bridge.vehicle.vehicle_view import Battery
from oht50_bridge.vehicle.vehicle_view import Permission
from oht50_bridge.vehicle.vehicle_view import VehicleView

PERIOD = 0.02  # s, of the control loop
NS = 1_000_000_000
WALL = 1_700_000_000 * NS  # ns, of the start
STATIONS = {
    'charger': Station('charger', 1.0, dock=True),
    'station-a': Station('station-a', 12.0, dock=False),
}
PERMITTED = Permission(permitted=True, hold=False, speed_limit=0.5, reason='')
OBSTACLE = Permission(permitted=False, hold=True, speed_limit=0.0, reason='obstacle at 0.30 m')
GUARD_OPEN = Permission(permitted=False, hold=False, speed_limit=0.0, reason='a guard is open')
BATTERY = Battery(percentage=0.85, drawn=48.0, charger=False)


class Output:
    """Keeps what the manager reports and commands."""

    def __init__(self):
        self.velocity = 0.0
        self.last_command = -math.inf
        self.commands, self.charges, self.log = [], [], []
        self.started_, self.progress_, self.completed_, self.states = [], [], [], []

    def drive(self, velocity, direction):
        self.commands.append((velocity, direction))

    def charge(self, wanted):
        self.charges.append(wanted)

    def started(self, report):
        self.started_.append(report)

    def progress(self, report):
        self.progress_.append(report)

    def completed(self, record):
        self.completed_.append(record)

    def state(self, report):
        self.states.append(report)

    def info(self, text):
        self.log.append(('info', text))

    def warning(self, text):
        self.log.append(('warning', text))

    def error(self, text):
        self.log.append(('error', text))


class Vehicle:
    """A vehicle whose velocity is the command of 80 ms ago, and which stops without commands."""

    def __init__(self, directory, position=5.0, settings=None, now=100.0):
        self.position, self.velocity, self.now = position, 0.0, now
        self.output = Output()
        self.view = VehicleView((settings or ManagerSettings()).track)
        self.view.confirmed = True
        self.view.update_zones([])
        self.permission, self.battery, self.stop_reason = PERMITTED, BATTERY, StopReason.NONE
        self.located, self.location_error, self.dock_position = True, 0.0, 1.0
        self.pending = [0.0] * 4
        self.silent = set()
        self.subscribed = True
        self.manager = MissionManager(
            settings or ManagerSettings(stations=STATIONS),
            self.view,
            Journal(directory / 'mission.json'),
            self.output,
            self.now,
        )
        self.observe()

    @property
    def wall(self):
        return WALL + round(self.now * NS)

    def observe(self):
        """Have every source report that is not silent."""
        now = self.now
        if 'location' not in self.silent:
            x = round(self.position, 3) + self.location_error if self.located else math.nan
            distance = abs(self.position - self.dock_position)
            self.view.update_position(
                Measurement(x, 0.001, round(self.velocity, 3), now) if self.located else None
            )
            self.view.update_dock(distance, distance < 0.005, now)
        if 'drive' not in self.silent:
            self.view.update_drive(self.stop_reason, now)
        if 'heartbeat' not in self.silent:
            self.view.update_permission(self.permission, now)
        if 'battery' not in self.silent:
            self.view.update_battery(self.battery, now)
            self.manager.on_battery(now)

    def step(self):
        self.observe()
        before = len(self.output.commands)
        self.manager.step(self.now)
        command = self.output.commands[-1][0] if len(self.output.commands) > before else 0.0
        if not self.permission.permitted or self.stop_reason != StopReason.NONE:
            command = 0.0
        self.pending.append(command)
        self.velocity = round(self.pending.pop(0), 2)
        self.position += self.velocity * PERIOD
        self.now += PERIOD

    def run(self, seconds):
        for _ in range(round(seconds / PERIOD)):
            self.step()

    def until(self, condition, seconds=120.0):
        end = self.now + seconds
        reports = itertools.count()
        while not condition():
            self.step()
            if next(reports) % 10 == 0:
                self.manager.report(self.now, subscribed=self.subscribed)
            assert self.now < end, 'too long'

    def start(self, x=7.0, station='', mission_id='', **more):
        request = StartRequest(
            mission_id,
            more.get('mission_type', 'transport'),
            station,
            (x, more.get('y', 0.0), more.get('z', 0.0)),
            more.get('payload', 10.0),
        )
        return self.manager.start(request, self.now, self.wall)

    def ended(self):
        return not self.manager.active_id

    @property
    def state(self):
        return self.output.states[-1]

    @property
    def completed(self):
        return self.output.completed_[-1]
