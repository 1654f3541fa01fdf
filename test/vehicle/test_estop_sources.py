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
"""Sources of an emergency stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.vehicle.board_reports import BoardReport
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.board_starts import BOARD_START_MARGIN
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.estop_sources import BOARDS_LIFETIME
from oht50_bridge.vehicle.estop_sources import CAUSE_DELAY
from oht50_bridge.vehicle.estop_sources import DEBOUNCE
from oht50_bridge.vehicle.estop_sources import INPUTS_LIFETIME
from oht50_bridge.vehicle.estop_sources import RELEASE_TIME
from oht50_bridge.vehicle.estop_sources import EstopSources
from oht50_bridge.vehicle.refusal import RefusedError

NS = 1_000_000_000
BOOT = {'safety': 10.3, 'travel_motor': 0.15, 'power': 0.15}  # s


class World:
    """The vehicle's sources of a stop, and a safety node that learns of them from reports."""

    def __init__(self, path):
        self.path = path
        self.now = 100.0
        self.pressed = self.line_open = self.board_latched = self.alarm = False
        self.configured = True
        self.active = set()  # digital inputs of the safety board
        self.lost = set()
        self.dangers = self.received = 0
        self.neighbour = None
        self.start()

    def start(self):
        self.latch = EstopLatch(self.path, clock=self.stamp)
        self.sources = EstopSources(
            self.latch, has_estop_input=True, neighbour=lambda: self.neighbour
        )
        self.inputs_at = self.boards_at = None

    def stamp(self):
        return round(self.now * NS)

    def stop(self, reason='drill', source='alice'):
        return self.latch.trigger(TriggerType.REMOTE, reason, source)

    def report_inputs(self):
        if self.configured:
            self.inputs_at = self.now
        report = InputsReport(
            estop_pressed=self.pressed,
            latched=self.board_latched,
            alarm=self.alarm,
            configured=self.configured,
            digital_inputs=[number in self.active for number in range(1, 5)],
            dangers=self.dangers,
            received=self.received,
        )
        stop = self.sources.update_inputs(report, self.now)
        self.received = self.sources.dangers  # as the next heartbeat says
        return stop

    def report_boards(self):
        self.boards_at = self.now
        return self.sources.update_boards(
            [
                BoardReport(
                    kind,
                    kind,
                    kind not in self.lost,
                    'offline' if kind in self.lost else 'online',
                    'Communication timeout' if kind in self.lost else '',
                    BOOT[kind],
                )
                for kind in ('safety', 'travel_motor', 'power')
            ],
            self.now,
        )

    def report_line(self):
        return self.sources.update_estop_input(self.line_open, self.now)

    def settle(self):
        """Report everything for as long as a clear needs."""
        for _ in range(3):
            self.report_inputs()
            self.report_boards()
            self.report_line()
            self.now += 0.2

    def clear(self, stop=None):
        """Return why a stop, by default the newest, cannot be cleared; '' when it was."""
        newest = self.latch.estop
        stop = stop or newest
        hindrances = self.sources.hindrances(self.now)
        try:
            self.sources.clear(stop.estop_id if stop else '', self.now)
        except RefusedError as refusal:
            if stop == newest:
                assert hindrances and '; '.join(hindrances) in str(refusal)
            return str(refusal)
        assert newest is None or not hindrances, 'what forbids a clear is known before it is tried'
        return ''


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / 'estop.json')


def test_power_board_is_not_vital_and_the_motor_board_is(world):
    world.report_boards()
    world.lost = {'power'}
    assert world.report_boards() is None
    world.lost = {'travel_motor'}
    assert world.report_boards().reason == 'travel_motor is offline: Communication timeout'


