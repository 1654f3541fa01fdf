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
"""Missions from their request to their report, on a plant and with a clock of the test's own."""

import itertools
import math
from dataclasses import replace

import pytest
from vehicle.mission_vehicle import BATTERY
from vehicle.mission_vehicle import GUARD_OPEN
from vehicle.mission_vehicle import OBSTACLE
from vehicle.mission_vehicle import PERMITTED
from vehicle.mission_vehicle import STATIONS
from vehicle.mission_vehicle import Vehicle

from oht50_bridge.stop_reason import StopReason
from oht50_bridge.vehicle.active_mission import REST_TIMEOUT
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.mission import MissionPhase
from oht50_bridge.vehicle.mission_manager import ManagerSettings
from oht50_bridge.vehicle.mission_reports import EndReport
from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.rail import Station
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.speed_limiter import DOCK_LIFETIME
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction


@pytest.fixture
def vehicle(tmp_path):
    return Vehicle(tmp_path)


def test_a_mission_is_reported_from_its_start_to_its_end(vehicle):
    mission_id, duration = vehicle.start(7.0)
    (started,) = vehicle.output.started_
    assert (started.mission_id, started.start, started.target) == (mission_id, 5.0, 7.0)
    assert started.wall == vehicle.wall
    begin = vehicle.now
    vehicle.until(vehicle.ended)
    completed = vehicle.completed
    assert (completed.mission_id, completed.status, completed.errors) == (mission_id, 'success', 0)
    assert completed.position == pytest.approx(7.0, abs=0.002)
    assert completed.travelled == pytest.approx(2.0, abs=0.005)
    assert completed.duration == pytest.approx(vehicle.now - begin, abs=0.05)
    assert duration == pytest.approx(completed.duration, abs=1.0)
    assert completed.energy == pytest.approx(48.0 * completed.duration, rel=0.02)
    progress = [report.progress for report in vehicle.output.progress_]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert [report.phase for report in vehicle.output.states] == [
        MissionPhase.NONE,
        MissionPhase.EXECUTING,
        MissionPhase.NONE,
    ]
    assert vehicle.output.commands[-1] == (0.0, 0)
    assert vehicle.output.log[-1] == ('info', f'mission {mission_id}: success')


def test_arrival_is_reported_before_the_end(vehicle):
    vehicle.start(6.0)
    vehicle.until(lambda: vehicle.output.progress_ and vehicle.output.progress_[-1].progress == 1)
    assert not vehicle.ended(), 'it has yet to settle'


def test_nothing_is_commanded_without_a_mission(vehicle):
    vehicle.run(2.0)
    assert vehicle.output.commands == []


# Admission


@pytest.mark.parametrize(
    ('request_', 'reason'),
    [
        ({'x': 51.0}, 'target x 51 m: must be on the rail, 0.05 to 49.95 m'),
        ({'y': 0.1}, 'target y 0.1 m'),
        ({'payload': 51.0}, 'payload 51 kg'),
        ({'mission_type': 'joyride'}, "mission_type 'joyride'"),
        ({'mission_id': 'a\x1b]52'}, 'mission_id .*: contains the control character'),
        ({'mission_id': 'a' * 129}, 'mission_id .*: 129 characters, at most 128'),
        ({'station': 'nowhere'}, "station 'nowhere' is not known; the stations are charger"),
    ],
)
def test_refusal_of_a_request_names_its_field(vehicle, request_, reason):
    with pytest.raises(RefusedError, match=reason):
        vehicle.start(**request_)
    assert vehicle.ended()
    assert vehicle.output.started_ == []


