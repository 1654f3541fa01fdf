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
"""The rope: how much is out at most, and when nobody knows."""

import math
import time

import pytest

from oht50_bridge.hardware.drivers.hoist import IDENTIFIED_ANEW
from oht50_bridge.hardware.drivers.hoist import RESTARTED
from oht50_bridge.hardware.drivers.hoist import WENT_BACK
from oht50_bridge.hardware.drivers.hoist import HoistSample
from oht50_bridge.hardware.drivers.hoist import RopeCounter
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.registers import Block

ROLES = load('driver_2_motor').hoist
BOARD = ('driver_2_motor', 'drive', 3)


class Rope:
    def __init__(self):
        self.counter = RopeCounter(ROLES, 0.01)

    def look(self, pulses=0, length=0.0, *, reference=False, marked=True):
        values = {ROLES.pulses: pulses, ROLES.length: length, ROLES.reference: reference}
        return self.counter.look(values, marked)


@pytest.fixture
def rope():
    """Return a rope that is referenced."""
    rope = Rope()
    assert rope.look(reference=True) == (0.0, '')
    return rope


def test_nothing_is_known_before_the_reference_was_seen():
    rope = Rope()
    length, unknown = rope.look(0, 0.0)
    assert (math.isnan(length), unknown) == (True, IDENTIFIED_ANEW)


def test_as_many_pulses_are_out_at_most(rope):
    # As seen on the board: 20 pulses are 0.55 m, of which its length tells 0.29.
    assert rope.look(20, 0.29) == (pytest.approx(0.55), '')
    # And 20 more while motor 1 has the direction reverse, after which it tells less.
    assert rope.look(40, 0.20) == (pytest.approx(1.1), '')
    assert rope.look(60, 0.03) == (pytest.approx(1.65), '')


def test_the_length_counts_where_it_is_greater_than_the_pulses(rope):
    assert rope.look(0, 1.25) == (1.25, '')


def test_the_reference_begins_anew(rope):
    rope.look(20, 0.29)
    assert rope.look(0, 0.0, reference=True) == (0.0, '')
    assert rope.look(2, 0.0) == (pytest.approx(0.055), '')


def test_a_count_that_goes_back_without_the_reference_is_not_believed(rope):
    rope.look(20, 0.29)
    for pulses in (18, 19, 40):
        assert rope.look(pulses, 0.0)[1] == WENT_BACK
    assert rope.look(0, 0.0, reference=True) == (0.0, '')


@pytest.mark.parametrize(('pulses', 'length'), [(109, 0.0), (0, 2.99), (40, 3.0)])
def test_at_the_end_of_what_is_counted_nothing_is_known_until_the_reference(rope, pulses, length):
    assert rope.look(108, 2.98)[1] == ''
    assert '3 m of rope or more' in rope.look(max(pulses, 108), length)[1]
    length, unknown = rope.look(109, 0.5)  # wound up as the board has it
    assert math.isnan(length)
    assert unknown
    assert rope.look(0, 0.0, reference=True) == (0.0, '')


def test_without_its_mark_the_board_may_restart_unseen_and_nothing_is_known(rope):
    assert rope.look(reference=True, marked=False)[1] == RESTARTED
    assert rope.look(marked=True)[1] == RESTARTED
    assert rope.look(reference=True)[1] == ''


def test_a_board_that_was_identified_anew_is_not_referenced(rope):
    rope.counter.forget()
    assert rope.look(0, 0.0)[1] == IDENTIFIED_ANEW
    assert rope.look(0, 0.0, reference=True)[1] == ''


@pytest.mark.parametrize('word', [2, 0xFFFF])
def test_a_word_that_is_neither_on_nor_off_is_no_reference(word):
    rope = Rope()
    assert rope.look(reference=word)[1] == IDENTIFIED_ANEW


# The board.


