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
"""Estimates of missions, and that what they are made of holds for the motion too."""

import itertools
import math
from dataclasses import replace

import pytest
from vehicle.mission_vehicle import PERIOD
from vehicle.mission_vehicle import PERMITTED
from vehicle.mission_vehicle import STATIONS
from vehicle.mission_vehicle import Vehicle

from oht50_bridge.vehicle.mission_limits import MissionLimitSettings
from oht50_bridge.vehicle.mission_manager import ManagerSettings
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction

pytestmark = pytest.mark.no_cover  # whole missions, again and again

SLOW = Zone('slow', 'warning', ZoneAction.SLOW_DOWN, 7.0, 9.0, 0.1)
ALERT = Zone('alert', 'warning', ZoneAction.ALERT, 6.0, 8.0, 0.15)


@pytest.fixture
def vehicle(tmp_path):
    return Vehicle(tmp_path)


def commanded(vehicle):
    """Return the speeds that were commanded, m/s."""
    return [velocity for velocity, _ in vehicle.output.commands]


LIMITED = {
    'free': ({}, [], math.inf),
    'speed_limit': ({}, [], 0.1),
    'zone': ({}, [SLOW], math.inf),
    'zones that overlap': ({}, [SLOW, ALERT], math.inf),
    'inspection': ({'mission_type': 'inspection'}, [], math.inf),
    'maintenance': ({'mission_type': 'maintenance'}, [], math.inf),
    'payload': ({'payload': 50.0}, [], math.inf),
    'all of them': ({'mission_type': 'inspection', 'payload': 50.0}, [SLOW], 0.18),
}


@pytest.mark.parametrize('case', LIMITED)
def test_the_estimate_is_the_time_that_the_mission_takes(vehicle, case):
    request, zones, limit = LIMITED[case]
    vehicle.view.update_zones(zones, limit)
    vehicle.permission = replace(PERMITTED, speed_limit=min(0.5, limit))
    vehicle.observe()
    _, duration = vehicle.start(11.0, **request)
    assert vehicle.output.started_[-1].estimated_duration == duration
    vehicle.until(lambda: vehicle.position > 6.5)
    arrival = vehicle.now + vehicle.output.progress_[-1].remaining_time
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'
    assert vehicle.completed.duration == pytest.approx(duration, rel=0.03, abs=1.5)
    assert vehicle.now == pytest.approx(arrival, rel=0.03, abs=1.5)


@pytest.mark.parametrize('target', [{'target': 11.0}, {'station': 'charger'}])
def test_a_report_before_the_first_step_knows_every_limit(vehicle, target):
    vehicle.view.update_zones([SLOW, Zone('near', 'warning', ZoneAction.SLOW_DOWN, 2.0, 3.0, 0.1)])
    _, duration = vehicle.start(**target)
    vehicle.manager.report(vehicle.now, subscribed=True)
    assert vehicle.output.progress_[-1].remaining_time == pytest.approx(duration)


@pytest.mark.parametrize(
    ('start', 'end', 'speed', 'target'),
    [(0.0, 3.0, 0.02, 4.0), (0.0, 8.0, 0.1, 11.0), (3.5, 6.0, 0.05, 11.0), (4.0, 20.0, 0.1, 1.0)],
)
@pytest.mark.parametrize('length', [0.0, 0.8])
def test_the_way_out_of_a_stop_zone_counts_at_the_speed_of_the_zone(
    tmp_path, start, end, speed, target, length
):
    track = TrackSettings(vehicle_length=length)
    settings = ManagerSettings(stations=STATIONS, track=track)
    vehicle = Vehicle(tmp_path, settings=settings)
    zone = Zone('stop', 'restricted', ZoneAction.STOP, start, end, speed)
    vehicle.view.update_zones([zone])
    _, duration = vehicle.start(target)
    while not vehicle.ended():
        inside = zone.contains(vehicle.position, track.reach)
        vehicle.permission = replace(PERMITTED, speed_limit=speed if inside else 0.5)
        vehicle.step()
        assert vehicle.velocity <= 0.5
    assert vehicle.completed.status == 'success'
    assert vehicle.completed.duration == pytest.approx(duration, rel=0.03, abs=2.0)


def test_a_mission_too_long_for_the_speed_of_its_stop_zone_is_refused(vehicle):
    vehicle.view.update_zones([Zone('s', 'restricted', ZoneAction.STOP, 0.0, 40.0, 0.008)])
    with pytest.raises(RefusedError, match=r'estimated duration 43.. s: must not exceed 3600 s'):
        vehicle.start(42.0)


