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
"""The judgement of positions, with what a source must not get away with."""

import math

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.position import SLOPE_TIME
from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.position_source import REFERENCE_TIME
from oht50_bridge.vehicle.position_source import WINDOW
from oht50_bridge.vehicle.position_source import PositionOrigin
from oht50_bridge.vehicle.position_source import PositionOriginSettings
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.position_source import PositionState
from oht50_bridge.vehicle.position_source import check_source
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError

NAN = math.nan
PERIOD = 0.05  # s
SETTINGS = PositionSettings(0.5, 1.2, 0.05)
FIT = {'reach': 65.535, 'referenced': True}


@pytest.fixture
def source():
    """A source that reported 5 m for one second, until 10 s."""
    source = PositionSource(SETTINGS, TrackSettings(50.0))
    report(source, 5.0, 9.0, 10.0)
    assert source.state is PositionState.VALID
    return source


def report(source, position, start, end, velocity=0.0, resolution=0.001):
    """Report a position from start to end, s."""
    for step in range(round((end - start) / PERIOD) + 1):
        source.update(
            position, resolution, velocity, start + step * PERIOD, reach=65.535, referenced=True
        )


def test_position_is_unknown_before_the_first_report_which_is_a_reference():
    source = PositionSource(SETTINGS, TrackSettings(50.0))
    assert (source.state, source.newest(0.0)) == (PositionState.UNKNOWN, None)
    assert math.isnan(source.position(0.0))
    assert 'no position was measured' in source.reason
    source.update(NAN, 0.001, 0.0, 1.0, reach=65.535, referenced=True)
    source.update(60.0, 0.001, 0.0, 1.1, reach=65.535, referenced=True)
    assert source.state is PositionState.UNKNOWN, 'nothing was known that could be lost'
    source.update(7.0, 0.001, 0.0, 1.2, reach=65.535, referenced=True)
    assert (source.state, source.reason, source.position(1.2)) == (PositionState.VALID, '', 7.0)


@pytest.mark.parametrize(
    ('position', 'resolution', 'reason'),
    [
        (0.0, 0.001, 'it changed by 5.000 m within 0.050 s'),
        (5.2, 0.001, 'it changed by 0.200 m'),
        (65.535, 0.001, '65.535 m is not on the rail, 0 to 50 m'),
        (-0.1, 0.001, 'is not on the rail'),
        (NAN, 0.001, 'the source measures none'),
        (math.inf, 0.001, 'the source measures none'),
        (5.0, NAN, 'the source has steps of nan m'),
        (5.0, 0.1, 'the source has steps of 0.1 m'),
    ],
)
def test_what_no_motion_explains_loses_the_position(source, position, resolution, reason):
    source.update(position, resolution, 0.0, 10.05, reach=65.535, referenced=True)
    assert source.state is PositionState.LOST
    assert source.reason.startswith('position lost: ')
    assert reason in source.reason
    assert source.newest(10.05) is None


def test_a_vehicle_at_full_speed_keeps_its_position(source):
    for step in range(1, 100):
        source.update(
            5.0 + step * PERIOD * 1.0,
            0.001,
            1.0,
            10.0 + step * PERIOD,
            reach=65.535,
            referenced=True,
        )
    assert source.state is PositionState.VALID
    assert source.position(10.0 + 99 * PERIOD) == pytest.approx(9.95)


def test_jumps_within_the_tolerance_do_not_add_up(source):
    for step in range(1, 40):
        source.update(
            5.0 + step * 0.1, 0.001, 0.0, 10.0 + step * PERIOD, reach=65.535, referenced=True
        )
    assert source.state is PositionState.LOST


def test_a_source_that_stops_loses_the_position_also_when_it_reports_again(source):
    assert source.position(10.5) == 5.0
    source.update(5.0, 0.001, 0.0, 10.6, reach=65.535, referenced=True)
    assert source.state is PositionState.LOST
    assert 'no report for 0.60 s' in source.reason


def test_a_silent_source_loses_the_position_without_a_report(source):
    assert source.newest(10.51) is None
    assert source.state is PositionState.LOST


def test_a_report_that_is_not_newer_changes_nothing(source):
    for stamp in (10.0, 9.5, NAN):
        source.update(17.0, 0.001, 0.0, stamp, reach=65.535, referenced=True)
    assert source.position(10.0) == 5.0


def test_a_lost_position_stays_lost_until_it_is_referenced_again(source):
    source.update(0.0, 0.001, 0.0, 10.05, reach=65.535, referenced=True)
    report(source, 5.0, 10.1, 12.0)
    assert source.state is PositionState.LOST, 'right or not: nobody can tell'
    source.reference(12.0)
    assert (source.state, source.reason, source.position(12.0)) == (PositionState.VALID, '', 5.0)