def prepare(vehicle, case):
    match case:
        case 'estop':
            vehicle.view.update_estop(True, 'drill')
        case 'silent heartbeat':
            vehicle.silent.add('heartbeat')
            vehicle.run(0.4)
        case 'silent drive':
            vehicle.silent.add('drive')
            vehicle.run(0.6)
        case 'no position':
            vehicle.silent |= {'location'}
            vehicle.run(0.4)
            vehicle.view.update_drive(StopReason.NONE, vehicle.now)
            vehicle.run(0.2)
            vehicle.view.update_drive(StopReason.NONE, vehicle.now)
        case 'no battery':
            vehicle.battery = replace(BATTERY, percentage=math.nan)
        case 'low battery':
            vehicle.battery = replace(BATTERY, percentage=0.29)
        case 'no zones':
            vehicle.view.zones = None
        case 'unconfirmed':
            vehicle.view.confirmed = False
        case 'guard':
            vehicle.permission = GUARD_OPEN
        case 'drive fault':
            vehicle.stop_reason = StopReason.LAYOUT
        case 'stop zone':
            vehicle.view.update_zones([Zone('z', 'restricted', ZoneAction.STOP, 5.5, 6.0, 0.2)])


@pytest.mark.parametrize(
    ('case', 'reason'),
    [
        ('estop', 'emergency stop: drill'),
        ('silent heartbeat', 'no safety heartbeat'),
        ('silent drive', 'no report of the travel motor'),
        ('no battery', 'the charge of its battery is not known'),
        ('low battery', 'battery at 29%: charge to at least 30% first'),
        ('no zones', 'its zones are not known'),
        ('unconfirmed', 'the configuration is not confirmed'),
        ('guard', 'a guard is open'),
        ('drive fault', 'the travel motor is stopped: layout'),
        ('stop zone', 'zone z is on the way'),
    ],
)
def test_a_vehicle_that_is_not_ready_refuses_and_says_why(vehicle, case, reason):
    prepare(vehicle, case)
    vehicle.observe()
    with pytest.raises(RefusedError, match=reason):
        vehicle.start()
    vehicle.run(1.0)
    assert vehicle.output.commands == []


def test_a_position_that_is_too_old_is_none(vehicle):
    vehicle.silent = {'location', 'drive'}
    vehicle.now += 0.6
    vehicle.view.update_permission(PERMITTED, vehicle.now)
    with pytest.raises(RefusedError, match='no report of the travel motor'):
        vehicle.start()
    vehicle.view.update_drive(StopReason.NONE, vehicle.now)
    with pytest.raises(RefusedError, match='its position is not known'):
        vehicle.start()


def test_a_charger_may_be_driven_to_with_an_empty_battery(vehicle):
    vehicle.battery = replace(BATTERY, percentage=0.02)
    vehicle.observe()
    vehicle.start(station='charger')
    assert vehicle.state.target == 1.0


def test_a_charger_needs_the_location_board(vehicle):
    vehicle.view.update_dock(math.nan, False, vehicle.now - 1.0)
    with pytest.raises(RefusedError, match='no board measures the alignment'):
        vehicle.start(station='charger')


def test_one_mission_at_a_time_and_no_name_twice(vehicle):
    mission_id, _ = vehicle.start(5.5, mission_id='first')
    assert mission_id == 'first'
    with pytest.raises(RefusedError, match='mission first is active'):
        vehicle.start(6.0)
    vehicle.until(vehicle.ended)
    with pytest.raises(RefusedError, match='existed'):
        vehicle.start(6.0, mission_id='first')
    assert vehicle.start(6.0)[0].startswith('mission-')


def test_a_mission_that_cannot_be_recorded_is_refused(tmp_path):
    vehicle = Vehicle(tmp_path / 'absent')
    with pytest.raises(RefusedError, match='cannot be recorded'):
        vehicle.start()
    vehicle.run(0.5)
    assert vehicle.output.commands == []
    assert vehicle.ended()


def test_too_long_a_mission_is_refused(tmp_path):
    settings = ManagerSettings(stations=STATIONS)
    settings = replace(settings, rules=replace(settings.rules, maximum_duration=10.0))
    with pytest.raises(RefusedError, match='must not exceed 10 s'):
        Vehicle(tmp_path, settings=settings).start(30.0)


