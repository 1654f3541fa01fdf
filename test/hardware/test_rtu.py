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
"""Modbus RTU frames, compared with published examples and with pymodbus."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from oht50_bridge.hardware.rtu import crc16
from oht50_bridge.hardware.rtu import first_reply
from oht50_bridge.hardware.rtu import frame
from oht50_bridge.hardware.rtu import intact
from oht50_bridge.hardware.rtu import read_request
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.hardware.rtu import write_request


@pytest.mark.parametrize(
    ('built', 'published'),
    [
        (read_request(1, 0, 10), '01 03 0000 000A C5CD'),
        (read_request(0x11, 0x6B, 3), '11 03 006B 0003 7687'),
        (write_request(0x11, 1, [3]), '11 06 0001 0003 9A9B'),
        (write_request(0x11, 1, [0x000A, 0x0102]), '11 10 0001 0002 04 000A 0102 C6F0'),
    ],
)
def test_requests_are_those_of_published_examples(built, published):
    assert built == bytes.fromhex(published)


def test_the_checksum_of_the_standard_check_string():
    assert crc16(b'123456789') == (0x4B37).to_bytes(2, 'little')
    assert crc16(b'') == b'\xff\xff'


@given(st.binary(max_size=260))
def test_the_checksum_is_that_of_pymodbus(data):
    assert int.from_bytes(crc16(data), 'big') == FramerRTU.compute_CRC(data)


@given(st.integers(1, 247), st.binary(min_size=1, max_size=250))
def test_a_frame_is_intact(unit, pdu):
    built = frame(unit, pdu)
    assert (built[0], built[1:-2]) == (unit, pdu)
    assert intact(built)


REPLIES = [
    frame(4, b'\x03\x02\x00\x07'),
    frame(4, b'\x03\x00'),
    frame(4, b'\x06\x00\x10\x00\x07'),
    frame(4, b'\x10\x00\x10\x00\x02'),
    frame(4, b'\x83\x02'),
]


@pytest.mark.parametrize('reply', REPLIES)
@pytest.mark.parametrize('behind', [b'', b'\0', REPLIES[0]])
def test_a_reply_ends_where_another_may_begin(reply, behind):
    assert first_reply(reply + behind) == reply
    assert first_reply(reply[:-1]) == b''
    assert first_reply(b'\xff' + reply) == b''


@given(st.binary(min_size=1, max_size=30), st.integers(0, 10**6))
def test_no_frame_with_one_wrong_bit_is_intact(pdu, bit):
    built = bytearray(frame(5, pdu))
    bit %= 8 * len(built)
    built[bit // 8] ^= 1 << bit % 8
    assert not intact(bytes(built))


def test_what_is_shorter_than_a_frame_is_not_intact():
    assert not intact(b'')
    assert not intact(crc16(b''))
    assert not intact(b'\x01' + crc16(b'\x01'))


@pytest.mark.parametrize(('count', 'baudrate', 'seconds'), [(96, 9600, 0.1), (0, 9600, 0.0)])
def test_time_on_the_wire_is_ten_bits_a_byte(count, baudrate, seconds):
    assert wire_time(count, baudrate) == pytest.approx(seconds)
