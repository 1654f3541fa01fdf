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
"""The power board, which loses requests."""

from __future__ import annotations

import math
import random
import time
from types import SimpleNamespace

import pytest
from board_rounds import Clock
from board_rounds import run

from oht50_bridge.hardware.drivers.power import CHARGE_TIMEOUT
from oht50_bridge.hardware.drivers.power import PowerModule
from oht50_bridge.hardware.errors import ExceptionReplyError
from oht50_bridge.hardware.module import ModuleSpec
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.simulator.boards.power import PowerBoard
from oht50_bridge.simulator.physics import World
from oht50_bridge.stop_reason import StopReason

PROFILE = load('stm32_power')
SHORT_CIRCUIT, DISCHARGE_OVERCURRENT, PACK_LOW = 1 << 46, 1 << 19, 1 << 6


class Bench:
    """The driver and its board, in time that the test lets pass."""

    def __init__(self, clock):
        self.clock, self.samples, self.changes = clock, [], []
        self.module = PowerModule(
            ModuleSpec('power', 'power', PROFILE, 'x', 2, PROFILE.timing),
            SimpleNamespace(name='x', wake=lambda worker: None),
            self,
        )
        self.board = PowerBoard(
            'power', 2, PROFILE, World(), {'loss': 0.0}, random.Random(1), lambda *_: None
        )
        self.pass_(1.5)

    def sample(self, module_id, sample):
        self.samples.append(sample)

    def discovered(self, info):
        pass

    def status_change(self, module_id, old, new, code, text):
        self.changes.append((new, text))

    def pass_(self, seconds, **failure):
        """Let time pass; return the last sample."""
        run(self.module, self.board, self.clock, seconds, **failure)
        return self.samples[-1]

    def charge(self, seconds, **failure):
        """Ask for charging for some seconds; return the last sample."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            assert self.module.request_charge(True)
            self.pass_(0.5, **failure)
        return self.samples[-1]


@pytest.fixture
def bench(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, 'monotonic', clock)
    return Bench(clock)


def assert_unknown(sample):
    """Nothing of the pack is known."""
    pack = (sample.soc, sample.voltage, sample.current, sample.temperature)
    assert all(math.isnan(value) for value in (*pack, sample.residual_capacity))
    assert sample.cell_voltages == sample.temperatures == ()
    assert (sample.state, sample.bms_alive) == ('offline', False)
    assert not sample.charger_present


def test_nothing_of_the_pack_is_known_while_the_battery_management_is_silent(bench):
    assert bench.samples[-1].soc == pytest.approx(0.85, abs=0.001)
    bench.board.misbehaviour.bms_silent = True
    assert_unknown(bench.pass_(4.5))
    assert bench.samples[-1].rail_voltages == (12.0, 5.0, 3.3), 'the board itself is well'
    assert [change[0] for change in bench.changes] == ['online']
    bench.board.misbehaviour.bms_silent = False
    assert bench.pass_(1.0).soc == pytest.approx(0.85, abs=0.001)


def test_nothing_of_the_pack_is_known_while_the_board_says_it_is_not_connected(bench):
    """At once, whatever the counter does: so it is when the board has just started."""
    put = bench.board.put
    bench.board.put = lambda name, value: put(name, 0 if name == 'bms_connected' else value)
    assert_unknown(bench.pass_(0.5))


def test_nothing_of_the_pack_is_known_while_the_life_counter_stands_still(bench):
    """The board says connected, and would for ever: some of its requests are answered."""
    put = bench.board.put
    bench.board.put = lambda name, value: name == 'bms_life' or put(name, value)
    limit = PROFILE.quirks['bms_timeout']
    assert 3.2 < limit < 5.0
    assert not math.isnan(bench.pass_(limit - 1.0).soc)
    assert_unknown(bench.pass_(1.5))
    bench.board.put = put
    assert bench.pass_(1.0).soc == pytest.approx(0.85, abs=0.001)


def test_a_standing_life_counter_is_not_forgotten_when_the_board_is_lost(bench):
    put = bench.board.put
    bench.board.put = lambda name, value: name == 'bms_life' or put(name, value)
    bench.pass_(3.0)
    bench.module.set_status('offline', ExceptionReplyError('x'))
    assert_unknown(bench.pass_(3.0))


def test_a_state_of_charge_that_cannot_be_is_unknown(bench):
    put = bench.board.put
    bench.board.put = lambda name, value: put(name, 65.535 if name == 'soc' else value)
    assert math.isnan(bench.pass_(0.5).soc)


@pytest.mark.parametrize(
    ('faults', 'flags'), [(SHORT_CIRCUIT, 0), (DISCHARGE_OVERCURRENT, 0), (PACK_LOW, PACK_LOW)]
)
def test_a_fault_is_seen_whichever_of_the_48_it_is(bench, faults, flags):
    assert not bench.samples[-1].battery_fault, 'the charger is off, which is no fault'
    bench.board.misbehaviour.bms_faults = faults
    sample = bench.pass_(1.0)
    assert (sample.battery_fault, sample.fault_flags) == (True, flags)
    bench.board.misbehaviour.bms_faults = 0
    assert not bench.pass_(1.0).battery_fault


def test_charging_is_what_flows_into_the_pack_not_what_the_board_says(bench):
    bench.board.world.charger_connected = True
    sample = bench.charge(3.0)
    assert sample.charge_state == sample.state == 'charging' and sample.current > 0
    bench.board.world.charger_connected = False
    sample = bench.charge(3.0)
    assert bench.board.get('charge_state') == 'charging' and bench.board.get('relay_charge')
    assert (sample.charge_state, sample.state) == ('waiting', 'discharging')
    assert sample.charge_requested and sample.current < 0
    bench.board.misbehaviour.bms_silent = True
    assert bench.charge(5.0).charge_state == 'unknown'


def test_a_board_that_has_charged_is_accepted_again(bench):
    """The charger's registers keep what they had, at times one byte off."""
    bench.board.world.charger_connected = True
    bench.charge(2.0)
    bench.module.request_charge(False)
    bench.pass_(1.0)
    bench.board.put('charger_voltage_set', 552.99)
    bench.module.set_status('offline', ExceptionReplyError('x'))
    bench.pass_(3.0)
    assert [change[0] for change in bench.changes] == ['online', 'offline', 'online']


