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
"""The end of a mission is reported when the vehicle stands, and what the report says."""

import itertools
import math

import pytest
from vehicle.mission_vehicle import GUARD_OPEN
from vehicle.mission_vehicle import PERIOD
from vehicle.mission_vehicle import PERMITTED
from vehicle.mission_vehicle import Vehicle

from oht50_bridge.vehicle.active_mission import FINE
from oht50_bridge.vehicle.active_mission import REST_TIMEOUT
from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.position import standstill_time
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError

DECELERATION = 0.5  # m/s^2, of a vehicle whose motor is off


class Coasting(Vehicle):
    """A vehicle that rolls on when its drive is off, and whose position may be read late."""

    def step(self):
        before = self.velocity
        self.observe()
        count = len(self.output.commands)
        self.manager.step(self.now)
        command = self.output.commands[-1][0] if len(self.output.commands) > count else 0.0
        if not self.permission.permitted:
            command = 0.0
        least = max(0.0, before - DECELERATION * PERIOD)
        self.velocity = max(command, least)
        self.position += self.velocity * PERIOD
        self.now += PERIOD


@pytest.fixture
def vehicle(tmp_path):
    return Coasting(tmp_path)


def estop(vehicle):
    vehicle.view.update_estop(True, 'button')
    vehicle.manager.on_estop(vehicle.now)


def fail(vehicle):
    vehicle.permission = GUARD_OPEN


def cancel(vehicle):
    vehicle.manager.cancel('')


def arrive(vehicle):
    pass


@pytest.mark.parametrize(
    ('ending', 'status', 'errors'),
    [(estop, 'failed', 1), (fail, 'failed', 1), (cancel, 'cancelled', 0), (arrive, 'success', 0)],
)
def test_every_end_is_reported_where_the_vehicle_stands(vehicle, ending, status, errors):
    vehicle.start(9.0)
    begin = vehicle.now
    vehicle.until(lambda: vehicle.position > 7.0)
    assert vehicle.velocity > 0.4
    ending(vehicle)
    vehicle.until(lambda: vehicle.output.completed_)
    reported = vehicle.now
    record = vehicle.completed
    vehicle.run(3.0)
    assert vehicle.velocity == 0.0
    assert (record.status, record.errors) == (status, errors)
    assert record.position == pytest.approx(vehicle.position, abs=0.0015)
    assert record.travelled == pytest.approx(vehicle.position - 5.0, abs=0.003)
    assert record.duration == pytest.approx(reported - begin, abs=2 * PERIOD)
    assert record.energy == pytest.approx(48.0 * record.duration, rel=0.03)
    assert len(vehicle.output.completed_) == 1
    assert not any('no standstill' in text for _, text in vehicle.output.log)
    progress = [report.progress for report in vehicle.output.progress_]
    assert progress == sorted(progress)
    assert math.isnan(vehicle.output.progress_[-1].remaining_time) is (status != 'success')


@pytest.mark.parametrize('ending', [estop, fail])
def test_nothing_is_commanded_and_nothing_starts_until_it_stands(vehicle, ending):
    vehicle.start(9.0, mission_id='one')
    vehicle.until(lambda: vehicle.position > 7.0)
    ending(vehicle)
    vehicle.step()
    vehicle.step()
    count = len(vehicle.output.commands)
    assert vehicle.output.commands[-1] == (0.0, 0)
    vehicle.view.update_estop(False, '')
    vehicle.permission = PERMITTED
    vehicle.observe()
    with pytest.raises(RefusedError, match=r'mission one is active; .* which is when the vehicle'):
        vehicle.start(9.0)
    for action in (vehicle.manager.pause, vehicle.manager.resume, vehicle.manager.cancel):
        with pytest.raises(RefusedError, match='mission one has ended: failed'):
            action('')
    estop(vehicle)
    vehicle.view.update_estop(False, '')
    vehicle.until(vehicle.ended, 2.0)
    assert len(vehicle.output.commands) == count
    assert vehicle.completed.errors == 1, 'the second cause is none of the mission'
    assert [level for level, _ in vehicle.output.log].count('error') == 1
    vehicle.start(9.0)


def test_a_standstill_just_before_the_motion_is_none(vehicle):
    vehicle.start(9.0)
    vehicle.run(2 * PERIOD)
    assert vehicle.velocity < 0.002
    fail(vehicle)
    vehicle.run(0.2)
    assert vehicle.output.completed_ == [], 'what was commanded may still come'
    vehicle.until(vehicle.ended, 0.3)


