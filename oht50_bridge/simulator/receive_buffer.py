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
"""The receive buffer of a board that drops nothing but a good request of its own.

As the safety board has it (KhaLin0401/Safety_Module 202c605, Code/Core/Src/UartModbus.c:107-158,
251): it appends each byte, and compares with the checksum whenever enough of them are there.
"""

from __future__ import annotations

import math

from oht50_bridge.hardware.rtu import intact

_SMALLEST = 6  # bytes below which it looks for no request
_HEAD = 7  # bytes of function 16 up to the count of bytes


class ReceiveBuffer:
    """Bytes in, requests out.

    Args:
        unit: address of the board; the rest of a request to another one stays too.
        size: bytes; the one that would fill it is lost, and the buffer is empty.
        timeout: s without a byte after which it is emptied.
        checksum_time: s for each byte whose checksum is computed. Nothing is received meanwhile
            but one byte: a second one is an overrun.

    """

    def __init__(self, unit: int, size: int, timeout: float, checksum_time: float) -> None:
        self._unit = unit
        self._size = size
        self._timeout = timeout
        self._checksum_time = checksum_time
        self._bytes = b''
        self._last_at = -math.inf
        self._started = -math.inf  # s, when the interrupt of the byte before began
        self._ended = -math.inf

    def __len__(self) -> int:
        """Return how many bytes are in it."""
        return len(self._bytes)

    def error(self) -> None:
        """Empty it: a receive error, such as a break or an overrun."""
        self._bytes = b''

    def receive(self, byte: int, at: float) -> bytes | None:
        """Take a byte that was complete `at` (s); return the request that it completes."""
        if at - self._last_at > self._timeout:
            self.error()
        self._last_at = at
        if at < self._started:  # the byte before still waits to be fetched
            self.error()
            return None
        self._started = max(at, self._ended)
        self._ended = self._started
        if len(self._bytes) >= self._size - 1:
            self.error()
            return None
        self._bytes += bytes([byte])
        return self._request()

    def _request(self) -> bytes | None:
        """Return the content when it is a good request, and nothing else."""
        content = self._bytes
        if len(content) < max(_SMALLEST, self._expected()) or content[0] != self._unit:
            return None
        self._ended = self._started + self._checksum_time * (len(content) - 2)
        if not intact(content):
            return None
        self._bytes = b''
        return content

    def _expected(self) -> int:
        function = self._bytes[1] if len(self._bytes) > 1 else 0
        if function in (3, 4, 6):
            return 8
        if function == 16 and len(self._bytes) >= _HEAD:
            return (9 + self._bytes[_HEAD - 1]) & 0xFF
        return 0
