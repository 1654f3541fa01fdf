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

from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Write
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop_sources import EstopSources


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
        'safety', modules={'safety': ('safety_module_fw', 'safety', 5, {'distance_inputs': [1]})}
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
        'safety', modules={'safety': ('safety_module_fw', 'safety', 5, {'distance_inputs': [1]})}
    )
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'safety' in rig.samples and rig.samples['safety'].status == 'error')
    assert rig.samples['safety'].latched


def make_safety(make_rig, **options):
    """Return a rig with a safety board of these options, not started."""
    return make_rig('safety', modules={'safety': ('safety_module_fw', 'safety', 5, options)})


def online(rig):
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'safety' in rig.samples, what='a sample')


@pytest.mark.parametrize('active', ['low', 'high'])
def test_an_input_is_active_at_its_level(make_rig, active):
    rig = make_safety(make_rig, digital_inputs={2: active, 4: active}, estop_input=2)
    passive = active == 'low'  # level
    rig.sim.set(input_levels=[False, passive, False, passive])
    online(rig)
    assert not rig.samples['safety'].estop
    assert rig.samples['safety'].digital_inputs == (False,) * 4
    rig.sim.set(input_levels=[False, passive, False, not passive])
    rig.wait_for(lambda: rig.samples['safety'].digital_inputs == (False, False, False, True))
    assert not rig.samples['safety'].estop_pressed
    # The board trips after it has read its inputs, so an earlier reply may not have it yet.
    rig.wait_for(lambda: rig.samples['safety'].latched, what='the trip')
    rig.sim.set(input_levels=[False, not passive, False, passive])
    rig.wait_for(lambda: rig.samples['safety'].estop_pressed, what='the button')
    rig.wait_for(lambda: rig.samples['safety'].digital_inputs == (False, True, False, False))


def test_an_input_without_a_reading_counts_as_active(rig):
    module = rig.hw._modules['safety']
    assert module._active_inputs() == (False,) * 4
    module._read_times.clear()
    assert module._active_inputs() == (True, False, False, False)


def test_distances_are_those_of_the_terminals(make_rig):
    rig = make_safety(make_rig, distance_inputs=[1, 4])
    rig.sim.set(obstacles=[5.8, 4.3])  # 0.8 m ahead of the terminals 1 and 2, 0.7 m behind
    online(rig)
    assert rig.sim.read('safety', 'analog_enable') == [True, False, False, True]
    ahead, *unused, behind = rig.samples['safety'].distances
    assert (ahead, behind) == (pytest.approx(0.80), pytest.approx(0.70))
    assert all(math.isnan(distance) for distance in unused)


def test_the_enables_are_kept_although_the_board_loses_most_writes(make_rig):
    rig = make_safety(make_rig, distance_inputs=[1, 2, 3, 4])
    rig.sim.set(obstacles=[5.8, 4.2])
    rig.sim.misbehave('safety', write_loss=[0.76] * 5)
    online(rig)
    assert rig.statuses == [(rig.statuses[0][0], ('safety', 'offline', 'online', '', ''))]
    assert rig.sim.read('safety', 'analog_enable') == [True] * 4
    assert rig.sim.read('safety', 'di_enable') == [True, False, False, False]


def test_a_distance_that_may_be_in_error_is_no_reading(make_rig):
    rig = make_safety(make_rig, distance_inputs=[1])
    rig.sim.set(obstacles=[5.8])
    online(rig)
    assert rig.samples['safety'].distances[0] == pytest.approx(0.80)
    rig.sim.set(unplugged_distances=[1])
    rig.wait_for(lambda: rig.samples['safety'].status == 'error', what='error')
    assert rig.sim.read('safety', 'distance')[3] == 0.80  # the board keeps it
    assert math.isnan(rig.samples['safety'].distances[0])


def test_an_error_that_the_board_hides_behind_a_warning_asks_for_a_stop(make_rig):
    # The board evaluates terminal 3 first, which sees nothing, then 1.
    rig = make_safety(make_rig, distance_inputs=[1, 3])
    rig.sim.set(obstacles=[5.5])
    online(rig)
    assert rig.sim.read('safety', 'status') == 'warning'
    sample = rig.samples['safety']
    assert (sample.status, sample.estop, sample.latched) == ('error', True, False)
    assert all(math.isnan(distance) for distance in sample.distances)


def relay(rig):
    return [words[0] for _, _, name, words in rig.sim.log() if name == 'relay']


def latch(rig):
    return [words[0] for _, _, name, words in rig.sim.log() if name == 'latch']


@pytest.mark.parametrize('cause', ['error', 'critical', 'button', 'warning after an error'])
def test_nothing_is_written_to_a_latch_whose_cause_persists(make_rig, cause):
    rig = make_safety(make_rig, distance_inputs=[1])
    rig.sim.set(obstacles=[5.2] if cause == 'critical' else [5.8])
    online(rig)
    if cause == 'button':
        rig.sim.set(estop_pressed=True)
    elif cause != 'critical':
        rig.sim.set(obstacles=[])
    rig.wait_for(lambda: rig.samples['safety'].latched, what='the latch')
    if cause == 'warning after an error':
        rig.sim.set(obstacles=[5.5])
    rig.sim.watch('safety', 'relay', 'latch')
    assert rig.hw.release_safety_latch() is False
    assert rig.sim.log() == []