def test_board_may_need_time_to_answer_first_and_its_loss_stops_the_vehicle_later(world):
    world.stop()
    world.lost = {'travel_motor'}
    world.settle()
    assert world.latch.causes == []
    assert world.clear() == 'not online: travel_motor; try again'
    world.now += BOOT['travel_motor'] + BOARD_START_MARGIN
    world.report_boards()
    assert world.latch.causes == ['travel_motor is offline: Communication timeout']
    world.lost = set()
    world.settle()
    assert world.clear() == ''
    world.lost = {'travel_motor'}
    assert world.report_boards() is not None, 'it was online: its loss stops at once'


def test_the_safety_board_may_take_its_time_to_start(world):
    world.lost = {'safety'}
    for _ in range(120):
        assert world.report_boards() is None
        world.now += 0.1
    assert world.latch.causes == []
    world.now += 4.0
    assert world.report_boards() is not None


def test_board_of_a_wrong_layout_is_not_waited_for(world):
    wrong = [BoardReport('safety', 'safety', False, 'error', 'wrong profile')]
    assert world.sources.update_boards(wrong, 0.0) is not None


def test_tripped_board_stops_once_until_it_released(world):
    world.board_latched = True
    assert world.report_inputs().source == 'safety_board'
    assert world.report_inputs() is None
    world.settle()
    assert world.clear() == ''
    assert world.report_inputs() is None, 'it holds its relay until it is released'
    world.board_latched = False
    world.report_inputs()
    world.board_latched = True
    assert world.report_inputs() is not None


@pytest.mark.parametrize(('before', 'after'), [(0, 1), (3, 4), (3, 7), (3, 1)])
def test_a_danger_between_two_reports_is_a_stop(world, before, after):
    """Also where hardware_node was started again, and counts from 0."""
    world.dangers = world.received = before
    assert world.report_inputs() is None, 'that of before the start was received'
    world.dangers = after
    assert 'over now' in world.report_inputs().reason
    assert world.report_inputs() is None
    world.settle()
    assert world.clear() == ''
    world.settle()
    assert world.latch.estop is None


@pytest.mark.parametrize(('received', 'dangers'), [(0, 1), (3, 4), (3, 7), (4, 1)])
def test_a_danger_while_safety_node_was_away_is_a_stop(world, received, dangers):
    """Also where hardware_node was started again meanwhile, and counts from 0."""
    world.dangers, world.received = dangers, received
    assert world.sources.dangers is None
    assert 'over now' in world.report_inputs().reason
    assert world.report_inputs() is None
    assert world.sources.dangers == dangers


@pytest.mark.parametrize('shown', ['pressed', 'alarm', 'board_latched'])
def test_a_danger_that_is_seen_is_one_stop(world, shown):
    world.settle()
    world.dangers += 1
    setattr(world, shown, True)
    stop = world.report_inputs()
    assert stop is not None and 'over now' not in stop.reason
    assert world.report_inputs() is None
    setattr(world, shown, False)
    world.settle()
    assert world.clear() == ''
    world.settle()
    assert world.latch.estop is None


def test_a_button_pressed_shortly_while_the_board_is_not_released_yet_is_a_stop(world):
    world.board_latched = True
    world.settle()
    assert world.clear() == ''
    world.now += 0.1
    world.dangers += 1
    assert 'over now' in world.report_inputs().reason


def test_a_trip_that_is_reported_before_its_cause_is_one_stop(world):
    world.settle()
    world.board_latched = True
    assert 'tripped' in world.report_inputs().reason
    world.now += CAUSE_DELAY / 2.0
    world.dangers += 1
    assert world.report_inputs() is None


def test_a_restart_of_hardware_node_is_no_danger(world):
    world.dangers = world.received = 3
    world.settle()
    world.dangers = world.received = 0
    world.settle()
    assert world.latch.estop is None


def test_board_that_does_not_release_after_a_clear_stops_again(world):
    world.board_latched = True
    world.settle()
    assert world.clear() == ''
    world.now += RELEASE_TIME
    assert world.report_inputs() is None
    world.now += 0.1
    assert world.report_inputs().reason == 'the safety board does not release'
    assert world.report_inputs() is None
    world.settle()
    world.board_latched = False
    assert world.clear() == ''
    world.now += 2 * RELEASE_TIME
    assert world.report_inputs() is None