@pytest.mark.parametrize(
    ('register', 'word'),
    [('firmware_version', 0x0102), ('hardware_version', 1), ('cell_count', 25),
     ('usage_threshold', 0)],
)  # fmt: skip
def test_a_board_with_another_layout_is_refused(bench, register, word):
    put = bench.board.put
    scale = PROFILE.registers[register].scale
    bench.board.put = lambda name, value: name == register or put(name, value)
    put(register, word * scale)
    bench.module.set_status('offline', ExceptionReplyError('x'))
    bench.pass_(2.0)
    assert bench.module.info().error_code == 'MOD-004'
    assert register in bench.module.info().error_description


def test_a_charge_request_that_the_board_does_not_take_is_an_error(bench):
    """All polls answer; the motor would be kept from moving without a word."""
    bench.board._write = lambda address, word, now: 2
    refused = SimpleNamespace(start=0x3F, count=1)
    bench.charge(6.0, dead=[refused], error=ExceptionReplyError('exception 2'))
    assert bench.module.status == 'error'
    assert 'charge request' in bench.changes[-1][1]
    reported = len(bench.changes)
    bench.charge(6.0, dead=[refused], error=ExceptionReplyError('exception 2'))
    assert len(bench.changes) == reported
    del bench.board._write
    bench.charge(2.0)
    assert bench.module.status == 'online' and bench.samples[-1].charge_requested


@pytest.fixture
def rig(make_rig):
    rig = make_rig('power')
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'power' in rig.samples, what='a sample')
    return rig


def test_sample_agrees_with_the_truth(rig):
    sample, truth = rig.samples['power'], rig.sim.truth()
    assert sample.voltage == pytest.approx(truth['voltage'], abs=0.06)
    assert sample.soc == pytest.approx(truth['soc'], abs=0.002)
    assert sample.current == pytest.approx(truth['current'], abs=0.06)
    assert sample.state == 'discharging' and sample.current < 0
    assert sample.temperature == 25.0
    assert sum(sample.cell_voltages) == pytest.approx(sample.voltage, abs=0.1)
    rig.wait_for(lambda: rig.samples['power'].rail_voltages == (12.0, 5.0, 3.3), what='rails')


