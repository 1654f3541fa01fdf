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
"""What the registers of any board answer."""

import struct

import pytest
from board_requests import READ
from board_requests import WRITE
from board_requests import WRITE_SEVERAL
from board_requests import read
from board_requests import write

from oht50_bridge.simulator.boards.board import ILLEGAL_ADDRESS
from oht50_bridge.simulator.boards.board import ILLEGAL_VALUE


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
    assert make('stm32_power').handle(pdu, 0.0) == bytes([pdu[0] | 0x80, exception])


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