@pytest.mark.parametrize('number', [2, 3, 4])
def test_trip_by_any_input_latches_and_cannot_be_cleared_while_it_is_active(world, number):
    world.settle()
    world.board_latched = True
    world.active = {number}
    assert world.report_inputs().reason == f'digital input {number} of the safety board is active'
    world.settle()
    assert world.clear() == f'still present: digital input {number} of the safety board is active'
    world.active = set()
    world.settle()
    world.active = {number}
    assert world.report_inputs() is not None, 'another trip of the board that is still latched'
    world.active = set()
    world.settle()
    assert world.clear() == ''


@pytest.mark.parametrize('number', [2, 3, 4])
def test_trip_of_a_board_without_a_latch_lasts_as_long_as_its_judgement(world, number):
    world.settle()
    world.alarm = True
    assert world.report_inputs().trigger_type == 'hardware'
    world.active = {number}
    assert world.report_inputs() is not None
    world.settle()
    assert 'reports danger or a fault; digital input' in world.clear()
    world.alarm = False
    world.active = set()
    world.settle()
    assert world.clear() == ''


def test_frozen_judgement_of_a_latched_board_is_no_cause(world):
    world.alarm = world.board_latched = True
    world.settle()
    assert world.clear() == '', 'it could never be released otherwise'


@pytest.mark.parametrize('number', [1, 2])
def test_active_input_of_a_board_that_did_not_trip_is_no_stop(world, number):
    world.active = {number}
    assert world.report_inputs() is None, 'a guard at a board that has no latch (oht_v2_safety)'


def test_the_input_of_the_button_is_the_button(world):
    world.pressed = True
    world.active = {1}
    world.report_inputs()
    world.board_latched = True
    assert world.report_inputs() is None, 'the trip belongs to the button'
    assert world.latch.causes == ['the emergency stop button is pressed']
    world.active = {1, 2}
    assert 'digital input 2' in world.report_inputs().reason
    assert world.latch.causes[0] == 'the emergency stop button is pressed'


@pytest.mark.parametrize('also', ['drill', 'button', 'line', 'board'])
def test_a_stop_while_one_is_latched_is_not_lost_in_a_clear_of_the_other(world, also):
    first = world.stop()
    world.settle()
    if also == 'drill':
        second = world.stop('person on the rail', 'bob')
    elif also == 'button':
        world.pressed = True
        second = world.report_inputs()
    elif also == 'line':
        world.line_open = True
        second = world.report_line()
    else:
        world.lost = {'travel_motor'}
        second = world.report_boards()
    world.pressed = world.line_open = False
    world.lost = set()
    world.settle()
    refusal = world.clear(first)
    assert refusal.startswith(f'the newest stop is not {first.estop_id}; latched, newest first: ')
    assert f'{second}; {first}' in refusal
    assert world.latch.stops == (first, second)
    assert world.clear(second) == ''


def test_a_clear_of_a_stop_that_another_person_cleared_does_not_open_the_next(world):
    first = world.stop()
    world.settle()
    assert world.clear(first) == ''
    second = world.stop('person on the rail', 'bob')
    world.settle()
    assert 'the newest stop is not' in world.clear(first)
    assert world.latch.stops == (second,)


def test_a_clear_must_name_the_stop(world):
    world.stop()
    world.settle()
    with pytest.raises(RefusedError, match=r"must be named by estop_id; .* by 'alice': drill"):
        world.sources.clear('', world.now)