def test_an_end_without_a_position_is_reported_after_the_timeout_and_has_no_place(vehicle):
    vehicle.start(9.0)
    vehicle.until(lambda: vehicle.position > 7.0)
    travelled = vehicle.position - 5.0
    vehicle.silent.add('location')
    vehicle.view.update_position(None, 'position lost: it jumped')
    vehicle.step()
    ended = vehicle.now
    vehicle.until(lambda: vehicle.output.completed_, REST_TIMEOUT + 0.1)
    assert vehicle.now - ended == pytest.approx(REST_TIMEOUT, abs=2 * PERIOD)
    assert math.isnan(vehicle.completed.position)
    assert vehicle.completed.travelled == pytest.approx(travelled, abs=0.03)
    assert vehicle.output.log[-1][0] == 'warning'
    assert f'no standstill was measured within {REST_TIMEOUT:g} s' in vehicle.output.log[-1][1]
    assert 'where the vehicle stands is not certain' in vehicle.state.ended.reason


def test_a_vehicle_that_does_not_come_to_rest_is_reported_where_it_is(vehicle):
    vehicle.start(30.0)
    vehicle.until(lambda: vehicle.position > 7.0)
    fail(vehicle)
    speed = vehicle.velocity
    for _ in itertools.count():
        vehicle.velocity = speed + DECELERATION * PERIOD
        vehicle.step()
        if vehicle.output.completed_:
            break
    assert vehicle.completed.position == pytest.approx(vehicle.position, abs=0.05)
    assert vehicle.output.log[-1][0] == 'warning'


def test_a_crash_between_the_end_and_the_standstill_loses_nothing(tmp_path):
    vehicle = Coasting(tmp_path)
    vehicle.start(9.0, mission_id='one')
    vehicle.until(lambda: vehicle.position > 7.0)
    estop(vehicle)
    vehicle.step()
    assert vehicle.output.completed_ == []
    after = Coasting(tmp_path, position=vehicle.position, now=vehicle.now + 3.0)
    after.manager.report(after.now, subscribed=True)
    assert (after.completed.mission_id, after.completed.status) == ('one', 'failed')
    assert (after.completed.errors, after.output.log) == (1, [])


def test_a_lost_mission_is_reported_when_the_vehicle_stands(tmp_path):
    Coasting(tmp_path).start(9.0, mission_id='one')
    after = Coasting(tmp_path, position=7.0)
    after.velocity = 0.3
    after.observe()
    after.manager.report(after.now, subscribed=True)
    assert after.output.completed_ == []
    after.velocity = 0.0
    after.observe()
    after.manager.report(after.now, subscribed=True)
    assert after.completed.mission_id == 'one'


class Coarse(Coasting):
    """A vehicle whose position has coarse steps and no velocity, as safety_node judges it."""

    STEP = 0.02  # m

    def observe(self):
        super().observe()
        if not hasattr(self, 'source'):
            self.source = PositionSource(PositionSettings(), TrackSettings())
        place = round(round(self.position / self.STEP) * self.STEP, 3)
        self.source.update(place, self.STEP, math.nan, self.now, reach=65.535, referenced=True)
        self.view.update_position(self.source.newest(self.now))


class LessCoarse(Coarse):
    STEP = 0.01


class Fine(Coarse):
    STEP = 0.001


@pytest.mark.parametrize('kind', [Coarse, LessCoarse, Fine])
@pytest.mark.parametrize(
    ('ending', 'status'), [(estop, 'failed'), (cancel, 'cancelled'), (arrive, 'success')]
)
def test_a_mission_by_a_coarse_position_without_velocity_ends_at_standstill(
    tmp_path, kind, ending, status
):
    vehicle = kind(tmp_path)
    _, estimate = vehicle.start(9.0)
    begin = vehicle.now
    vehicle.until(lambda: vehicle.position > 7.0)
    ending(vehicle)
    # Each try to arrive takes one standstill.
    longest = estimate + 3.0 * standstill_time(kind.STEP) + 2.0
    vehicle.until(lambda: vehicle.output.completed_, begin + longest - vehicle.now)
    assert vehicle.velocity == 0.0
    assert vehicle.completed.status == status
    assert vehicle.completed.position == pytest.approx(vehicle.position, abs=kind.STEP)
    assert not any('no standstill' in text for _, text in vehicle.output.log)


@pytest.mark.parametrize('kind', [Coarse, LessCoarse, Fine])
def test_a_vehicle_that_never_stands_is_waited_for_by_the_steps_of_its_position(tmp_path, kind):
    vehicle = kind(tmp_path)
    vehicle.start(40.0)
    vehicle.until(lambda: vehicle.position > 7.0)
    estop(vehicle)
    ended = vehicle.now
    while not vehicle.output.completed_:
        vehicle.velocity = 0.049  # it rolls on
        vehicle.step()
    limit = REST_TIMEOUT + kind.STEP / STANDSTILL - FINE / STANDSTILL
    assert vehicle.now - ended == pytest.approx(limit, abs=0.2)
    assert any('no standstill was measured within' in text for _, text in vehicle.output.log)