def test_a_hold_at_the_start_is_part_of_the_estimate(vehicle):
    vehicle.permission = OBSTACLE
    vehicle.observe()
    _, held = vehicle.start(7.0)
    vehicle.manager.cancel('')
    vehicle.until(vehicle.ended)
    vehicle.permission = PERMITTED
    vehicle.observe()
    _, free = vehicle.start(7.0)
    assert held == pytest.approx(free + 1.0, abs=0.01)


# Holds


def test_an_obstacle_holds_and_the_mission_continues_when_it_is_gone(vehicle):
    vehicle.start(9.0)
    vehicle.run(4.0)
    vehicle.permission = OBSTACLE
    vehicle.step()
    vehicle.step()
    assert (vehicle.state.phase, vehicle.state.reason) == (MissionPhase.HELD, OBSTACLE.reason)
    vehicle.run(5.0)
    place = vehicle.position
    assert vehicle.output.commands[-1] == (0.0, 1), 'where it would go'
    vehicle.permission = PERMITTED
    vehicle.run(0.9)
    assert vehicle.position == place, 'not before hold_clear_time'
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'
    assert vehicle.completed.position == pytest.approx(9.0, abs=0.002)


def test_a_hold_that_flickers_holds(vehicle):
    vehicle.start(9.0)
    vehicle.run(3.0)
    vehicle.permission = OBSTACLE
    vehicle.run(2.0)
    place = vehicle.position
    for _ in range(10):
        vehicle.permission = PERMITTED
        vehicle.run(0.5)
        vehicle.permission = OBSTACLE
        vehicle.run(0.1)
    assert vehicle.position == place


def test_a_vehicle_moved_away_while_it_is_held_on_its_target_has_not_arrived(vehicle):
    vehicle.start(6.0)
    vehicle.until(lambda: vehicle.manager._active.mission.motion.arrived)
    vehicle.permission = OBSTACLE
    vehicle.run(1.0)
    assert vehicle.state.phase is MissionPhase.HELD
    vehicle.position += 0.3
    vehicle.run(1.0)
    vehicle.permission = PERMITTED
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'
    assert vehicle.position == pytest.approx(6.0, abs=0.003)


def test_a_hold_of_hold_timeout_fails_the_mission(vehicle):
    vehicle.start(9.0)
    vehicle.run(3.0)
    vehicle.permission = OBSTACLE
    vehicle.run(61.0)
    assert vehicle.completed.status == 'failed'
    assert 'held for 60 s: obstacle at 0.30 m' in vehicle.output.log[-1][1]
    place = vehicle.position
    vehicle.permission = PERMITTED
    vehicle.run(5.0)
    assert vehicle.position == place


@pytest.mark.parametrize('stop_reason', [StopReason.CHARGING, StopReason.SCAN])
def test_the_charger_and_a_scan_hold(vehicle, stop_reason):
    vehicle.stop_reason = stop_reason
    vehicle.observe()
    vehicle.start(6.0)
    vehicle.run(1.0)
    assert vehicle.state.phase is MissionPhase.HELD
    assert vehicle.position == 5.0
    vehicle.stop_reason = StopReason.NONE
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'


# Faults


@pytest.mark.parametrize(
    ('stop_reason', 'ends'),
    [
        (StopReason.ESTOP, True),
        (StopReason.LAYOUT, True),
        (StopReason.MODULE_LOST, True),
        (StopReason.SHUTDOWN, True),
        (StopReason.COMMAND_TIMEOUT, False),
        (StopReason.HEARTBEAT_TIMEOUT, False),
    ],
)
def test_a_fault_of_the_drive_ends_the_mission_and_an_interruption_does_not(
    vehicle, stop_reason, ends
):
    vehicle.start(8.0)
    vehicle.run(3.0)
    vehicle.stop_reason = stop_reason
    vehicle.run(0.2)
    vehicle.stop_reason = StopReason.NONE
    if ends:
        assert str(stop_reason) in vehicle.output.log[-1][1]
        vehicle.until(vehicle.ended, 1.0)
        assert vehicle.completed.status == 'failed'
        place = vehicle.position
        vehicle.run(3.0)
        assert vehicle.position == pytest.approx(place, abs=0.05), 'only a new command moves it'
    else:
        assert vehicle.output.log[-1][0] == 'warning'
        assert vehicle.state.reason == f'the travel motor is stopped: {stop_reason}'
        vehicle.until(vehicle.ended)
        assert vehicle.completed.status == 'success'
        assert ('info', f'mission {vehicle.completed.mission_id} continues from standstill') in (
            vehicle.output.log
        )


