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
from oht50_bridge.vehicle.estop_sources import EstopSources
from oht50_bridge.vehicle.refusal import RefusedError

NS = 1_000_000_000
BOOT = {'safety': 10.3, 'travel_motor': 0.15, 'power': 0.15}  # s


class World:
    """The vehicle's sources of a stop, and a safety node that learns of them from reports."""

    def __init__(self, path):
        self.path = path
        self.now = 100.0
        self.pressed = self.line_open = self.board_latched = False
        self.configured = True
        self.lost = set()
        self.start()

    def start(self):
        self.latch = EstopLatch(self.path, clock=self.stamp)
        self.sources = EstopSources(self.latch, has_estop_input=True)
        self.inputs_at = self.boards_at = None

    def stamp(self):
        return round(self.now * NS)

    def report_inputs(self):
        if self.configured:
            self.inputs_at = self.now
        report = InputsReport(
            estop_pressed=self.pressed, latched=self.board_latched, configured=self.configured
        )
        return self.sources.update_inputs(report, self.now)

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

    def clear(self):
        """Return why the latch cannot be cleared, '' when it was."""
        try:
            self.sources.clear(self.now)
        except RefusedError as refusal:
            return str(refusal)
        return ''


def test_power_board_is_not_vital_and_the_motor_board_is(tmp_path):
    world = World(tmp_path / 'estop.json')
    world.report_boards()
    world.lost = {'power'}
    assert world.report_boards() is None
    world.lost = {'travel_motor'}
    assert world.report_boards().reason == 'travel_motor is offline: Communication timeout'


def test_board_may_need_time_to_answer_first_and_its_loss_stops_the_vehicle_later(tmp_path):
    world = World(tmp_path / 'estop.json')
    world.latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    world.lost = {'travel_motor'}
    for _ in range(4):
        world.report_boards()
        world.report_inputs()
        world.report_line()
        world.now += 0.3
    world.report_inputs()
    world.report_line()
    assert world.latch.causes == []
    assert world.clear() == 'not online: travel_motor; try again'
    world.now += BOOT['travel_motor'] + BOARD_START_MARGIN
    world.report_boards()
    assert world.latch.causes == ['travel_motor is offline: Communication timeout']
    world.lost = set()
    world.report_boards()
    world.report_inputs()
    world.report_line()
    assert world.clear() == ''
    world.lost = {'travel_motor'}
    assert world.report_boards() is not None, 'it was online: its loss stops at once'


def test_the_safety_board_may_take_its_time_to_start(tmp_path):
    world = World(tmp_path / 'estop.json')
    world.lost = {'safety'}
    for _ in range(120):
        assert world.report_boards() is None
        world.now += 0.1
    assert world.latch.causes == []
    world.now += 4.0
    assert world.report_boards() is not None


def test_board_of_a_wrong_layout_is_not_waited_for(tmp_path):
    sources = World(tmp_path / 'estop.json').sources
    assert (
        sources.update_boards(
            [BoardReport('safety', 'safety', False, 'error', 'wrong profile')], 0.0
        )
        is not None
    )


def test_tripped_board_stops_once_until_it_released(tmp_path):
    world = World(tmp_path / 'estop.json')
    world.board_latched = True
    assert world.report_inputs().source == 'safety_board'
    assert world.report_inputs() is None
    world.report_boards()
    world.report_line()
    world.now += 1.0
    world.report_inputs()
    world.report_line()
    assert world.clear() == ''
    assert world.report_inputs() is None, 'it holds its relay until it is released'
    world.board_latched = False
    world.report_inputs()
    world.board_latched = True
    assert world.report_inputs() is not None


def test_clear_needs_a_reading_of_every_source_from_after_the_stop_and_the_start(tmp_path):
    world = World(tmp_path / 'estop.json')
    world.latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    world.latch.save()
    world.start()
    assert 'safety board was not read' in world.clear()
    world.report_inputs()
    assert 'safety board was not read' in world.clear()
    world.now += CAUSE_DELAY
    world.report_inputs()
    assert 'boards were not reported' in world.clear()
    world.report_boards()
    assert 'emergency stop line' in world.clear()
    world.report_line()
    assert 'emergency stop line' in world.clear(), 'not yet debounced'
    world.now += 1.1 * DEBOUNCE
    world.report_line()
    assert world.clear() == ''
    assert world.latch.estop is None


def clearable(tmp_path):
    """Return a world whose stop could be cleared."""
    world = World(tmp_path / 'estop.json')
    world.latch.trigger(TriggerType.REMOTE, 'drill', 'alice')
    for _ in range(3):
        world.report_inputs()
        world.report_boards()
        world.report_line()
        world.now += 0.2
    return world


