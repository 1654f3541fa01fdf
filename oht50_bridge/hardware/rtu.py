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
"""Modbus RTU framing with the standard library alone, for processes that must start fast."""

from __future__ import annotations

import struct


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE = _table()


def crc16(data: bytes) -> bytes:
    """Modbus checksum of `data` (polynomial 0xA001, start 0xFFFF), low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, 'little')


def frame(unit: int, pdu: bytes) -> bytes:
    """Build a whole frame: unit address, protocol data unit, checksum."""
    body = bytes([unit]) + pdu
    return body + crc16(body)


def intact(data: bytes) -> bool:
    """Tell whether `data` ends with the right checksum."""
    return len(data) >= 4 and crc16(data[:-2]) == data[-2:]


def first_reply(data: bytes) -> bytes:
    """Return the whole and intact reply that `data` begins with, b'' if it does with none."""
    if len(data) < 5:
        return b''
    function = data[1]
    length = 5 if function & 0x80 else 5 + data[2] if function == 3 else 8
    return data[:length] if intact(data[:length]) else b''


def read_request(unit: int, address: int, count: int) -> bytes:
    """Frame that reads `count` holding registers from `address`."""
    return frame(unit, struct.pack('>BHH', 3, address, count))


def write_request(unit: int, address: int, values: list[int]) -> bytes:
    """Frame that writes `values`: function 6 for one register, 16 for several."""
    if len(values) == 1:
        return frame(unit, struct.pack('>BHH', 6, address, values[0]))
    head = struct.pack('>BHHB', 16, address, len(values), 2 * len(values))
    return frame(unit, head + struct.pack(f'>{len(values)}H', *values))


def wire_time(count: int, baudrate: int) -> float:
    """Seconds that `count` bytes take on the wire, ten bits each."""
    return count * 10 / baudrate
