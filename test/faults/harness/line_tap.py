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
"""A tap of serial lines: a process between the ports that a vehicle opens and those of its boards.

`python line_tap.py PORTS`, with PORTS {line: [link, target]} in JSON. It makes a pseudo-terminal
with a symbolic link for each line, passes what comes from there to `target` and back, keeps the
frames with their moments, and disturbs what passes as it is ordered: a JSON object a line on its
standard input, each answered by one on its standard output. It ends with its input.
"""

from __future__ import annotations

import contextlib
import dataclasses
import heapq
import itertools
import json
import os
import pty
import random
import selectors
import sys
import termios
import time
import tty
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from faults.harness.modbus import WRITE_MANY  # noqa: E402
from faults.harness.modbus import WRITE_ONE  # noqa: E402
from faults.harness.modbus import Splitter  # noqa: E402
from faults.harness.modbus import intact  # noqa: E402
from faults.harness.modbus import reply_length  # noqa: E402
from faults.harness.modbus import request_length  # noqa: E402
from faults.harness.modbus import sealed  # noqa: E402

PRIORITY = 13  # as that of the simulated boards: a tap that waits would be a fault of its own
UNKNOWN = 0x63  # an address that no board has
MOST_FRAMES = 200_000


@dataclasses.dataclass
class Habits:
    """How a line disturbs what passes.

    Attributes:
        unit: of which board; 0: of all of them. Bytes are lost and changed on the whole line.
        drop: probability that a byte is lost.
        flip: probability that a bit of a byte is changed.
        delay: s, added to each reply.
        duplicate: probability that a reply comes twice.
        late: probability that a reply comes only after the next request.
        foreign: probability that a reply of another board comes before a reply.
        echo: the adapter receives what it sends.
        babble: s between 24 bytes that nobody asked for; 0: none.
        garbage: number of zeros, as of a break, before each reply.
        mute_requests, mute_replies: nothing passes to the boards, or from them.
        exception: the code with which each request is refused; 0: it is not.
        refuse_writes: the code with which each write is refused; 0: it is not.

    """

    unit: int = 0
    drop: float = 0.0
    flip: float = 0.0
    delay: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    foreign: float = 0.0
    echo: bool = False
    babble: float = 0.0
    garbage: int = 0
    mute_requests: bool = False
    mute_replies: bool = False
    exception: int = 0
    refuse_writes: int = 0