def test_a_source_that_is_not_plausible_is_no_reference(source):
    source.update(NAN, 0.001, 0.0, 10.05, reach=65.535, referenced=True)
    with pytest.raises(RefusedError, match=r'must report plausibly for 0\.2 s'):
        source.reference(10.05)
    source.update(5.0, 0.001, 0.0, 10.1, reach=65.535, referenced=True)
    source.update(25.0, 0.001, 0.0, 10.2, reach=65.535, referenced=True)
    source.update(5.0, 0.001, 0.0, 10.3, reach=65.535, referenced=True)
    with pytest.raises(RefusedError, match='the source measures none'):
        source.reference(10.3)
    report(source, 5.0, 10.35, 10.6)
    with pytest.raises(RefusedError):
        source.reference(11.2)
    assert source.state is PositionState.LOST


def test_a_reference_that_is_not_needed_changes_nothing(source):
    source.reference(10.0)
    assert source.position(10.0) == 5.0


def test_a_velocity_that_is_not_measured_is_differentiated():
    source = PositionSource(SETTINGS, TrackSettings(50.0))
    source.update(5.0, 0.001, NAN, 0.0, reach=65.535, referenced=True)
    assert math.isnan(source.newest(0.0).velocity), 'one position is no standstill'
    for step in range(1, 20):
        source.update(
            5.0 + 0.3 * step * PERIOD, 0.001, NAN, step * PERIOD, reach=65.535, referenced=True
        )
        assert source.newest(step * PERIOD).velocity == pytest.approx(0.3)


@pytest.mark.parametrize(
    ('resolution', 'reach', 'reason'),
    [
        (NAN, 65.535, 'it measures no position'),
        (0.1, 65.535, 'steps of 0.1 m'),
        (0.001, 49.9, 'it measures up to 49.9 m, the rail is 50 m long'),
        (0.001, NAN, 'it measures up to nan m'),
    ],
)
def test_a_source_that_does_not_fit_the_rail_is_refused(resolution, reach, reason):
    with pytest.raises(ValueError, match=reason):
        check_source(resolution, reach, 50.0)
    check_source(0.001, 65.535, 50.0)


UNFIT = [
    ({'referenced': False}, 'the source is not referenced: reference it'),
    ({'reach': 0.0}, 'the source measures up to 0 m, the rail is 50 m long'),
    ({'reach': 49.99}, 'the source measures up to 49.99 m, the rail is 50 m long'),
    ({'reach': NAN}, 'the source measures up to nan m, the rail is 50 m long'),
]


@pytest.mark.parametrize(('more', 'reason'), UNFIT)
@pytest.mark.parametrize('place', [0.0, 20.0, 50.0])
def test_an_unfit_source_is_not_believed_from_its_first_report_on(more, reason, place):
    source = PositionSource(SETTINGS, TrackSettings(50.0))
    for step in range(100):
        source.update(place, 0.001, 0.0, step * PERIOD, **FIT | more)
        assert (source.state, source.newest(step * PERIOD)) == (PositionState.UNKNOWN, None)
    assert reason in source.reason
    source.update(5.0, 0.001, 0.0, 5.0, **FIT)
    assert (source.state, source.position(5.0)) == (PositionState.VALID, 5.0), 'referenced since'


@pytest.mark.parametrize(('more', 'reason'), UNFIT)
def test_a_source_that_becomes_unfit_loses_the_position(source, more, reason):
    source.update(5.0, 0.001, 0.0, 10.05, **FIT | more)
    assert (source.state, source.newest(10.05)) == (PositionState.LOST, None)
    assert source.reason.startswith(f'position lost: {reason}')


def test_a_refused_reference_says_what_the_source_lacks_now(source):
    source.update(0.0, 0.001, 0.0, 11.0, **FIT | {'referenced': False})
    with pytest.raises(RefusedError, match=r'no report for 1\.00 s.*not referenced'):
        source.reference(11.0)
    report(source, 5.0, 11.05, 11.35)
    source.reference(11.35)
    assert source.position(11.35) == 5.0


def test_a_source_is_one_of_three():
    assert PositionOriginSettings().origin is PositionOrigin.LOCATION_BOARD
    with pytest.raises(ValueError, match="position_source: 'motor' is not one of location_board"):
        PositionOriginSettings('motor')


