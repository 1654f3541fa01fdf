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
"""Boards without a line: what their registers answer, and how they follow the world."""

import random
import struct

import pytest

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.simulator.boards import BOARDS
from oht50_bridge.simulator.boards import ILLEGAL_ADDRESS
from oht50_bridge.simulator.boards import ILLEGAL_VALUE
from oht50_bridge.simulator.physics import World

READ, WRITE, WRITE_SEVERAL = 3, 6, 16
CALM = {'loss': 0.0, 'overwrite': 0.0}


@pytest.fixture
def changes():
    return []


@pytest.fixture
def make(changes):
    """Return a function that makes a board of a profile in a world of its own."""

    def make(profile, **habits):
        profile = load(profile)
        return BOARDS[profile.kind](
            'board',
            7,
            profile,
            World(),
            {**CALM, **habits},
            random.Random(1),
            lambda *change: changes.append(change),
        )

    return make


def read(board, name, now=0.0):
    register = board.profile.registers[name]
    reply = board.handle(struct.pack('>BHH', READ, register.address, register.count), now)
    assert reply[:2] == bytes([READ, 2 * register.count])
    return register.decode(struct.unpack(f'>{register.count}H', reply[2:]))


def write(board, name, value, now=0.0):
    """Write a register by function 6 or 16; return the reply."""
    register = board.profile.registers[name]
    words = register.encode(value)
    if len(words) == 1:
        return board.handle(struct.pack('>BHH', WRITE, register.address, words[0]), now)
    head = struct.pack('>BHHB', WRITE_SEVERAL, register.address, len(words), 2 * len(words))
    return board.handle(head + struct.pack(f'>{len(words)}H', *words), now)


@pytest.mark.parametrize(
    'profile', ['driver_2_motor', 'stm32_power', 'oht_v2_dock', 'safety_module_fw']
)
def test_a_board_satisfies_the_signature_of_its_own_profile(make, profile):
    board = make(profile)
    board.update(0.0)
    assert read(board, 'device_id') == 7
    assert read(board, 'module_type') in board.profile.type_codes
    for check in board.profile.signature:
        assert check.holds(read(board, check.register)), check


def test_a_written_register_reads_back_and_echoes(make):
    board = make('driver_2_motor')
    register = board.profile.registers['command_speed']
    assert write(board, 'command_speed', 0.25) == struct.pack('>BHH', WRITE, register.address, 25)
    assert read(board, 'command_speed') == 0.25


def test_several_registers_are_written_by_one_request(make):
    board = make('safety_module_fw')
    reply = write(board, 'di_enable', (True, False, True, False))
    assert reply[0] == WRITE_SEVERAL
    assert read(board, 'di_enable') == (True, False, True, False)


@pytest.mark.parametrize(
    ('pdu', 'exception'),
    [
        (struct.pack('>BHH', READ, 0, 0), ILLEGAL_VALUE),
        (struct.pack('>BHH', READ, 0, 126), ILLEGAL_VALUE),
        (b'\x2b\x0e\x01\x00\x00', 1),
    ],
)
def test_a_request_that_no_board_serves_is_an_exception(make, pdu, exception):
    assert make('driver_2_motor').handle(pdu, 0.0) == bytes([pdu[0] | 0x80, exception])


@pytest.mark.parametrize(
    ('profile', 'refuses'), [('safety_module_fw', True), ('stm32_power', False)]
)
def test_a_read_of_what_does_not_exist_is_refused_or_zero(make, profile, refuses):
    board = make(profile)
    assert (board.profile.quirks['unknown_read'] == 'refuse') is refuses
    reply = board.handle(struct.pack('>BHH', READ, 0xFFF0, 1), 0.0)
    exception = bytes([READ | 0x80, ILLEGAL_ADDRESS])
    assert reply == (exception if refuses else struct.pack('>BBH', READ, 2, 0))


def test_a_change_of_a_register_is_reported_once(make, changes):
    board = make('driver_2_motor')
    changes.clear()
    write(board, 'command_speed', 0.25)
    write(board, 'command_speed', 0.25)
    assert [each for each in changes if each[1] == 'command_speed'] == [
        ('board', 'command_speed', [25])
    ]


def test_a_reboot_loses_what_was_written_and_is_silent_for_a_while(make):
    board = make('driver_2_motor')
    write(board, 'command_speed', 0.25)
    board.reboot(10.0)
    assert board.silent_until > 10.0
    assert read(board, 'command_speed', 11.0) == 0.0


def test_a_write_is_undone_at_the_end_of_the_cycle_of_a_board_that_overwrites(make):
    board = make('driver_2_motor', overwrite=1.0, cycle=0.1)
    write(board, 'command_speed', 0.25, now=1.01)
    assert read(board, 'command_speed', 1.05) == 0.25
    assert read(board, 'command_speed', 1.11) == 0.0


def test_what_does_not_fit_a_register_is_clipped(make):
    board = make('oht_v2_dock')
    register = board.profile.registers['position_x']
    board.put('position_x', 1e9)
    assert board.words[register.address] in (0x7FFF, 0xFFFF)
    board.put('no_such_register', 1)  # a layout that lacks it


def test_the_motor_ramps_up_and_stays_at_its_last_command(make):
    board = make('driver_2_motor')
    board.world.drive = board.drive
    board.update(0.0)
    write(board, 'direction', 'forward')
    write(board, 'enable', True)
    write(board, 'command_speed', 0.5)
    board.update(0.1)
    assert 0.0 < board.world.velocity < 0.5
    board.update(60.0)  # no watchdog
    assert board.world.velocity == pytest.approx(0.5)
    assert read(board, 'actual_speed', 60.0) == pytest.approx(0.5)
    write(board, 'enable', False, now=60.0)
    board.update(62.0)
    assert board.world.velocity == 0.0


def test_the_power_board_measures_the_battery_and_switches_the_charger(make):
    board = make('stm32_power')
    board.world.soc = 0.5
    assert read(board, 'soc') == pytest.approx(0.5, abs=0.01)
    assert read(board, 'pack_state') == 'discharging'
    board.world.charger_connected = True
    write(board, 'charge_request', True)
    assert read(board, 'charge_state', 0.1) == 'charging'
    assert read(board, 'pack_state', 0.2) == 'charging'


def test_the_safety_board_latches_the_open_chain_only_where_its_input_is_enabled(make):
    board = make('safety_module_fw')
    board.world.input_levels[0] = False
    assert read(board, 'latch') is False  # disabled at power-up
    write(board, 'di_active_level', (False,) * 4)
    write(board, 'di_enable', (True, False, False, False))
    assert (read(board, 'latch'), read(board, 'status')) == (True, 'critical')
    write(board, 'latch', False)
    assert read(board, 'latch') is True  # its cause persists
    board.world.input_levels[0] = True
    write(board, 'latch', False)
    assert (read(board, 'latch'), read(board, 'status')) == (False, 'ok')


def test_the_dock_board_reports_where_the_vehicle_is_unless_its_sensors_are_stale(make):
    board = make('oht_v2_dock')
    board.world.position = 12.5
    assert read(board, 'position_x') == pytest.approx(12.5, abs=0.01)
    board.misbehaviour.stale = True
    board.world.position = 20.0
    assert read(board, 'position_x', 1.0) == pytest.approx(12.5, abs=0.01)
