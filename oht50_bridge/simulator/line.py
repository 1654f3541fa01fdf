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
"""One serial line: a pseudo-terminal with Modbus RTU slaves on it."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import pty
import random
import termios
import time
import tty
from pathlib import Path

from oht50_bridge.hardware.rtu import crc16
from oht50_bridge.hardware.rtu import intact
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.simulator.boards.board import Board
from oht50_bridge.simulator.event_loop import EventLoop
from oht50_bridge.simulator.receive_buffer import ReceiveBuffer

_STALE_FRAME = 0.05  # s after which an incomplete request is dropped
_SPEEDS = {
    getattr(termios, f'B{rate}'): rate
    for rate in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}


class PtyLine:
    """A pseudo-terminal and the boards on it.

    Args:
        loop: runs it.
        rng: decides which requests are lost.
        name: as in the configuration.
        link: path of the link to the pseudo-terminal.
        baudrate: bit/s, paces the replies.

    """

    def __init__(
        self, loop: EventLoop, rng: random.Random, name: str, link: Path, baudrate: int
    ) -> None:
        self.name = name
        self.link = link
        self.baudrate = baudrate
        self.boards: dict[int, Board] = {}
        self._loop = loop
        self._rng = rng
        self._master = -1
        self._slave = -1
        self._buffer = b''
        self._last_byte = -math.inf
        self._quiet_since = -math.inf
        self._last_unit = 0
        self._replied_at: dict[int, float] = {}  # by unit
        self._buffers: dict[int, ReceiveBuffer] = {}  # of the boards that keep each byte, by unit
        self._wire_free_at = -math.inf  # s, when the last byte from the port is complete

    def mount(self, board: Board) -> None:
        """Put a board on the line, in place of the one with its address."""
        self.boards[board.address] = board
        self._buffers.pop(board.address, None)

    def plug(self) -> None:
        """Open the pseudo-terminal and link it; no effect when it is open."""
        if self._master >= 0:
            return
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self._set_speed()
        os.set_blocking(self._master, False)
        self._buffer = b''
        self._loop.watch(self._master, self._receive)
        temporary = self.link.with_name(f'.{self.link.name}.new')
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.ttyname(self._slave))
        temporary.replace(self.link)

    def _set_speed(self) -> None:
        """Give the pseudo-terminal the speed of the line, until its user sets another."""
        attributes = termios.tcgetattr(self._slave)
        speeds = [code for code, speed in _SPEEDS.items() if speed == self.baudrate]
        if speeds:
            attributes[4:6] = speeds * 2
            termios.tcsetattr(self._slave, termios.TCSANOW, attributes)

    def noise(self, data: bytes) -> None:
        """Let the boards receive bytes that nobody sent."""
        self._pass_bytes(data, time.monotonic())

    def unplug(self) -> None:
        """Close the pseudo-terminal, as when the adapter is pulled."""
        if self._master < 0:
            return
        self.link.unlink(missing_ok=True)
        self._loop.forget(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def _receive(self) -> None:
        try:
            data = os.read(self._master, 4096)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EIO):
                return
            raise
        now = time.monotonic()
        if self._port_is_slower():
            self._framing_error()
            return
        self._pass_bytes(data, now)
        if now - self._last_byte > _STALE_FRAME:
            self._buffer = b''
        self._last_byte = now
        self._buffer += data
        while (length := _request_length(self._buffer)) and len(self._buffer) >= length:
            request, self._buffer = self._buffer[:length], self._buffer[length:]
            if intact(request):
                self._on_request(request, now)
            else:
                self._buffer = b''

    def _on_request(self, request: bytes, now: float) -> None:
        unit = request[0]
        ends = now + wire_time(len(request), self.baudrate)
        others_since = now - self._quiet_since if self._last_unit != unit else math.inf
        self._quiet_since, self._last_unit = ends, unit
        board = self.boards.get(unit)
        if board is None or board.misbehaviour.receive_buffer:  # see _pass_bytes
            return
        if others_since >= board.misbehaviour.quiet_before:
            self._accept(board, request, now, ends)

    def _port_is_slower(self) -> bool:
        """Tell whether the bytes just read were sent at less than the speed of the line."""
        speed = termios.tcgetattr(self._slave)[5]
        return _SPEEDS.get(speed, self.baudrate) < self.baudrate

    def _framing_error(self) -> None:
        """Let every board receive a byte whose stop bit is missing, and drop what it has."""
        self._buffer = b''
        for buffer in self._buffers.values():
            buffer.error()

    def _pass_bytes(self, data: bytes, now: float, sender: Board | None = None) -> None:
        """Let the boards that keep each byte receive what is on the wire, one byte after another.

        Args:
            data: the bytes.
            now: s, when the first of them begins.
            sender: the board that sent them, which does not receive them.

        """
        begins = now if sender is not None else max(now, self._wire_free_at)
        step = wire_time(1, self.baudrate)
        if sender is None:
            self._wire_free_at = begins + step * len(data)
        for board in list(self.boards.values()):
            habit = board.misbehaviour
            if not habit.receive_buffer or board is sender:
                continue
            if habit.absent or now < board.silent_until:
                self._buffers.pop(board.address, None)
                continue
            buffer = self._buffers.get(board.address)
            if buffer is None:
                buffer = self._buffers[board.address] = ReceiveBuffer(
                    board.address, habit.receive_buffer, habit.receive_timeout, habit.checksum_time
                )
            for index, byte in enumerate(data, 1):
                request = buffer.receive(byte, begins + step * index)
                if request is not None:
                    self._accept(board, request, now, begins + step * index)

    def _accept(self, board: Board, request: bytes, now: float, ends: float) -> None:
        """Take a request that was complete at `ends`, unless the board loses it."""
        habit = board.misbehaviour
        if now - self._replied_at.get(board.address, -math.inf) < habit.quiet_after:
            return
        if habit.absent or now < board.silent_until or self._rng.random() < habit.loss:
            return
        when = ends
        if habit.tick > 0:
            when = (math.floor(ends / habit.tick - board.phase) + 1 + board.phase) * habit.tick
        self._loop.at(when, lambda: self._answer(board, request))

    def _answer(self, board: Board, request: bytes) -> None:
        now = time.monotonic()
        if board.misbehaviour.absent or now < board.silent_until:
            return
        answer = board.handle(request[1:-2], now)
        if not answer:  # a request that the board ignores
            return
        body = bytes([board.address]) + answer
        check = crc16(body)
        if self._rng.random() < board.misbehaviour.corrupt:
            check = bytes([check[0] ^ 0x55, check[1]])
        reply = body + check
        ends = now + board.misbehaviour.delay + wire_time(len(reply), self.baudrate)
        self._loop.at(ends, lambda: self._send(board, reply))

    def _send(self, board: Board, reply: bytes) -> None:
        if self._master < 0:
            return
        now = time.monotonic()
        self._quiet_since, self._last_unit = now, reply[0]
        self._replied_at[reply[0]] = now
        self._pass_bytes(reply, now - wire_time(len(reply), self.baudrate), board)
        # Nobody reads: the bytes are lost, as on a wire.
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, reply)


def _request_length(buffer: bytes) -> int:
    """Return the length of the request that begins `buffer`; 0 while it is not known."""
    if len(buffer) < 2:
        return 0
    if buffer[1] == 16:
        return 9 + buffer[6] if len(buffer) >= 7 else 0
    return 8