def test_clear_needs_a_reading_of_every_source_from_after_the_stop_and_the_start(world):
    world.stop()
    world.latch.save()
    world.start()
    assert 'safety board was not read' in world.clear()
    world.report_inputs()
    assert 'safety board was not read' in world.clear()
    world.now += CAUSE_DELAY
    world.report_inputs()
    assert 'boards were not reported' in world.clear()
    world.report_boards()
    assert 'boards were not reported' in world.clear()
    world.now += 0.01
    world.report_boards()
    assert 'emergency stop line' in world.clear()
    world.report_line()
    assert 'emergency stop line' in world.clear(), 'not yet debounced'
    world.now += 1.1 * DEBOUNCE
    world.report_line()
    assert world.clear() == ''
    assert world.latch.estop is None


BEFORE = {
    'inputs': 'safety board was not read since the stop',
    'boards': 'boards were not reported since the stop',
    'line': 'emergency stop line was not read closed recently',
}


@pytest.mark.parametrize('source', BEFORE)
@pytest.mark.parametrize('late', [False, True])
def test_what_was_read_before_the_stop_does_not_count(world, source, late):
    world.settle()
    for each in ('inputs', 'boards', 'line'):
        getattr(world, f'report_{each}')()
    world.stop()
    others = {'inputs', 'boards', 'line'} - {source}
    if late:  # it waited in a queue since before the stop
        getattr(world, f'report_{source}')()
    for _ in range(4):
        for other in sorted(others):
            getattr(world, f'report_{other}')()
        world.now += 0.1
    assert BEFORE[source] in world.clear()
    getattr(world, f'report_{source}')()
    world.now += CAUSE_DELAY
    world.report_inputs()
    getattr(world, f'report_{source}')()
    assert world.clear() == ''


def test_clear_needs_recent_readings(world):
    world.stop()
    world.settle()
    world.now += INPUTS_LIFETIME
    world.report_line()
    assert 'safety board was not read recently' in world.clear()
    world.report_inputs()
    assert world.clear() == ''
    world.stop()
    world.settle()
    world.now += INPUTS_LIFETIME
    world.report_inputs()
    assert 'emergency stop line was not read closed recently' in world.clear()
    world.now += BOARDS_LIFETIME
    world.report_line()
    world.report_inputs()
    assert 'boards were not reported recently' in world.clear()
    world.report_boards()
    assert world.clear() == ''


def test_button_is_not_released_by_a_board_whose_inputs_are_not_enabled(world):
    world.pressed = True
    world.report_inputs()
    world.pressed = world.configured = False
    for _ in range(3):
        world.now += CAUSE_DELAY
        world.report_inputs()
        world.report_boards()
        world.report_line()
        assert 'button is pressed' in world.clear()
    world.configured = True
    world.settle()
    assert world.clear() == ''


def test_bouncing_line_stays_pressed(world):
    world.line_open = True
    assert world.report_line().trigger_type == 'hardware'
    for is_open in (False, True, False):
        world.line_open = is_open
        world.now += 0.9 * DEBOUNCE
        world.report_line()
        assert world.latch.causes == ['the emergency stop line is open']
    world.now += 1.1 * DEBOUNCE
    world.report_line()
    assert world.latch.causes == []


@pytest.mark.parametrize('missing', [{'safety'}, {'travel_motor'}, {'safety', 'travel_motor'}])
def test_nothing_is_cleared_by_a_report_without_a_vital_board(world, missing):
    world.stop()
    world.settle()
    boards = [
        BoardReport(kind, kind, True, 'online', '')
        for kind in ('safety', 'travel_motor', 'power')
        if kind not in missing
    ]
    assert world.sources.update_boards(boards, world.now) is None
    assert world.clear() == f'not online: {", ".join(sorted(missing))}; try again'
    world.report_boards()
    assert world.clear() == ''


