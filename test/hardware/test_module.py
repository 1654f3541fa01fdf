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
"""What all modules do, step by step: requests answered by a board of the simulator, no line."""

import math
import random
import struct
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from board_rounds import Clock
from board_rounds import run

from oht50_bridge.hardware.bus import SerialLine
from oht50_bridge.hardware.drivers.dock import DockModule
from oht50_bridge.hardware.drivers.motor import MotorModule
from oht50_bridge.hardware.drivers.power import PowerModule
from oht50_bridge.hardware.drivers.safety import SafetyModule
from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import ExceptionReplyError
from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.errors import LayoutError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.module import ERROR
from oht50_bridge.hardware.module import OFFLINE
from oht50_bridge.hardware.module import ONLINE
from oht50_bridge.hardware.module import PROBE_PERIOD
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.module import ModuleSpec
from oht50_bridge.hardware.module import Part
from oht50_bridge.hardware.module import version
from oht50_bridge.hardware.profile_reader import available
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.requests import Break
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.simulator.boards import BOARDS
from oht50_bridge.simulator.boards.dock import DockBoard
from oht50_bridge.simulator.physics import World

PROFILE = load('oht_v2_dock')
TIMEOUT = CommunicationTimeoutError('no reply')


class Observed:
    """An observer that keeps what it is informed of."""

    def __init__(self):
        self.discoveries, self.changes = [], []

    def sample(self, module_id, sample):
        raise AssertionError('the base class publishes nothing')

    def discovered(self, info):
        self.discoveries.append(info)

    def status_change(self, module_id, old, new, code, text):
        self.changes.append((module_id, old, new, code))


class Bench:
    """A module and the board that answers it; `error` is what the line answers instead."""

    def __init__(self, **fields):
        self.observer = Observed()
        spec = {'line': 'sense', 'address': 5, 'timing': PROFILE.timing, **fields}
        self.module = Module(
            ModuleSpec('dock', 'dock', PROFILE, **spec),
            SerialLine('sense', '/dev/none'),
            self.observer,
        )
        self.board = DockBoard('dock', 5, PROFILE, World(), {}, random.Random(1), lambda *_: None)
        self.error = None
        self.requests = []

    def round(self):
        """Run one round of the module; return when the next one is due."""
        steps = self.module.steps()
        try:
            request = next(steps)
            while True:
                self.requests.append(request)
                try:
                    if self.error is not None:
                        raise self.error
                    reply = self.answer(request)
                except ModuleError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as end:
            return end.value

    def answer(self, request):
        now = time.monotonic()
        pdu = self.board.handle(struct.pack('>BHH', 3, request.address, request.count), now)
        assert pdu[0] == 3
        words = struct.unpack(f'>{request.count}H', pdu[2:])
        return Reply(words, time.time_ns(), now)


@pytest.fixture
def bench():
    return Bench()


def test_a_board_is_identified_and_its_layout_confirmed_before_it_is_online(bench):
    assert bench.module.status == OFFLINE
    bench.round()
    assert bench.module.status == ONLINE
    assert bench.requests[0].retries == 0
    assert bench.observer.changes == [('dock', OFFLINE, ONLINE, '')]
    (info,) = bench.observer.discoveries
    assert (info.id, info.line, info.address, info.status) == ('dock', 'sense', 5, ONLINE)
    assert info.type_code in PROFILE.type_codes
    assert info.last_seen > 0


def test_a_board_is_discovered_once(bench):
    bench.round()
    bench.module.set_status(OFFLINE, TIMEOUT)
    bench.round()
    assert bench.module.status == ONLINE
    assert len(bench.observer.discoveries) == 1


def test_a_silent_board_stays_offline_and_is_sought_again(bench):
    bench.error = TIMEOUT
    before = time.monotonic()
    due = bench.round()
    assert before + PROBE_PERIOD <= due <= time.monotonic() + PROBE_PERIOD
    assert (bench.module.status, bench.module.info().error_code) == (OFFLINE, 'MOD-001')
    assert bench.observer.changes == bench.observer.discoveries == []


def test_another_type_of_board_is_an_error_with_its_remedy(bench):
    bench.board.put('module_type', max(PROFILE.type_codes) + 1)
    bench.round()
    info = bench.module.info()
    assert (info.status, info.error_code) == (ERROR, LayoutError.code)
    assert 'correct the address or the profile' in info.error_description
    assert len(bench.observer.discoveries) == 1


def test_another_layout_is_an_error_that_names_the_register(bench):
    check = next(each for each in PROFILE.signature if each.register != 'module_type')
    register = PROFILE.registers[check.register]
    bench.board.model = lambda: None
    for word in range(0x10000):
        if not check.holds(register.decode([word] * register.count)):
            break
    for address in range(register.address, register.end):
        bench.board.words[address] = word
    bench.round()
    info = bench.module.info()
    assert (info.status, info.error_code) == (ERROR, LayoutError.code)
    assert check.register in info.error_description