def test_clear_needs_recent_readings(tmp_path):
    world = clearable(tmp_path)
    world.now += INPUTS_LIFETIME
    world.report_line()
    assert 'safety board was not read recently' in world.clear()
    world.report_inputs()
    assert world.clear() == ''
    world = clearable(tmp_path)
    world.now += INPUTS_LIFETIME
    world.report_inputs()
    assert 'emergency stop line was not read closed recently' in world.clear()
    world.report_line()
    assert world.clear() == ''


def test_button_is_not_released_by_a_board_whose_inputs_are_not_enabled(tmp_path):
    world = World(tmp_path / 'estop.json')
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
    world.report_inputs()
    world.now += CAUSE_DELAY
    world.report_inputs()
    assert world.clear() == ''


def test_bouncing_line_stays_pressed(tmp_path):
    world = World(tmp_path / 'estop.json')
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


STEPS = st.one_of(
    st.tuples(st.just('pressed'), st.booleans()),
    st.tuples(st.just('configured'), st.booleans()),
    st.tuples(st.just('line_open'), st.booleans()),
    st.tuples(st.just('board_latched'), st.booleans()),
    st.tuples(st.just('lose'), st.sampled_from(('safety', 'travel_motor', 'power'))),
    st.tuples(st.just('find'), st.sampled_from(('safety', 'travel_motor', 'power'))),
    st.tuples(st.just('wait'), st.sampled_from((0.01, 0.06, 0.3, 4.0))),
    st.tuples(st.just('report'), st.sampled_from(('inputs', 'boards', 'line', 'all'))),
    st.tuples(st.just('settle'), st.none()),
    st.tuples(st.just('trigger'), st.none()),
    st.tuples(st.just('clear'), st.none()),
    st.tuples(st.just('restart'), st.none()),
)


@given(st.lists(STEPS, max_size=40))
def test_latch_never_opens_with_a_cause_that_was_reported_or_a_source_that_was_not(
    tmp_path_factory, steps
):
    world = World(tmp_path_factory.mktemp('latch') / 'estop.json')
    reported = set()  # causes as last reported
    seen, missed = set(), {}  # vital boards seen since the start, first reports of the others
    absent = set()  # vital boards, as last reported
    line_closed_at = None  # since when each reading of this process found it closed
    line_good = False
    for step, value in steps:
        if step in ('pressed', 'line_open', 'board_latched', 'configured'):
            setattr(world, step, value)
        elif step == 'lose':
            world.lost.add(value)
        elif step == 'find':
            world.lost.discard(value)
        elif step == 'wait':
            world.now += value
        elif step in ('report', 'settle'):
            for source in ('inputs', 'boards', 'line') if value in ('all', None) else (value,):
                if step == 'settle' and source == 'line':
                    world.now += 0.3
                    world.report_line()
                    if not world.line_open and line_closed_at is None:
                        line_closed_at = world.now
                    world.now += 0.06
                    world.report_inputs()
                getattr(world, f'report_{source}')()
                if source == 'line':
                    if world.line_open:
                        line_closed_at, line_good = None, False
                        reported.add('line')
                    else:
                        line_closed_at = world.now if line_closed_at is None else line_closed_at
                        if world.now - line_closed_at >= DEBOUNCE:
                            line_good = True
                            reported.discard('line')
            if value in ('inputs', 'all', None):
                if world.pressed:
                    reported.add('button')
                elif world.configured:
                    reported.discard('button')
            if value in ('boards', 'all', None):
                absent = world.lost & {'safety', 'travel_motor'}
                seen |= {'safety', 'travel_motor'} - absent
                reported -= {'safety', 'travel_motor'}
                reported |= {
                    board
                    for board in absent
                    if board in seen
                    or (
                        world.now - missed.setdefault(board, world.now)
                        >= BOOT[board] + BOARD_START_MARGIN
                    )
                }
            assert world.latch.estop is not None or not reported, 'a cause latches at once'
        elif step == 'trigger':
            world.latch.trigger(TriggerType.REMOTE, '', '')
        elif step == 'restart':
            world.latch.save()
            latched = world.latch.estop is not None
            world.start()
            assert (world.latch.estop is not None) == latched
            reported, line_closed_at, line_good = set(), None, False
            seen, missed, absent = set(), {}, set()
        elif step == 'clear' and world.latch.estop is not None:
            stop = world.latch.estop
            if world.clear() == '':
                assert world.latch.estop is None
                assert not reported
                assert not absent
                assert line_good
                assert world.inputs_at * NS >= stop.stamp + CAUSE_DELAY * NS - 1
                assert world.now - world.inputs_at <= INPUTS_LIFETIME
                assert world.now - world.boards_at <= BOARDS_LIFETIME
            else:
                assert world.latch.estop is stop
