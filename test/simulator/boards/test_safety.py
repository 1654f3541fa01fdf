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
"""The safety board judges its inputs, as its own firmware does."""

import math
import struct

import pytest
from board_requests import read
from board_requests import write

CLEAR = math.inf
HIGH = (True,) * 4


@pytest.fixture
def board(make):
    return make('safety_module_fw')


def enable(board, *channels, level=False):
    write(board, 'di_active_level', (level,) * 4)
    write(board, 'di_enable', tuple(channel in channels for channel in range(1, 5)))


def see(board, *ways):
    """Enable a sensor for each distance (m) in the order of the registers; None: unplugged."""
    terminals = board.profile.distance_terminals
    by_terminal = dict(zip(terminals, ways, strict=False))
    board.world.unplugged_distances[:] = [
        terminal for terminal, way in by_terminal.items() if way is None
    ]
    board._terminals = lambda: [by_terminal.get(terminal) or CLEAR for terminal in range(1, 5)]
    write(board, 'analog_enable', tuple(index < len(ways) for index in range(4)))


def verdict(board):
    return read(board, 'status'), read(board, 'latch'), board.relay


def test_the_safety_board_latches_the_open_chain_only_where_its_input_is_enabled(board):
    board.world.input_levels[0] = False
    assert read(board, 'latch') is False  # disabled at power-up
    enable(board, 1)
    assert verdict(board) == ('critical', True, True)
    write(board, 'latch', False)
    assert read(board, 'latch') is True  # its cause persists
    board.world.input_levels[0] = True
    write(board, 'latch', False)
    assert verdict(board) == ('ok', False, False)


@pytest.mark.parametrize('active', [False, True])
@pytest.mark.parametrize('level', [False, True])
def test_di_status_is_activity_and_not_the_level(board, level, active):
    board.world.input_levels[:] = [level] * 4
    enable(board, 1, 2, 3, 4, level=active)
    assert read(board, 'di_status') == (level == active,) * 4
    assert read(board, 'latch') is (level == active)


def test_di_status_of_a_disabled_input_does_not_change(board):
    assert read(board, 'di_status') == (False,) * 4
    enable(board, 1, level=True)
    assert read(board, 'di_status')[0] is True
    enable(board, level=True)
    board.world.input_levels[0] = False
    assert read(board, 'di_status')[0] is True


def test_the_distance_registers_are_the_terminals_in_reverse(board):
    see(board, 0.80, 0.75, 0.85, 0.90)
    assert read(board, 'distance') == (0.80, 0.75, 0.85, 0.90)
    assert board._terminals() == [0.90, 0.85, 0.75, 0.80]


def test_the_simulated_sensors_look_ahead_at_the_terminals_1_and_2(board):
    board.world.obstacles[:] = [board.world.position + 0.60]
    write(board, 'analog_enable', HIGH)
    ahead = dict(zip(board.profile.distance_terminals, read(board, 'distance'), strict=True))
    assert (ahead[1], ahead[2]) == (0.60, 0.60)
    assert ahead[3] == ahead[4] == math.inf


def test_a_disabled_distance_keeps_its_value(board):
    see(board, 0.80)
    write(board, 'analog_enable', (False,) * 4)
    board._terminals = lambda: [0.5] * 4
    assert read(board, 'distance')[0] == 0.80


def test_an_unplugged_distance_keeps_its_value_and_is_an_error(board):
    see(board, 0.80)
    assert verdict(board) == ('ok', False, False)
    see(board, None)
    assert read(board, 'distance')[0] == 0.80
    assert verdict(board) == ('error', True, True)


@pytest.mark.parametrize(
    ('way', 'status'),
    [
        (0.97, 'error'), (CLEAR, 'error'), (0.95, 'ok'), (0.61, 'ok'), (0.60, 'warning'),
        (0.31, 'warning'), (0.30, 'critical'), (0.10, 'critical'), (0.09, 'error'),
    ],
)  # fmt: skip
def test_a_distance_is_judged_by_zone_and_out_of_range_is_an_error(board, way, status):
    see(board, way)
    tripped = status in ('critical', 'error')
    assert verdict(board) == (status, tripped, tripped)


def test_critical_precedes_error(board):
    see(board, 0.97, 0.25)
    assert read(board, 'status') == 'critical'


def test_a_later_warning_hides_an_error(board):
    see(board, 0.97, 0.50)
    assert verdict(board) == ('warning', False, False)


def test_the_judgement_is_frozen_while_latched(board):
    see(board, 0.97)
    assert verdict(board) == ('error', True, True)
    see(board, 0.80)
    assert verdict(board) == ('error', True, True)
    assert read(board, 'distance')[0] == 0.80