class Hoisting:
    """A rig whose motor board hoists with one motor and travels with the other."""

    def __init__(self, make_rig, travel=1, hoist=2, hoisting=True):
        options = {'travel_channel': travel, 'hoist_channel': hoist if hoisting else 0}
        self.rig = make_rig(
            'travel_motor',
            modules={'travel_motor': (*BOARD, options)},
            vehicle={'travel_channel': travel, 'hoist_channel': hoist},
        )
        self.samples = []
        self.rig.samples = _Samples(self.samples)
        self.rig.start()
        self.rig.online()

    def until(self, condition, what='report of the rope'):
        """Wait for a report that was read after this call."""
        begin = time.monotonic()
        self.rig.wait_for(
            lambda: (
                self.samples and self.samples[-1].read_at > begin and condition(self.samples[-1])
            ),
            what=what,
        )
        return self.samples[-1]


class _Samples(dict):
    """Samples by module; those of the rope go into a list."""

    def __init__(self, ropes):
        super().__init__()
        self._ropes = ropes

    def __setitem__(self, name, value):
        if isinstance(value, HoistSample):
            self._ropes.append(value)
        else:
            super().__setitem__(name, value)


@pytest.fixture(params=[(1, 2), (2, 1)], ids=['hoist 2', 'hoist 1'])
def hoisting(make_rig, request):
    travel, hoist = request.param
    return Hoisting(make_rig, travel, hoist)


def test_the_rope_is_referenced_and_measured(hoisting):
    sample = hoisting.until(lambda sample: not sample.unknown)
    assert (sample.at_reference, sample.length) == (True, 0.0)
    hoisting.rig.sim.set(rope=1.0)
    sample = hoisting.until(lambda sample: sample.length > 0.9)
    assert sample.length == pytest.approx(1.0, abs=0.03)
    assert not sample.at_reference
    hoisting.rig.sim.set(rope=0.0)
    hoisting.until(lambda sample: sample.at_reference and sample.length == 0.0)


def test_rope_that_comes_out_while_the_vehicle_travels_backward_is_seen(hoisting):
    hoisting.until(lambda sample: not sample.unknown)
    hoisting.rig.moving(-0.5)
    hoisting.rig.sim.set(rope_slip=0.3)
    hoisting.until(lambda sample: sample.length > 0.3)
    assert hoisting.rig.sim.truth()['rope'] > 0.3


def test_nobody_drives_the_hoist(hoisting):
    """Not while the vehicle travels, and a hoist found turning is stopped."""
    rig = hoisting.rig
    travel = rig.config['modules'][0]['options']['travel_channel']
    other = {1: 'enable', 2: 'motor2_enable'}[3 - travel]
    rig.sim.watch('travel_motor', f'pwm{3 - travel}')
    rig.moving(0.5)
    rig.moving(-0.5)
    rig.stop_pump()
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='standing')
    assert rig.sim.log() == []
    rig.sim.write('travel_motor', other, 1)
    rig.wait_for(lambda: not rig.sim.read('travel_motor', other), what='stop of the hoist')


def test_a_board_that_restarted_is_not_referenced_while_rope_is_out(hoisting):
    hoisting.until(lambda sample: not sample.unknown)
    hoisting.rig.sim.set(rope=1.0)
    hoisting.until(lambda sample: sample.length > 0.9)
    hoisting.rig.sim.reboot('travel_motor')
    sample = hoisting.until(lambda sample: sample.unknown, 'loss of the reference')
    assert math.isnan(sample.length)
    assert hoisting.rig.sim.read('travel_motor', 'unrolled_length') == 0.0
    time.sleep(0.3)
    assert hoisting.until(lambda sample: True).unknown
    hoisting.rig.sim.set(rope=0.0)
    hoisting.until(lambda sample: not sample.unknown, 'reference')