REPORTS = st.lists(
    st.tuples(
        st.one_of(st.floats(-1.0, 52.0), st.sampled_from([NAN, math.inf, 0.0, 65.535]), st.none()),
        st.floats(-0.1, 0.8),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(REPORTS)
def test_a_known_position_is_always_explained_by_motion(reports):
    """Whatever is reported: None repeats the last position, times go back and stand still too."""
    source = PositionSource(SETTINGS, TrackSettings(50.0))
    now, last, lost = 0.0, 5.0, False
    known = []  # (moment, position) since it was known
    for position, pause in reports:
        now += max(pause, 0.0)
        last = last if position is None else position
        source.update(last, 0.001, NAN, now + min(pause, 0.0), reach=65.535, referenced=True)
        measurement = source.newest(now)
        if lost:
            assert measurement is None, 'it is good again without a reference'
        lost = lost or source.state is PositionState.LOST
        if measurement is None:
            assert source.reason
            continue
        assert now - measurement.stamp <= SETTINGS.position_timeout
        assert -0.06 <= measurement.position <= 50.06
        for stamp, before in known:
            time = measurement.stamp - stamp
            if time <= WINDOW:
                assert abs(measurement.position - before) <= 1.2 * time + 0.052
        known.append((measurement.stamp, measurement.position))


# What a source does next, s and m: it goes on, its clock pauses or goes back, it stands still,
# repeats a report, jumps and comes back, wraps, restarts, or measures nothing.
BEHAVIOUR = st.one_of(
    st.tuples(st.just('run'), st.floats(-1.0, 1.0), st.floats(0.05, 2.0)),
    st.tuples(st.just('silence'), st.just(0.0), st.floats(0.0, 1.5)),
    st.tuples(st.just('late'), st.just(0.0), st.floats(0.0, 1.5)),
    st.tuples(st.just('repeat'), st.just(0.0), st.floats(0.05, 1.0)),
    st.tuples(st.just('jump'), st.floats(-30.0, 30.0), st.just(0.0)),
    st.tuples(st.just('blip'), st.floats(-30.0, 30.0), st.just(0.0)),
    st.tuples(st.just('number'), st.sampled_from([NAN, math.inf, -math.inf]), st.just(0.0)),
    st.tuples(st.just('step'), st.sampled_from([NAN, 0.0, -1.0, 0.5]), st.just(0.0)),
    st.tuples(st.just('reference'), st.just(0.0), st.just(0.0)),
    st.tuples(st.just('pause'), st.just(0.0), st.floats(0.0, 0.3)),
)


class Reporter:
    """A source that behaves as it likes, and what may be said of it by other rules."""

    def __init__(self):
        self.source = PositionSource(SETTINGS, TrackSettings(50.0))
        self.now, self.place = 10.0, 25.0
        self.last = None  # (stamp, place) of the report before
        self.newest = -math.inf  # stamp of any report
        self.doubtful = False  # since the last reference
        self.plausible_since = math.inf

    def report(self, place, resolution=0.001, age=0.0):
        stamp = self.now - age
        if stamp <= self.newest:
            self.source.update(place, resolution, NAN, stamp, reach=65.535, referenced=True)
            return
        self.newest = stamp
        allowed = SETTINGS.position_tolerance + 0.001
        good = math.isfinite(place) and resolution == 0.001 and abs(place - 25.0) <= 25.0 + allowed
        steady = good and self.last is not None and stamp - self.last[0] <= 0.5
        if steady:
            way, time = abs(place - self.last[1]), stamp - self.last[0]
            steady = way <= SETTINGS.position_speed * time + allowed + 1e-9
        if not steady:
            self.doubtful = self.doubtful or self.last is not None
            self.plausible_since = stamp if good else math.inf
        self.last = (stamp, place) if good else None if self.last is None else (stamp, NAN)
        self.source.update(place, resolution, NAN, stamp, reach=65.535, referenced=True)

    def behave(self, kind, value, seconds):
        match kind:
            case 'run' | 'repeat':
                for _ in range(round(seconds / PERIOD)):
                    if kind == 'run':
                        self.now += PERIOD
                        self.place = min(max(self.place + value * PERIOD, 0.0), 50.0)
                    self.report(self.place)
                    self.check()
            case 'silence' | 'pause':
                self.now += seconds
            case 'late':
                self.report(self.place, age=seconds)
            case 'jump' | 'blip':
                self.now += PERIOD
                self.report(self.place + value)
                self.place += value if kind == 'jump' and 0.0 <= self.place + value <= 50.0 else 0
            case 'number':
                self.now += PERIOD
                self.report(value)
            case 'step':
                self.now += PERIOD
                self.report(self.place, value)
            case _:
                self.reference()

    def reference(self):
        lost = self.source.newest(self.now) is None
        try:
            self.source.reference(self.now)
        except RefusedError as refusal:
            assert str(refusal)
            return
        if lost and self.source.newest(self.now) is not None:
            assert self.last[0] - self.plausible_since >= REFERENCE_TIME - 1e-9
            assert self.now - self.last[0] <= SETTINGS.position_timeout
        self.doubtful = False

    def check(self):
        measurement = self.source.newest(self.now)
        if self.last is not None and self.now - self.last[0] > SETTINGS.position_timeout:
            self.doubtful = True
        if measurement is None:
            assert self.source.reason, 'unknown without saying why'
            return
        assert not self.doubtful, 'good again without a reference'
        assert (measurement.stamp, measurement.position) == self.last
        assert abs(measurement.velocity) < 60.0 or math.isnan(measurement.velocity)


@settings(max_examples=300, derandomize=True)
@given(st.lists(BEHAVIOUR, max_size=25))
@example(
    [
        ('run', 0.0, 1.0),
        ('jump', 26.0, 0.0),
        ('late', 0.0, 0.5),
        ('late', 0.0, 0.0),
        ('reference', 0.0, 0.0),
    ]
)
def test_a_doubtful_position_is_lost_until_a_person_references_one_that_is_plausible(behaviour):
    reporter = Reporter()
    for kind, value, seconds in behaviour:
        reporter.behave(kind, value, seconds)
        reporter.check()


@pytest.mark.parametrize('length', [0.0, 0.8, 3.0])
def test_the_middle_of_the_vehicle_is_half_of_its_length_from_the_ends(length):
    track, allowed = TrackSettings(50.0, vehicle_length=length), SETTINGS.position_tolerance
    for place, state in (
        (length / 2.0 - allowed, PositionState.VALID),
        (50.0 - length / 2.0 + allowed, PositionState.VALID),
        (length / 2.0 - allowed - 0.01, PositionState.UNKNOWN),
        (50.0 - length / 2.0 + allowed + 0.01, PositionState.UNKNOWN),
    ):
        source = PositionSource(SETTINGS, track)
        source.update(place, 0.001, 0.0, 1.0, **FIT)
        assert source.state is state


def travel(source, start, step, velocity, begin, seconds):
    """Report a position of coarse steps without a velocity; return the velocities known of it."""
    known = []
    for count in range(round(seconds / PERIOD)):
        now = begin + count * PERIOD
        position = round(round((start + velocity * count * PERIOD) / step) * step, 3)
        source.update(position, step, NAN, now, **FIT)
        known.append(source.newest(now).velocity)
    return known


@pytest.mark.parametrize('step', [0.001, 0.005, 0.01, 0.02])
@pytest.mark.parametrize('velocity', [0.0025, 0.003, 0.01, 0.03, 0.049, 0.07, -0.07, 0.3])
def test_a_vehicle_that_moves_is_at_no_moment_said_to_stand(step, velocity):
    for phase in (0.0, 0.3, 0.7):
        source = PositionSource(SETTINGS, TrackSettings(50.0))
        known = travel(source, 20.0 + phase * step, step, velocity, 0.0, 25.0)
        assert not any(abs(value) <= STANDSTILL for value in known)


@pytest.mark.parametrize('step', [0.001, 0.005, 0.01, 0.02])
@pytest.mark.parametrize('trembles', [False, True])
def test_a_vehicle_that_stands_is_said_to_stand_within_a_time_that_its_steps_give(step, trembles):
    source = PositionSource(SETTINGS, TrackSettings(50.0))
    travel(source, 20.0, step, 0.3, 0.0, 2.0)
    time = max(SLOPE_TIME, (2.0 if trembles else 1.0) * step / STANDSTILL)
    known = []
    for count in range(round((time + 3.0) / PERIOD)):
        now = 2.0 + count * PERIOD
        source.update(20.6 + (step if trembles and count % 3 else 0.0), step, NAN, now, **FIT)
        known.append((now - 2.0, source.newest(now).velocity))
    stands = [at for at, value in known if abs(value) <= STANDSTILL]
    assert time - 0.5 * PERIOD <= stands[0] <= time + 2.0 * PERIOD
    assert len(stands) == sum(at >= stands[0] for at, _ in known), 'it stays so'


def test_a_reference_begins_the_question_of_standstill_anew(source):
    travel(source, 5.0, 0.001, 0.0, 10.05, 2.0)
    assert source.newest(12.0).velocity == 0.0
    source.update(20.0, 0.001, NAN, 12.05, **FIT)
    travel_to = [12.1 + count * PERIOD for count in range(8)]
    for now in travel_to:
        source.update(5.0, 0.001, NAN, now, **FIT)
    source.reference(travel_to[-1])
    assert math.isnan(source.newest(travel_to[-1]).velocity)