def test_an_emergency_stop_ends_the_mission_at_once(vehicle):
    vehicle.start(8.0)
    vehicle.run(3.0)
    vehicle.view.update_estop(True, 'button')
    vehicle.manager.on_estop(vehicle.now)
    assert vehicle.output.commands[-1] == (0.0, 0)
    assert 'failed emergency stop: button' in vehicle.output.log[-1][1]
    vehicle.until(vehicle.ended, 1.0)
    assert vehicle.completed.status == 'failed'
    assert vehicle.completed.errors == 1
    vehicle.view.update_estop(False, '')
    count = len(vehicle.output.commands)
    vehicle.run(5.0)
    assert len(vehicle.output.commands) == count, 'clearing moves nothing'


def test_how_a_mission_ended_is_reported_at_once_and_stays(vehicle):
    assert vehicle.state.ended == EndReport()
    vehicle.start(8.0, mission_id='one')
    vehicle.run(3.0)
    vehicle.view.update_estop(True, 'button')
    vehicle.manager.on_estop(vehicle.now)
    ended = EndReport('one', 'failed', 'emergency stop: button')
    assert not vehicle.ended(), 'the vehicle still rolls'
    assert (vehicle.state.phase, vehicle.state.mission_id) == ('none', 'one')
    assert vehicle.state.ended == ended
    vehicle.until(vehicle.ended, 1.0)
    assert (vehicle.state.mission_id, vehicle.state.ended) == ('', ended)
    vehicle.view.update_estop(False, '')
    vehicle.run(1.0)
    vehicle.start(7.0, mission_id='two')
    assert (vehicle.state.phase, vehicle.state.ended) == ('executing', ended)
    vehicle.until(vehicle.ended)
    assert vehicle.state.ended == EndReport('two', 'success')


def test_a_permission_that_is_withdrawn_for_good_ends_the_mission(vehicle):
    vehicle.start(8.0)
    vehicle.run(3.0)
    vehicle.permission = GUARD_OPEN
    vehicle.step()
    vehicle.step()
    assert 'a guard is open' in vehicle.output.log[-1][1]
    vehicle.until(vehicle.ended, 1.0)
    assert vehicle.completed.status == 'failed'


@pytest.mark.parametrize('source', ['heartbeat', 'location'])
def test_a_lack_is_tolerated_for_loss_timeout(vehicle, source):
    vehicle.permission = replace(PERMITTED, speed_limit=0.2)
    vehicle.start(8.0)
    vehicle.run(3.0)
    vehicle.silent = {source}
    vehicle.run(0.4)
    vehicle.silent = set()
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'
    vehicle.start(5.0)
    vehicle.run(3.0)
    vehicle.silent = {source}
    vehicle.run(0.8)
    assert ': failed ' in vehicle.output.log[-1][1]
    vehicle.until(vehicle.ended, REST_TIMEOUT)
    assert vehicle.completed.status == 'failed'


def test_a_lost_position_ends_the_mission(vehicle):
    vehicle.start(9.0)
    vehicle.run(3.0)
    vehicle.silent.add('location')
    vehicle.view.update_position(None, 'position lost: it jumped')
    vehicle.step()
    vehicle.step()
    assert 'position lost: it jumped' in vehicle.output.log[-1][1]
    vehicle.until(vehicle.ended, REST_TIMEOUT)
    assert vehicle.completed.status == 'failed'
    with pytest.raises(RefusedError, match='position lost'):
        vehicle.start(9.0)


