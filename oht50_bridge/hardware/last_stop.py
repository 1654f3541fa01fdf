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
"""
Stops the motor when the hardware process dies.

`python -m oht50_bridge.hardware.last_stop` is a small process that waits on its standard input.
The hardware process tells it, one JSON object a line, how to stop the motor (`arm`), that it must
not touch the line (`disarm`, for as long as the register layout is not confirmed) or that the
motor stands (`close`). When the input ends without `close`, for whatever reason, an armed process
opens the port, writes the stop and reads it back until it holds.

It lives on after SIGINT and SIGTERM, which reach a whole process group: it ends when its input
does. It uses the standard library and pyserial alone, to be ready soon and small.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import time
from typing import Any

import serial

from oht50_bridge.hardware.rtu import intact
from oht50_bridge.hardware.rtu import read_request
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.hardware.rtu import write_request

READY = b'ready\n'
GIVE_UP_AFTER = 30.0  # s of attempts, the port being gone or the board silent


def main() -> int:
    """Wait for the end of the input; 0 when the motor stands or nothing was to be done."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.write(sys.stdout.fileno(), READY)
    orders = wait_for_end(sys.stdin.fileno())
    return 0 if orders is None or stop(orders) else 1


def wait_for_end(fd: int) -> dict[str, Any] | None:
    """
    Read orders until the input ends.

    Returns:
        How to stop the motor, None when it must not be touched.
    """
    orders: dict[str, Any] | None = None
    pending = b''
    while chunk := os.read(fd, 65536):
        *lines, pending = (pending + chunk).split(b'\n')
        for line in lines:
            message = json.loads(line)
            if 'arm' in message:
                orders = message['arm']
            elif 'disarm' in message or 'close' in message:
                orders = None
    return orders


def stop(orders: dict[str, Any]) -> bool:
    """
    Write the stop until it reads back, opening the port again whenever it fails.

    Args:
        orders: device, baudrate, parity, stop_bits, unit, timeout (s), gap (s), and writes:
            [[address, [words]], ...].

    Returns:
        True when every write read back.
    """
    deadline = time.monotonic() + GIVE_UP_AFTER
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):  # the port is gone: it may come back
            with serial.Serial(
                orders['device'], orders['baudrate'], parity=orders['parity'],
                stopbits=orders['stop_bits'], timeout=orders['timeout'], write_timeout=0.5,
            ) as port:  # fmt: skip
                while time.monotonic() < deadline:
                    if _stop_once(port, orders):
                        return True
        time.sleep(0.1)
    return False


def _stop_once(port: serial.Serial, orders: dict[str, Any]) -> bool:
    """Write everything first, then read back."""
    unit = orders['unit']
    for address, words in orders['writes']:
        _exchange(port, orders, write_request(unit, address, words), 8)
    for address, words in orders['writes']:
        reply = _exchange(
            port, orders, read_request(unit, address, len(words)), 5 + 2 * len(words)
        )
        if reply is None or reply[3:-2] != struct.pack(f'>{len(words)}H', *words):
            return False
    return True


def _exchange(
    port: serial.Serial, orders: dict[str, Any], request: bytes, length: int
) -> bytes | None:
    """Send a frame after a silence, take a reply of `length` bytes; None when none is good."""
    port.timeout = orders['gap']
    quiet_by = time.monotonic() + 0.1
    while port.read(256) and time.monotonic() < quiet_by:  # what the dead process left on the line
        pass
    port.write(request)
    port.timeout = orders['timeout'] + wire_time(length + len(request), orders['baudrate'])
    reply = port.read(length)
    good = len(reply) == length and intact(reply) and reply[:2] == request[:2]
    return reply if good else None


if __name__ == '__main__':
    sys.exit(main())
