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
"""The power board: battery and charger as its firmware tells of them."""

import struct

import pytest
from board_requests import WRITE
from board_requests import WRITE_SEVERAL
from board_requests import read
from board_requests import write

from oht50_bridge.simulator.boards.board import ILLEGAL_ADDRESS
from oht50_bridge.simulator.boards.board import ILLEGAL_VALUE

PACK = ('pack_voltage', 'soc', 'pack_state', 'cell_count', 'temperature', 'bms_life')
CHARGER = ('charger_voltage_set', 'charger_voltage', 'charger_input_voltage', 'charger_output')


@pytest.fixture
def board(make):
    return make('stm32_power')


def read_all(board, names, now):
    return [read(board, name, now) for name in names]


def charge(board, now):
    """Ask for charging and let the charge control take its steps; return when it has."""
    write(board, 'charge_request', True, now)
    for _ in range(3):
        now += 0.11
        board.update(now)
    return now


def test_the_power_board_measures_the_battery_and_switches_the_charger(board):
    board.world.soc = 0.5
    assert read(board, 'soc') == pytest.approx(0.5, abs=0.01)
    assert read(board, 'pack_state') == 'discharging'
    board.world.charger_connected = True
    now = charge(board, 0.1)
    assert read(board, 'charge_state', now) == 'charging'
    assert read(board, 'pack_state', now + 0.1) == 'charging'
    write(board, 'charge_request', False, now + 0.2)
    assert read(board, 'charge_state', now + 0.2) == 'idle'
    assert not read(board, 'relay_charge', now + 0.2)


def test_a_silent_battery_management_leaves_the_last_values(board):
    before = read_all(board, PACK, 1.0)
    assert read(board, 'bms_connected', 1.0)
    board.misbehaviour.bms_silent = True
    board.world.soc = 0.2
    assert read(board, 'bms_connected', 4.0), 'the board does not know yet'
    assert not read(board, 'bms_connected', 4.3)
    assert read(board, 'system_error', 4.3) & 1
    assert read_all(board, PACK, 60.0) == before
    board.misbehaviour.bms_silent = False
    assert read(board, 'soc', 61.0) == pytest.approx(0.2, abs=0.01)
    assert read(board, 'bms_connected', 61.0)


def test_a_battery_management_that_has_never_answered_is_offline(make):
    board = make('stm32_power', bms_silent=True)
    assert read(board, 'pack_state', 60.0) == 'offline'
    assert read_all(board, ('bms_connected', 'soc', 'cell_count'), 60.0) == [False, 0.0, 0]


def test_the_life_counter_counts_while_the_battery_management_answers(board):
    seen = {read(board, 'bms_life', second / 10) for second in range(100)}
    assert 10 < len(seen) < 15, 'about every 0.8 s'
    board.misbehaviour.bms_silent = True
    assert len({read(board, 'bms_life', 10.0 + second / 10) for second in range(100)}) == 1


def test_charger_registers_are_0_until_charging_is_asked_for_and_stale_after(board):
    world = board.world
    world.charger_connected = True
    assert read_all(board, CHARGER, 1.0) == [0.0, 0.0, 0.0, False]
    now = charge(board, 1.0)
    assert read_all(board, CHARGER, now) == [25.2, 25.2, 36.0, True]
    write(board, 'charge_request', False, now)
    world.charger_connected = False
    assert read_all(board, CHARGER, now + 60.0) == [25.2, 25.2, 36.0, True]


def test_an_unplugged_charger_keeps_the_relay_closed_and_the_state_charging(board):
    board.world.charger_connected = True
    now = charge(board, 0.0)
    assert read(board, 'charger_current', now) == 10.0
    board.world.charger_connected = False
    now += 25.0
    assert read(board, 'charger_current', now) == 10.0, 'as it was'
    assert read(board, 'charge_state', now) == 'charging' and read(board, 'relay_charge', now)
    assert read(board, 'pack_state', now) == 'discharging'
    assert not board.world.charging


def test_status_and_error_when_well_while_charging_and_with_a_fault(board):
    both = ('system_status', 'system_error')
    assert read_all(board, both, 1.0) == [5, 4], 'bit 2 of the error: the charger is off'
    board.world.charger_connected = True
    now = charge(board, 1.0)
    assert read_all(board, both, now) == [15, 0]
    board.misbehaviour.bms_faults = 1 << 46  # short circuit
    assert read_all(board, both, now + 1.0) == [15, 2]
    assert read(board, 'fault_flags', now + 1.0) == 0, 'the low 16 of 48 bits'
    board.misbehaviour.bms_faults = 1 << 6
    assert read(board, 'fault_flags', now + 2.0) == 0x40


def test_the_gap_is_longer_than_the_board_receives_nothing_after_its_own_reply(board):
    assert board.profile.timing.gap >= 0.002 + board.profile.quirks['quiet_after']


def test_versions(board):
    assert read_all(board, ('firmware_version', 'hardware_version'), 0.0) == [0x0101, 0x0101]


@pytest.mark.parametrize(
    ('request_', 'reply'),
    [
        ('0400000005', '8401'),
        ('0100000001', '8101'),
        ('0200000001', '8201'),
        ('050000ff00', '8501'),
        ('0300000000', '8303'),
        ('030000007e', '8303'),
        ('03012c0001', '03020000'),
        ('06012c0001', '8602'),
        ('06002f0001', '8602'),
        ('0601000003', '8602'),
        ('0600000001', '8602'),
        ('06003f0001', '06003f0001'),
        ('0601090001', '0601090001'),
        ('0601090002', '8603'),
        ('06004e07d0', '06004e07d0'),
        ('06004e07d1', '8603'),
        ('0600240001', '0600240001'),
        ('10003f000000', '9003'),
        ('10003f0001030001', '9003'),
        ('10003f0001020001', '10003f0001'),
    ],
)
def test_answers(board, request_, reply):
    assert board.handle(bytes.fromhex(request_), 0.0).hex() == reply


def test_a_write_without_effect_changes_nothing(board):
    write(board, 'cell_limits', (1.0, 1.0, 1.0, 1.0))
    assert read(board, 'cell_limits') == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(('address', 'low', 'high'), [(0x30, 600, 3600), (0x31, 0, 500)])
def test_set_points_are_refused_outside_their_range_and_hit_another_register(
    board, address, low, high
):
    def put(word):
        return board.handle(struct.pack('>BHH', WRITE, address, word), 10.0)

    board.world.charger_connected = True
    charge(board, 0.0)
    for word in (low - 1, high + 1, 288 if address == 0x30 else 501):
        if word >= 0:
            assert put(word) == bytes([WRITE | 0x80, ILLEGAL_VALUE]), word
    assert put(high) == struct.pack('>BHH', WRITE, address, high)
    board.update(11.0)
    assert read(board, 'charger_voltage_set', 11.0) == 25.2, 'not what was written'
    limit = read(board, 'charger_current_set', 11.0)
    assert limit == pytest.approx((high & 0xFF) / 100 if address == 0x30 else 10.0)


def test_the_profile_writes_no_set_point(board):
    for name in ('charger_voltage_set', 'charger_current_set', 'charger_output', 'device_id'):
        assert board.profile.registers[name].access == 'r'
    assert not [c for c in board.profile.signature if c.register.startswith('charge')]
    reply = board.handle(bytes([WRITE_SEVERAL]) + struct.pack('>HHBH', 0, 1, 2, 1), 0.0)
    assert reply == bytes([WRITE_SEVERAL | 0x80, ILLEGAL_ADDRESS])
