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
"""What is asked of a serial line: requests, their urgency, and work that makes them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Generator
from dataclasses import dataclass
from dataclasses import field
from enum import IntEnum
from typing import Any
from typing import Protocol

from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.registers import Timing
from oht50_bridge.hardware.statistics import Statistics


class Priority(IntEnum):
    """Order in which waiting requests are sent; the smallest first."""

    EMERGENCY_STOP = 0
    STOP = 1
    DRIVE = 2
    POLL = 3
    SCAN = 4


@dataclass(frozen=True)
class Endpoint:
    """A board on the line: its unit address, how to talk to it, what is counted."""

    unit: int
    timing: Timing
    statistics: Statistics = field(default_factory=Statistics, compare=False)


@dataclass(frozen=True)
class Read:
    """Read `count` holding registers; `retries` when other than the endpoint's."""

    endpoint: Endpoint
    address: int
    count: int
    retries: int | None = None
    valid: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Write:
    """Write `values` from `address` on.

    `valid` is called immediately before the frame is sent. If it returns False, the generator
    receives `RequestAbandonedError` instead, so that a command that has waited cannot outlive its
    reason. It is not sent before the monotonic time `not_before`, s.
    """

    endpoint: Endpoint
    address: int
    values: tuple[int, ...]
    retries: int | None = None
    valid: Callable[[], bool] | None = None
    not_before: float = 0.0


@dataclass(frozen=True)
class Break:
    """Send one 0x00 at `baudrate`, slower than the line: a break to every receiver on it.

    Each takes it for a framing error and empties its buffer; nobody replies. Meanwhile the line
    has another speed: never on a line where something else must not wait.
    """

    endpoint: Endpoint
    baudrate: int
    retries: int | None = 0
    valid: Callable[[], bool] | None = None


Request = Read | Write | Break


@dataclass(frozen=True)
class Reply:
    """A valid reply and when it arrived.

    Attributes:
        words: registers read; empty for a write and a break.
        stamp: unix time in ns.
        read_at: monotonic time in s.
    """

    words: tuple[int, ...]
    stamp: int
    read_at: float


Steps = Generator[Request, Reply, Any]


class Worker(Protocol):
    """Recurring work on a line, such as a module."""

    def steps(self) -> Steps:
        """Run one round; the generator returns the monotonic time of the next."""

    def priority(self) -> Priority:
        """Return the urgency now; called each time the line chooses."""

    def exchanged(self, error: ModuleError | None) -> None:
        """Note the end of one of its own tries; `error` is None when it succeeded."""

    def failed(self, error: Exception) -> None:
        """Note an exception that left `steps`, or that stopped the whole line."""

    def port_lost(self, error: PortLostError) -> None:
        """Note that the port is gone; called again at each failed attempt to open it."""


def write_verified(
    endpoint: Endpoint, address: int, values: tuple[int, ...], attempts: int = 3
) -> Generator[Request, Reply, None]:
    """Write and read back; repeat where the board lost or overwrote the write.

    Raises:
        FrameError: the board does not keep the values.
    """
    found: tuple[int, ...] = ()
    for _ in range(attempts):
        yield Write(endpoint, address, values)
        found = (yield Read(endpoint, address, len(values))).words
        if found == values:
            return
    raise FrameError(
        f'0x{address:04X} reads back {list(found)} after {attempts} writes of {list(values)}'
    )