def test_a_board_that_was_silent_for_long_is_not_referenced(make_rig):
    """It may be another one, or have lost its supply; its count was 0 before and after."""
    hoisting = Hoisting(make_rig)
    rig = hoisting.rig
    hoisting.until(lambda sample: not sample.unknown)
    rig.sim.set(rope=0.01)
    hoisting.until(lambda sample: not sample.at_reference and not sample.unknown)
    rig.sim.misbehave('travel_motor', absent=True)
    time.sleep(1.5)
    rig.sim.misbehave('travel_motor', absent=False)
    sample = hoisting.until(lambda sample: True)
    assert sample.unknown
    assert math.isnan(sample.length)
    time.sleep(0.3)
    assert hoisting.until(lambda sample: True).unknown == IDENTIFIED_ANEW
    rig.sim.set(rope=0.0)
    hoisting.until(lambda sample: not sample.unknown)


def test_without_a_hoist_nothing_is_read_or_reported(make_rig):
    hoisting = Hoisting(make_rig, hoisting=False)
    hoisting.rig.moving(0.3)
    assert hoisting.samples == []


def test_a_board_that_does_not_answer_leaves_the_last_report_to_grow_old(hoisting):
    hoisting.until(lambda sample: not sample.unknown)
    hoisting.rig.sim.misbehave('travel_motor', absent=True)
    time.sleep(0.2)
    count = len(hoisting.samples)
    time.sleep(0.4)
    assert len(hoisting.samples) == count
    hoisting.rig.sim.misbehave('travel_motor', absent=False)
    hoisting.until(lambda sample: not sample.unknown)


def test_the_rope_waits_until_a_stop_is_verified(make_rig):
    hoisting = Hoisting(make_rig)
    rig = hoisting.rig
    rig.hw.motor.estop(True)
    rig.wait_for(lambda: rig.hw.motor.state().stop_verified, what='verified stop')
    rig.sim.misbehave('travel_motor', overwrite=1.0)  # no stop holds from now on
    rig.sim.write('travel_motor', 'motor2_enable', 1)
    rig.wait_for(lambda: not rig.hw.motor.state().stop_verified, what='doubt')
    time.sleep(0.1)
    count = len(hoisting.samples)
    time.sleep(0.5)
    assert len(hoisting.samples) == count
    rig.sim.misbehave('travel_motor', overwrite=0.0)
    hoisting.until(lambda sample: not sample.unknown)


def test_a_rope_that_cannot_be_read_is_a_fault_of_the_board_and_keeps_no_stop_back(make_rig):
    hoisting = Hoisting(make_rig)
    rig = hoisting.rig
    hoisting.until(lambda sample: not sample.unknown)
    rig.moving(0.3)
    reader = rig.hw._motor._hoist
    block, count = reader._block, len(hoisting.samples)
    reader._block = Block('hoist', 0x0200, 1, 0.1, ())  # which the board refuses
    rig.wait_for(lambda: rig.module('travel_motor').status == 'error', what='fault')
    assert rig.module('travel_motor').error_code == 'MOD-003'
    assert 'block hoist fails' in rig.module('travel_motor').error_description
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='verified stop')
    read_at = rig.samples['travel_motor'].read_at
    rig.wait_for(lambda: rig.samples['travel_motor'].read_at > read_at + 0.5, what='reading on')
    assert rig.hw.motor.state().stop_reason == 'module_lost'
    # A reply that the host delays has the stop written and verified again.
    rig.wait_for(lambda: rig.hw.motor.state().stop_verified, what='verified stop')
    assert len(hoisting.samples) <= count + 1
    assert [change[2] for _, change in rig.statuses] == ['online', 'error']
    rig.sim.misbehave('travel_motor', absent=True)
    rig.wait_for(lambda: rig.module('travel_motor').status == 'offline', what='loss')
    turn = {'enable': 1, 'command_speed': 0.3, 'direction': 'forward'}
    for register, value in turn.items():  # as if it had been replaced by one that drives
        rig.sim.write('travel_motor', register, value)
    until = time.monotonic() + 1.1
    rig.wait_for(lambda: time.monotonic() > until, what='the end of trust')
    rig.sim.misbehave('travel_motor', absent=False)
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='a stop')
    rig.wait_for(lambda: rig.module('travel_motor').status == 'error', what='fault')
    reader._block = block
    rig.online()
    rig.stop_pump()