def test_a_poll_gives_values_and_the_time_of_the_next(bench):
    bench.round()
    bench.board.world.position = 12.5
    first = bench.module._polls[0]
    due = bench.round()
    assert due > time.monotonic() - 1
    assert first.due > time.monotonic() - 1
    while math.isnan(bench.module.value('position_x')):
        bench.round()
    assert bench.module.value('position_x') == pytest.approx(12.5, abs=0.01)


def test_polls_that_were_missed_are_not_made_up_for(bench):
    bench.round()
    for poll in bench.module._polls:
        poll.due -= 100.0
    polled = min(bench.module._polls, key=lambda poll: poll.due)
    bench.round()
    assert polled.due > time.monotonic() - polled.period


def test_a_configured_period_replaces_that_of_the_profile():
    block = PROFILE.polls[0]
    bench = Bench(polls={block.name: 7.0})
    bench.round()
    before = time.monotonic()
    for poll in bench.module._polls:
        poll.due = before + 100.0
    bench.module._polls[0].due = before
    bench.round()
    assert bench.module._polls[0].due == pytest.approx(before + 7.0, abs=0.5)


def test_a_stale_value_is_the_default(bench):
    bench.round()
    name = PROFILE.signature[0].register
    assert bench.module.value(name, None) is not None
    read_at, fresh = bench.module._read_times[name]
    bench.module._read_times[name] = (read_at - fresh - 0.1, fresh)
    assert bench.module.value(name, 'stale') == 'stale'
    assert math.isnan(bench.module.value('no_such_register'))


@pytest.mark.parametrize(('error', 'status'), [(TIMEOUT, OFFLINE), (FrameError('x'), ERROR)])
def test_three_failed_polls_are_a_loss(bench, error, status):
    bench.round()
    bench.error = error
    bench.round()
    bench.round()
    assert bench.module.status == ONLINE
    bench.round()
    assert bench.module.status == status
    assert bench.observer.changes[-1] == ('dock', ONLINE, status, error.code)


def test_two_failed_polls_are_a_loss_after_a_long_silence(bench):
    bench.round()
    bench.module.read_at -= PROFILE.timing.offline_after
    bench.error = TIMEOUT
    bench.round()
    assert bench.module.status == ONLINE
    bench.round()
    assert bench.module.status == OFFLINE


def test_a_good_poll_forgets_the_failed_ones(bench):
    bench.round()
    for error in (TIMEOUT, TIMEOUT, None, TIMEOUT, TIMEOUT):
        bench.error = error
        bench.round()
    assert bench.module.status == ONLINE


def test_a_faulty_board_that_falls_silent_is_offline(bench):
    bench.module.set_status(ERROR, LayoutError('x'))
    bench.error = TIMEOUT
    bench.round()
    assert bench.module.status == OFFLINE


def test_a_lost_port_and_a_defect_change_the_status(bench):
    bench.round()
    bench.module.port_lost(PortLostError('gone'))
    assert (bench.module.status, bench.module.info().error_code) == (OFFLINE, 'MOD-005')
    bench.module.failed(ZeroDivisionError('x'))
    assert (bench.module.status, bench.module.info().error_code) == (ERROR, 'MOD-006')
    assert 'ZeroDivisionError: x' in bench.module.info().error_description


DRIVERS = {driver.kind: driver for driver in (PowerModule, SafetyModule, DockModule, MotorModule)}
BLOCKS = [
    (profile, block)
    for profile in available()
    for block in load(profile).polls
    if block.name != 'drive'  # a motor board is lost without it
]


@pytest.mark.parametrize(
    ('error', 'cost'),
    [(ExceptionReplyError('exception 2'), 0.0), (FrameError('x'), 0.06), (TIMEOUT, 0.15)],
    ids=lambda value: getattr(value, 'code', ''),
)
@pytest.mark.no_cover  # the same lines, again and again
@pytest.mark.parametrize(
    ('profile', 'dead'), BLOCKS, ids=[f'{name}-{block.name}' for name, block in BLOCKS]
)
def test_a_block_that_never_answers_is_an_error_of_its_board_and_stays_one(
    monkeypatch, profile, dead, error, cost
):
    clock = Clock()
    monkeypatch.setattr(time, 'monotonic', clock)
    profile, observer = load(profile), Observed()
    observer.sample = lambda *_: None
    kind = profile.kind
    line = SimpleNamespace(name='x', baudrate=115200, wake=lambda worker: None)
    options = {'hoist_channel': 2, 'watchdog': False} if kind == 'travel_motor' else {}
    module = DRIVERS[kind](
        ModuleSpec('m', kind, profile, 'x', 3, profile.timing, options=options), line, observer
    )
    board = BOARDS[kind](
        'm', 3, profile, World(), {'loss': 0.0, 'overwrite': 0.0}, random.Random(1), lambda *_: 0
    )
    run(module, board, clock, 3.0)
    assert module.status == ONLINE
    lone = len(profile.polls) == 1
    limit = max(5 * dead.period, profile.timing.offline_after)
    run(module, board, clock, limit + 2 * dead.period + 1.5, [dead], error, cost)
    if lone and error is TIMEOUT:
        assert module.status == OFFLINE, 'nothing answers'
        return
    assert (module.status, module.info().error_code) == (ERROR, error.code)
    run(module, board, clock, 20.0, [dead], error, cost)
    assert lone or dead.name in module.info().error_description
    changes = [change[2] for change in observer.changes if change[2] != OFFLINE]
    assert changes == [ONLINE, ERROR], 'reported once'
    run(module, board, clock, 2.0)
    assert module.status == ONLINE, 'well again as soon as the block answers'


