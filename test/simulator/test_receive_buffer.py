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
"""The receive buffer of the safety board: what makes it deaf, for how long, and what frees it."""

import pytest

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.rtu import frame
from oht50_bridge.hardware.rtu import read_request
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.hardware.rtu import write_request
from oht50_bridge.simulator.receive_buffer import ReceiveBuffer

UNIT = 5
OWN = read_request(UNIT, 0, 6)
OTHER = read_request(3, 0, 1)
STEP = wire_time(1, 115200)
PAUSE = 0.03  # s between requests


class Line:
    """A buffer as the profile of the board has it, and the time of its line."""

    def __init__(self):
        quirks = load('safety_module_fw').quirks
        self.buffer = ReceiveBuffer(
            UNIT, quirks['receive_buffer'], quirks['receive_timeout'], quirks['checksum_time']
        )
        self.now = 0.0

    def send(self, data):
        """Send bytes, one after another; return the requests that they complete."""
        found = []
        for byte in data:
            self.now += STEP
            found.append(self.buffer.receive(byte, self.now))
        self.now += PAUSE
        return [request for request in found if request is not None]

    def lost(self, count):
        """Send requests to the board; return how many are lost until one is answered."""
        for number in range(count):
            if self.send(OWN) == [OWN]:
                return number
        return count


@pytest.fixture
def line():
    return Line()


@pytest.mark.parametrize(
    'request_', [OWN, write_request(UNIT, 4, [0]), write_request(UNIT, 0x26, [1, 0, 0, 0])]
)
def test_a_good_request_empties_the_buffer(line, request_):
    for _ in range(100):
        assert line.send(request_) == [request_]
        assert len(line.buffer) == 0


def test_a_request_in_two_pieces_is_one(line):
    assert line.send(OWN[:3]) == []
    assert line.send(OWN[3:]) == [OWN]


def test_a_function_that_it_does_not_know_is_a_request_when_its_checksum_is_right(line):
    strange = frame(UNIT, bytes([0x2B, 0, 0, 0, 0]))
    assert line.send(strange) == [strange]


def test_a_request_to_another_unit_costs_31_of_its_own(line):
    line.send(OTHER)
    assert line.lost(100) == 31
    assert line.lost(100) == 0


@pytest.mark.parametrize(
    'stray',
    [
        b'\xff',  # noise
        bytes(11),  # a frame of another length
        frame(UNIT, b'\x11'),  # function 17, which is too short to be looked at
        OWN[:3],
    ],
)
def test_stray_bytes_make_it_deaf_for_ever(line, stray):
    line.send(stray)
    assert line.lost(400) == 400


@pytest.mark.parametrize('bit', [0, 3, 7])
@pytest.mark.parametrize('byte', range(8))
def test_a_flipped_bit_in_one_request_makes_it_deaf_for_ever(line, byte, bit):
    # In its address it is a request to another unit. Otherwise the checksum of all that follows
    # takes longer than a byte, and the overrun leaves a part of a request behind.
    request = bytearray(OWN)
    request[byte] ^= 1 << bit
    line.send(request)
    assert line.lost(70) == (31 if byte == 0 else 70)


def test_a_broadcast_makes_it_deaf(line):
    line.send(write_request(0, 4, [0]))
    assert line.lost(20) == 20


def test_a_receive_error_frees_it(line):
    line.send(b'\xff')
    assert line.lost(3) == 3
    line.buffer.error()
    assert line.lost(20) == 0


def test_ten_seconds_of_silence_free_it_and_a_request_each_half_second_does_not(line):
    line.send(b'\xff')
    for _ in range(30):
        line.now += 0.5
        assert line.send(OWN) == []
    line.now += 9.0
    assert line.send(OWN) == []
    line.now += 10.2
    assert line.lost(20) == 0
