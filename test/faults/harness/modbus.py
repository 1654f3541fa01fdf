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
"""Modbus RTU frames as they are on the wire, and what they make of the travel motor's board.

Source: Modbus over Serial Line V1.02, 2.5.1; config/modules/driver_2_motor.yaml.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

MOTOR = 3  # address of the travel motor's board
ENABLE, SPEED, DIRECTION = 1, 2, 4  # its registers for the motor that moves the vehicle
FORWARD, BACKWARD = 1, 2
READS = (3, 4)
WRITE_ONE, WRITE_MANY = 6, 16
REFUSED = 0x80
STALE = 0.05  # s, after which the rest of a frame does not come any more


def crc16(data: bytes) -> bytes:
    """Return the checksum of a frame, the low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, 'little')


def sealed(body: bytes) -> bytes:
    """Return a frame with its checksum."""
    return body + crc16(body)


def intact(frame: bytes) -> bool:
    """Whether a frame has the right checksum."""
    return len(frame) >= 4 and crc16(frame[:-2]) == frame[-2:]


def request_length(data: bytes) -> int:
    """Return the length of the request that begins `data`; 0 while it is not known."""
    if len(data) < 2:
        return 0
    if data[1] == WRITE_MANY:
        return 9 + data[6] if len(data) > 6 else 0
    return 8


def reply_length(data: bytes) -> int:
    """Return the length of the reply that begins `data`; 0 while it is not known."""
    if len(data) < 2:
        return 0
    if data[1] & REFUSED:
        return 5
    if data[1] in READS:
        return 5 + data[2] if len(data) > 2 else 0
    return 8


class Splitter:
    """Makes frames of the bytes that pass in one direction."""

    def __init__(self, length) -> None:
        self._length = length
        self._rest = b''
        self._at = 0.0

    def feed(self, data: bytes, now: float) -> Iterator[bytes]:
        """Give each intact frame that is complete; what is no frame is dropped."""
        if now - self._at > STALE:
            self._rest = b''
        self._at = now
        self._rest += data
        while (length := self._length(self._rest)) and len(self._rest) >= length:
            frame, self._rest = self._rest[:length], self._rest[length:]
            if intact(frame):
                yield frame
            else:
                self._rest = b''


def written(frame: bytes) -> dict[int, int]:
    """Return the words that a request writes, by address."""
    if frame[1] == WRITE_ONE:
        address, word = struct.unpack('>HH', frame[2:6])
        return {address: word}
    if frame[1] == WRITE_MANY:
        address, count = struct.unpack('>HH', frame[2:6])
        return dict(enumerate(struct.unpack_from(f'>{count}H', frame, 7), address))
    return {}


class Output(NamedTuple):
    """What the motor's board does with its output."""

    enabled: int
    speed: int  # percent
    direction: int

    @property
    def drives(self) -> bool:
        """Whether the motor has current."""
        return bool(self.enabled == 1 and self.speed and self.direction in (FORWARD, BACKWARD))


class MotorImage:
    """The registers of the motor's board, as its requests and its replies show them."""

    def __init__(self) -> None:
        self._words: dict[int, int] = {}
        self._asked: tuple[int, int] | None = None  # first register and number of the last read

    @property
    def output(self) -> Output:
        """What the board does with the motor of the vehicle."""
        return Output(*(self._words.get(name, 0) for name in (ENABLE, SPEED, DIRECTION)))

    def request(self, frame: bytes) -> None:
        """Follow a request that the board received."""
        if frame[0] != MOTOR:
            return
        self._asked = None
        if frame[1] in READS:
            self._asked = struct.unpack('>HH', frame[2:6])
        self._words.update(written(frame))

    def reply(self, frame: bytes) -> None:
        """Follow an answer of the board: it may have restarted."""
        if frame[0] != MOTOR or self._asked is None or frame[1] not in READS:
            return
        first, count = self._asked
        if frame[2] == 2 * count:
            self._words.update(enumerate(struct.unpack_from(f'>{count}H', frame, 3), first))