class TappedLine:
    """One line: a pseudo-terminal before the port of the boards.

    Args:
        tap: the process.
        name: of the line.
        link: path of the link to the pseudo-terminal.
        target: port of the boards.

    """

    def __init__(self, tap: Tap, name: str, link: Path, target: Path) -> None:
        self.name = name
        self.habits = Habits()
        self._tap = tap
        self._link = link
        self._boards = os.open(target, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._boards)
        self._master = self._slave = -1
        self._kept = b''  # a reply that comes later
        self._sent = Splitter(request_length)
        self._arrived = Splitter(request_length)
        self._replied = Splitter(reply_length)
        self._babbles_at = 0.0
        tap.selector.register(self._boards, selectors.EVENT_READ, self._from_boards)
        self.plug()

    def plug(self) -> None:
        """Open the port, under a name that it did not have just now."""
        if self._master >= 0:
            return
        spare = pty.openpty()
        self._master, self._slave = pty.openpty()
        for fd in spare:
            os.close(fd)
        tty.setraw(self._slave)
        speed = termios.tcgetattr(self._boards)[4:6]
        attributes = termios.tcgetattr(self._slave)
        attributes[4:6] = speed
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        os.set_blocking(self._master, False)
        self._tap.selector.register(self._master, selectors.EVENT_READ, self._from_host)
        fresh = self._link.with_name(f'.{self._link.name}.new')
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self._link)

    def unplug(self) -> None:
        """Take the port away."""
        if self._master < 0:
            return
        self._link.unlink(missing_ok=True)
        self._tap.selector.unregister(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        self._kept = b''

    def _from_host(self) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self._master, 4096)
            now = time.monotonic()
            for frame in self._sent.feed(data, now):
                self._tap.keep(now, self.name, 'sent', frame)
            habits = self.habits
            if habits.echo:
                self._to_host(data)
            if habits.mute_requests and self._concerned(data):
                return
            refusal = self._refusal(data)
            if refusal:
                self._tap.at(now + 0.004, lambda: self._to_host(refusal))
                return
            self._to_boards(self._disturbed(data), now)
            if self._kept:
                kept, self._kept = self._kept, b''
                self._to_host(kept)

    def _to_boards(self, data: bytes, now: float) -> None:
        # A byte at a lower speed is a break: the boards must see it as one.
        speed = termios.tcgetattr(self._slave)[4:6]
        attributes = termios.tcgetattr(self._boards)
        if attributes[4:6] != speed:
            attributes[4:6] = speed
            termios.tcsetattr(self._boards, termios.TCSANOW, attributes)
        for frame in self._arrived.feed(data, now):
            self._tap.keep(now, self.name, 'arrived', frame)
        with contextlib.suppress(BlockingIOError):
            os.write(self._boards, data)

    def _refusal(self, request: bytes) -> bytes:
        habits = self.habits
        code = habits.exception
        if len(request) > 2 and request[1] in (WRITE_ONE, WRITE_MANY):
            code = code or habits.refuse_writes
        if not code or not intact(request) or not self._concerned(request):
            return b''
        return sealed(bytes([request[0], request[1] | 0x80, code]))

    def _from_boards(self) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self._boards, 4096)
            now = time.monotonic()
            for frame in self._replied.feed(data, now):
                self._tap.keep(now, self.name, 'replied', frame)
            habits, rng = self.habits, self._tap.rng
            if not self._concerned(data):
                self._to_host(self._disturbed(data))
                return
            if habits.mute_replies:
                return
            if rng.random() < habits.late:
                self._kept = data
                return
            if rng.random() < habits.foreign and intact(data):
                self._to_host(sealed(bytes([UNKNOWN]) + data[1:-2]))
            out = bytes(habits.garbage) + self._disturbed(data)
            if rng.random() < habits.duplicate:
                out += out
            if habits.delay:
                self._tap.at(now + habits.delay, lambda: self._to_host(out))
            else:
                self._to_host(out)

    def _concerned(self, frame: bytes) -> bool:
        return not self.habits.unit or frame[:1] == bytes([self.habits.unit])

    def _disturbed(self, data: bytes) -> bytes:
        habits, rng = self.habits, self._tap.rng
        if not habits.drop and not habits.flip:
            return data
        kept = (byte for byte in data if rng.random() >= habits.drop)
        return bytes(
            byte ^ (1 << rng.randrange(8) if rng.random() < habits.flip else 0) for byte in kept
        )

    def _to_host(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads, or the port is gone
            os.write(self._master, data)

    def babble(self, now: float) -> None:
        """Send what nobody asked for, if that is the habit."""
        if self.habits.babble and now >= self._babbles_at and self._master >= 0:
            self._babbles_at = now + self.habits.babble
            self._to_host(self._tap.rng.randbytes(24))


class Tap:
    """The process: all lines, what is due later, and the frames so far."""

    def __init__(self, ports: dict[str, list[str]], seed: int = 1) -> None:
        self.selector = selectors.DefaultSelector()
        self.rng = random.Random(seed)
        self._due: list[tuple[float, int, object]] = []
        self._order = itertools.count()
        self._frames: list[tuple[float, str, str, str]] = []
        self._input = b''
        self._lines = {
            name: TappedLine(self, name, Path(link), Path(target))
            for name, (link, target) in ports.items()
        }
        os.set_blocking(sys.stdin.fileno(), False)
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._ordered)
        self._open = True

    def keep(self, now: float, line: str, way: str, frame: bytes) -> None:
        """Keep a frame: `sent` by the host, `arrived` at the boards, or `replied` by one."""
        if len(self._frames) < MOST_FRAMES:
            self._frames.append((now, line, way, frame.hex()))

    def at(self, moment: float, action) -> None:
        """Do something at a moment, s."""
        heapq.heappush(self._due, (moment, next(self._order), action))

    def run(self) -> None:
        """Pass bytes until the input ends."""
        self._answer({})
        while self._open:
            now = time.monotonic()
            wait = self._due[0][0] - now if self._due else 0.5
            if any(line.habits.babble for line in self._lines.values()):
                wait = min(wait, 0.002)
            for key, _ in self.selector.select(max(wait, 0.0)):
                key.data()
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            for line in self._lines.values():
                line.babble(now)
        for line in self._lines.values():
            line.unplug()

    def _ordered(self) -> None:
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            self._open = False
            return
        *lines, self._input = (self._input + data).split(b'\n')
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order: dict) -> None:
        """Carry out {'habits': {...}, 'line': name}, {'unplug': name}, {'plug': name}, {}.

        Each answer holds the frames since the one before when the order has `frames`.
        """
        if 'habits' in order:
            self._lines[order['line']].habits = Habits(**order['habits'])
        for action in ('plug', 'unplug'):
            if action in order:
                getattr(self._lines[order[action]], action)()
        answer: dict = {'now': time.monotonic()}
        if order.get('frames'):
            answer['frames'], self._frames = self._frames, []
        self._answer(answer)

    def _answer(self, answer: dict) -> None:
        sys.stdout.write(json.dumps(answer) + '\n')
        sys.stdout.flush()


def main() -> None:
    """Run the tap at the priority of the boards, where that is permitted."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    Tap(json.loads(sys.argv[1])).run()


if __name__ == '__main__':
    main()
