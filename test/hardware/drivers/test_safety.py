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
"""The safety board: configured, read back, latched, lost."""

from __future__ import annotations

import math
import time

import pytest


@pytest.fixture
def rig(make_rig):
    rig = make_rig('safety', 'travel_motor')
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'safety' in rig.samples, what='a sample')
    return rig


def test_inputs_are_enabled_and_a_clear_path_is_no_fault(rig):
    assert rig.sim.read('safety', 'di_enable') == [True, False, False, False]
    assert rig.sim.read('safety', 'analog_enable') == [False] * 4
    sample = rig.samples['safety']
    assert (sample.configured, sample.status, sample.latched, sample.estop) == (
        True,
        'ok',
        False,
        False,
    )
    assert all(math.isnan(distance) for distance in sample.distances)


def test_button_latches_stops_the_motor_and_is_released(rig):
    rig.moving()
    rig.sim.watch('travel_motor', 'enable', 'command_speed')
    pressed = time.monotonic()
    rig.sim.set(estop_pressed=True)
    assert rig.stopped_at() - pressed < 0.3
    assert rig.hw.motor.state().stop_reason == 'estop'
    rig.wait_for(lambda: rig.samples['safety'].latched and rig.samples['safety'].estop_pressed)
    assert rig.hw.release_safety_latch() is False  # the cause persists
    rig.sim.set(estop_pressed=False)
    rig.wait_for(lambda: not rig.samples['safety'].estop_pressed)
    assert rig.samples['safety'].latched and rig.samples['safety'].estop
    assert rig.hw.release_safety_latch() is True
    rig.wait_for(lambda: not rig.samples['safety'].estop)
    assert rig.sim.read('safety', 'latch') is False


def test_rebooted_board_is_unsafe_until_it_is_configured_again(rig):
    rig.sim.write('safety', 'di_enable', [False] * 4)
    rig.wait_for(lambda: rig.sim.read('safety', 'di_enable')[0], what='configured again')
    rig.sim.reboot('safety')
    rig.wait_for(lambda: rig.sim.read('safety', 'di_enable')[0], what='configured after reboot')


def test_unconfigured_sample_asks_for_a_stop(make_rig):
    rig = make_rig('safety')
    samples = []
    rig.samples = type('Seen', (dict,), {'__setitem__': lambda _, name, s: samples.append(s)})()
    rig.start()
    rig.online()
    rig.sim.write('safety', 'di_enable', [False] * 4)
    rig.wait_for(lambda: any(not s.configured and s.estop for s in samples), what='unsafe sample')
    rig.wait_for(lambda: samples[-1].configured and not samples[-1].estop, what='safe again')


def test_loss_is_an_emergency_stop_within_half_a_second(rig):
    rig.moving()
    rig.sim.misbehave('safety', absent=True)
    gone = time.monotonic()
    rig.wait_for(lambda: rig.hw.motor.state().stop_reason == 'estop', what='stop')
    assert time.monotonic() - gone < 0.5
    rig.sim.misbehave('safety', absent=False)
    rig.online()
    rig.wait_for(lambda: rig.hw.motor.state().stop_reason == 'none', what='motion again')


def test_distance_inputs_trip_by_zone(make_rig):
    rig = make_rig(
        'safety', modules={'safety': ('safety_module_fw', 'safety', 3, {'distance_inputs': [1]})}
    )
    rig.sim.set(obstacles=[5.8])
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'safety' in rig.samples)
    assert rig.samples['safety'].distances[0] == pytest.approx(0.80)
    assert math.isnan(rig.samples['safety'].distances[1])
    rig.sim.set(obstacles=[5.55])
    rig.wait_for(lambda: rig.samples['safety'].status == 'warning')
    assert not rig.samples['safety'].estop
    rig.sim.set(obstacles=[5.2])
    rig.wait_for(
        lambda: rig.samples['safety'].latched and rig.samples['safety'].status == 'critical'
    )


def test_a_clear_path_trips_an_enabled_distance_input(make_rig):
    rig = make_rig(
        'safety', modules={'safety': ('safety_module_fw', 'safety', 3, {'distance_inputs': [1]})}
    )
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'safety' in rig.samples and rig.samples['safety'].status == 'error')
    assert rig.samples['safety'].latched


def test_oht_v2_layout(make_rig):
    rig = make_rig(
        boards={'safety': ('oht_v2_safety', 'safety', 3)},
        modules={'safety': ('oht_v2_safety', 'safety', 3, {'digital_inputs': {1: 'low'}})},
    )  # fmt: skip
    rig.sim.set(obstacles=[6.234])
    rig.start()
    rig.online('safety')
    rig.wait_for(lambda: 'safety' in rig.samples)
    assert rig.samples['safety'].distances[0] == pytest.approx(1.234)
    assert not rig.samples['safety'].estop
    rig.sim.set(estop_pressed=True)
    rig.wait_for(lambda: rig.samples['safety'].estop and rig.samples['safety'].status == 'estop')
    assert rig.hw.release_safety_latch() is True  # there is none
