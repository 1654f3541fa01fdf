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

import time

import pytest

from oht50_bridge.hardware.drivers.power import CHARGE_TIMEOUT
from oht50_bridge.stop_reason import StopReason


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


def test_seven_percent_of_lost_requests_are_not_noticed(make_rig):
    rig = make_rig('power', boards={'power': ('stm32_power', 'sense', 2, {'loss': 0.07})})
    rig.config['modules'][0]['polls'] = {'pack': 0.02, 'charger': 0.02, 'rails': 0.02}
    rig.start()
    rig.online()
    rig.wait_for(lambda: rig.module('power').statistics.requests > 80, what='requests')
    statistics = rig.module('power').statistics
    assert statistics.retries > 0
    assert [change[1][2] for change in rig.statuses] == ['online']