def test_one_failed_poll_after_a_stall_is_no_error(monkeypatch):
    """Nothing was read for long, but the board was not asked either."""
    clock = Clock()
    monkeypatch.setattr(time, 'monotonic', clock)
    bench = Bench()
    bench.round()
    clock.now += 60.0
    bench.error = TIMEOUT
    bench.round()
    assert bench.module.status == ONLINE


def test_a_silent_board_is_offline_not_faulty(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, 'monotonic', clock)
    bench = Bench()
    bench.round()
    bench.error = TIMEOUT
    del bench.module._polls[1:]  # so that one fails for longer than it may
    for _ in range(5):
        clock.now += 3.0
        bench.round()
    assert [change[2] for change in bench.observer.changes] == [ONLINE, OFFLINE]


def test_a_part_is_broken_when_it_has_failed_for_longer_than_it_may():
    part = Part('the request', 2.0)
    assert not part.failed(100.0, 99.0), 'however long ago the last success was'
    assert not part.failed(101.0, 100.5)
    assert part.failing and not part.broken
    assert not part.failed(103.0, 99.0), 'nothing else succeeded either'
    assert part.failed(103.0, 102.0) and part.broken
    part.succeeded()
    assert not part.failing and not part.broken


def test_a_refused_board_that_loses_a_request_is_not_reported_as_silent_in_turn(bench):
    bench.board.put('module_type', max(PROFILE.type_codes) + 1)
    bench.round()
    assert bench.requests[-1].retries == 0, 'nobody knows that it is there'
    bench.round()
    assert bench.requests[-1].retries is None, 'it answers: every try of its timing'


def test_a_board_that_falls_silent_while_it_is_identified_stays_offline(bench):
    """Lost requests must not show as an error of the board."""
    steps = bench.module.steps()
    request = next(steps)
    while request is not None:
        try:
            if request.address == 0x0104:
                request = steps.send(bench.answer(request))
            else:
                request = steps.throw(TIMEOUT)
        except StopIteration:
            request = None
    assert (bench.module.status, bench.module.info().error_code) == (OFFLINE, 'MOD-001')
    assert bench.observer.changes == bench.observer.discoveries == []


def test_an_unknown_option_is_refused_by_name():
    with pytest.raises(HardwareConfigError, match=r'modules\.dock\.options\.colour'):
        Bench(options={'colour': 'red'})


def test_priority_and_version_numbers(bench):
    assert bench.module.priority() is Priority.POLL
    assert version(0x0203) == '2.3'


class DeafBench(Bench):
    """A module whose board needs a break, and whose breaks are noted."""

    def __init__(self):
        super().__init__(timing=replace(PROFILE.timing, break_baudrate=9600))
        self.deaf = False

    def answer(self, request):
        if isinstance(request, Break):
            return Reply((), time.time_ns(), time.monotonic())
        if self.deaf:
            raise TIMEOUT
        return super().answer(request)

    def breaks(self):
        """Run one round; return which of its requests are breaks."""
        self.requests.clear()
        self.module._polls[0].due = 0.0
        self.round()
        return [isinstance(request, Break) for request in self.requests]


def test_a_board_that_may_be_deaf_is_sent_a_break_before_it_is_sought():
    bench = DeafBench()
    assert bench.breaks()[0] is True
    assert bench.requests[0].baudrate == 9600
    assert bench.module.status == ONLINE
    assert not any(bench.breaks())  # it answers


def test_a_board_that_did_not_answer_a_poll_is_sent_a_break_before_each_further_try():
    bench = DeafBench()
    bench.round()
    bench.deaf = True
    assert bench.breaks() == [False] + [True, False] * PROFILE.timing.retries
    assert {request.retries for request in bench.requests} == {0}
    bench.deaf = False
    assert bench.breaks() == [True, False]
    assert bench.module.status == ONLINE
    assert bench.breaks() == [False]


def test_other_boards_are_sent_no_break(bench):
    bench.error = TIMEOUT
    bench.round()
    bench.error = None
    bench.round()
    assert not any(isinstance(request, Break) for request in bench.requests)