# Control


def test_pause_resume_and_cancel(vehicle):
    mission_id, _ = vehicle.start(9.0)
    vehicle.run(3.0)
    assert vehicle.manager.pause('', 'ann') == f'mission {mission_id} paused'
    assert vehicle.state.phase is MissionPhase.PAUSED
    assert vehicle.state.reason == "paused by 'ann'"
    vehicle.run(5.0)
    place, count = vehicle.position, len(vehicle.output.commands)
    vehicle.run(5.0)
    assert (vehicle.position, len(vehicle.output.commands)) == (place, count)
    with pytest.raises(RefusedError, match='paused already'):
        vehicle.manager.pause(mission_id)
    vehicle.manager.resume(mission_id)
    assert (vehicle.state.phase, vehicle.state.reason) == (MissionPhase.EXECUTING, '')
    vehicle.run(3.0)
    assert vehicle.position > place
    vehicle.manager.cancel('', 'bob')
    assert (vehicle.state.phase, vehicle.state.reason) == ('executing', "cancelled by 'bob'")
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'cancelled'
    assert vehicle.state.ended == EndReport(mission_id, 'cancelled', "cancelled by 'bob'")
    assert vehicle.velocity == 0.0
    assert not any(level == 'warning' for level, _ in vehicle.output.log), 'a pause interrupts not'


def test_an_interruption_while_it_brakes_for_a_pause_does_not_end_the_pause(vehicle):
    mission_id, _ = vehicle.start(9.0)
    vehicle.run(3.0)
    vehicle.manager.pause('')
    vehicle.stop_reason = StopReason.COMMAND_TIMEOUT
    vehicle.run(0.2)
    vehicle.stop_reason = StopReason.NONE
    vehicle.run(5.0)
    place = vehicle.position
    vehicle.run(5.0)
    assert vehicle.position == place
    vehicle.manager.resume(mission_id)
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'


def test_control_without_a_mission_or_of_another_is_refused(vehicle):
    with pytest.raises(RefusedError, match='no mission is active'):
        vehicle.manager.pause('')
    mission_id, _ = vehicle.start(9.0)
    with pytest.raises(RefusedError, match=f'the active mission is {mission_id}'):
        vehicle.manager.cancel('other')
    with pytest.raises(RefusedError, match='not paused'):
        vehicle.manager.resume('')


# Limits and zones


def test_limits_hold_for_the_active_mission_at_once(vehicle):
    vehicle.start(12.0)
    vehicle.run(4.0)
    assert vehicle.velocity == pytest.approx(0.5, abs=0.02)
    vehicle.manager.set_limits(MotionLimits(max_velocity=0.2))
    vehicle.run(2.0)
    assert vehicle.velocity <= 0.26
    vehicle.run(2.0)
    assert vehicle.velocity == pytest.approx(0.2, abs=0.02)


def test_the_limit_of_the_heartbeat_holds(vehicle):
    vehicle.permission = replace(PERMITTED, speed_limit=0.1)
    vehicle.start(7.0)
    vehicle.run(5.0)
    assert max(velocity for velocity, _ in vehicle.output.commands) <= 0.1


def test_a_zone_slows_within_its_borders(vehicle):
    vehicle.view.update_zones([Zone('z', 'warning', ZoneAction.ALERT, 7.0, 8.0, 0.2)])
    vehicle.start(10.0)
    fast, slow = [], []
    while not vehicle.ended():
        vehicle.step()
        if 7.0 <= vehicle.position <= 8.0:
            slow.append(vehicle.velocity)
        else:
            fast.append(vehicle.velocity)
    assert max(slow) <= 0.2 + 0.06  # with the correction of the position
    assert max(fast) > 0.4