@pytest.mark.parametrize('distance', [0.5, 0.8])
def test_the_latch_is_released_by_one_write(make_rig, distance):
    rig = make_safety(make_rig, distance_inputs=[1])
    rig.sim.set(obstacles=[5.2])
    online(rig)
    rig.sim.set(obstacles=[5.0 + distance])
    rig.sim.watch('safety', 'relay', 'latch')
    assert rig.hw.release_safety_latch() is True
    assert (latch(rig), relay(rig)) == ([0], [0])
    assert rig.hw.release_safety_latch() is True  # nothing is latched
    assert latch(rig) == [0]


def test_a_release_without_a_reply_is_not_repeated(make_rig):
    rig = make_safety(make_rig)
    rig.sim.set(estop_pressed=True)
    online(rig)
    rig.sim.set(estop_pressed=False)
    written = []
    steps = rig.hw._modules['safety'].release_latch()

    def lossy():
        request = next(steps)
        while True:
            try:
                if isinstance(request, Write):
                    written.append(request)
                    yield request  # it reaches the board
                    request = steps.throw(CommunicationTimeoutError('its reply is lost'))
                else:
                    request = steps.send((yield request))
            except StopIteration as end:
                return end.value

    line = rig.hw._modules['safety'].line
    assert line.submit(lossy(), Priority.DRIVE).result(5) is True
    assert [(request.values, request.retries) for request in written] == [((0,), 0)]


def test_a_board_that_noise_has_made_deaf_is_not_lost(rig):
    def more(name, timeout):
        before = getattr(rig.module('safety').statistics, name)
        rig.wait_for(
            lambda: getattr(rig.module('safety').statistics, name) > before, timeout, name
        )

    for _ in range(5):
        rig.sim.noise('safety', b'\xff')
        more('timeouts', 1.0)
        more('replies', 0.4)
    assert [change for _, change in rig.statuses if change[2] != 'online'] == []


@pytest.mark.parametrize('when', ['at the start', 'while it is lost'])
def test_a_deaf_board_is_found(make_rig, when):
    rig = make_rig('safety')
    if when == 'at the start':
        rig.sim.noise('safety', b'\xff')
    rig.start()
    rig.online()
    if when == 'while it is lost':
        rig.sim.misbehave('safety', absent=True)
        rig.wait_for(lambda: rig.module('safety').status == 'offline', what='loss')
        rig.sim.misbehave('safety', absent=False)
        rig.sim.noise('safety', b'\xff')
        rig.online()


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


@pytest.mark.parametrize(('profile', 'address'), [('safety_module_fw', 5), ('oht_v2_safety', 3)])
def test_each_opening_of_the_chain_is_counted(make_rig, profile, address):
    """By the line, not by who receives the samples: one that is not received loses none."""
    rig = make_rig(
        boards={'safety': (profile, 'safety', address)},
        modules={'safety': (profile, 'safety', address, {'digital_inputs': {1: 'low'}})},
    )
    rig.sim.set(input_levels=[True, False, False, False])
    online(rig)
    assert rig.samples['safety'].dangers == 0
    for count in (1, 2, 3):
        rig.sim.set(estop_pressed=True)
        rig.wait_for(lambda count=count: rig.samples['safety'].dangers == count)
        rig.sim.set(estop_pressed=False)
        rig.wait_for(lambda: not rig.samples['safety'].estop_pressed)
    assert rig.samples['safety'].dangers == 3


LAYOUTS = {'safety_module_fw': 5, 'oht_v2_safety': 3}


@pytest.mark.parametrize(
    ('profile', 'stops'), [('safety_module_fw', True), ('oht_v2_safety', False)]
)
@pytest.mark.parametrize('guard', [2, 3, 4])
def test_an_open_guard_is_a_stop_where_inputs_trip_the_board(
    make_rig, tmp_path, profile, stops, guard
):
    inputs = {1: 'low', guard: 'high'}
    address = LAYOUTS[profile]
    rig = make_rig(
        boards={'safety': (profile, 'safety', address)},
        modules={'safety': (profile, 'safety', address, {'digital_inputs': inputs})},
    )
    rig.sim.set(input_levels=[True, False, False, False])
    online(rig)
    latch = EstopLatch(tmp_path / 'estop.json', clock=time.time_ns)
    sources = EstopSources(latch)

    def reported():
        sample = rig.samples['safety']
        report = InputsReport(
            configured=sample.configured,
            alarm=sample.status not in ('ok', 'warning'),
            latched=sample.latched,
            estop_pressed=sample.estop_pressed,
            distances=sample.distances,
            digital_inputs=sample.digital_inputs,
        )
        sources.update_inputs(report, time.monotonic())
        return report

    assert not any(reported().digital_inputs) and latch.estop is None
    rig.sim.set(input_levels=[True, *(number == guard for number in range(2, 5))])
    rig.wait_for(lambda: reported().digital_inputs[guard - 1], what='the open guard')
    if stops:
        rig.wait_for(lambda: reported() and latch.estop, what='the stop')
        assert f'digital_input_{guard}' in latch.estop.source
    else:
        seen = rig.samples['safety'].read_at
        rig.wait_for(
            lambda: reported() and rig.samples['safety'].read_at > seen + 0.5, what='more reports'
        )
        assert latch.estop is None and not rig.samples['safety'].estop