def test_each_release_during_an_error_drops_the_relay(board, changes):
    see(board, 0.97)
    changes.clear()
    for _ in range(3):
        write(board, 'latch', False)
    relay = [words[0] for _, name, words in changes if name == 'relay']
    assert relay == [0, 1] * 3
    assert verdict(board) == ('error', True, True)


def test_a_release_during_a_critical_state_does_not_drop_the_relay(board, changes):
    see(board, 0.25)
    changes.clear()
    write(board, 'latch', False)
    assert not [name for _, name, _ in changes if name == 'relay']
    assert verdict(board) == ('critical', True, True)


def test_a_release_during_a_warning_drops_the_relay_after_a_critical_state(board):
    see(board, 0.25)
    see(board, 0.50)
    write(board, 'latch', False)
    assert verdict(board) == ('warning', False, False)


def test_a_release_during_a_warning_leaves_the_relay_tripped_after_an_error(board):
    see(board, 0.97)
    see(board, 0.50)
    write(board, 'latch', False)
    assert verdict(board) == ('warning', False, True)
    see(board, 0.80)
    assert verdict(board) == ('ok', False, False)


def test_a_1_in_the_latch_freezes_without_tripping(board):
    board.put('latch', True)
    enable(board, 1, level=True)
    assert verdict(board) == ('ok', True, False)


@pytest.mark.parametrize('enabled', range(5))
def test_writes_to_the_enables_are_lost_the_more_distances_are_on(make, enabled):
    chances = make('safety_module_fw').profile.quirks['write_loss']
    board = make('safety_module_fw', write_loss=chances)
    board._terminals = lambda: [0.80] * 4
    board.put('analog_enable', tuple(index < enabled for index in range(4)))
    lost = 0
    for number in range(400):
        before, wanted = read(board, 'di_enable')[3], bool(number % 2)
        write(board, 'di_enable', (False, False, False, wanted))
        if before != wanted:
            lost += read(board, 'di_enable')[3] == before
            board.put('di_enable', (False, False, False, wanted))
    assert lost / 400 == pytest.approx(chances[enabled], abs=0.07)


def test_no_other_write_is_lost(make):
    board = make('safety_module_fw', write_loss=(1.0,) * 5)
    write(board, 'di_active_level', HIGH)
    write(board, 'zone_threshold', (0.2, 0.3, 0.4, 0.5))
    write(board, 'di_enable', HIGH)
    assert read(board, 'di_active_level') == HIGH
    assert read(board, 'zone_threshold') == (0.2, 0.3, 0.4, 0.5)
    assert read(board, 'di_enable') == (False,) * 4


def test_its_start_takes_ten_seconds(board):
    board.reboot(100.0)
    assert board.silent_until == pytest.approx(110.3)


def test_a_start_forgets_everything_and_drops_the_relay(board):
    see(board, 0.25)
    board.reboot(0.0)
    assert verdict(board) == ('ok', False, False)
    assert read(board, 'analog_enable') == (False,) * 4


def test_another_baud_rate_makes_it_deaf_to_the_line(board):
    write(board, 'baud_code', 5)
    assert board.silent_until < 0
    write(board, 'baud_code', 1)
    assert board.silent_until == math.inf


def test_its_address_register_is_kept_and_ignored(board):
    write(board, 'device_id', 9)
    assert read(board, 'device_id') == 9
    assert board.address == 7


@pytest.mark.parametrize(
    ('request_', 'reply'),
    [
        ((4, 0, 5), '040a00000000000000000000'),
        ((4, 0, 6), '8402'),
        ((3, 0, 0), '0300'),
        ((3, 299, 1), '03020000'),
        ((3, 300, 1), '8302'),
        ((6, 300, 1), '8602'),
        ((1, 0, 1), '8101'),
        ((5, 0, 0), '8501'),
    ],
)
def test_its_replies_to_odd_requests(board, request_, reply):
    assert board.handle(struct.pack('>BHH', *request_), 0.0).hex() == reply


def test_a_wrong_count_of_bytes_is_refused(board):
    pdu = struct.pack('>BHHB', 16, 0x26, 4, 2) + bytes(2)
    assert board.handle(pdu, 0.0) == bytes([0x90, 2])


def test_the_documented_layout_has_no_latch_and_reports_levels(make):
    board = make('oht_v2_safety')
    board.update(0.0)
    assert read(board, 'di_status') == tuple(board.world.input_levels)
    assert read(board, 'status') == 'ok'
    board.world.input_levels[0] = False
    assert (read(board, 'status'), read(board, 'estop')) == ('estop', True)