# Docking and charging


def test_a_mission_to_the_dock_charges_until_the_next_mission(vehicle):
    vehicle.position = 3.0
    vehicle.observe()
    vehicle.start(station='charger')
    vehicle.until(lambda: vehicle.state.phase is MissionPhase.DOCKING)
    assert vehicle.position <= 1.55
    vehicle.battery = replace(BATTERY, charger=True)
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'
    assert vehicle.output.charges == [True]
    vehicle.manager.continue_charging(vehicle.now)
    assert vehicle.output.charges == [True, True], 'repeated while it stands in the dock'
    count = len(vehicle.output.commands)
    vehicle.start(4.0)
    assert vehicle.output.charges[-1] is False
    assert len(vehicle.output.commands) == count, 'released before the first command'
    vehicle.manager.continue_charging(vehicle.now)
    assert vehicle.output.charges == [True, True, False]


def test_charging_ends_when_the_vehicle_left_the_dock_and_at_an_emergency_stop(vehicle):
    for end in ('left', 'estop'):
        vehicle.position = 1.3
        vehicle.battery = replace(BATTERY, charger=True)
        vehicle.observe()
        vehicle.start(station='charger')
        vehicle.until(vehicle.ended)
        assert vehicle.output.charges[-1] is True
        if end == 'left':
            vehicle.position = 1.2
            vehicle.observe()
            vehicle.manager.continue_charging(vehicle.now)
        else:
            vehicle.view.update_estop(True, 'button')
            vehicle.manager.on_estop(vehicle.now)
        assert vehicle.output.charges[-1] is False


def test_nothing_charges_after_an_emergency_stop_while_a_docked_vehicle_comes_to_rest(vehicle):
    vehicle.position = 1.3
    vehicle.observe()
    vehicle.start(station='charger')
    vehicle.until(lambda: vehicle.manager._active.mission.motion.arrived)
    vehicle.battery = replace(BATTERY, charger=True)
    observe = vehicle.observe

    def trembles():
        observe()
        place = Measurement(round(vehicle.position, 3), 0.001, 2 * STANDSTILL, vehicle.now)
        vehicle.view.update_position(place)

    vehicle.observe = trembles
    vehicle.until(lambda: vehicle.state.ended.status == 'success')
    assert not vehicle.ended(), 'it comes to rest'
    vehicle.view.update_estop(True, 'button')
    vehicle.manager.on_estop(vehicle.now)
    vehicle.observe = observe
    vehicle.until(vehicle.ended)
    vehicle.view.update_estop(False, '')
    vehicle.run(1.0)
    vehicle.manager.continue_charging(vehicle.now)
    assert True not in vehicle.output.charges


def test_that_a_mission_docks_is_repeated_whatever_the_progress_rate_is(vehicle):
    vehicle.position = 2.0
    vehicle.observe()
    vehicle.start(station='charger')
    reported, moments = vehicle.output.state, [vehicle.now]

    def state(report):
        reported(report)
        moments.append(vehicle.now)

    vehicle.output.state = state
    while not vehicle.state.at_dock:
        vehicle.step()
    del moments[:-1]
    vehicle.run(5.0)  # in which nobody asks for the progress
    assert vehicle.state.at_dock
    gaps = [after - before for before, after in itertools.pairwise([*moments, vehicle.now])]
    assert max(gaps) < DOCK_LIFETIME / 2


def test_docking_without_a_charger_retries_and_fails(tmp_path):
    settings = ManagerSettings(
        stations=STATIONS, docking=DockingSettings(retries=1, contact_time=0.5)
    )
    vehicle = Vehicle(tmp_path, 2.0, settings)
    vehicle.start(station='charger')
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'failed'
    assert 'docking failed 2 times, the last: no charger in the dock' in vehicle.output.log[-1][1]
    assert vehicle.output.charges == []


# The mission of a process that died