def test_a_stop_zone_that_does_not_contain_the_vehicle_is_no_limit_of_the_way(vehicle):
    free = vehicle.view.speed_zones(vehicle.now)
    vehicle.view.update_zones([Zone('s', 'restricted', ZoneAction.STOP, 6.0, 7.0, 0.1)])
    assert vehicle.view.speed_zones(vehicle.now) == free == ()
    vehicle.silent.add('location')
    vehicle.view.update_zones([Zone('s', 'restricted', ZoneAction.STOP, 4.0, 7.0, 0.1)])
    assert len(vehicle.view.speed_zones(vehicle.now)) == 1
    assert vehicle.view.speed_zones(vehicle.now + 1.0) == (), 'its position is not known'


def test_each_limit_lengthens_the_estimate(tmp_path):
    durations = {}
    for case, (request, zones, limit) in LIMITED.items():
        (tmp_path / case).mkdir()
        vehicle = Vehicle(tmp_path / case)
        vehicle.view.update_zones(zones, limit)
        durations[case] = vehicle.start(11.0, **request)[1]
    free = durations.pop('free')
    assert all(duration > free + 0.5 for duration in durations.values()), durations
    assert durations['all of them'] > durations['zone']
    assert durations['maintenance'] > durations['inspection']


def test_a_mission_that_the_speed_limit_makes_too_long_is_refused(tmp_path):
    settings = ManagerSettings(stations=STATIONS)
    settings = replace(settings, rules=replace(settings.rules, maximum_duration=100.0))
    vehicle = Vehicle(tmp_path, settings=settings)
    vehicle.view.update_zones([], 0.1)
    with pytest.raises(RefusedError, match=r'estimated duration 25. s: must not exceed 100 s'):
        vehicle.start(30.0)
    vehicle.view.update_zones([], 0.5)
    vehicle.start(30.0)


def test_a_speed_limit_that_changes_on_the_way_changes_the_estimate(vehicle):
    vehicle.start(20.0)
    vehicle.until(lambda: vehicle.position > 8.0)
    before = vehicle.output.progress_[-1].remaining_time
    vehicle.view.update_zones([], 0.1)
    vehicle.run(PERIOD)
    vehicle.manager.report(vehicle.now, subscribed=True)
    after = vehicle.output.progress_[-1].remaining_time
    assert before == pytest.approx(12.0 / 0.5, abs=3.0)
    assert after == pytest.approx(12.0 / 0.1, abs=5.0)


@pytest.mark.parametrize(
    ('mission_type', 'speed'), [('transport', 0.5), ('inspection', 0.2), ('maintenance', 0.1)]
)
def test_the_type_limits_the_motion_and_the_log_says_so(vehicle, mission_type, speed):
    vehicle.start(9.0, mission_type=mission_type, payload=0.0)
    assert vehicle.output.log[-1][1].endswith(
        f'{mission_type} with 0 kg, at most {speed:g} m/s and 0.3 m/s^2'
    )
    vehicle.until(vehicle.ended)
    assert max(commanded(vehicle)) == pytest.approx(speed, abs=0.001)


def test_the_type_limits_a_mission_also_when_all_limits_change(vehicle):
    vehicle.start(9.0, mission_type='inspection')
    vehicle.run(3.0)
    vehicle.manager.set_limits(MotionLimits(max_velocity=0.4))
    vehicle.run(4.0)
    assert max(commanded(vehicle)) <= 0.2 + 1e-6
    vehicle.manager.set_limits(MotionLimits(max_velocity=0.05))
    vehicle.run(4.0)
    assert commanded(vehicle)[-1] <= 0.05 + 1e-6


@pytest.mark.parametrize(('payload', 'acceleration'), [(0.0, 0.3), (25.0, 0.225), (50.0, 0.15)])
def test_the_payload_limits_the_acceleration(vehicle, payload, acceleration):
    vehicle.start(11.0, payload=payload)
    profile = vehicle.manager._active.mission.motion
    accelerations = []
    while not vehicle.ended():
        vehicle.step()
        accelerations.append(abs(profile.profile.acceleration))
    assert max(accelerations) == pytest.approx(acceleration, abs=0.001)
    for before, after in itertools.pairwise(commanded(vehicle)):
        assert after - before <= acceleration * PERIOD + 0.01, 'with the correction'
    assert vehicle.completed.status == 'success'


def test_a_loaded_vehicle_brakes_so_early_that_it_keeps_the_zone_and_the_target(tmp_path):
    settings = ManagerSettings(
        stations=STATIONS, mission_limits=MissionLimitSettings(loaded_acceleration=0.2)
    )
    vehicle = Vehicle(tmp_path, settings=settings)
    vehicle.view.update_zones([SLOW])
    vehicle.start(14.0, payload=50.0)
    speeds = []
    while not vehicle.ended():
        vehicle.step()
        speeds.append((vehicle.position, vehicle.velocity))
    assert max(speed for x, speed in speeds if SLOW.start <= x <= SLOW.end) <= 0.1 + 0.03
    assert max(x for x, _ in speeds) <= 14.0 + 0.002
    braking = [speed for x, speed in speeds if x < SLOW.start]
    assert max(braking) > 0.3, 'it was fast before'
