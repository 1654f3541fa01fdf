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
"""The client of pymodbus for one serial line."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import select
import termios
import time
from typing import Any

from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ConnectionException

from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.requests import Write
from oht50_bridge.hardware.rtu import first_reply

# Every silence is reported by the bus, with the module's name and a code.
logging.getLogger('pymodbus').setLevel(logging.CRITICAL)

#: s: a frame has ended; USB adapters deliver in pieces up to 16 ms apart.
FRAME_SILENCE = 0.03
_BREAK_TIME = 0.02  # s: the time of a byte at 9600 bit/s, and of an adapter to send it
_MOST_BYTES = 4096  # at once; a frame has 256 at most
_WRITE_TIMEOUT = 0.2  # s: a port that does not accept a frame within this time is lost
_UNIT = (  # the name of the address argument in pymodbus; up to 3.9 and from 3.10 on
    'device_id'
    if 'device_id' in inspect.signature(ModbusSerialClient.write_register).parameters
    else 'slave'
)


class ModbusClient(ModbusSerialClient):
    """Receives without polling, and sends and receives by monotonic deadlines.

    Not every version of pymodbus has a deadline for writing, nor for a line on which the bytes
    never end. The one that pyserial has also counts the time that the process did not get the
    processor after it had written everything.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first_byte_by = 0.0
        self.last_byte_by = 0.0
        self.last_byte_at = 0.0
        self.received = 0
        self._rest = b''  # what arrived behind a reply

    def close(self) -> None:
        """Close the port."""
        super().close()  # type: ignore[no-untyped-call]  # pymodbus does not annotate it

    def send(self, request: bytes, addr: tuple[Any, ...] | None = None) -> int:
        """Drop what has arrived, write a frame, and return its length.

        Raises:
            ConnectionException: the port is gone, or takes no bytes for 0.2 s.

        """
        port = self.socket
        if port is None:
            raise ConnectionException('port closed')
        self._rest = b''
        by = time.monotonic() + _WRITE_TIMEOUT
        left = request
        try:
            port.reset_input_buffer()
            while True:
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(port.fileno(), left) :]
                if not left:
                    return len(request)
                _, ready, _ = select.select([], [port], [], max(by - time.monotonic(), 0.0))
                if not ready:
                    raise OSError(f'the port takes no bytes for {_WRITE_TIMEOUT} s')
        except (OSError, termios.error) as error:
            self.close()
            raise ConnectionException(str(error)) from error

    def recv(self, size: int | None) -> bytes:
        """Return the bytes that have arrived, b'' when a deadline has passed.

        After a whole reply come the bytes behind it, with the next call: of two replies at once,
        pymodbus drops the second with the first, which may be a late one of another board.

        Raises:
            ConnectionException: the port is gone.

        """
        data = self._rest or self._arrived()
        reply = first_reply(data) or data
        self._rest = data[len(reply) :]
        return reply

    def _arrived(self) -> bytes:
        if self.socket is None:
            raise ConnectionException('port closed')
        now = time.monotonic()
        if self.received and now >= self.last_byte_by:
            return b''
        wait = FRAME_SILENCE if self.received else self.first_byte_by - now
        try:
            # The watchdog reads this port too when it acts; then nothing is readable any more.
            # A port that is gone stays readable, and has no data.
            for patience in (max(wait, 0.0), 0.0):
                data = self._readable(patience)
                if data is None:
                    return b''
                if data:
                    break
            else:
                raise OSError('readable without data: the port is gone')
        except OSError as error:
            self.close()
            raise ConnectionException(str(error)) from error
        self.last_byte_at = time.monotonic()
        self.received += len(data)
        return data

    def _readable(self, wait: float) -> bytes | None:
        """Return what there is to read within a time, s; None if there is nothing."""
        assert self.socket is not None
        ready, _, _ = select.select([self.socket], [], [], wait)
        if not ready:
            return None
        with contextlib.suppress(BlockingIOError):
            # Not by pyserial, which takes a port that another process has read for a lost one.
            return os.read(self.socket.fileno(), _MOST_BYTES)
        return b''

    def send_break(self, baudrate: int) -> None:
        """Send one 0x00 at `baudrate` bit/s and return to the speed of the line.

        A break of the serial driver would do the same, but takes 0.25 s.

        Raises:
            ConnectionException: the port is gone, or not at its speed any more and closed.

        """
        port = self.socket
        if port is None:
            raise ConnectionException('port closed')
        usual = port.baudrate
        try:
            port.baudrate = baudrate
            self.send(b'\0')
            port.flush()
            time.sleep(_BREAK_TIME)  # the adapter may still have the byte
            port.baudrate = usual
            port.reset_input_buffer()
        except (OSError, termios.error) as error:
            self.close()
            raise ConnectionException(str(error)) from error

    def exchange(self, request: Read | Write) -> Any:
        """Send one request and return the response of pymodbus.

        Raises:
            ConnectionException, OSError: the port is gone.
            ModbusException, IndexError, ValueError, struct.error: there is no valid reply.

        """
        unit: dict[str, Any] = {_UNIT: request.endpoint.unit}
        if isinstance(request, Read):
            return self.read_holding_registers(request.address, count=request.count, **unit)
        if len(request.values) == 1:
            return self.write_register(request.address, request.values[0], **unit)
        return self.write_registers(request.address, list(request.values), **unit)


def belongs(request: Read | Write, response: Any) -> bool:
    """Return whether a response can be the reply to a request.

    That of an exception names the function only: a late one to a read is none to a stop.
    """
    function = 3 if isinstance(request, Read) else 6 if len(request.values) == 1 else 16
    if response.isError():
        return bool(response.function_code == function | 0x80)
    if isinstance(request, Read):
        return bool(
            response.function_code == function and len(response.registers) == request.count
        )
    if function == 6:
        echo = (response.function_code, response.address, tuple(response.registers))
        return echo == (function, request.address, request.values)
    repeated = (response.function_code, response.address, response.count)
    return repeated == (function, request.address, len(request.values))