VITAL = {'safety', 'travel_motor'}
STEPS = st.one_of(
    st.tuples(
        st.sampled_from(('pressed', 'configured', 'line_open', 'board_latched', 'alarm')),
        st.booleans(),
    ),
    st.tuples(st.sampled_from(('activate', 'release')), st.sampled_from((1, 2, 4))),
    st.tuples(
        st.sampled_from(('lose', 'find')), st.sampled_from(('safety', 'travel_motor', 'power'))
    ),
    st.tuples(st.just('wait'), st.sampled_from((0.01, 0.06, 0.3, 4.0))),
    st.tuples(st.just('report'), st.sampled_from(('inputs', 'boards', 'line', 'all'))),
    st.tuples(st.just('settle'), st.none()),
    st.tuples(st.just('recover'), st.none()),
    st.tuples(st.just('stop'), st.sampled_from(('alice', 'bob'))),
    st.tuples(st.just('look'), st.none()),
    st.tuples(st.just('clear'), st.sampled_from(('seen', 'newest'))),
    st.tuples(st.just('restart'), st.none()),
    st.tuples(st.sampled_from(('danger', 'hardware')), st.none()),
)


class Witness:
    """What a clear must not contradict, learnt from the same reports by other rules."""

    def __init__(self, world):
        self.world = world
        self.present = set()  # causes as last reported
        self.seen, self.missed = set(), {}  # vital boards seen, first reports of the others
        self.line_closed_at = None
        self.stopped = False  # since the last report of each source
        self.reports = {}  # of each source since the newest stop

    def report(self, source):
        world = self.world
        before, latched = world.latch.counter, world.latch.estop is not None
        missed = world.dangers - world.received
        getattr(world, f'report_{source}')()
        if source == 'inputs' and missed:
            assert world.latch.estop is not None, 'a danger that is over latches too'
        if source == 'inputs':
            self._see_inputs()
        elif source == 'boards':
            absent = world.lost & VITAL
            self.seen |= VITAL - absent
            self.present -= VITAL
            self.present |= {
                board
                for board in absent
                if board in self.seen
                or world.now - self.missed.setdefault(board, world.now)
                >= BOOT[board] + BOARD_START_MARGIN
            }
        elif world.line_open:
            self.line_closed_at = None
            self.present.add('line')
        else:
            self.line_closed_at = world.now if self.line_closed_at is None else self.line_closed_at
            if world.now - self.line_closed_at >= DEBOUNCE:
                self.present.discard('line')
        if world.latch.counter != before:
            self.reports = {}
            assert world.latch.counter == before + 1, 'a report makes one stop at most'
        assert world.latch.estop is not None or not latched, 'a report opens nothing'
        assert world.latch.estop is not None or not self.present, 'a cause latches at once'
        if source != 'inputs' or world.configured:
            self.reports.setdefault(source, []).append(world.now)

    def _see_inputs(self):
        world = self.world
        inputs = {'button', 'danger', 1, 2, 4}
        found = {'button'} if world.pressed else set()
        if world.configured:
            self.present -= inputs
            if world.alarm and not world.board_latched:
                found.add('danger')
            tripped = world.alarm or world.board_latched or world.pressed
            if tripped and not (world.pressed and len(world.active) == 1):
                found |= world.active
        self.present |= found

    def cleared(self):
        """Judge a clear that was accepted."""
        world = self.world
        assert not self.present
        assert not world.latch.causes
        for source, lifetime in (
            ('inputs', INPUTS_LIFETIME),
            ('boards', BOARDS_LIFETIME),
            ('line', INPUTS_LIFETIME),
        ):
            reports = self.reports.get(source, [])
            assert len(reports) >= 2, f'{source} was not read since the stop'
            assert world.now - reports[-1] <= lifetime
        inputs = self.reports['inputs']
        assert inputs[-1] - inputs[0] >= CAUSE_DELAY - 1e-6
        assert self.line_closed_at is not None
        self.reports = {}


def settle(world, witness):
    for _ in range(3):
        for source in ('inputs', 'boards', 'line'):
            witness.report(source)
        world.now += 0.15


