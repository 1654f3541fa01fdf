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
"""The client of pymodbus: replies on a pseudo-terminal, and which reply belongs to a request."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty

import pytest
from pymodbus.exceptions import ConnectionException
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse
from pymodbus.pdu.register_message import WriteSingleRegisterResponse

from oht50_bridge.hardware.modbus_client import FRAME_SILENCE
from oht50_bridge.hardware.modbus_client import ModbusClient
from oht50_bridge.hardware.modbus_client import belongs
from oht50_bridge.hardware.registers import Timing
from oht50_bridge.hardware.requests import Endpoint
from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.requests import Write
from oht50_bridge.hardware.rtu import crc16
from oht50_bridge.hardware.rtu import frame

BOARD = Endpoint(4, Timing(timeout=0.2, retries=0, gap=0.0, offline_after=1.0))


@pytest.fixture
def wire():
    """A connected client, and the board's end of its wire."""
    board, port = pty.openpty()
    tty.setraw(port)
    client = ModbusClient(os.ttyname(port), baudrate=115200, timeout=0.2, retries=0)
    assert client.connect()
    yield client, board
    client.close()
    for end in (board, port):
        os.close(end)


def exchange(wire, request, reply, sealed=True):
    """Send a request, with a board that answers with some bytes; return frame and response."""
    client, board = wire
    frames = []

    def answer():
        frames.append(os.read(board, 256))
        os.write(board, reply + (crc16(reply) if sealed else b''))

    thread = threading.Thread(target=answer)
    thread.start()
    client.received = 0
    client.first_byte_by = time.monotonic() + 5
    client.last_byte_by = time.monotonic() + 6
    try:
        return frames, client.exchange(request)
    finally:
        thread.join()


def test_a_read_sends_function_3_and_returns_the_registers(wire):
    request = Read(BOARD, 0x10, 2)
    frames, response = exchange(wire, request, bytes([4, 3, 4, 0, 7, 1, 0]))
    assert frames[0][:-2] == bytes([4, 3, 0, 0x10, 0, 2])
    assert response.registers == [7, 256]
    assert belongs(request, response)


@pytest.mark.parametrize('behind', [b'', b'\xff\x00'])
def test_a_late_reply_of_another_board_does_not_take_the_own_one_along(wire, behind):
    """They are read at once, as on a host that was busy when the first one came."""
    late, own = frame(5, bytes([3, 2, 0, 1])), frame(4, bytes([3, 2, 0, 7]))
    _, response = exchange(wire, Read(BOARD, 0x10, 1), late + own + behind, sealed=False)
    assert response.registers == [7]


@pytest.mark.parametrize(
    ('values', 'frame', 'reply'),
    [
        ((7,), [4, 6, 0, 0x10, 0, 7], [4, 6, 0, 0x10, 0, 7]),
        ((7, 8), [4, 16, 0, 0x10, 0, 2, 4, 0, 7, 0, 8], [4, 16, 0, 0x10, 0, 2]),
    ],
)
def test_a_write_sends_function_6_or_16(wire, values, frame, reply):
    request = Write(BOARD, 0x10, values)
    frames, response = exchange(wire, request, bytes(reply))
    assert frames[0][:-2] == bytes(frame)
    assert belongs(request, response)


def test_an_exception_reply_is_returned_as_such(wire):
    _, response = exchange(wire, Read(BOARD, 0x10, 1), bytes([4, 0x83, 2]))
    assert isinstance(response, ExceptionResponse)
    assert response.exception_code == 2


def test_silence_ends_at_the_deadline(wire):
    client, _ = wire
    client.first_byte_by = time.monotonic() + 0.05
    with pytest.raises(ModbusException):
        client.exchange(Read(BOARD, 0x10, 1))


def test_a_frame_ends_after_a_silence(wire):
    client, board = wire
    client.first_byte_by = time.monotonic() + 5
    client.last_byte_by = time.monotonic() + 6
    os.write(board, b'\x04\x03')
    assert client.recv(8) == b'\x04\x03'
    assert client.recv(8) == b''
    assert time.monotonic() - client.last_byte_at >= FRAME_SILENCE


def test_a_frame_that_was_written_late_is_sent(wire, monkeypatch):
    client, board = wire
    write = os.write

    def late(*arguments):  # as when the process does not get the processor
        try:
            return write(*arguments)
        finally:
            time.sleep(0.3)

    monkeypatch.setattr(os, 'write', late)
    assert client.send(b'frame') == 5
    assert os.read(board, 256) == b'frame'


def test_what_had_arrived_is_no_reply(wire):
    client, board = wire
    os.write(board, b'late')
    client.send(b'frame')
    client.first_byte_by = time.monotonic() + 0.05
    assert client.recv(8) == b''


def test_bytes_that_another_process_takes_are_no_loss_of_the_port(wire, monkeypatch):
    """The watchdog reads while it stops the motor: between the look at the port and the read."""
    client, board = wire
    client.first_byte_by = time.monotonic() + 0.2
    os.write(board, b'taken')
    look = select.select

    def and_take(*arguments):
        found = look(*arguments)
        if found[0]:
            os.read(client.socket.fileno(), 256)
        return found

    monkeypatch.setattr(select, 'select', and_take)
    assert client.recv(8) == b''
    assert client.socket is not None


def test_a_port_that_takes_no_bytes_is_lost(wire):
    client, _ = wire
    with pytest.raises(ConnectionException, match='takes no bytes'):
        for _ in range(1000):  # nobody reads
            client.send(bytes(256))
    assert client.socket is None


def test_a_port_that_is_gone_is_an_error(wire):
    client, _ = wire
    client.close()
    with pytest.raises(ConnectionException, match='port closed'):
        client.recv(8)


@pytest.mark.parametrize(
    ('request_', 'response'),
    [
        (Read(BOARD, 0x10, 2), ReadHoldingRegistersResponse(registers=[1])),
        (Read(BOARD, 0x10, 1), WriteSingleRegisterResponse(address=0x10, registers=[1])),
        (Write(BOARD, 0x10, (1,)), WriteSingleRegisterResponse(address=0x11, registers=[1])),
        (Write(BOARD, 0x10, (1,)), WriteSingleRegisterResponse(address=0x10, registers=[2])),
        (Write(BOARD, 0x10, (1, 2)), WriteSingleRegisterResponse(address=0x10, registers=[1])),
    ],
    ids=['count', 'function', 'address', 'value', 'single'],
)
def test_a_reply_to_another_request_does_not_belong(request_, response):
    assert not belongs(request_, response)
