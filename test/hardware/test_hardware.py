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
"""The facade: configuration, scan, loss and return, one shared line."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import pytest
from hardware.two_boards import CONFIG

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.hardware import Hardware


def test_missing_port_is_reported_and_nothing_is_left_behind(wait_for):
    before = set(Path('/proc/self/fd').iterdir()), threading.active_count()
    with Hardware(CONFIG) as hardware:
        wait_for(
            lambda: all(info.error_code == 'MOD-005' for info in hardware.modules()), what='errors'
        )
        assert all('does not exist' in str(line.port_error) for line in hardware.lines())
        assert hardware.modules()[0].status == 'offline'
        assert hardware.motor.drive(0.5) != 'none'
        with pytest.raises(PortLostError):
            hardware.scan('a', [3])
    assert (set(Path('/proc/self/fd').iterdir()), threading.active_count()) == before


def test_scan_finds_who_is_there(make_rig):
    rig = make_rig('power', 'dock')
    rig.start()
    found = rig.hw.scan('sense', (1, 2, 5))
    assert [(board.address, board.type_code) for board in found] == [(2, 2), (5, 5)]
    assert found[0].firmware_version == '1.1'
    with pytest.raises(HardwareConfigError, match="scan: line 'nope'"):
        rig.hw.scan('nope')


def test_loss_and_return_of_a_board_that_shares_a_line(make_rig):
    rig = make_rig('power', 'dock')
    rig.start()
    rig.online()
    rig.wait_for(lambda: sorted(info.id for info in rig.discovered) == ['dock', 'power'])
    rig.sim.misbehave('dock', absent=True)
    gone = time.monotonic()
    lost = rig.wait_for(lambda: [c for c in rig.statuses if c[1][2] == 'offline'])
    assert lost[0][0] - gone < 2.0
    assert lost[0][1] == (
        'dock', 'online', 'offline', 'MOD-001', 'Communication timeout: no reply within 60 ms',
    )  # fmt: skip
    power = rig.module('power').statistics
    rig.wait_for(
        lambda: rig.module('power').statistics.replies > power.replies + 5, what='power goes on'
    )
    assert rig.module('power').status == 'online'
    assert rig.module('power').statistics.timeouts == power.timeouts
    rig.sim.misbehave('dock', absent=False)
    rig.online('dock')
    assert len(rig.discovered) == 2  # a return is no discovery


def test_silent_module_delays_the_others_by_no_more_than_its_timeout(make_rig):
    rig = make_rig('dock', modules={'power': ('stm32_power', 'sense', 2, {})})
    rig.start()
    rig.online('dock')
    times = []
    rig.samples = type(
        'Times', (dict,), {'__setitem__': lambda _, name, s: times.append(s.read_at)}
    )()
    rig.hw.close()
    rig.start()
    rig.wait_for(lambda: len(times) > 25, what='samples')
    gaps = sorted(b - a for a, b in itertools.pairwise(times))
    assert gaps[len(gaps) // 2] < 0.08  # the rate of 50 ms is kept
    assert gaps[-3] < 0.05 + 0.06 + 0.1  # a period, the other's timeout, noise of the machine


def test_board_of_another_type_is_refused(make_rig):
    rig = make_rig(
        'travel_motor',
        boards={'travel_motor': ('driver_2_motor', 'drive', 5)},
        modules={'travel_motor': ('safety_module_fw', 'drive', 5, {})},
    )
    before = rig.sim.registers('travel_motor')
    rig.start()
    rig.wait_for(lambda: rig.module('travel_motor').status == 'error', what='refusal')
    info = rig.module('travel_motor')
    assert info.error_code == 'MOD-004' and 'type code 3' in info.error_description
    assert rig.sim.registers('travel_motor') == before


def test_all_boards_but_the_safety_board_on_one_line(make_rig):
    rig = make_rig(one_line=True)
    rig.start()
    rig.online()
    rig.moving(0.5)
    rig.sim.watch('travel_motor', 'enable', 'command_speed')
    asked = time.monotonic()
    rig.hw.motor.estop(True)
    assert rig.stopped_at() - asked < 0.3
    boards = {'travel_motor', 'power', 'dock', 'safety'}
    rig.wait_for(lambda: set(rig.samples) == boards, what='samples of all')


def test_a_safety_board_that_goes_deaf_is_refused_on_a_line_with_others():
    config = {**CONFIG, 'modules': [{**module, 'line': 'a'} for module in CONFIG['modules']]}
    with pytest.raises(HardwareConfigError, match=r'^modules\.s\.line: .*line of its own$'):
        Hardware(config)


def test_a_callback_that_raises_or_blocks_does_not_delay_the_motor(make_rig):
    rig = make_rig('travel_motor')
    release = threading.Event()
    hardware = Hardware(rig.config, on_sample=lambda *_: release.wait(20))
    rig.hw = hardware
    hardware.start()
    rig.online()
    rig.moving(0.5)
    rig.sim.watch('travel_motor', 'command_speed')
    asked = time.monotonic()
    hardware.motor.estop(True)
    assert rig.stopped_at() - asked < 0.3
    release.set()


def test_a_second_process_is_refused_the_port(make_rig):
    rig = make_rig('travel_motor')
    rig.start()
    rig.online()
    rig.moving()
    with Hardware(rig.config) as second:
        rig.wait_for(
            lambda: 'end the other process' in second.lines()[0].port_error, what='refusal'
        )
        assert second.motor.drive(0.5) != 'none'
    assert rig.sim.read('travel_motor', 'enable')  # nor did its end stop what is not its own


def test_of_a_backlog_the_newest_sample_of_each_module_is_delivered(wait_for):
    delivered = []
    release = threading.Event()

    def on_sample(module_id, sample):
        release.wait(10.0)
        delivered.append((module_id, sample))

    with Hardware(CONFIG, on_sample) as hardware:
        hardware.sample('x', 'first')
        wait_for(lambda: not hardware._waiting.get('x'), what='the callback hangs')
        for number in range(1500):
            hardware.sample('x', number)
            hardware.sample('y', number)
        release.set()
        wait_for(lambda: {('x', 1499), ('y', 1499)} <= set(delivered), what='the newest')
    assert [sample for name, sample in delivered if name == 'x'] == ['first', 1499]