@given(st.lists(STEPS, max_size=60))
def test_no_clear_of_an_unseen_stop_with_a_cause_present_or_a_source_unread(
    tmp_path_factory, steps
):
    world = World(tmp_path_factory.mktemp('latch') / 'estop.json')
    witness, seen = Witness(world), None
    for step, value in steps:
        if step in ('pressed', 'line_open', 'board_latched', 'configured', 'alarm'):
            setattr(world, step, value)
        elif step == 'activate':
            world.active.add(value)
        elif step == 'release':
            world.active.discard(value)
        elif step == 'lose':
            world.lost.add(value)
        elif step == 'find':
            world.lost.discard(value)
        elif step == 'wait':
            world.now += value
        elif step == 'report':
            for source in ('inputs', 'boards', 'line') if value == 'all' else (value,):
                witness.report(source)
        elif step == 'settle':
            settle(world, witness)
        elif step == 'recover':
            world.pressed = world.line_open = world.alarm = False
            world.configured = True
            world.active, world.lost = set(), set()
            settle(world, witness)
        elif step == 'stop':
            world.stop(source=value)
            witness.reports = {}
        elif step == 'look':
            seen = world.latch.estop
        elif step == 'danger':
            world.dangers += 1  # which begins and ends
        elif step == 'hardware':
            world.dangers = world.received = 0
        elif step == 'restart':
            world.latch.save()
            stops = world.latch.stops
            world.start()
            assert world.latch.stops == stops
            witness = Witness(world)
        elif world.latch.estop is not None:
            newest = world.latch.estop
            named = newest if value == 'newest' else seen
            if named is not None and world.clear(named) == '':
                assert named == newest, 'a stop that the person did not know of was cleared'
                assert world.latch.estop is None
                witness.cleared()
            else:
                assert world.latch.estop == newest


@pytest.mark.parametrize('what', ['danger', 'latch', 'button', 'board'])
def test_what_alternates_between_the_boards_of_two_vehicles_is_latched_once(world, what):
    def report(*, present):
        world.now += 1.0
        world.dangers = int(present and what == 'danger')
        world.board_latched = present and what == 'latch'
        world.pressed = present and what == 'button'
        world.lost = {'travel_motor'} if present and what == 'board' else set()
        return [stop for stop in (world.report_inputs(), world.report_boards()) if stop]

    report(present=False)
    world.neighbour = 'another vehicle'
    stops = [stop for _ in range(10) for here in (True, False) for stop in report(present=here)]
    assert len(stops) == 1
    world.neighbour = None
    report(present=False)
    assert report(present=True), 'of one board it is a new one'


@pytest.mark.parametrize(
    ('name', 'present'),
    [
        ('safety_board', {'alarm': True}),
        ('estop_button', {'pressed': True}),
        ('estop_line', {'line_open': True}),
        ('digital_input_1', {'active': {1}, 'board_latched': True}),
    ],
)
def test_a_board_with_the_name_of_another_cause_neither_hides_nor_ends_it(world, name, present):
    def report(**fields):
        world.now += 1.0
        for field, value in fields.items():
            setattr(world, field, value)
        stops = [world.report_inputs(), world.report_line()]
        board = BoardReport(name, 'safety', not lost, 'offline' if lost else 'online', lost, 0.0)
        stops.append(world.sources.update_boards([board], world.now))
        return [stop.source for stop in stops if stop is not None]

    absent = {key: type(value)() for key, value in present.items()}
    lost = ''
    assert report() == []
    assert report(**present) == [name]
    assert [report() for _ in range(3)] == [[]] * 3, 'its board is well, which is another matter'
    assert len(world.latch.causes) == 1
    lost = 'Communication timeout'
    assert report() == [name]
    assert len(world.latch.causes) == 2
    report(**absent)
    report()
    assert world.latch.causes == [f'{name} is offline: {lost}']
    lost = ''
    report()
    assert world.latch.causes == []