def test_a_lost_mission_is_reported_once_by_the_next_process(tmp_path):
    vehicle = Vehicle(tmp_path)
    mission_id, _ = vehicle.start(9.0)
    vehicle.until(lambda: vehicle.position > 6.5)
    vehicle.manager.report(vehicle.now + 1.0, subscribed=True)

    after = Vehicle(tmp_path, position=7.5, now=vehicle.now + 2.0)
    reason = 'the mission node ended during it'
    assert after.state.ended == EndReport(mission_id, 'failed', reason)
    after.manager.report(after.now, subscribed=False)
    assert after.output.completed_ == [], 'nobody listens yet'
    after.manager.report(after.now, subscribed=True)
    (lost,) = after.output.completed_
    assert (lost.mission_id, lost.status, lost.errors) == (mission_id, 'failed', 1)
    assert lost.position == 7.5
    assert lost.travelled == pytest.approx(2.5, abs=0.02)
    assert lost.duration == pytest.approx(vehicle.now - 100.0, abs=1.0), 'until it died'
    with pytest.raises(RefusedError, match='existed'):
        after.start(mission_id=mission_id)

    third = Vehicle(tmp_path)
    third.manager.report(third.now, subscribed=True)
    assert third.output.completed_ == []


def test_a_lost_mission_waits_ten_seconds_for_a_subscriber(tmp_path):
    Vehicle(tmp_path).start(9.0)
    after = Vehicle(tmp_path)
    after.manager.report(after.now + 9.9, subscribed=False)
    assert after.output.completed_ == []
    after.manager.report(after.now + 10.1, subscribed=False)
    assert len(after.output.completed_) == 1


def test_a_lost_mission_is_reported_before_the_next_starts(tmp_path):
    Vehicle(tmp_path).start(9.0, mission_id='lost')
    after = Vehicle(tmp_path)
    after.start(6.0)
    assert [record.mission_id for record in after.output.completed_] == ['lost']


def test_an_unreadable_record_is_logged_and_the_vehicle_goes_on(tmp_path):
    (tmp_path / 'mission.json').write_text('{')
    vehicle = Vehicle(tmp_path)
    assert vehicle.output.log[0][0] == 'error'
    vehicle.start(5.5)
    vehicle.until(vehicle.ended)
    assert vehicle.completed.status == 'success'


def test_shutting_down_stops_and_releases_the_charger(vehicle):
    vehicle.start(9.0)
    vehicle.run(1.0)
    vehicle.manager.shut_down()
    assert vehicle.output.commands[-1] == (0.0, 0)
    count = len(vehicle.output.commands)
    vehicle.manager.shut_down()
    assert len(vehicle.output.commands) == count


@pytest.mark.parametrize(
    ('place', 'position', 'into', 'back'),
    [(1.0, 1.6, -1, 1), (1.0, 0.4, 1, -1), (0.1, 0.05, 1, 1), (49.9, 49.95, -1, -1)],
)
def test_the_direction_into_the_dock_is_reported_before_the_vehicle_moves(
    tmp_path, place, position, into, back
):
    settings = ManagerSettings(
        stations={'charger': Station('charger', place, True)},
        docking=DockingSettings(retries=1, contact_time=0.5),
    )
    vehicle = Vehicle(tmp_path, position=position, settings=settings)
    vehicle.battery = replace(vehicle.battery, charger=False)
    near = set()
    drive = vehicle.output.drive

    def check(velocity, direction):
        drive(velocity, direction)
        # Slower than this it only corrects where it stands.
        if abs(velocity) > 0.005 and abs(vehicle.position - place) < 0.15:
            near.add((vehicle.state.dock_direction, Direction.of(velocity)))

    vehicle.output.drive = check
    vehicle.start(station='charger')
    vehicle.until(vehicle.ended)
    # The first attempt, the way back to a place from which it tries again, and the second one.
    assert near == {(into, into), (0, back), (-back, -back)}
    assert (vehicle.state.at_dock, vehicle.state.dock_direction) == (False, 0)
