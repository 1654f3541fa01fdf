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
"""What forbids, holds or interrupts a mission, from the newest reports and their ages."""

import math

import pytest

from oht50_bridge.stop_reason import StopReason
from oht50_bridge.timing import HEARTBEAT_TIMEOUT
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.profile import SpeedZone
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.vehicle_view import Battery
from oht50_bridge.vehicle.vehicle_view import Permission
from oht50_bridge.vehicle.vehicle_view import VehicleView
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneType

NOW = 100.0
PERMITTED = Permission(permitted=True, hold=False, speed_limit=0.5, reason='')


@pytest.fixture
def view():
    """A vehicle that may move."""
    view = VehicleView(TrackSettings())
    view.confirmed = True
    view.update_position(Measurement(5.0, 0.001, 0.1, NOW))
    view.update_dock(0.002, True, NOW)
    view.update_drive(StopReason.NONE, NOW)
    view.update_permission(PERMITTED, NOW)
    view.update_battery(Battery(percentage=0.8, drawn=48.0, charger=True), NOW)
    view.update_zones([])
    return view


def test_a_vehicle_that_may_move(view):
    readiness = view.readiness(NOW)
    assert (readiness.not_ready, readiness.position, readiness.battery) == ('', 5.0, 0.8)
    inputs = view.inputs(NOW)
    assert (inputs.forbidden, inputs.missing, inputs.hold, inputs.stopped) == ('', '', '', '')
    assert (inputs.speed_limit, inputs.position_age) == (0.5, 0.0)
    assert (inputs.dock.distance, inputs.dock.aligned, inputs.dock.charger) == (0.002, True, True)


def test_what_is_too_old_is_missing(view):
    assert view.missing(NOW + HEARTBEAT_TIMEOUT) == ''
    assert view.missing(NOW + HEARTBEAT_TIMEOUT + 0.01) == 'no safety heartbeat'
    view.update_permission(PERMITTED, NOW + 0.5)
    assert view.missing(NOW + 0.51) == 'no report of the travel motor'
    late = view.inputs(NOW + 0.51)
    assert late.stopped == 'it does not report'
    assert late.position_age == pytest.approx(0.51)
    assert (late.dock.aligned, math.isnan(late.dock.distance)) == (False, True)
    assert math.isnan(view.drawn(NOW + 5.1))
    assert math.isnan(view.readiness(NOW + 5.1).battery)


def test_without_any_report_nothing_is_permitted():
    view = VehicleView(TrackSettings())
    assert view.missing(NOW) == 'no safety heartbeat'
    inputs = view.inputs(NOW)
    assert (inputs.measurement, inputs.speed_limit) == (None, 0.0)
    assert math.isinf(inputs.position_age)
    assert view.readiness(NOW).zones is None
    assert not view.left_dock(NOW)


@pytest.mark.parametrize(
    ('permission', 'forbidden', 'hold'),
    [
        (Permission(False, False, 0.0, 'a guard is open'), 'a guard is open', 'a guard is open'),
        (Permission(False, False, 0.0, ''), 'motion is not permitted', ''),
        (Permission(False, True, 0.0, 'obstacle'), '', 'obstacle'),
    ],
)
def test_a_withdrawn_permission_forbids_or_holds(view, permission, forbidden, hold):
    view.update_permission(permission, NOW)
    assert (view.forbidden(NOW), view.hold(NOW)) == (forbidden, hold)


@pytest.mark.parametrize('reason', StopReason)
def test_a_stop_reason_forbids_holds_or_interrupts(view, reason):
    view.update_drive(reason.value, NOW)
    faults = {'estop', 'layout', 'shutdown', 'drive_fault', 'module_lost'}
    holds = {'charging', 'scan'}
    assert bool(view.forbidden(NOW)) is (reason.value in faults)
    assert bool(view.hold(NOW)) is (reason.value in holds)
    stopped = view.inputs(NOW).stopped
    assert stopped == ('' if reason is StopReason.NONE else reason.value)


def test_a_latched_emergency_stop_forbids_until_it_is_cleared(view):
    view.update_estop(True, 'drill')
    assert view.forbidden(NOW) == 'emergency stop: drill'
    view.update_estop(False, '')
    assert view.forbidden(NOW) == ''


def test_only_zones_without_a_stop_limit_the_speed(view):
    view.update_zones(
        [
            Zone('a', ZoneType.WARNING, ZoneAction.SLOW_DOWN, 1.0, 2.0, 0.2),
            Zone('b', ZoneType.RESTRICTED, ZoneAction.STOP, 3.0, 4.0, 0.1),
        ]
    )
    assert [(zone.start, zone.speed_limit) for zone in view.speed_zones(NOW)] == [(1.0, 0.2)]
    assert len(view.readiness(NOW).zones) == 2


def test_the_dock_is_left_when_the_board_says_so(view):
    assert not view.left_dock(NOW)
    view.update_dock(0.2, False, NOW)
    assert view.left_dock(NOW)
    assert not view.left_dock(NOW + 1.0), 'a silent board does not say so'


def test_a_position_that_is_too_old_or_lost_is_none(view):
    assert view.position(NOW + 0.5) == 5.0
    assert math.isnan(view.position(NOW + 0.51))
    view.update_position(None, 'position lost: it jumped')
    assert math.isnan(view.position(NOW))
    assert view.forbidden(NOW) == 'position lost: it jumped'
    assert view.readiness(NOW).not_ready == 'position lost: it jumped'
    view.update_position(Measurement(5.0, 0.001, 0.1, NOW))
    assert view.forbidden(NOW) == ''


@pytest.mark.parametrize('length', [0.0, 0.8, 3.0])
def test_speed_is_planned_for_the_whole_vehicle(length):
    view = VehicleView(TrackSettings(50.0, vehicle_length=length))
    slow = Zone('slow', ZoneType.WARNING, ZoneAction.SLOW_DOWN, 10.0, 12.0, 0.2)
    view.update_zones((slow,))
    assert view.zones == (slow,)
    half = length / 2.0
    assert view.speed_zones(NOW) == (SpeedZone(10.0 - half, 12.0 + half, 0.2),)
