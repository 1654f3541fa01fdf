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
"""Stops the motor when hardware_node dies or hangs.

`python -m oht50_bridge.hardware.watchdog.process` is a small process that reads its standard
input. hardware_node sends it, one line each: how to stop the motor (`arm`, a JSON object); that it
must not touch the line (`disarm`, while the register layout is not confirmed); that the motor
stands (`close`); and a pulse after every exchange with the motor. When the input ends without
`close`, or an armed process receives no pulse for `PULSE_TIMEOUT`, it opens the port, writes the
stop and reads it back until it holds. When a pulse arrives again, it gives the line back before
the next exchange.

It answers every input by a byte on its standard output, so that hardware_node knows that it runs.
It ignores SIGINT and SIGTERM, which reach a whole process group, and ends when its input ends. It
uses only the standard library and pyserial, to start quickly and to stay small.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import select
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
from oht50_bridge.hardware.watchdog.protocol import ANSWERED
from oht50_bridge.hardware.watchdog.protocol import LOST
from oht50_bridge.hardware.watchdog.protocol import PULSE_TIMEOUT
from oht50_bridge.hardware.watchdog.protocol import TRUST
from oht50_bridge.hardware.watchdog.protocol import WAITING
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import request_priority
from oht50_bridge.signals import ignore_signals

GIVE_UP_AFTER = 30.0  # s of attempts after the end of the input
_NEW_OWNER_AFTER = (
    1.0  # s after the end of the input: a process that holds the port's lock now is new
)
_LAST_LOOK = 0.050  # s of the pulse timeout that are waited for separately: see `wait_for_need`
_HOLD_PERIOD = 0.100  # s between checks that the motor still stands
_RETRY_PAUSE = 0.020  # s with the port closed after a failed attempt
_TALK = b'.'


class HardwareResumedError(Exception):
    """hardware_node sends pulses again."""


class Inbox:
    """What hardware_node has sent.

    Attributes:
        orders: how to stop the motor, None while it must not be touched: device, baudrate,
            parity, stop_bits, unit, timeout (s), gap (s), settle (s), writes [[address, [words]],
            ...], and checks [[address, [[lowest, highest word], ...]], ...] that identify it.
        trusted_at: monotonic time of the last sign that the board is the one of the orders.
        ended_at: monotonic time at which the end of the input was seen; infinity before.
    """

    def __init__(self, fd: int, answer_fd: int) -> None:
        self.orders: dict[str, Any] | None = None
        self.trusted_at = -math.inf
        self.ended_at = math.inf
        self._fd = fd
        self._answer_fd = answer_fd
        self._pending = b''

    @property
    def ended(self) -> bool:
        """Whether hardware_node is gone."""
        return self.ended_at < math.inf

    def listen(self, timeout: float | None) -> bool:
        """Read what arrives within `timeout` s (None: no limit); return False on silence."""
        if not select.select([self._fd], [], [], timeout)[0]:
            return False
        chunk = os.read(self._fd, 65536)
        if not chunk:
            self.ended_at = time.monotonic()
            return True
        *lines, self._pending = (self._pending + chunk).split(b'\n')
        for line in lines:
            self._take(line)
        self.answer()
        return True

    def answer(self) -> None:
        """Answer that this process runs."""
        with contextlib.suppress(OSError):  # nobody reads
            os.write(self._answer_fd, _TALK)

    def _take(self, line: bytes) -> None:
        if line == ANSWERED:
            self.trusted_at = time.monotonic()
        elif line == LOST:
            self.trusted_at = -math.inf
        elif line != WAITING:
            message = json.loads(line)
            self.orders = message.get('arm')  # `disarm` and `close` take them away
            self.trusted_at = time.monotonic()


def main() -> int:
    """Listen until the end of the input; 0 when the motor stands or nothing was to be done."""
    ignore_signals(signal.SIGHUP)
    request_priority(RealtimePriority.WATCHDOG)  # the supervisor logs what it got
    os.set_blocking(sys.stdout.fileno(), False)
    inbox = Inbox(sys.stdin.fileno(), sys.stdout.fileno())
    inbox.answer()
    while True:
        wait_for_need(inbox)
        if inbox.orders is None:
            return 0
        stands = stop(inbox, inbox.orders)
        if inbox.ended:
            return 0 if stands else 1


def wait_for_need(inbox: Inbox) -> None:
    """Return at the end of the input, or armed and without a pulse for `PULSE_TIMEOUT`.

    The last part of that time is waited for by itself: when the whole machine has stood still,
    hardware_node gets its turn before it is judged.
    """
    while not inbox.ended:
        if inbox.orders is None:
            inbox.listen(None)
        elif not inbox.listen(PULSE_TIMEOUT - _LAST_LOOK) and not inbox.listen(_LAST_LOOK):
            return


def stop(inbox: Inbox, orders: dict[str, Any]) -> bool:
    """Stop the motor and keep it stopped, opening the port again whenever it fails.

    Returns:
        True when hardware_node is gone and the stop reads back; False when it is heard
        again, when a new one owns the port, or after GIVE_UP_AFTER.
    """
    try:
        while time.monotonic() < inbox.ended_at + GIVE_UP_AFTER:
            # An OSError: the port is gone, but may come back.
            with contextlib.suppress(OSError), _open(inbox, orders) as port:
                if port is None:
                    return False
                stopper = _Stopper(inbox, orders, port)
                while stopper.attempt():
                    if inbox.ended:
                        return True
                    stopper.pause(_HOLD_PERIOD)
            _pause(inbox, _RETRY_PAUSE)
    except HardwareResumedError:
        pass
    return False


@contextlib.contextmanager
def _open(inbox: Inbox, orders: dict[str, Any]) -> Any:
    """Open the port; with its lock, unless a hung process still has that.

    Gives None when a new hardware process has the lock: it begins with a stop itself.
    """
    port = serial.Serial(
        orders['device'], orders['baudrate'], parity=orders['parity'],
        stopbits=orders['stop_bits'], timeout=orders['timeout'], write_timeout=0.5,
    )  # fmt: skip
    with port:
        if inbox.ended:
            try:
                fcntl.flock(port.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > inbox.ended_at + _NEW_OWNER_AFTER:
                    yield None
                    return
        yield port


def _pause(inbox: Inbox, seconds: float) -> None:
    """Wait the whole time, or raise HardwareResumedError."""
    until = time.monotonic() + seconds
    while not inbox.ended and (left := until - time.monotonic()) > 0:
        if inbox.listen(left) and not inbox.ended:
            raise HardwareResumedError
    time.sleep(max(until - time.monotonic(), 0.0))


class _Stopper:
    """Exchanges with the motor's board through an open port."""

    def __init__(self, inbox: Inbox, orders: dict[str, Any], port: serial.Serial) -> None:
        self._inbox = inbox
        self._orders = orders
        self._port = port
        self._stands = False

    def attempt(self) -> bool:
        """Write everything, unless it stood before, then read back; True when it stands."""
        if not self._trusted() and not self._confirm():
            return False
        if not self._stands:
            for address, words in self._orders['writes']:
                self._exchange(write_request(self._orders['unit'], address, words), 8)
            self.pause(self._orders['settle'])
        self._stands = all(
            self._read(address, len(words)) == tuple(words)
            for address, words in self._orders['writes']
        )
        return self._stands

    def pause(self, seconds: float) -> None:
        """Wait, or raise HardwareResumedError."""
        _pause(self._inbox, seconds)

    def _trusted(self) -> bool:
        return time.monotonic() - self._inbox.trusted_at < TRUST

    def _confirm(self) -> bool:
        """Tell whether the board is still the one the orders are for."""
        for address, allowed in self._orders['checks']:
            words = self._read(address, 1)
            if words is None or not any(low <= words[0] <= high for low, high in allowed):
                return False
        self._inbox.trusted_at = time.monotonic()
        return True

    def _read(self, address: int, count: int) -> tuple[int, ...] | None:
        request = read_request(self._orders['unit'], address, count)
        reply = self._exchange(request, 5 + 2 * count)
        return None if reply is None else struct.unpack(f'>{count}H', reply[3:-2])

    def _exchange(self, request: bytes, length: int) -> bytes | None:
        """Send a frame after a silence, take a reply of `length` bytes; None when none is good.

        Raises:
            HardwareResumedError: hardware_node is at work; nothing was sent.
        """
        port, orders = self._port, self._orders
        port.timeout = orders['gap']
        quiet_by = time.monotonic() + 0.1
        while port.read(256) and time.monotonic() < quiet_by:  # what is left on the line
            pass
        if not self._inbox.ended and self._inbox.listen(0) and not self._inbox.ended:
            raise HardwareResumedError
        port.write(request)
        port.timeout = orders['timeout'] + wire_time(length + len(request), orders['baudrate'])
        reply = port.read(length)
        if len(reply) != length or not intact(reply) or reply[:2] != request[:2]:
            return None
        if self._trusted():
            self._inbox.trusted_at = time.monotonic()
        return bytes(reply)


if __name__ == '__main__':
    sys.exit(main())