def keep_asking(rig, seconds):
    """Ask for charging at 10 Hz; return the moment of the last request, monotonic."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert rig.hw.charge(True)
        time.sleep(0.1)
    return time.monotonic()


def changes(rig, register):
    """Return the logged changes of a boolean register: (monotonic, value)."""
    return [(at, words == [1]) for at, _, name, words in rig.sim.log() if name == register]


def test_charges_for_as_long_as_it_is_asked_to(rig):
    rig.sim.set(charger_connected=True)
    rig.sim.watch('power', 'charge_request')
    last = keep_asking(rig, CHARGE_TIMEOUT + 1.0)
    sample = rig.samples['power']
    assert sample.state == 'charging' and sample.current > 0 and sample.charger_present
    assert sample.charge_requested and sample.charge_state == 'charging'
    rig.wait_for(lambda: not rig.sim.truth()['charge_requested'], what='the request lapses')
    (_, on), (off_at, off) = changes(rig, 'charge_request')
    assert on and not off
    assert CHARGE_TIMEOUT - 0.2 < off_at - last < CHARGE_TIMEOUT + 1.0
    rig.wait_for(lambda: rig.samples['power'].charge_state == 'idle', what='charge_state idle')
    assert not rig.samples['power'].charge_requested


def test_without_a_charger_it_waits(rig):
    assert rig.hw.charge(True)
    rig.wait_for(lambda: rig.samples['power'].charge_state == 'waiting', what='waiting')
    assert rig.hw.charge(False)
    rig.wait_for(lambda: rig.samples['power'].charge_state == 'idle', what='idle')


def test_request_that_nobody_makes_is_withdrawn(rig):
    """As one is that a process which died has left behind."""
    rig.sim.set(charger_connected=True)
    rig.sim.write('power', 'charge_request', True)
    rig.wait_for(lambda: not rig.sim.truth()['charge_requested'], what='withdrawn')


def test_a_board_that_lost_the_request_is_asked_again(rig):
    rig.sim.set(charger_connected=True)
    assert rig.hw.charge(True)
    rig.wait_for(lambda: rig.sim.truth()['charging'], what='charging')
    rig.sim.reboot('power')
    rig.wait_for(
        lambda: rig.hw.charge(True) and rig.sim.truth()['charging'], what='charging again'
    )


def test_lets_go_of_the_charger_at_the_end(rig):
    rig.sim.set(charger_connected=True)
    assert rig.hw.charge(True)
    rig.wait_for(lambda: rig.sim.truth()['charging'], what='charging')
    rig.hw.close()
    assert not rig.sim.truth()['charge_requested']


@pytest.fixture
def vehicle(make_rig):
    rig = make_rig('power', 'travel_motor')
    rig.start()
    rig.online()
    rig.sim.set(charger_connected=True)
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='the motor stands')
    return rig


def test_motor_does_not_turn_while_the_charger_is_engaged(vehicle):
    rig = vehicle
    rig.sim.watch('travel_motor', 'command_speed')
    rig.pump(0.3)
    rig.wait_for(lambda: rig.sim.truth()['velocity'] > 0.2, what='motion')
    assert not rig.hw.charge(True), 'not while it moves'
    rig.pump(0.0)
    rig.wait_for(lambda: rig.hw.motor.state().standing, what='the motor stands')
    assert rig.hw.charge(True)
    assert rig.hw.motor.drive(0.3) == StopReason.CHARGING, 'from the moment of the request on'
    rig.wait_for(lambda: rig.sim.truth()['charging'], what='charging')
    rig.sim.watch('travel_motor', 'command_speed')
    rig.pump(0.3)
    keep_asking(rig, 0.5)
    assert rig.sim.log() == []
    rig.sim.watch('power', 'charge_request')
    rig.hw.charge(False)
    rig.wait_for(lambda: rig.sim.truth()['velocity'] > 0.2, what='motion')
    speed_at = next(at for at, _, name, words in rig.sim.log() if name == 'command_speed')
    ((off_at, off),) = changes(rig, 'charge_request')
    assert not off and off_at < speed_at, 'the charger first'


def test_motor_stands_until_the_power_board_was_read(make_rig):
    rig = make_rig(
        'power', 'travel_motor', boards={'power': ('stm32_power', 'sense', 2, {'absent': True})}
    )
    rig.start()
    rig.online('travel_motor')
    rig.wait_for(
        lambda: rig.hw.motor.state().stop_reason == StopReason.CHARGING, what='motion forbidden'
    )
    rig.sim.misbehave('power', absent=False)
    rig.online('power')
    assert rig.hw.motor.state().stop_reason != StopReason.CHARGING


def test_a_request_that_was_never_read_back_counts_as_engaged(make_rig):
    rig = make_rig('power', boards={'power': ('stm32_power', 'sense', 2, {'absent': True})})
    (power,) = rig.start()._power
    engaged = []
    power.on_charger = engaged.append
    power.may_charge = lambda: True
    assert power.request_charge(True)
    assert power.request_charge(False)
    assert engaged == [True, True]


def test_seven_percent_of_lost_requests_are_not_noticed(make_rig):
    rig = make_rig('power', boards={'power': ('stm32_power', 'sense', 2, {'loss': 0.07})})
    rig.config['modules'][0]['polls'] = {block.name: 0.02 for block in PROFILE.polls}
    rig.start()
    rig.online()
    rig.wait_for(lambda: rig.module('power').statistics.requests > 80, what='requests')
    statistics = rig.module('power').statistics
    assert statistics.retries > 0
    assert [change[1][2] for change in rig.statuses] == ['online']
